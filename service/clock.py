"""Time as the house uses it: aware UTC datetimes in whole seconds, durations as timedelta."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the edges of the program get the time from; everything below takes it as an argument."""

    def now(self) -> datetime:
        """The wall clock: aware, UTC, whole seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever grow; for measuring, never for writing down."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0)

    def monotonic(self) -> float:
        return time.monotonic()


def to_text(moment: datetime) -> str:
    """ISO-8601 in UTC, whole seconds, with `Z`: sorts as text in the order of time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_text(text: str) -> datetime:
    """The inverse of `to_text`; reads any ISO-8601 text, one without an offset as UTC.

    Raises ValueError for anything else.
    """
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
