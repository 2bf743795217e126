"""What troubles have in common: one cause is told once, however its words vary from look to look."""

import re
from datetime import datetime

from service.rules import patience

# Of more than so many nobody would read the rest; a server that words each answer anew must not fill the disk.
MOST = 20
# A cause that was not met for so long is news again; some are only met when everything is read.
FORGOTTEN_AFTER = 2 * patience.FULL_READ_EVERY

_WITH_DIGITS = re.compile(r"\S*\d\S*")
_HTTP_STATUS = re.compile(r"(\(\d{3}\)|error=\d{3})\W?")


def reduced(text: str) -> str:
    """What stays of the words of a trouble when what varies is left out.

    Numbers, times, addresses and the ids of requests have digits in them; the HTTP status, as in `(503)` and
    `error=503`, is kept.
    """
    return _WITH_DIGITS.sub(lambda word: word[0] if _HTTP_STATUS.fullmatch(word[0]) else "#", text)


def is_other(text: str, *before: str | None) -> bool:
    """Whether the cause is none of those `before`."""
    return reduced(text) not in [reduced(each) for each in before if each]


class Told:
    """The causes that were told of one thing; at most MOST of them."""

    def __init__(self) -> None:
        self._met: dict[str, datetime] = {}

    def is_news(self, text: str, now: datetime) -> bool:
        """Whether this trouble has to be told: from then on its cause counts as told, for as long as it is met."""
        self._met = {cause: met for cause, met in self._met.items() if abs(now - met) < FORGOTTEN_AFTER}
        cause = reduced(text)
        news = cause not in self._met and len(self._met) < MOST
        if news or cause in self._met:
            self._met[cause] = now
        return news

    def forget(self) -> None:
        """It is over: whatever comes next is news."""
        self._met.clear()
