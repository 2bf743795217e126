"""When a channel may be told: its quiet hours, its company, its daily summary. Days and hours are the owner's."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from service import model

HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
# These tell that the watch itself does not work, which has to be mended, or are whole without company.
_PRESSING = (model.Kind.WATCH_FAILING, model.Kind.WATCH_RECOVERED, model.Kind.DELIVERY_FAILED, model.Kind.DIGEST)


def quiet_until(channel: model.Channel, now: datetime, zone: tzinfo) -> datetime | None:
    """The end of the quiet hours that `now` lies in, None when it lies in none. They may go over midnight.

    They are one piece, also on the night when an hour comes twice: from the first time that clocks show their
    beginning to the last time that they show their end.
    """
    if channel.quiet is None:
        return None
    begin, end = channel.quiet
    today = now.astimezone(zone).date()
    for day in (today - _DAY, today):
        until = _moment(day if begin < end else day + _DAY, end, zone, last=True)
        if _moment(day, begin, zone) <= now < until:
            return until
    return None


def gathers_until(channel: model.Channel, waiting: Iterable[model.Delivery], now: datetime) -> datetime | None:
    """Until when those that are due wait for company; None when they may go.

    Trouble of the watch does not wait, and takes along what is there. What was tried already waits for nobody, but
    what came meanwhile does.
    """
    waiting = list(waiting)
    fresh = [each.created_at for each in waiting if not each.attempts]
    if not fresh or channel.digest_at or any(each.notice.kind in _PRESSING for each in waiting):
        return None
    # A clock that was set back must not keep them waiting.
    waits = abs(now - min(fresh)) < channel.group_wait
    return min(fresh) + channel.group_wait if waits else None


def latest(at: time, now: datetime, zone: tzinfo) -> datetime:
    """The last moment, up to `now`, at which it became `at` o'clock in the zone: once on every day."""
    today = now.astimezone(zone).date()
    return max(moment for day in (today - _DAY, today) if (moment := _moment(day, at, zone)) <= now)


def _moment(day: date, at: time, zone: tzinfo, *, last: bool = False) -> datetime:
    """When clocks in the zone show this: the first time, or the `last`, when they show it twice.

    When they skip it, the moment at which they do.
    """
    shown = datetime.combine(day, at, zone).replace(fold=int(last))
    moment = shown.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == shown.replace(tzinfo=None):
        return moment
    before, after = sorted(shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before.astimezone(zone).utcoffset():
            before = middle
        else:
            after = middle
    return after
