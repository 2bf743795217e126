"""In which form a service gets its text: plain, Markdown or HTML, so that it shows as it is meant.

What the composer calls Markdown is CommonMark with a backslash before each sign of a stranger that would begin
something. Not every service that speaks of Markdown means that.
"""

import functools
import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apprise import NotifyFormat
from apprise.conversion import markdown_to_html
from apprise.plugins.base import NotifyBase

from service import model
from service.rules import plain

# They show more than the plain text that Apprise sends them by itself; for Mattermost and Zulip it even knows no other.
# What it makes of Markdown for Matrix it cuts at the length that the Markdown had.
_SHOW_MORE = {
    "discord": NotifyFormat.MARKDOWN,
    "guilded": NotifyFormat.MARKDOWN,
    "matrixs": NotifyFormat.HTML,
    "mmosts": NotifyFormat.MARKDOWN,
    "zulip": NotifyFormat.MARKDOWN,
}
# A backslash before a sign is seen by nobody there. Elsewhere it is, or it does not help.
_KNOW_ESCAPES = ("discord", "github", "guilded", "kook", "mmosts", "webex", "zulip")
# They put the title before the text, where its signs work as well.
_TITLE_IN_TEXT = ("discord", "guilded", "mmosts")
# Adaptive cards know bold, italics, links and lists, and a line break only as a paragraph.
_CARDS = ("workflow", "workflows")

_ESCAPED_OR_CODE = re.compile(
    r"""
      \\(?P<sign>[!-/:-@[-`{-~])
    | (?<!`)(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)
    """,
    re.VERBOSE,
)
# What begins nothing anywhere and looks the same.
_ALIKE = {"*": "∗", "~": "∼", "`": "ˋ", "_": "\u200b_\u200b"}


@dataclass(frozen=True, kw_only=True)
class Form:
    """A message as Apprise gets it."""

    title: str
    body: str
    format: NotifyFormat


def service(plugin: NotifyBase) -> str:
    """The schema of a service's URLs, the secure one where there are two."""
    secure: Any = plugin.secure_protocol
    insecure: Any = plugin.protocol
    names = secure or insecure
    return str(names if isinstance(names, str) else names[0])


def text(message: model.Message) -> Form:
    """The form that arrives everywhere."""
    return Form(title=message.title, body=message.body, format=NotifyFormat.TEXT)


def best(message: model.Message, plugin: NotifyBase) -> Form:
    """The form that the service shows best, or that its URL asks for."""
    spoken = _spoken(plugin)
    if message.markdown is None or spoken is NotifyFormat.TEXT:
        return text(message)
    # Otherwise a field of its own shows the title as it is.
    within = plugin.title_maxlen <= 0
    if spoken is NotifyFormat.HTML:
        title = html.escape(message.title) if within else message.title
        # Where the HTML is made plain again, a line end after a break would be another.
        body = markdown_to_html(message.markdown).replace("<br />\n", "<br />")
        return Form(title=title, body=body, format=spoken)
    adapted = _dialect(plugin)
    title = message.title
    if within or service(plugin) in (*_TITLE_IN_TEXT, *_CARDS):
        title = adapted(plain.markdown(title))
    if service(plugin) in _TITLE_IN_TEXT:
        title = f"**{title}**"
    return Form(title=title, body=adapted(message.markdown), format=spoken)


def _spoken(plugin: NotifyBase) -> NotifyFormat:
    asked = plugin._format_override is not None or "notify_format" in vars(plugin)
    return plugin.resolve_format() if asked else _SHOW_MORE.get(service(plugin), plugin.resolve_format())


def _dialect(plugin: NotifyBase) -> Callable[[str], str]:
    if service(plugin) in _CARDS:
        return _for_cards
    if service(plugin) in _KNOW_ESCAPES:
        return str
    # Apprise's own conversions make entities of these where they have to be, and take the backslash away elsewhere.
    converts = type(plugin).dialect_convert is not NotifyBase.dialect_convert
    return functools.partial(_without_escapes, left="<>" if converts else "")


def _without_escapes(markdown: str, left: str) -> str:
    def replaced(match: re.Match[str]) -> str:
        sign = match["sign"]
        return _ALIKE.get(sign, sign) if sign and sign not in left else match[0]

    return _ESCAPED_OR_CODE.sub(replaced, markdown)


def _for_cards(markdown: str) -> str:
    def replaced(match: re.Match[str]) -> str:
        if match["sign"]:
            return _ALIKE.get(match["sign"], match["sign"])
        return re.sub(r"[*~]", lambda sign: _ALIKE[sign[0]], match["code"])

    lines = [line.rstrip() for line in _ESCAPED_OR_CODE.sub(replaced, markdown).splitlines()]
    return re.sub(r"\n+(?!\n|- )|\n{2,}", "\n\n", "\n".join(lines))
