"""What waits for one destination, as one pass takes it: message by message."""

from datetime import datetime

from service import model, ports
from service.outbox import pace as pacing

# Asked for at a time; also the most that go in one message.
PIECE = 100


class Line:
    """Of one pass, which began at `now`. What fails in it, or comes in the course of it, is left to the next.

    `gathers_until`: until when what is due waits for company, if it was for this that nothing went. With `gather`
    False it does not wait.
    """

    def __init__(
        self, *, queue: ports.Queue, destination: model.Destination, pace: pacing.Pace, now: datetime, gather: bool
    ) -> None:
        self._queue = queue
        self._destination = destination
        self._pace = pace
        self._now = now
        self._gather = gather
        self._waiting: list[model.Delivery] = []
        self._kinds = pace.kinds(now)
        self.gathers_until: datetime | None = None

    def next(self, size: int, now: datetime) -> list[model.Delivery]:
        """What goes in the next message, as it was queued; nothing when nothing may go any more.

        At most `size`, and at most what the destination's channel allows at `now`, which goes on while messages are
        sent. But what was being sent when something cut that off may have arrived: it goes as it went, at any time.
        """
        self._fill(size, now)
        if not self._waiting:
            return []
        interrupted = [each for each in self._waiting if each.interrupted]
        if not interrupted and not self._may_go(now):
            return []
        group = sorted(interrupted or self._pace.together(self._waiting, size), key=lambda each: each.delivery_id)
        taken = {each.delivery_id for each in group}
        self._waiting = [each for each in self._waiting if each.delivery_id not in taken]
        return group

    def _fill(self, size: int, now: datetime) -> None:
        kinds = self._pace.kinds(now)
        if len(self._waiting) < size or kinds != self._kinds:
            self._kinds = kinds
            self._waiting = self._queue.due(self._destination.key, self._now, PIECE, kinds)

    def _may_go(self, now: datetime) -> bool:
        if self._pace.free_at(now):
            return False
        if self._gather:
            self.gathers_until = self._pace.gathers_until(self._waiting, now)
        # They waited, and now go to the last of them, in as many messages as they need.
        self._gather = self._gather and self.gathers_until is not None
        return self.gathers_until is None
