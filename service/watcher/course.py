"""Reading a job's course: events with their metrics, checkpoints, the result file. Best effort, bounded in time."""

import enum
import functools
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

from service import clock, errors, model, ports

_T = TypeVar("_T")
# Of one reading, so that a course without an end does not fill the memory; the next one goes on from there.
_MOST_EVENTS = 10_000
log = logging.getLogger(__name__)


class Budget:
    """The time that one pass may spend on courses; over for good when it ran out or `stop` was called."""

    def __init__(self, time: clock.Clock, length: timedelta) -> None:
        self._time = time
        self._end = time.monotonic() + length.total_seconds()

    def left(self) -> bool:
        return self._time.monotonic() < self._end

    def stop(self) -> None:
        self._end = float("-inf")


class Part(enum.Enum):
    """What a course is read from."""

    EVENTS = enum.auto()
    CHECKPOINTS = enum.auto()
    RESULTS = enum.auto()


class _CutShort(Exception):
    """The rest is read at a later pass."""


class Reading:
    """One reading of one job's course. `checkpoints`: those of a job that runs are wanted as well.

    After `read`, `trouble` is what cut it short, None for the budget; `denied` is what the provider does not have or
    does not let us read, part by part.
    """

    def __init__(
        self,
        provider: ports.Provider,
        record: ports.Record,
        job: model.Job,
        budget: Budget,
        *,
        checkpoints: bool = False,
    ) -> None:
        self._provider = provider
        self._record = record
        self._job = job
        self._with_checkpoints = checkpoints and job.state is model.State.RUNNING
        self._budget = budget
        self.trouble: errors.Transient | None = None
        self.confused: Exception | None = None
        self.denied: list[tuple[Part, errors.Permanent]] = []
        self._events: list[model.Event] = []
        self._metrics: list[model.Metric] = []
        self._cursor: str | None = None

    def read(self) -> model.Course:
        """What the provider tells of the course and we do not know yet.

        Ends early, with `complete=False` and what there is, when the budget is used up or the provider has
        trouble, which also ends the budget: what troubles one request will trouble the next. What the provider
        does not have, or does not let us read, counts as read: asking again would be in vain.
        """
        checkpoints: tuple[model.Checkpoint, ...] = ()
        try:
            self._read_events()
            if self._with_checkpoints or self._job.state.ended:
                asked = functools.partial(self._provider.checkpoints, self._job.job_id)
                checkpoints = self._ask(Part.CHECKPOINTS, asked, ())
            if self._job.state.ended:
                for file_id in self._job.result_files:
                    self._metrics += self._ask(Part.RESULTS, functools.partial(self._provider.results, file_id), ())
        except _CutShort:
            return self._course(checkpoints, complete=False)
        except errors.TunewatchError:
            raise
        except Exception as surprise:
            # Whatever the course does to us, the job's end is announced all the same.
            self.confused = surprise
            log.exception("%s %s: its course cannot be understood", self._job.account, self._job.job_id)
            return self._course(checkpoints, complete=True)
        self._cursor = None
        return self._course(checkpoints, complete=True)

    def _course(self, checkpoints: tuple[model.Checkpoint, ...], *, complete: bool) -> model.Course:
        # Listings come newest first, as far as seen; kept in the order in which things happened, they read better.
        times = [event.created_at for event in self._events if event.created_at]
        if times and times[0] >= times[-1]:
            self._events.reverse()
        return model.Course(
            events=tuple(self._events), metrics=tuple(self._metrics), checkpoints=checkpoints, complete=complete,
            cursor=self._cursor,
            results_gone=any(
                part is Part.RESULTS and isinstance(error, errors.NotFound) for part, error in self.denied
            ),
        )  # fmt: skip

    def _read_events(self) -> None:
        """First what is new, newest first until something known; then on from where the last reading was cut short."""
        complete, self._cursor = self._record.course_state(self._job.account, self._job.job_id)
        cursor = self._cursor
        for page in self._pages(None):
            known = self._record.known_events(
                self._job.account, self._job.job_id, {event.event_id for event in page.events}
            )
            if known and (complete or cursor) and (_newest_first(page) or cursor):
                self._cursor = cursor
                break
            self._note(page)
        else:
            return
        if cursor:
            for page in self._pages(cursor):
                self._note(page)

    def _note(self, page: model.EventPage) -> None:
        # At the end of the events the last page's stays, for the case that what comes after them is cut short.
        self._cursor = page.after or self._cursor

    def _pages(self, after: str | None) -> Iterator[model.EventPage]:
        """To the end of the listing; a server that repeats a page is not followed."""
        nothing = model.EventPage(events=(), metrics=(), after=None)
        met: set[str] = set()
        while True:
            if len(self._events) >= _MOST_EVENTS:
                raise _CutShort
            page = self._ask(Part.EVENTS, functools.partial(self._provider.events, self._job.job_id, after), nothing)
            self._events += page.events
            self._metrics += page.metrics
            fresh = {event.event_id for event in page.events} - met
            yield page
            if page.after is None or not fresh:
                return
            met |= fresh
            after = page.after

    def _ask(self, part: Part, call: Callable[[], _T], nothing: _T) -> _T:
        if not self._budget.left():
            raise _CutShort
        try:
            return call()
        except errors.Permanent as error:
            log.debug("%s %s: a part of its course cannot be read: %s", self._job.account, self._job.job_id, error)
            self.denied.append((part, error))
            return nothing
        except errors.Transient as error:
            log.debug("%s %s: its course cannot be read now: %s", self._job.account, self._job.job_id, error)
            self._budget.stop()
            self.trouble = error
            raise _CutShort from error


def _newest_first(page: model.EventPage) -> bool:
    """Sure of the order; a page within one second tells nothing, and then reading on is the safe answer."""
    times: list[datetime] = [event.created_at for event in page.events if event.created_at]
    return bool(times) and times[0] > times[-1] and times == sorted(times, reverse=True)
