"""Time as the house uses it: aware UTC datetimes in whole seconds, durations as timedelta."""

import contextlib
import re
import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

# A hundred years: longer than anybody waits, and short enough to be subtracted from any date.
_LONGEST_SECONDS = 36_500 * 86_400
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


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


def to_duration(text: str) -> timedelta:
    """A duration as people write it: `30s`, `5m`, `6h`, `7d`. Raises ValueError, which names these forms."""
    match = re.fullmatch(r"(\d{1,9})([smhd])", text)
    if not match:
        raise ValueError('is not a duration: write for example "30s", "5m", "6h" or "7d"')
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds > _LONGEST_SECONDS:
        raise ValueError('is too long: write at most "36500d"')
    return timedelta(seconds=seconds)


def to_moment(text: str, now: datetime, zone: tzinfo) -> datetime:
    """A moment as people write it: an age such as `7d` before `now`, a day, or a day and a time, in `zone` if not said.

    Raises ValueError, which names these forms.
    """
    with contextlib.suppress(ValueError):
        return now - to_duration(text)
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            'is no time: write an age such as "90m", "24h" or "7d", a day such as "2026-11-01", or a day and a time '
            'such as "2026-11-01T09:30"'
        ) from None
