"""A simulated provider in a process of its own, so that what it costs is not counted as the client's."""

import contextlib
import itertools
import multiprocessing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from service.simulator import Simulator

KEY = "sim-key"
_JOBS = "/v1/fine_tuning/jobs"
_ANSWER_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Requests by what they asked for, since the last count."""

    pages: int
    jobs: int
    courses: int

    @property
    def total(self) -> int:
        return self.pages + self.jobs + self.courses


class Provider:
    """The near end: what a measurement may ask of the provider."""

    def __init__(self, line: Connection) -> None:
        self._line = line
        self.url: str = self._call("url")

    def move(self, moment: float) -> None:
        """Set the provider's clock, Unix seconds."""
        self._call("move", moment)

    def asked(self) -> Asked:
        """What was requested since the last call."""
        return Asked(**self._call("asked"))

    def unfinished(self) -> list[tuple[int, str]]:
        """Place in the listing (0 is the newest) and id of each job that has not ended."""
        found: list[tuple[int, str]] = self._call("unfinished")
        return found

    def newest(self, count: int) -> list[str]:
        """The ids of so many of the newest jobs."""
        found: list[str] = self._call("newest", count)
        return found

    def show(self, ids: Iterable[str], **changes: Any) -> None:
        """Let these jobs show these keys from now on."""
        self._call("show", list(ids), changes)

    def _call(self, name: str, *arguments: Any) -> Any:
        self._line.send((name, arguments))
        if not self._line.poll(_ANSWER_SECONDS):
            raise TimeoutError(f"the provider's process does not answer to {name!r}")
        return self._line.recv()


@contextlib.contextmanager
def running(*, jobs: int, unfinished: int = 0, now: float) -> Iterator[Provider]:
    """An account of `jobs` jobs created over the year before `now` (Unix seconds), where its clock stands still."""
    near, far = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(far, jobs, unfinished, now), name="provider", daemon=True
    )
    process.start()
    far.close()
    try:
        yield Provider(near)
    finally:
        near.close()  # which ends the process
        process.join(timeout=10)
        if process.is_alive():
            process.kill()


def _serve(line: Connection, jobs: int, unfinished: int, now: float) -> None:
    """The far end, until the line is closed."""
    desk = _Desk(jobs, unfinished, now)
    with desk.simulator, contextlib.suppress(EOFError):
        while True:
            name, arguments = line.recv()
            line.send(getattr(desk, name)(*arguments))


class _Desk:
    def __init__(self, jobs: int, unfinished: int, now: float) -> None:
        self._now = now
        self.simulator = Simulator(keys=(KEY,), clock=lambda: self._now)
        self.simulator.populate(KEY, jobs, unfinished=min(unfinished, jobs))

    def url(self) -> str:
        return self.simulator.url

    def move(self, moment: float) -> None:
        self._now = moment

    def asked(self) -> dict[str, int]:
        paths = [path for _, path in self.simulator.requests]
        self.simulator.requests.clear()
        pages = paths.count(_JOBS)
        jobs = sum(path.startswith(f"{_JOBS}/") and path.count("/") == _JOBS.count("/") + 1 for path in paths)
        return {"pages": pages, "jobs": jobs, "courses": len(paths) - pages - jobs}

    def unfinished(self) -> list[tuple[int, str]]:
        return [
            (place, payload["id"]) for place, payload in enumerate(self._listed()) if payload["status"] == "running"
        ]

    def newest(self, count: int) -> list[str]:
        return [payload["id"] for payload in self._listed(count)]

    def show(self, ids: list[str], changes: dict[str, Any]) -> None:
        for id in ids:
            self.simulator.set_raw(KEY, id, **changes)

    def _listed(self, newest: int | None = None) -> list[dict[str, Any]]:
        project = self.simulator._projects[KEY]  # its HTTP face would count as requests
        with project.lock:
            walk = project.jobs.walk(self._now)
            return [job.shown(self._now) for job in itertools.islice(walk, newest)]
