"""Jobs that come, run and end all the while, in every way there is."""

import heapq
import random
import threading
import time
from dataclasses import dataclass

from service.simulator import FAILURES, Simulator
from service.simulator.lives import Durations, Ending, Spec, plan
from tests.torture import client

SPEED = 200.0  # of the simulator: three seconds for what a paused job does by itself
_ENDINGS: tuple[Ending, ...] = (
    *("succeeded",) * 8, *("failed",) * 5, *("cancelled",) * 3, "resumed", "resumed", "paused", "stuck", "endless",
)  # fmt: skip
# These would stay as they are; somebody cancels them after so many seconds.
_NEVER_ENDING = ("paused", "stuck", "endless")
_CANCELLED_AFTER = (1.0, 8.0)
_BURST = 12


@dataclass(frozen=True, kw_only=True)
class Made:
    """`course`: every status it goes through until its end."""

    job_id: str
    course: tuple[str, ...]
    ended_by: float


class Maker:
    """Makes about `per_second` jobs, in a thread of its own, from `start` to `end`."""

    def __init__(self, simulator: Simulator, *, seed: int, per_second: float) -> None:
        self._simulator = simulator
        self._rng = random.Random(seed)
        self._pause = 1 / per_second
        self._stop = threading.Event()
        self._made: list[Made] = []
        self._to_cancel: list[tuple[float, str]] = []
        self._thread = threading.Thread(target=self._run, name="maker")
        self.trouble: BaseException | None = None

    @property
    def made(self) -> tuple[Made, ...]:
        return tuple(self._made)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """No more jobs; returns when all have ended. Safe to call when it never started."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        while self._to_cancel:
            self._cancel()
        left = max((each.ended_by for each in self._made), default=0.0) - time.monotonic()
        threading.Event().wait(max(0.0, left))

    def burst(self) -> None:
        """Many at once."""
        for _ in range(_BURST):
            self._make()

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._pause * self._rng.uniform(0.5, 1.5)):
                self._make()
                if self._rng.random() < 1 / 60:
                    self.burst()
                if self._to_cancel and self._to_cancel[0][0] < time.monotonic():
                    self._cancel()
        except OSError as trouble:
            self.trouble = trouble

    def _make(self) -> None:
        rng, now = self._rng, time.monotonic()
        ending = rng.choice(_ENDINGS)
        reason = rng.choice(sorted(FAILURES)) if ending == "failed" else None
        seconds = (rng.uniform(0, 0.5), rng.choice((0, 0.4)), rng.uniform(0, 2.5))
        durations = (seconds[0] * SPEED, seconds[1] * SPEED, seconds[2] * SPEED)
        job_id = self._simulator.create(ending=ending, reason=reason, durations=durations)
        stretches = _stretches(ending, reason, durations)
        course = tuple(status for _, status in stretches)
        if ending in _NEVER_ENDING:
            heapq.heappush(self._to_cancel, (now + rng.uniform(*_CANCELLED_AFTER), job_id))
            course = (*course, "cancelled")
        # The simulator counts in whole seconds here and there.
        self._made.append(Made(job_id=job_id, course=course, ended_by=now + stretches[-1][0] + 1))

    def _cancel(self) -> None:
        _, job_id = heapq.heappop(self._to_cancel)
        client.cancel(self._simulator.url, job_id)


def _stretches(ending: Ending, reason: str | None, durations: Durations) -> list[tuple[float, str]]:
    """The simulator's own plan for such a job: seconds from its creation, and the status that begins then."""
    spec = Spec(model="any", training_file="any", seed=0)
    failure = FAILURES[reason] if reason else None
    life = plan(
        id="any", organization_id="any", spec=spec, created_at=0, ending=ending, failure=failure, durations=durations,
        speed=SPEED,
    )  # fmt: skip
    return [(stretch.since, stretch.status) for stretch in life.course]
