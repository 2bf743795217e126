"""A text in pieces, and the three forms that it takes: plain text, Markdown, HTML.

The pieces hold strangers' text as people shall see it; each form makes it harmless in its own way.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.rules import plain

_LONGEST_VALUE = 1000
_SHORT = 32
# What can stand between the parentheses of a link; ids of strangers may be part of it.
_ADDRESS = re.compile(r"https?://[\w.~:/?#@!$&'*+,;=%-]+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A sentence. `hint`: something to be noticed."""

    text: str
    hint: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """A value and what it is. `code`: to be copied as it stands; `link`: an address."""

    label: str
    value: str
    code: bool = False
    link: bool = False


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One notice among several: its title, what matters of it, its id."""

    title: str
    detail: str
    notice_id: str


Part = Line | Row | Entry


def value(given: object) -> str:
    """Strangers' text, cleaned and bounded."""
    return plain.text(given, _LONGEST_VALUE)


def as_text(parts: Iterable[Part]) -> str:
    """Plain text, one line for each part."""
    return "\n".join(map(_text_line, parts))


def _text_line(part: Part) -> str:
    match part:
        case Row():
            return f"{part.label}: {part.value}"
        case Entry():
            return " · ".join(filter(None, (part.title, part.detail, part.notice_id)))
        case _:
            return part.text


def as_markdown(parts: Iterable[Part]) -> str:
    """CommonMark: bold labels, code, lists; each line ends in a hard break."""
    return "  \n".join(map(_markdown_line, parts))


def _markdown_line(part: Part) -> str:
    match part:
        case Row():
            return f"**{plain.markdown(part.label)}:** {_markdown_value(part)}"
        case Entry():
            detail = f": {plain.markdown(part.detail)}" if part.detail else ""
            return f"- **{plain.markdown(part.title)}**{detail} · {part.notice_id}"
        case _:
            return f"**{plain.markdown(part.text)}**" if part.hint else plain.markdown(part.text)


def _markdown_value(row: Row) -> str:
    if row.code and "`" not in row.value:
        return f"`{row.value}`"
    if row.link and _ADDRESS.fullmatch(row.value):
        return f"[{plain.markdown(row.value)}]({row.value})"
    return plain.markdown(row.value)


def for_layout(parts: Sequence[Part]) -> list[dict[str, object]]:
    """What the layout of mails shows, in order: each part with its type; `short` where label and value fit beside each
    other on a phone."""
    return [{"type": type(part).__name__.lower(), "short": _is_short(part), **vars(part)} for part in parts]


def _is_short(part: Part) -> bool:
    return isinstance(part, Row) and not part.code and not part.link and len(part.value) <= _SHORT
