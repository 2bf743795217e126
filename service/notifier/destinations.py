"""Apprise URLs to destinations: which they are, what to call them, what in them is secret."""

import hashlib
import logging
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from apprise import Apprise, AppriseAsset, OverflowMode
from apprise.plugins import url_to_dict
from apprise.plugins.base import NotifyBase
from apprise.plugins.email.base import NotifyEmail
from apprise.url import URLBase
from apprise.utils.parse import parse_urls

from service.notifier import secrets
from service.notifier.mail import Mail
from service.notifier.webhook import Webhook
from service.rules import masking

# Who is asked again too early gets a notice twice: a mail server may scan what it was given before it accepts it, a
# webhook may wake a machine. How long an attempt may take is the notifier's business; this is for dead connections.
_ANSWER_SECONDS = 300
# Their host is an address of the owner's, not a token, so it may be shown.
_SHOW_HOST = ("json", "jsons", "form", "forms", "xml", "xmls", "ntfy", "matrix", "mmost", "gotify", "apprise")
# But for these: at the services themselves, the host of ntfy:// is the topic, that of matrix:// the token.
_HOST_IS_SECRET = ("cloud", "t2bot")
_LONGEST_NAME = 20

# Plugins that we extend.
_OURS: dict[str, type[Mail] | type[Webhook]] = {"mailto": Mail, "mailtos": Mail, "json": Webhook, "jsons": Webhook}

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
    """One destination as Apprise sees it. `label` shows no secret."""

    key: str
    label: str
    plugin: NotifyBase
    url: str = field(repr=False)

    def mask(self) -> masking.Mask:
        """Cuts the destination's secrets out of a text about it."""
        return secrets.mask(self.url, self.plugin, _host(self.url, self.plugin))


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
        plugin.socket_connect_timeout = _ANSWER_SECONDS
    if "rto=" not in url and isinstance(plugin, URLBase):
        # Apprise's own four seconds would count a slow but successful webhook as failed, and send it twice.
        plugin.socket_read_timeout = _ANSWER_SECONDS
    if "overflow=" not in url:
        # A text longer than the service takes would be refused again and again; shortened, it arrives.
        plugin.overflow_mode = OverflowMode.TRUNCATE
    parts = plugin.one_per_recipient() if isinstance(plugin, Mail) else [plugin]
    return [_target(channel, url, part) for part in parts]


def _instantiate(url: str) -> NotifyBase | None:
    _silence()
    given = url_to_dict(url)
    if given and (kind := _OURS.get(given.get("schema", ""))):
        try:
            return kind(**{**given, "asset": _ASSET, "tag": set()})
        except TypeError:  # Apprise's way to refuse a URL
            return None
    return Apprise.instantiate(url, asset=_ASSET)


def _silence() -> None:
    """Apprise and its libraries log on their own, whole addresses among it, from the first look at a URL.

    What matters of it is in our errors, without the secrets.
    """
    for name in ("apprise", "urllib3", "requests_oauthlib", "oauthlib"):
        logger = logging.getLogger(name)
        logger.propagate = False
        if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            logger.addHandler(logging.NullHandler())
    # Only for debugging do the plugins say why a connection failed.
    logging.getLogger("apprise").setLevel(logging.DEBUG)


def _target(channel: str, url: str, plugin: NotifyBase) -> Target:
    mail_to = ", ".join(address for _, address in plugin.targets) if isinstance(plugin, Mail) else ""
    # A mailbox is the same whatever password the server asks for.
    key = hashlib.sha256(f"{channel}\0{mail_to or url}".encode()).hexdigest()[:16]
    secrets.publish(url, plugin, _host(url, plugin))
    return Target(key=key, label=_label(url, plugin, mail_to, key), plugin=plugin, url=url)


def _label(url: str, plugin: NotifyBase, mail_to: str, key: str) -> str:
    if mail_to:
        return f"mail to {mail_to}"
    if host := _host(url, plugin):
        port = f":{plugin.port}" if plugin.port else ""
        return f"{url.partition('://')[0].lower()}://{host}{port} #{key[:4]}"
    return f"{plugin.service_name} #{key[:4]}"


def _host(url: str, plugin: NotifyBase) -> str:
    """The host, where it may be shown, else nothing."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in _SHOW_HOST or getattr(plugin, "mode", None) in _HOST_IS_SECRET:
        return ""
    if len(host) > _LONGEST_NAME and not set(host) & {".", ":"}:
        return ""  # rather a token
    # Of a login with a sign in it that should have been quoted, Apprise may take a piece for the host.
    return host if host == str(plugin.host).strip("[]").lower() else ""
