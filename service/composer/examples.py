"""A notice of every kind, made up: to look at, and to try templates on."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from service import clock, model
from service.rules import notices

NOW = datetime(2026, 11, 22, 20, 58, 41, tzinfo=UTC)
_JOB = model.Job(
    account="main",
    job_id="ftjob-yZLf1Dh03gmrun3WyZNjJHEt",
    status="succeeded",
    state=model.State.SUCCEEDED,
    raw="{}",
    model="gpt-4.1-mini-2025-04-14",
    fine_tuned_model="ft:gpt-4.1-mini-2025-04-14:example:support-bot:Rw7Ka3IS",
    suffix="support-bot",
    method="supervised",
    created_at=NOW - timedelta(minutes=43, seconds=14),
    started_at=NOW - timedelta(minutes=41, seconds=5),
    finished_at=NOW,
    trained_tokens=488_448,
    training_file="file-training",
    validation_file="file-validation",
    hyperparameters={"n_epochs": 3, "batch_size": 16, "learning_rate_multiplier": 1.8},
    metadata={"team": "support", "ticket": "TUNE-42"},
)
_PAGE, _API = "https://platform.openai.com/finetune/ftjob-yZLf1Dh03gmrun3WyZNjJHEt", "https://api.openai.com/v1"
_STEPS, _EPOCH = 240, 80


def course() -> model.Course:
    """Of a training that went on for too long: the validation loss turns upwards at its end."""
    metrics = tuple(
        model.Metric(
            step=step,
            train_loss=0.35 + 1.9 * math.exp(-step / 45) + 0.05 * math.sin(step * 2.3),
            train_accuracy=0.92 - 0.4 * math.exp(-step / 60),
            full_valid_loss=_valid_loss(step) if step % 20 == 0 else None,
        )
        for step in range(1, _STEPS + 1)
    )
    checkpoints = tuple(
        model.Checkpoint(
            checkpoint_id=f"ftckpt_{step}", created_at=NOW, step=step, model=_checkpoint_model(step),
            valid_loss=_valid_loss(step),
        )
        for step in range(_EPOCH, _STEPS + 1, _EPOCH)
    )  # fmt: skip
    return model.Course(metrics=metrics, checkpoints=checkpoints, complete=True)


def _valid_loss(step: int) -> float:
    return 0.55 + 1.7 * math.exp(-step / 40) + 0.0011 * max(0, step - 120)


def _checkpoint_model(step: int) -> str:
    last = "" if step == _STEPS else f":ckpt-step-{step}"
    return f"{_JOB.fine_tuned_model}{last}"


def notice(kind: model.Kind) -> model.Notice:
    """One of this kind."""
    made = {each.kind: each for each in all_kinds()}
    return made[kind]


def all_kinds() -> list[model.Notice]:
    """One of every kind, ends first."""
    return [*_ends(), *_on_the_way(), *_of_models(), *_of_the_watch(), _digest()]


def _job(**fields: Any) -> model.Job:
    known = {name: getattr(_JOB, name) for name in _JOB.__slots__}
    return model.Job(**{**known, **fields})


def _about(
    kind: model.Kind, job: model.Job, *, events: Sequence[model.Event] = (), more: dict[str, Any] | None = None
) -> model.Notice:
    measured = course() if job.started_at and job.state is not model.State.PENDING else model.Course()
    facts = notices.job_facts(
        job, events=events, metrics=measured.metrics, checkpoints=measured.checkpoints, page_url=_PAGE, api_url=_API,
        now=NOW,
    )  # fmt: skip
    return notices.of_step(kind, job, facts={**facts, **(more or {})}, now=NOW)


def _ends() -> list[model.Notice]:
    refused = _job(
        status="failed", state=model.State.FAILED, suffix="sql-helper", fine_tuned_model=None, started_at=None,
        trained_tokens=None, error_code="invalid_training_file", error_param="training_file",
        error_message="The job failed due to an invalid training file. Line 17 is missing the key 'messages'.",
    )  # fmt: skip
    warned = model.Event(
        event_id="ftevent-1", created_at=NOW, level="error", type="message", message="Line 17: missing key 'messages'"
    )
    cancelled = _job(status="cancelled", state=model.State.CANCELLED, suffix="house-style", fine_tuned_model=None)
    return [
        _about(model.Kind.SUCCEEDED, _JOB),
        _about(model.Kind.FAILED, refused, events=[warned]),
        _about(model.Kind.CANCELLED, cancelled),
    ]


def _on_the_way() -> list[model.Notice]:
    going = {"fine_tuned_model": None, "finished_at": None, "trained_tokens": None}
    running = _job(status="running", state=model.State.RUNNING, **going)
    paused = _job(status="paused", state=model.State.PAUSED, **going)
    queued = _job(status="queued", state=model.State.PENDING, started_at=None, **going)
    checkpoint = {"id": "ftckpt_80", "step": 80, "model": _checkpoint_model(80), "train_loss": 0.71, "valid_loss": 0.78}
    idle = timedelta(hours=6, minutes=12)
    still = {
        "since": clock.to_text(NOW - idle), "idle_seconds": int(idle.total_seconds()),
        "last_event": "Files validated, moving job to queued state",
    }  # fmt: skip
    return [
        _about(model.Kind.CREATED, queued),
        _about(model.Kind.STARTED, running),
        _about(model.Kind.PAUSED, paused),
        _about(model.Kind.RESUMED, running),
        _about(model.Kind.CHECKPOINT, running, more={"checkpoint": checkpoint}),
        _about(model.Kind.STALLED, queued, more=still),
    ]


def _of_models() -> list[model.Notice]:
    listed = {"listed": True, "answered": True, "reason": None}
    end = {"shutdown_date": "2027-01-14", "days_left": 30, "base": False}
    return [
        _about(model.Kind.MODEL_CHECK, _JOB, more=listed),
        _about(model.Kind.MODEL_SHUTDOWN, _JOB, more=end),
    ]


def _of_the_watch() -> list[model.Notice]:
    since, reason = NOW - timedelta(minutes=47), "api.openai.com refuses the key (401): Incorrect API key provided."
    facts = {
        "name": "ops (Slack #a1b2)", "since": clock.to_text(since), "reason": "HTTP 404", "attempts": 90,
        "lost_id": "tw-k3v7qa2m5x", "lost_kind": "succeeded", "count": 1,
    }  # fmt: skip
    return [
        notices.of_account(model.Kind.WATCH_FAILING, "main", since=since, reason=reason, now=NOW),
        notices.of_account(model.Kind.WATCH_RECOVERED, "main", since=since, reason=None, now=NOW),
        model.Notice(
            notice_id="tw-d4c3b2a1zz", cause="example", kind=model.Kind.DELIVERY_FAILED, account="main",
            job_id=_JOB.job_id, created_at=NOW, facts=facts,
        ),
    ]  # fmt: skip


def _digest() -> model.Notice:
    """What a day brought."""
    day = timedelta(days=1)
    ended = [
        _ended("sql-helper", "failed", error_message="Line 17 is missing the key 'messages'."),
        _ended("support-bot", "succeeded", started_at=clock.to_text(NOW - timedelta(hours=2))),
    ]
    waiting = {"account": "main", "job_id": "ftjob-9", "suffix": "night-run", "status": "queued"}
    facts = {
        "channel": "default", "since": clock.to_text(NOW - day), "until": clock.to_text(NOW), "ended": ended,
        "counts": {"failed": 1, "succeeded": 1, "pending": 2},
        "running": [{**waiting, "since": clock.to_text(NOW - timedelta(hours=3))}],
        "stuck": [{**waiting, "suffix": "slow-one", "since": clock.to_text(NOW - timedelta(hours=9))}], "blind": [],
    }  # fmt: skip
    return model.Notice(
        notice_id="tw-digest0000", cause="example", kind=model.Kind.DIGEST, account=None, job_id=None, created_at=NOW,
        facts=facts,
    )  # fmt: skip


def _ended(name: str, state: str, **more: Any) -> dict[str, Any]:
    return {
        "account": "main", "job_id": f"ftjob-{name}", "suffix": name, "state": state, "model": _JOB.model,
        "fine_tuned_model": None, "finished_at": clock.to_text(NOW - timedelta(hours=1)), "trained_tokens": 488_448,
        **more,
    }  # fmt: skip
