"""What a look at an account needs of the watcher that makes it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service import model, ports
from service.watcher import reader


@dataclass
class Silences:
    """What is known from pass to pass of jobs of which nothing is heard.

    `since`: from when on there was one look after the other, up to `last`. `due`: the time before which there cannot
    be news of a job's silence; `noted`: the same as of this look, whose news are not written yet.
    """

    since: datetime | None = None
    last: datetime | None = None
    due: dict[str, datetime] = field(default_factory=dict)
    noted: dict[str, datetime] = field(default_factory=dict)

    def looked(self, now: datetime, longest: timedelta) -> datetime:
        """Since when there was one look after the other, never more than `longest` apart."""
        if not self.since or not self.last or not timedelta(0) <= now - self.last <= longest:
            self.since = now
        self.last = now
        return self.since

    def to_look_at(self, unfinished: Collection[str], now: datetime, stalled_after: timedelta) -> list[str]:
        """Those of the unfinished jobs that are due, or not known yet; all others are forgotten."""
        self.due = {job_id: due for job_id, due in self.due.items() if job_id in unfinished}
        self.noted.clear()
        # What is due later than that was noted by a clock that has been set back since.
        return [job_id for job_id in unfinished if not now < self.due.get(job_id, now) <= now + stalled_after]

    def told(self) -> None:
        """What was news at this look is written, so it need not be looked at again."""
        self.due |= self.noted
        self.noted.clear()


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """`queued` is told when notices wait. `model_question`: a new model is asked something, which costs money."""

    provider: ports.Provider
    record: ports.Record
    destinations: tuple[model.Destination, ...]
    interval: timedelta
    blind_after: timedelta
    first_run: timedelta | None
    stalled_after: timedelta
    model_question: bool
    most_pages: int
    queued: Callable[[], None]
    trouble: reader.Trouble
    memory: reader.Memory
    silences: Silences
