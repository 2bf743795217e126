"""The life of a job: a plan that never changes, and what it shows at a given time.

Times are Unix seconds (float), durations are seconds. Nothing here reads a clock: every question takes `now`
and depends on the plan and on `now` alone. To cancel, pause or resume is to derive a new plan whose past is
the old one's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple, TypeAlias

from .failures import Failure

Ending: TypeAlias = Literal["succeeded", "failed", "cancelled", "paused", "resumed", "stuck", "endless"]
Method: TypeAlias = Literal["supervised", "dpo", "reinforcement"]
Durations: TypeAlias = tuple[float, float, float]

PAUSING_SECONDS: Final = 30.0
PAUSED_SECONDS: Final = 600.0
REQUEUED_SECONDS: Final = 60.0
# A job that is cancelled or paused had trained this share of its steps by then.
INTERRUPTED_SHARE: Final = 0.6


class Stretch(NamedTuple):
    """A status, and when it begins; it holds until the next stretch begins."""

    since: float
    status: str


class Step(NamedTuple):
    """A completed training step: its number from 1, when it was completed, in which stretch of the course."""

    number: int
    at: float
    stretch: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """What was asked for when the job was created."""

    model: str
    training_file: str
    seed: int
    method: Method = "supervised"
    validation_file: str | None = None
    suffix: str | None = None
    hyperparameters: Mapping[str, object] = field(default_factory=dict)
    grader: Mapping[str, object] | None = None
    metadata: Mapping[str, str] | None = None
    integrations: tuple[object, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """A job's plan. `finale` is the status it ends in, None for never."""

    id: str
    organization_id: str
    spec: Spec
    failure: Failure | None
    finale: str | None
    training_seconds: float
    course: tuple[Stretch, ...]

    @property
    def created_at(self) -> float:
        return self.course[0].since


def plan(
    *,
    id: str,
    organization_id: str,
    spec: Spec,
    created_at: float,
    ending: Ending,
    failure: Failure | None,
    durations: Durations,
    speed: float,
) -> Life:
    """A life with this ending; `failure` goes with "failed" only, `durations` as in `Simulator.create`."""
    at, course = created_at, []
    for status, seconds in _script(ending, failure, durations):
        course.append(Stretch(at, status))
        at += seconds / speed
    share = INTERRUPTED_SHARE if ending in ("cancelled", "paused") else 1.0
    return Life(
        id=id,
        organization_id=organization_id,
        spec=spec,
        failure=failure,
        finale=_finale(ending),
        training_seconds=durations[2] / share / speed,
        course=tuple(course),
    )


def _script(ending: Ending, failure: Failure | None, durations: Durations) -> list[tuple[str, float]]:
    """The statuses in their order, each with its duration; the last one holds for ever."""
    validating, queued, running = durations
    opening = [("validating_files", validating)]
    if failure is not None and not failure.after_training:
        return [*opening, ("failed", 0)]
    opening.append(("queued", queued))
    if ending == "stuck":
        return opening
    pause = [("pausing", PAUSING_SECONDS), ("paused", PAUSED_SECONDS)]
    if ending == "resumed":
        again = [("queued", REQUEUED_SECONDS), ("running", running / 2), ("succeeded", 0)]
        return [*opening, ("running", running / 2), *pause, *again]
    opening.append(("running", running))
    if ending == "endless":
        return opening
    return [*opening, *pause] if ending == "paused" else [*opening, (ending, 0)]


def _finale(ending: Ending) -> str | None:
    if ending in ("failed", "cancelled"):
        return ending
    return None if ending == "endless" else "succeeded"


def reached(life: Life, now: float) -> tuple[Stretch, ...]:
    """The stretches that have begun; always at least the first."""
    return life.course[:1] + tuple(stretch for stretch in life.course[1:] if stretch.since <= now)


def status_at(life: Life, now: float) -> str:
    return reached(life, now)[-1].status


def started_at(life: Life, now: float) -> float | None:
    """When training began, None if it has not begun by `now`."""
    return next((stretch.since for stretch in reached(life, now) if stretch.status == "running"), None)


def steps(life: Life, now: float, total_steps: int) -> Iterator[Step]:
    """The steps completed by `now`, in their order; they are spread evenly over the time of training."""
    begun = reached(life, now)
    trained, done = 0.0, 0
    for place, (since, status) in enumerate(begun):
        if status != "running":
            continue
        over = place + 1 < len(begun)
        until = begun[place + 1].since if over else now
        last = _steps_within(life, trained + until - since, total_steps)
        for number in range(done + 1, last + 1):
            at = since + life.training_seconds * number / total_steps - trained
            yield Step(number, min(at, until) if over else at, place)
        trained, done = trained + until - since, last


def _steps_within(life: Life, seconds: float, total_steps: int) -> int:
    if life.training_seconds <= 0:
        return total_steps
    # Timestamps near 1.8e9 are rounded to a fraction of a microsecond: without the allowance the last step
    # could go missing.
    return min(total_steps, int(seconds / life.training_seconds * total_steps + 1e-4))


def _trained_seconds(life: Life, now: float) -> float:
    begun = reached(life, now)
    ends = [*(stretch.since for stretch in begun[1:]), now]
    return sum(end - begin.since for begin, end in zip(begun, ends, strict=True) if begin.status == "running")


def cancelled(life: Life, now: float) -> Life:
    return replace(life, course=(*reached(life, now), Stretch(now, "cancelled")))


def paused(life: Life, now: float, speed: float) -> Life:
    """Pausing from `now`, paused a little later, and so until somebody resumes it."""
    pause = (Stretch(now, "pausing"), Stretch(now + PAUSING_SECONDS / speed, "paused"))
    return replace(life, course=(*reached(life, now), *pause))


def resumed(life: Life, now: float, speed: float) -> Life:
    """Queued from `now`, then training what is left, then the finale."""
    runs_at = now + REQUEUED_SECONDS / speed
    left = max(0.0, life.training_seconds - _trained_seconds(life, now))
    ahead = [Stretch(now, "queued"), Stretch(runs_at, "running")]
    if life.finale is not None:
        ahead.append(Stretch(runs_at + left, life.finale))
    return replace(life, course=(*reached(life, now), *ahead))
