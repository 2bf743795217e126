"""Once a day, for the channels that want no more: what ended, what runs, what is stuck."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from service import clock, model, ports
from service.rules import notices, routing, timing
from service.rules import summary as summing


class Digests:
    """Queues the summaries when their time has come; the outbox delivers them like any notice.

    `stalled_after`: after so long without news of it, a job is stuck.
    """

    def __init__(
        self, *, queue: ports.Queue, destinations: Sequence[model.Destination], zone: tzinfo, stalled_after: timedelta
    ) -> None:
        self._queue = queue
        self._destinations = tuple(destinations)
        self._channels = {each.channel.name: each.channel for each in destinations if each.channel.digest_at}
        self._zone = zone
        self._stalled_after = stalled_after
        # Until when each channel has been served, be it with silence.
        self._served: dict[str, datetime] = {}

    def keep(self, now: datetime) -> int:
        """How many summaries were queued. A machine that was off makes up for it with the latest one.

        Raises errors.StoreTrouble.
        """
        return sum(self._serve(channel, now) for channel in self._channels.values())

    def _serve(self, channel: model.Channel, now: datetime) -> bool:
        assert channel.digest_at
        until = timing.latest(channel.digest_at, now, self._zone)
        if self._served.get(channel.name) == until:
            return False
        last = self._queue.summarised(channel.name)
        notice = self._notice(channel, last, until) if last is None or last < until else None
        if notice:
            self._queue.queue(
                model.Order(notice=notice, destinations=routing.destinations(notice, self._destinations))
            )  # fmt: skip
        self._served[channel.name] = until
        return notice is not None

    def _notice(self, channel: model.Channel, last: datetime | None, until: datetime) -> model.Notice | None:
        """Of the day before, and of what no digest has told since the last one: nobody may have been there to tell."""
        assert channel.digest_at
        day_before = timing.latest(channel.digest_at, until - timedelta(seconds=1), self._zone)
        since = min(last or day_before, day_before)
        facts = summing.of(self._queue.summary(since, until, until - self._stalled_after), channel)
        if summing.is_empty(facts):
            return None
        first = min((clock.from_text(job["observed_at"]) for job in facts["ended"]), default=until)
        return notices.digest(channel.name, facts, since=since if first <= day_before else day_before, until=until)
