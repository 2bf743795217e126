"""Apprise URLs to destinations: which they are, what to call them, what in them is secret."""

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, quote_plus, unquote, urlsplit

from apprise import Apprise, AppriseAsset, OverflowMode
from apprise.plugins import url_to_dict
from apprise.plugins.base import NotifyBase
from apprise.plugins.email.base import NotifyEmail
from apprise.url import URLBase
from apprise.utils.parse import parse_urls

from service.notifier.mail import Mail

_READ_SECONDS = 20
# A mail server may scan what it was given before it accepts it; asked again too early, it gets the mail twice.
_MAIL_SECONDS = 300
# Their host is an address of the owner's, not a token, so it may be shown.
_SHOW_HOST = ("json", "jsons", "form", "forms", "xml", "xmls", "ntfy", "matrix", "mmost", "gotify", "apprise")

_ASSET = AppriseAsset(
    app_id="tunewatch",
    app_desc="tunewatch",
    async_mode=False,
    secure_logging=True,
    # Its own limit would need a pool of few threads that all destinations share: those that hang would stop the rest.
    service_timeout=0,
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """One destination as Apprise sees it. `label` shows no secret; `secrets` are to be cut out of error texts."""

    key: str
    label: str
    plugin: NotifyBase
    secrets: tuple[str, ...]


def split(value: str) -> list[str]:
    """The URLs in a string that holds one or several, separated by spaces or commas."""
    return list(parse_urls(value))


def fault(url: str) -> str | None:
    """Why Apprise cannot use this URL, None when it can. Sends nothing and shows nothing of the URL but its schema."""
    schema = re.match(r"[a-z0-9+.-]+(?=://)", url, re.IGNORECASE)
    if not schema:
        return "it is not a URL"
    plugin = _instantiate(url)
    if plugin is None:
        return f"Apprise does not accept it as a {schema.group()}:// URL"
    if isinstance(plugin, NotifyEmail) and not plugin.targets:
        return "it names no valid recipient"
    return None


def targets(channel: str, url: str) -> list[Target]:
    """The destinations behind one URL: one, or for mail one per recipient."""
    plugin = _instantiate(url)
    if plugin is None:
        return []
    if isinstance(plugin, Mail) and "cto=" not in url:
        plugin.socket_connect_timeout = _MAIL_SECONDS
    if "rto=" not in url and isinstance(plugin, URLBase):
        # Apprise's own four seconds would count a slow but successful webhook as failed, and send it twice.
        plugin.socket_read_timeout = _READ_SECONDS
    if "overflow=" not in url:
        # A text longer than the service takes would be refused again and again; shortened, it arrives.
        plugin.overflow_mode = OverflowMode.TRUNCATE
    parts = plugin.one_per_recipient() if isinstance(plugin, Mail) else [plugin]
    return [_target(channel, url, part) for part in parts]


def _instantiate(url: str) -> NotifyBase | None:
    given = url_to_dict(url)
    if given and given.get("schema") in ("mailto", "mailtos"):
        try:
            return Mail(**{**given, "asset": _ASSET, "tag": set()})
        except TypeError:  # Apprise's way to refuse a mail URL
            return None
    return Apprise.instantiate(url, asset=_ASSET)


def _target(channel: str, url: str, plugin: NotifyBase) -> Target:
    mail_to = ", ".join(address for _, address in plugin.targets) if isinstance(plugin, Mail) else ""
    # A mailbox is the same whatever password the server asks for.
    key = hashlib.sha256(f"{channel}\0{mail_to or url}".encode()).hexdigest()[:16]
    return Target(key=key, label=_label(url, plugin, mail_to, key), plugin=plugin, secrets=_secrets(url, plugin))


def _label(url: str, plugin: NotifyBase, mail_to: str, key: str) -> str:
    if mail_to:
        return f"mail to {mail_to}"
    parts = urlsplit(url)
    if _shows_host(parts):
        port = f":{plugin.port}" if plugin.port else ""
        return f"{parts.scheme}://{parts.hostname}{port} #{key[:4]}"
    return f"{plugin.service_name} #{key[:4]}"


def _secrets(url: str, plugin: NotifyBase) -> tuple[str, ...]:
    """Every piece of the URL that may be a token, in every spelling an error text may have, longest first."""
    if isinstance(plugin, Mail):
        pieces = {plugin.password or ""}
    else:
        address = url.partition("://")[2]
        pieces = set(re.split(r"[/?&=:@#]", address))
        if _shows_host(urlsplit(url)):
            pieces -= {urlsplit(url).hostname, str(plugin.port)}
    pieces |= {unquote(piece) for piece in pieces}
    pieces |= {spelt(piece) for piece in pieces for spelt in (quote, quote_plus)}
    pieces |= {re.sub("%[0-9a-f]{2}", lambda code: code.group().upper(), piece) for piece in pieces}
    return tuple(sorted((piece for piece in pieces if len(piece) > 3), key=len, reverse=True))


def _shows_host(parts: SplitResult) -> bool:
    # The host of ntfy://topic is the topic, which is all it takes to read along.
    return (
        parts.scheme in _SHOW_HOST and bool(parts.hostname) and (parts.scheme != "ntfy" or parts.path.strip("/") != "")
    )
