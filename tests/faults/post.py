"""A post office for faults: an outbox on a real database, one channel that misbehaves and one that does not."""

from datetime import UTC, datetime, timedelta

from service import model
from service.notifier.notifier import AppriseNotifier
from service.outbox.outbox import Outbox
from service.store.engine import Engine
from service.store.queue import Queue
from service.store.reading import Reading
from service.store.record import Record
from tests import builders
from tests.composer.saying import composer
from tests.conftest import HandClock
from tests.faults import receivers
from tests.outbox.conftest import notice_of


class Post:
    """An outbox on a real database: the channel `odd` misbehaves, the channel `good` does not."""

    def __init__(
        self, engine: Engine, reading: Reading, clock: HandClock, good: receivers.Receiver, *, longest: float = 20.0
    ) -> None:
        self.reading, self.clock, self.good = reading, clock, good
        self.record, self.queue = Record(engine), Queue(engine)
        self.notifier = AppriseNotifier(longest_send=timedelta(seconds=longest))
        self.configure([])

    def configure(self, odd: list[str]) -> None:
        """Start anew with these URLs in the channel `odd`."""
        channels = {"odd": odd, "good": [self.good.hook()]}
        self.destinations = [
            each for name, urls in channels.items() for each in self.notifier.add(builders.channel(name), urls)
        ]
        self.outbox = Outbox(
            queue=self.queue, notifier=self.notifier, destinations=self.destinations, composer=composer(), zone=UTC,
            luck=lambda: 0.5, give_up_after=timedelta(hours=72), time=self.clock,
        )  # fmt: skip
        self.outbox.resume(self.clock.now())

    def odd(self) -> list[model.Destination]:
        return [each for each in self.destinations if each.channel.name == "odd"]

    def tell(self, *names: str) -> None:
        for name in names:
            job, notice = notice_of(name, self.clock.now())
            order = model.Order(notice=notice, destinations=tuple(self.destinations))
            self.record.record("main", [model.Update(job=job, orders=(order,))], self.clock.now())

    def deliver(self) -> datetime | None:
        """A pass for every destination; when the odd one wants its next."""
        reports = {each.key: self.outbox.deliver(each, self.clock.now()) for each in self.destinations}
        return reports[self.odd()[0].key].next_due

    def pauses(self, count: int) -> list[float]:
        """Seconds between as many attempts."""
        found = []
        for _ in range(count):
            due = self.deliver()
            assert due
            found.append((due - self.clock.now()).total_seconds())
            self.clock.time = due
        return found

    def told(self) -> list[str]:
        """What the good channel heard of the odd one, in order."""
        return [title for _, title in self.good.taken if not title.startswith("✅")]

    def states(self) -> list[tuple[str, str, str]]:
        """Job, channel and state of every delivery about a job."""
        rows = self.reading.deliveries(limit=100)
        return sorted((row["job_id"], row["channel"], row["state"]) for row in rows if row["kind"] == "succeeded")
