"""What of a message must arrive, also where little room is: on a pager as in a mail."""

import bisect
import dataclasses
import json
import sys

from apprise import NotifyFormat, OverflowMode
from apprise.conversion import convert_between
from apprise.plugins.base import NotifyBase

from service import model
from service.notifier import flavours

# What Apprise puts around a title that has to stand in the text: line ends, marks of a heading, room for a count.
_AROUND_A_TITLE = 16
# Longer than any that the composer makes.
_LONGEST_TITLE = 150
_MUST_ARRIVE = 2
# Of more octets, ntfy makes a file beside a message that is empty, and so does Apprise.
_MOST_OCTETS = {"ntfys": 3500}


def room(plugin: NotifyBase) -> int:
    """How many characters a text may have, with a title beside it."""
    # A character has up to three octets, but for rare ones.
    most = min(int(plugin.body_maxlen), _most_octets(plugin) // 3)
    return max(most - _LONGEST_TITLE, most // 2) if _shares(plugin) else most


def fitted(message: model.Message, plugin: NotifyBase) -> flavours.Form:
    """The message in the service's best form such that Apprise, which cuts what is too long, leaves its first two
    lines.

    They say what happened and which notice it is. Of a form with markup, whole rows go from the end; where not even
    the two lines fit with it, the text goes without markup.
    """
    best = flavours.best(message, plugin)
    if best.format is NotifyFormat.TEXT:
        return _plain(message, plugin)
    # An owner may ask for several messages instead of a short one.
    if _fits(best, plugin) or plugin.overflow_mode is not OverflowMode.TRUNCATE:
        return best
    return _whole_rows(message, plugin) or _plain(message, plugin)


def _whole_rows(message: model.Message, plugin: NotifyBase) -> flavours.Form | None:
    rows = (message.markdown or "").split("\n")

    def shortened(count: int) -> flavours.Form:
        markdown = "\n".join([*rows[:count], "", "…"])
        return flavours.best(dataclasses.replace(message, markdown=markdown), plugin)

    counts = range(_MUST_ARRIVE, len(rows))
    fitting = bisect.bisect_left(counts, True, key=lambda count: not _fits(shortened(count), plugin))
    return shortened(counts[fitting - 1]) if fitting else None


def _fits(form: flavours.Form, plugin: NotifyBase) -> bool:
    # Apprise measures it before and after it is made the service's own.
    longest = max(len(form.body), len(plugin.dialect_convert(form.body, form.format)))
    title = len(form.title) + _AROUND_A_TITLE if _shares(plugin) else 0
    return longest + title <= int(plugin.body_maxlen) and _octets(form.body) <= _most_octets(plugin)


def _plain(message: model.Message, plugin: NotifyBase) -> flavours.Form:
    """For their sake the title goes, and at last the middle of the first: in it stands a name that somebody else
    chose."""
    title, body = message.title, message.body
    head, gap, rest = body.partition("\n\n")
    most = int(plugin.body_maxlen) - _surplus(head, plugin)
    if _shares(plugin) and len(title) + _AROUND_A_TITLE + len(head) > most:
        title = ""
    if len(head) > most:
        opening, _, mark = head.partition("\n")
        head = f"{_without_middle(opening, most - len(mark) - 1)}\n{mark}"
    body = _within(f"{head}{gap}{rest}", _most_octets(plugin))
    return flavours.Form(title=title, body=body, format=NotifyFormat.TEXT)


def _shares(plugin: NotifyBase) -> bool:
    """Whether the title takes of the text's room."""
    return plugin.title_maxlen <= 0 or plugin.overflow_amalgamate_title


def _surplus(text: str, plugin: NotifyBase) -> int:
    """By how much it grows in the format that Apprise turns it into."""
    return len(convert_between(NotifyFormat.TEXT, plugin.resolve_format(NotifyFormat.TEXT), text)) - len(text)


def _most_octets(plugin: NotifyBase) -> int:
    return _MOST_OCTETS.get(flavours.service(plugin), sys.maxsize)


def _octets(text: str) -> int:
    """As UTF-8; or half of it in JSON, where what is not ASCII is written as escapes, and the double is allowed."""
    return max(len(text.encode()), len(json.dumps(text)) // 2)


def _within(text: str, most: int) -> str:
    if _octets(text) <= most:
        return text
    count = bisect.bisect_right(range(len(text)), most, key=lambda end: _octets(text[:end] + "…"))
    return text[: count - 1] + "…"


def _without_middle(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    end = max(limit - 1, 0) // 2
    return f"{text[: max(limit - 1, 0) - end]}…{text[len(text) - end :]}"
