"""What in an Apprise URL, and in the plugin made of it, is secret."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote
from urllib.request import getproxies

from apprise.plugins.base import NotifyBase

from service.notifier.mail import Mail
from service.rules import masking

_SEPARATORS = re.compile(r"[/?&=:@#,]")
_PRIVATE = re.compile(r"pass|token|secret|key|auth|cookie|session|hook", re.IGNORECASE)
# Mixed like this, it is a token and no word of the owner's.
_TOKEN = re.compile(r"(?=.*\d)(?=.*[A-Za-z]).{12,}|.{24,}")
_SHORTEST = 4


def mask(url: str, plugin: NotifyBase, shown: str) -> masking.Mask:
    """Cuts every piece of the URL that may be a token out of a text about this destination, but for `shown`.

    Made anew for each text: plugins collect tokens as they log in.
    """
    return masking.Mask(_pieces(url, plugin) - {shown, str(plugin.port)}, shortest=_SHORTEST)


def publish(url: str, plugin: NotifyBase, shown: str) -> None:
    """Make known what must not be in any log line; a mere word of a path may."""
    pieces = {piece for piece in _pieces(url, plugin) if _TOKEN.fullmatch(piece)}
    login = {word for word in (plugin.password, *_of_proxies()) if word}
    masking.KNOWN.learn(*(pieces | login) - {shown})


def _of_proxies() -> set[str]:
    return {word for proxy in getproxies().values() for word in masking.in_url(proxy)}


def _pieces(url: str, plugin: NotifyBase) -> set[str]:
    # Some keep what they are given at login in Apprise's store, which is in memory.
    stored = {name: plugin.store.get(name) for name in plugin.store.keys()}  # noqa: SIM118 - it is no mapping
    found = _of_proxies() | set(_words(vars(plugin))) | set(_words(stored))
    if isinstance(plugin, Mail):
        return found
    address, _, query = url.partition("://")[2].partition("?")
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if not _is_a_setting(plugin, name):
            found |= {value, *_SEPARATORS.split(value)}
    login = address.rpartition("@")[0]
    return found | {login, unquote(login).partition(":")[2], *_SEPARATORS.split(address)}


def _is_a_setting(plugin: NotifyBase, name: str) -> bool:
    """A switch, a number, a choice: known words, and no secret among them."""
    kind = str(plugin.template_args.get(name.lower(), {}).get("type", "string"))
    return kind.startswith(("bool", "int", "float", "choice"))


def _words(values: Mapping[Any, Any]) -> Iterator[str]:
    """What is kept under a name that speaks of secrets."""
    for name, value in list(values.items()):
        private = _PRIVATE.search(str(name))
        if isinstance(value, dict):
            yield from _words(value)
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
        yield from (item for item in items if private and isinstance(item, str))
