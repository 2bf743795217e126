"""What may go to one destination now, and in whose company."""

from collections import deque
from collections.abc import Collection, Sequence
from datetime import datetime, tzinfo

from service import model
from service.rules import patience, timing


class Pace:
    """Of one destination. What it remembers is in memory only: a process that starts anew begins anew."""

    def __init__(self, channel: model.Channel, zone: tzinfo) -> None:
        self._channel = channel
        self._zone = zone
        self._went: deque[datetime] = deque()
        # Of what failed, by delivery: how many may go in one message with it the next time.
        self._company: dict[int, int] = {}

    @property
    def groups(self) -> bool:
        """Whether what waits together goes together. Where messages are counted, none is spent on one of many."""
        channel = self._channel
        return bool(channel.group_wait or channel.most_per_hour) and channel.digest_at is None

    def kinds(self, now: datetime) -> Collection[model.Kind] | None:
        """What may go now: in quiet hours the urgent ones, None else, for all."""
        return self._channel.urgent if self.quiet_until(now) else None

    def quiet_until(self, now: datetime) -> datetime | None:
        """See timing.quiet_until."""
        return timing.quiet_until(self._channel, now, self._zone)

    def gathers_until(self, waiting: Sequence[model.Delivery], now: datetime) -> datetime | None:
        """See timing.gathers_until."""
        return timing.gathers_until(self._channel, waiting, now)

    def free_at(self, now: datetime) -> datetime | None:
        """When the next message may go, None when it may now."""
        # A clock that was set back must not keep the hour from ever being over.
        while self._went and not now - timing.HOUR < self._went[0] <= now:
            self._went.popleft()
        most = self._channel.most_per_hour
        return self._went[-most] + timing.HOUR if most and len(self._went) >= most else None

    def together(self, waiting: Sequence[model.Delivery], size: int) -> list[model.Delivery]:
        """Those of the line, which is not empty, that go in the next message; at most `size`.

        Those that failed together go together again, but for what has become of them since; nobody else is drawn in.
        A digest is a message of its own.
        """
        first = waiting[0]
        if first.notice.kind is model.Kind.DIGEST:
            return [first]
        company = self._company.get(first.delivery_id)
        fitting = [
            each
            for each in waiting
            if self._company.get(each.delivery_id) == company and each.notice.kind is not model.Kind.DIGEST
        ]
        return fitting[: min(size, company or size)]

    def went(self, group: Sequence[model.Delivery], now: datetime) -> None:
        """They were accepted, in one message."""
        if self._channel.most_per_hour:
            self._went.append(now)
        self.forget(group)

    def failed(self, group: Sequence[model.Delivery], failures: int) -> None:
        """Their message was not accepted; before it, so many others in a row were not.

        Once is a mishap, and they go as they went: who accepted them all the same sees that they are the same. Of
        those that fail again, one may be at fault, and each half is tried by itself. Where nothing is accepted any
        more, it is the destination that is at fault.
        """
        if failures >= patience.FAILURES_TO_ANNOUNCE:
            return
        for each in group:
            again = each.delivery_id in self._company
            self._company[each.delivery_id] = max(1, len(group) // 2) if again else len(group)

    def forget(self, group: Sequence[model.Delivery]) -> None:
        """They are no longer in line."""
        for each in group:
            self._company.pop(each.delivery_id, None)
