"""What of a message must arrive, also where little room is: on a pager as in a mail."""

from apprise import NotifyFormat
from apprise.conversion import convert_between
from apprise.plugins.base import NotifyBase

from service import model

# What Apprise puts around a title that has to stand in the text: line ends, marks of a heading, room for a count.
_AROUND_A_TITLE = 16


def fitted(message: model.Message, plugin: NotifyBase) -> tuple[str, str]:
    """Title and body such that Apprise, which cuts what is too long at its end, leaves the first two lines.

    They say what happened and which notice it is. For their sake the title goes, and at last the middle of the first:
    in it stands a name that somebody else chose.
    """
    title, body = message.title, message.body
    head, gap, rest = body.partition("\n\n")
    shares = plugin.title_maxlen <= 0 or plugin.overflow_amalgamate_title
    room = plugin.body_maxlen - _surplus(head, plugin)
    if shares and len(title) + _AROUND_A_TITLE + len(head) > room:
        title = ""
    if len(head) > room:
        opening, _, mark = head.partition("\n")
        head = f"{_without_middle(opening, room - len(mark) - 1)}\n{mark}"
    return title, f"{head}{gap}{rest}"


def _surplus(text: str, plugin: NotifyBase) -> int:
    """By how much it grows in the format that Apprise turns it into."""
    return len(convert_between(NotifyFormat.TEXT, plugin.resolve_format(NotifyFormat.TEXT), text)) - len(text)


def _without_middle(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    end = max(limit - 1, 0) // 2
    return f"{text[: max(limit - 1, 0) - end]}…{text[len(text) - end :]}"
