"""The jobs of one key in the order of their creation, and cursors into that order."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, islice
from math import inf
from typing import Final, NamedTuple

from . import events, lives, payloads
from .lives import Life
from .payloads import JSON

_ALLOWED_FROM: Final = {
    "cancel": frozenset({"validating_files", "queued", "running", "pausing", "paused"}),
    "pause": frozenset({"queued", "running"}),
    "resume": frozenset({"paused"}),
}


class Unknown(LookupError):
    """There is nothing by that id: no such job, event, checkpoint, file or model."""


class Forbidden(Exception):
    """The status of the job does not allow that."""


@dataclass(slots=True)
class Job:
    """A life, and keys shown in place of the life's own. A job placed raw has no life, only keys."""

    life: Life | None = None
    raw: JSON = field(default_factory=dict)

    @property
    def metadata(self) -> Mapping[str, object]:
        """Found without rendering the job: a filter asks every job of the account."""
        shown = self.raw.get("metadata", self.life and self.life.spec.metadata)
        return shown if isinstance(shown, Mapping) else {}

    def shown(self, now: float) -> JSON:
        return (payloads.job(self.life, now) if self.life else {}) | self.raw

    def events(self, now: float) -> list[JSON]:
        """Oldest first."""
        return events.events(self.life, now) if self.life else []

    def checkpoints(self, now: float) -> list[JSON]:
        """Oldest first."""
        return payloads.checkpoints(self.life, now) if self.life else []

    def succeeded(self, now: float) -> bool:
        return self.life is not None and lives.status_at(self.life, now) == "succeeded"

    def act(self, action: str, now: float, speed: float) -> None:
        """Edit the life from `now` on. Raises Forbidden."""
        if self.life is None or lives.status_at(self.life, now) not in _ALLOWED_FROM[action]:
            raise Forbidden(action)
        if action == "cancel":
            self.life = lives.cancelled(self.life, now)
        else:
            self.life = (lives.paused if action == "pause" else lives.resumed)(self.life, now, speed)


class _Place(NamedTuple):
    created_at: float
    serial: int
    id: str


class Jobs:
    """Jobs by id and by age. A cursor is found by bisection: a page costs the same at any depth."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._places: dict[str, _Place] = {}
        self._order: list[_Place] = []
        self._serials = count()

    def add(self, id: str, created_at: float, job: Job) -> None:
        """A job; of jobs created at the same moment the one added later counts as newer."""
        insort(self._order, self._register(id, created_at, job))

    def extend(self, many: Iterable[Life]) -> None:
        """Many jobs at once, faster than one by one."""
        self._order.extend([self._register(life.id, life.created_at, Job(life)) for life in many])
        self._order.sort()

    def _register(self, id: str, created_at: float, job: Job) -> _Place:
        if id in self._jobs:
            raise ValueError(f"there is a job {id} already")
        self._jobs[id] = job
        self._places[id] = place = _Place(created_at, next(self._serials), id)
        return place

    def remove(self, id: str) -> None:
        """Raises KeyError."""
        del self._jobs[id]
        self._order.remove(self._places.pop(id))

    def added(self, since: int) -> Iterator[Job]:
        """All but the first `since` jobs, in the order in which they were added."""
        return islice(self._jobs.values(), since, None)

    def get(self, id: str, now: float) -> Job:
        """The job. Raises Unknown, also while its creation lies ahead."""
        if id not in self._jobs or self._places[id].created_at > now:
            raise Unknown(id)
        return self._jobs[id]

    def walk(self, now: float, *, after: str | None = None, oldest_first: bool = False) -> Iterator[Job]:
        """The jobs created by `now`, from behind the job `after`. Raises Unknown if there is no such job."""
        end = bisect_right(self._order, (now, inf))
        if after is not None:
            self.get(after, now)
        cursor = None if after is None else bisect_left(self._order, self._places[after])
        if oldest_first:
            places = range(0 if cursor is None else cursor + 1, end)
        else:
            places = range((end if cursor is None else cursor) - 1, -1, -1)
        return (self._jobs[self._order[place].id] for place in places)
