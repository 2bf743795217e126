"""Bringing queued notices to their destinations: at least once, and the receipt after success."""

import dataclasses
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from service import clock, errors, model, ports
from service.rules import causes, notices, patience, plain, routing, wording

log = logging.getLogger(__name__)

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

    `luck` gives random numbers from 0 to 1 (see patience.pause).
    """

    def __init__(
        self,
        *,
        queue: ports.Queue,
        notifier: ports.Notifier,
        destinations: Sequence[model.Destination],
        zone: tzinfo,
        give_up_after: timedelta,
        luck: Callable[[], float],
        time: clock.Clock,
    ) -> None:
        self._queue = queue
        self._notifier = notifier
        self._destinations = tuple(destinations)
        self._zone = zone
        self._give_up_after = give_up_after
        self._luck = luck
        self._time = time
        # By destination, what it accepted and the disk did not: the receipt is written as soon as it can be.
        self._accepted: dict[str, tuple[int, datetime]] = {}

    def resume(self, now: datetime) -> model.Resumed:
        """Before the first pass of a process: put right what the last one left behind."""
        found = self._queue.resume(self._destinations, now)
        if found.rerouted:
            log.info("%d waiting deliveries go to the present destinations of their channels", found.rerouted)
        if found.abandoned:
            log.warning("%d waiting deliveries failed: their channels left the configuration", found.abandoned)
        return found

    def hurry(self, now: datetime) -> None:
        """Forget every pause: they were reckoned by a clock, or made in a world, that is no longer this one."""
        self._queue.hurry(now)

    def deliver(
        self, destination: model.Destination, now: datetime, *, go_on: Callable[[], bool] = lambda: True
    ) -> Report:
        """Send what is due at `now`, oldest first, until a sending fails or `go_on` says no.

        Two passes for one destination never overlap; so what is found half sent was cut off, and is sent again.

        After a failure the whole destination rests: the next notice would fail for the same reason. The one
        that failed goes to the end of the line, so that a notice that no server takes does not hold up others.
        """
        self._write_receipt(destination)
        health = self._queue.destination(destination)
        sent = postponed = given_up = queued = 0
        if not (health.retry_at and now < health.retry_at <= patience.overslept(now)):
            for delivery in self._queue.due(destination.key, now, _BATCH):
                if not go_on():
                    break
                error = self._send(destination, delivery)
                before, (health, orders) = health, self._judged(destination, health, error)
                queued += len(orders)
                if health != before:
                    self._queue.keep_destination(health, orders)
                if error is None:
                    sent += 1
                    continue
                if causes.is_other(error, before.last_error, delivery.last_error):
                    log.warning("%s: %s", destination.name, error)
                if self._put_back(destination, health, delivery, error):
                    postponed += 1
                else:
                    given_up += 1
                    queued += 1
                break
        return Report(
            sent=sent, postponed=postponed, given_up=given_up, queued=queued,
            next_due=self._next_due(destination, health),
        )  # fmt: skip

    def tell(self, destination: model.Destination, notice: model.Notice) -> None:
        """Straight to the destination, once and with no row: for when no row can be written."""
        if not routing.destinations(notice, [destination]):
            return
        try:
            self._notifier.send(destination.key, self._message(destination, notice))
        except errors.Transient as error:
            log.warning("%s: %s", destination.name, error)

    def _message(self, destination: model.Destination, notice: model.Notice) -> model.Message:
        return wording.compose(notice, self._zone, f"{notice.notice_id}.{destination.key}")

    def _send(self, destination: model.Destination, delivery: model.Delivery) -> str | None:
        """None when the destination accepted it, else why not."""
        self._queue.sending(delivery.delivery_id)
        try:
            self._notifier.send(destination.key, self._message(destination, delivery.notice))
        except errors.Transient as error:
            return str(error)
        except Exception as surprise:
            # Whatever one notice does to us or to a plugin, the others go on. It is tried again like any other.
            log.exception("Notice %s cannot be sent to %s", delivery.notice.notice_id, destination.name)
            return f"an unforeseen error: {type(surprise).__name__}; the log says where"
        self._accepted[destination.key] = (delivery.delivery_id, self._time.now())
        self._write_receipt(destination)
        log.info(
            "%s: notice `%s` about %s delivered", destination.name, delivery.notice.kind,
            delivery.notice.job_id or delivery.notice.account or "the watch",
        )  # fmt: skip
        return None

    def _write_receipt(self, destination: model.Destination) -> None:
        """Also the one that could not be written when it was due: what was accepted is not sent again."""
        if destination.key in self._accepted:
            self._queue.sent(*self._accepted[destination.key])
            del self._accepted[destination.key]

    def _put_back(
        self, destination: model.Destination, health: model.DestinationRecord, delivery: model.Delivery, error: str
    ) -> bool:
        """Try it later, or give it up; True when it will be tried again."""
        now = self._time.now()
        age, attempts = now - delivery.created_at, delivery.attempts + 1
        # Those in line behind a dead destination share its attempts: what the others learnt counts for this one.
        if not patience.give_up(age, max(attempts, health.failures), self._give_up_after):
            due_at = now + patience.pause(attempts, self._luck())
            self._queue.postponed(delivery.delivery_id, due_at, error)
            return True
        notice = notices.of_delivery(delivery, destination, since=health.failing_since or now, reason=error, now=now)
        self._queue.given_up(delivery.delivery_id, now, error, [self._elsewhere(notice, destination)])
        log.error(
            "Notice %s given up after %d attempts in %s: %s",
            delivery.notice.notice_id, attempts, plain.duration(age), error,
        )  # fmt: skip
        return False

    def _judged(
        self, destination: model.Destination, health: model.DestinationRecord, error: str | None
    ) -> tuple[model.DestinationRecord, list[model.Order]]:
        """How the destination fares after this attempt, and what has to be told about it elsewhere."""
        now = self._time.now()
        if error is None:
            orders = [self._order(model.Kind.WATCH_RECOVERED, destination, health, now)] if health.announced_at else []
            if health.failing_since:
                log.info("%s: works again", destination.name)
            well = dataclasses.replace(
                health, failures=0, failing_since=None, announced_at=None, retry_at=None, last_error=None
            )
            return well, orders
        ill = dataclasses.replace(
            health,
            failures=health.failures + 1,
            failing_since=health.failing_since or now,
            retry_at=now + patience.pause(health.failures + 1, self._luck()),
            last_error=error,
        )
        if ill.failures < patience.FAILURES_TO_ANNOUNCE or ill.announced_at:
            return ill, []
        ill = dataclasses.replace(ill, announced_at=now)
        return ill, [self._order(model.Kind.WATCH_FAILING, destination, ill, now)]

    def _order(
        self, kind: model.Kind, destination: model.Destination, health: model.DestinationRecord, now: datetime
    ) -> model.Order:
        notice = notices.of_destination(
            kind, destination, since=health.failing_since or now, reason=health.last_error, now=now
        )
        return self._elsewhere(notice, destination)

    def _elsewhere(self, notice: model.Notice, broken: model.Destination) -> model.Order:
        return model.Order(
            notice=notice, destinations=routing.destinations(notice, self._destinations, broken=broken.key)
        )

    def _next_due(self, destination: model.Destination, health: model.DestinationRecord) -> datetime | None:
        due = self._queue.next_due(destination.key)
        return max(due, health.retry_at) if due and health.retry_at else due
