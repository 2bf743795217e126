"""Jobs to make many of: the rows of a few hundred, read by the program itself from what the simulator shows."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from service import clock, model
from service.providers import payloads
from service.rules import notices, plain, reading
from service.simulator import Simulator
from service.store import courses, rows

_KINDS = 256
_MOST_EVENTS = 12
_TEAMS = ("search", "support", "billing", "growth", "legal")
METRIC_COLUMNS = ("step", *courses.METRIC_FIELDS)
EVENT_COLUMNS = ("event_id", "level", "type", "message", "data")
CHECKPOINT_COLUMNS = ("checkpoint_id", "step", "model", "train_loss", "valid_loss", "raw")
Row = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One job's rows. Ids and times are written into them anew.

    `metrics`: as many as its training has, without the step; `notice` is None for a job of which nothing is told.
    """

    columns: dict[str, Any]
    events: Sequence[Row]
    metrics: Sequence[Row]
    checkpoints: Sequence[Row]
    notice: model.Notice | None


def ended(now: datetime) -> list[Sample]:
    """Jobs of the past."""
    simulator = Simulator(clock=now.timestamp)
    simulator.populate(None, _KINDS)
    return _read(simulator, now, random.Random(0))


def unfinished(now: datetime) -> list[Sample]:
    """Jobs that run, wait, or are paused."""
    simulator = Simulator(clock=now.timestamp)
    created_at = now.timestamp() - 7_200
    simulator.create(ending="endless", created_at=created_at, suffix="night-run")
    simulator.create(ending="stuck", created_at=created_at, suffix="triage")
    simulator.create(ending="paused", created_at=created_at)
    return _read(simulator, now, random.Random(1))


def _read(simulator: Simulator, now: datetime, rng: random.Random) -> list[Sample]:
    [project] = simulator._projects.values()
    found = list(project.jobs.walk(now.timestamp()))
    for job in found:
        if rng.random() < 0.6:
            job.raw = {"metadata": {"team": rng.choice(_TEAMS), "run": str(rng.randrange(1000))}}
    # A job that failed before its training has no curve; it gets another's, so that all weigh alike.
    curves = [curve for job in found if (curve := _curve(job.events(now.timestamp())))]
    return [_sample(job, now.timestamp(), rng.choice(curves)) for job in found]


def _curve(events: list[dict[str, Any]]) -> list[model.Metric]:
    return [metric for event in events if (metric := payloads.metric(event))]


def _sample(shown: Any, now: float, other: list[model.Metric]) -> Sample:
    job = payloads.job("main", plain.json_text(shown.shown(now)))
    told = shown.events(now)
    curve = _curve(told) or other
    # The first and the last ones: those between tell of steps.
    told = told if len(told) <= _MOST_EVENTS else told[: _MOST_EVENTS // 2] + told[-_MOST_EVENTS // 2 :]
    events = [event for each in told if (event := payloads.event(each))]
    checkpoints = [made for each in shown.checkpoints(now) if (made := payloads.checkpoint(each))]
    return Sample(
        columns={name: _plain(value) for name, value in rows.of_job(job).items()},
        events=[tuple(getattr(event, name) for name in EVENT_COLUMNS) for event in events],
        metrics=[tuple(getattr(metric, name) for name in courses.METRIC_FIELDS) for metric in curve],
        checkpoints=[tuple(getattr(made, name) for name in CHECKPOINT_COLUMNS) for made in checkpoints],
        notice=_notice(job, events, curve, checkpoints, now),
    )


def _notice(
    job: model.Job, events: list[model.Event], curve: list[model.Metric], made: list[model.Checkpoint], now: float
) -> model.Notice | None:
    if not reading.state_of(job.status).ended:
        return None
    return notices.of_job(
        model.Kind(job.state.value), job, events=events, metrics=curve, checkpoints=made,
        page_url="https://platform.openai.com/finetune/" + job.job_id, now=datetime.fromtimestamp(int(now), UTC),
    )  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.to_text(value)
    return value if value is None or isinstance(value, str | int | float) else json.dumps(value)
