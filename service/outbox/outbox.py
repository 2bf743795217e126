"""Bringing queued notices to their destinations: at least once, and the receipt after success."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from service import clock, model, ports
from service.outbox import judging, lines, sending
from service.outbox import pace as pacing
from service.rules import causes, notices, patience, plain, routing

log = logging.getLogger(__name__)

# Messages of one pass.
_BATCH = 100


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a delivery pass did, in deliveries. `next_due`: when there is work for this destination again."""

    sent: int = 0
    postponed: int = 0
    given_up: int = 0
    queued: int = 0
    next_due: datetime | None = None


class Outbox:
    """Delivers; one destination at a time, so that a slow one delays no other.

    `zone` is the owner's, for quiet hours. `luck` gives random numbers from 0 to 1 (see patience.pause).
    """

    def __init__(
        self,
        *,
        queue: ports.Queue,
        notifier: ports.Notifier,
        destinations: Sequence[model.Destination],
        composer: ports.Composer,
        zone: tzinfo,
        give_up_after: timedelta,
        luck: Callable[[], float],
        time: clock.Clock,
    ) -> None:
        self._queue = queue
        self._destinations = tuple(destinations)
        self._sender = sending.Sender(queue=queue, notifier=notifier, composer=composer, time=time)
        self._judge = judging.Judge(destinations, luck)
        self._paces = {each.key: pacing.Pace(each.channel, zone) for each in destinations}
        self._give_up_after = give_up_after
        self._luck = luck
        self._time = time
        # Destinations of which it was logged that their notices go to a fallback.
        self._fallen: set[str] = set()

    def resume(self, now: datetime) -> model.Resumed:
        """Before the first pass of a process: put right what the last one left behind."""
        found = self._queue.resume(self._destinations, now)
        if found.rerouted:
            log.info("%d waiting deliveries go to the present destinations of their channels", found.rerouted)
        if found.abandoned:
            log.warning("%d waiting deliveries failed: their channels left the configuration", found.abandoned)
        return found

    def hurry(self, now: datetime) -> None:
        """Forget every pause: they were reckoned by a clock, or made in a world, that is no longer this one.

        Quiet hours and limits are the owner's, and hold all the same.
        """
        self._queue.hurry(now)

    def deliver(
        self,
        destination: model.Destination,
        now: datetime,
        *,
        go_on: Callable[[], bool] = lambda: True,
        gather: bool = True,
    ) -> Report:
        """Send what is due at `now`, oldest first, until a sending fails or `go_on` says no.

        Two passes for one destination never overlap; so what is found half sent was cut off, and is sent again as it
        was, in a message of its own. `gather` False: nobody will look again soon, so nothing waits for company.

        After a failure the whole destination rests: the next notice would fail for the same reason. Those that failed
        go to the end of the line, so that a notice that no server takes does not hold up others.
        """
        self._sender.write_receipt(destination)
        pace = self._paces[destination.key]
        line = lines.Line(queue=self._queue, destination=destination, pace=pace, now=now, gather=gather)
        health = self._queue.destination(destination)
        sent = postponed = given_up = queued = 0
        for _ in range(0 if _rests(health, now) else _BATCH):
            group = line.next(self._size(destination, health), self._time.now()) if go_on() else []
            if not group:
                break
            error = self._sender.send(destination, group)
            before, (health, orders) = health, self._judge.after(destination, health, error, self._time.now())
            queued += len(orders)
            if health != before:
                self._queue.keep_destination(health, orders)
            if error is None:
                pace.went(group, self._time.now())
                sent += len(group)
                continue
            pace.failed(group, before.failures)
            # One trouble is logged once, whoever of the line it meets.
            if causes.is_other(error, before.last_error, *(each.last_error for each in group)):
                log.warning("%s: %s", destination.name, error)
            given_up = self._put_back(destination, health, group, error)
            postponed, queued = len(group) - given_up, queued + bool(given_up)
            break
        return Report(
            sent=sent, postponed=postponed, given_up=given_up,
            queued=queued + self._fall_back(destination, health),
            next_due=self._next_due(destination, health, line.gathers_until),
        )  # fmt: skip

    def tell(self, destination: model.Destination, notice: model.Notice) -> None:
        """Straight to the destination, once and with no row: for when no row can be written."""
        if routing.destinations(notice, [destination]):
            self._sender.tell(destination, notice)

    def _size(self, destination: model.Destination, health: model.DestinationRecord) -> int:
        """How many go in the next message.

        Fewer after each failure, down to the oldest alone: a destination that does not answer is not asked again and
        again with all there is.
        """
        if not self._paces[destination.key].groups:
            return 1
        return max(1, min(lines.PIECE, self._sender.most(destination)) >> health.failures)

    def _put_back(
        self, destination: model.Destination, health: model.DestinationRecord, group: Sequence[model.Delivery],
        error: str,
    ) -> int:  # fmt: skip
        """Try them later, or give them up; how many were given up."""
        now = self._time.now()
        # Those in line behind a dead destination share its attempts: what the others learnt counts for these.
        lost = [
            each
            for each in group
            if patience.give_up(now - each.created_at, max(each.attempts + 1, health.failures), self._give_up_after)
        ]
        if kept := [each for each in group if each not in lost]:
            # Of several, most are not at fault: only what fails alone has to wait for longer each time.
            pause = patience.pause(kept[0].attempts + 1 if len(group) == 1 else 1, self._luck())
            self._queue.postponed([each.delivery_id for each in kept], now + pause, error)
        if lost:
            self._give_up(destination, health, lost, error)
        return len(lost)

    def _give_up(
        self, destination: model.Destination, health: model.DestinationRecord, lost: Sequence[model.Delivery],
        error: str,
    ) -> None:  # fmt: skip
        now, first = self._time.now(), lost[0]
        notice = notices.of_delivery(
            first, destination, since=health.failing_since or now, reason=error, count=len(lost), now=now
        )
        order = self._judge.elsewhere(notice, destination)
        self._queue.given_up([each.delivery_id for each in lost], now, error, [order])
        self._paces[destination.key].forget(lost)
        for each in lost:
            log.error(
                "Notice %s given up after %d attempts in %s: %s",
                each.notice.notice_id, each.attempts + 1, plain.duration(now - each.created_at), error,
            )  # fmt: skip

    def _fall_back(self, destination: model.Destination, health: model.DestinationRecord) -> int:
        """What waits here goes to the fallback as well, once this has failed often enough; how many rows.

        Also what came while the destination rests: that may be for an hour.
        """
        channel = destination.channel
        if not health.failures:
            self._fallen.discard(destination.key)
        if channel.fallback is None or health.failures < channel.fallback_after:
            return 0
        others = [each for each in self._destinations if each.channel.name == channel.fallback]
        queued = self._queue.fall_back(destination.key, others, self._time.now())
        if queued and destination.key not in self._fallen:
            self._fallen.add(destination.key)
            log.warning("%s: what waits goes to the channel %s as well", destination.name, channel.fallback)
        return queued

    def _next_due(
        self, destination: model.Destination, health: model.DestinationRecord, gathers_until: datetime | None
    ) -> datetime | None:
        """Never before something can be done, or whoever goes by it would not come to rest."""
        now, pace = self._time.now(), self._paces[destination.key]
        due = self._queue.next_due(destination.key)
        if due is None:
            return None
        if quiet := pace.quiet_until(now):
            urgent = self._queue.next_due(destination.key, destination.channel.urgent)
            due = min(urgent, quiet) if urgent else quiet
        holds = (due, health.retry_at, gathers_until, pace.free_at(now))
        return max(hold for hold in holds if hold)


def _rests(health: model.DestinationRecord, now: datetime) -> bool:
    return health.retry_at is not None and now < health.retry_at <= patience.overslept(now)
