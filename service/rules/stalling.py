"""When the silence of a job has become news: after a while, and again each time it has doubled."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from service import model


@dataclass(frozen=True, kw_only=True)
class Silence:
    """For how long nothing is known to have happened to a job, and what the last thing was."""

    since: datetime
    length: timedelta
    last_event: model.Event | None = None


def silence(
    changed_at: datetime, event: model.Event | None, *, read_at: datetime | None, now: datetime, unheard: bool
) -> Silence:
    """The silence of a job whose status changed last at `changed_at` and whose newest event is `event`.

    It counts up to `read_at`, when its events were last read to their end: what came since may not have been read.
    `unheard`: they cannot be read for long; then the status alone counts, up to now.
    """
    told = event.created_at if event and event.created_at else changed_at
    # Neither another clock nor one that was set back makes the last thing happen in the future.
    since = min(max(changed_at, told), now)
    until = now if unheard else min(read_at or since, now)
    return Silence(since=since, length=max(until - since, timedelta(0)), last_event=event)


def level(length: timedelta, stalled_after: timedelta) -> int | None:
    """How often a silence has doubled since it became news at `stalled_after`; None before that."""
    times = length // stalled_after
    return times.bit_length() - 1 if times > 0 else None


def next_look(since: datetime, level: int | None, *, stalled_after: timedelta, now: datetime) -> datetime:
    """Before this, a silence that has come to `level` cannot be news again.

    If something happens meanwhile, what begins then is no news before `stalled_after` has passed.
    """
    doublings = 0 if level is None else level + 1
    doubled = since + stalled_after * (1 << doublings)
    return min(doubled, now + stalled_after)
