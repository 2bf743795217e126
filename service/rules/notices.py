"""The notices that changes and troubles give rise to."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from service import clock, model
from service.rules import shutdown, stalling, training

_PROBLEMS_SHOWN = 3
_JOBS_SHOWN = 10


def _notice(
    kind: model.Kind, cause: str, facts: Mapping[str, Any], now: datetime,
    *, account: str | None = None, job_id: str | None = None,
) -> model.Notice:  # fmt: skip
    digest = hashlib.sha256(cause.encode()).digest()
    return model.Notice(
        # Fifty bits: among a million notices two share an id with a probability of 1 in 2 000.
        notice_id="tw-" + base64.b32encode(digest).decode()[:10].lower(),
        cause=cause,
        kind=kind,
        account=account,
        job_id=job_id,
        created_at=now,
        facts=facts,
    )


def of_job(
    kind: model.Kind,
    job: model.Job,
    *,
    events: Sequence[model.Event],
    metrics: Sequence[model.Metric],
    checkpoints: Sequence[model.Checkpoint] = (),
    page_url: str | None,
    api_url: str | None = None,
    now: datetime,
) -> model.Notice:
    """A job reached a state worth telling; the facts are put together here."""
    facts = job_facts(
        job, events=events, metrics=metrics, checkpoints=checkpoints, page_url=page_url, api_url=api_url, now=now
    )
    return of_step(kind, job, facts=facts, now=now)


def of_step(kind: model.Kind, job: model.Job, *, facts: Mapping[str, Any], now: datetime) -> model.Notice:
    """A job reached a state worth telling. An end and a start are told once; a pause each time it happens."""
    cause = f"job/{job.account}/{job.job_id}/{kind}"
    if kind in (model.Kind.PAUSED, model.Kind.RESUMED):
        cause += f"/{clock.to_text(now)}"
    return _about(job, kind, cause, facts, now)


def job_facts(
    job: model.Job,
    *,
    events: Sequence[model.Event],
    metrics: Sequence[model.Metric],
    checkpoints: Sequence[model.Checkpoint] = (),
    page_url: str | None,
    api_url: str | None = None,
    now: datetime,
) -> dict[str, Any]:
    """All that a notice about a job may want to say; docs/notices.md describes it for those who build on it."""
    return {
        "status": job.status,
        "model": job.model,
        "fine_tuned_model": job.fine_tuned_model,
        "suffix": job.suffix,
        "method": job.method,
        "metadata": dict(job.metadata),
        "hyperparameters": dict(job.hyperparameters),
        "created_at": _text(job.created_at),
        "started_at": _text(job.started_at),
        "finished_at": _text(job.finished_at),
        "observed_at": _text(now),
        "trained_tokens": job.trained_tokens,
        "error_code": job.error_code,
        "error_message": job.error_message,
        "error_param": job.error_param,
        "problems": [said for said in _problems(events) if said != job.error_message],
        "moderation": _moderation(events),
        "page_url": page_url,
        "api_url": api_url,
        **training.results(metrics),
        "best_checkpoint": training.best_checkpoint(checkpoints, metrics),
        "overfitting_since": training.overfitting_since(metrics),
    }


def of_account(kind: model.Kind, account: str, *, since: datetime, reason: str | None, now: datetime) -> model.Notice:
    """An account cannot be seen since `since`, or can be seen again."""
    cause = f"watch/account/{account}/{kind}/{clock.to_text(since)}"
    facts = {"about": "account", "name": account, "since": clock.to_text(since), "reason": reason}
    return _notice(kind, cause, facts, now, account=account)


def of_destination(
    kind: model.Kind, destination: model.Destination, *, since: datetime, reason: str | None, now: datetime
) -> model.Notice:
    """A destination cannot be reached since `since`, or can be reached again."""
    cause = f"watch/destination/{destination.key}/{kind}/{clock.to_text(since)}"
    facts = {"about": "channel", "name": destination.name, "since": clock.to_text(since), "reason": reason}
    return _notice(kind, cause, facts, now)


def of_jobs(
    account: str, jobs: Sequence[model.Job], *, since: datetime, reason: str | None, now: datetime
) -> model.Notice:
    """Unfinished jobs went out of sight, all of them one notice: they are no longer at the provider, or cannot be
    read since `since` for a reason."""
    cause = f"watch/jobs/{account}/{'unread' if reason else 'gone'}/{clock.to_text(now)}/{jobs[0].job_id}"
    facts = {
        "about": "jobs", "name": account, "since": clock.to_text(since), "reason": reason, "count": len(jobs),
        "jobs": [{"id": job.job_id, "status": job.status} for job in jobs[:_JOBS_SHOWN]],
    }  # fmt: skip
    only = jobs[0].job_id if len(jobs) == 1 else None
    return _notice(model.Kind.WATCH_FAILING, cause, facts, now, account=account, job_id=only)


def of_database(kind: model.Kind, *, since: datetime, reason: str | None, now: datetime) -> model.Notice:
    """The database cannot be used since `since`, or can be used again. Sent past it, so it has no row."""
    cause = f"watch/database/{kind}/{clock.to_text(since)}"
    facts = {"about": "database", "name": "", "since": clock.to_text(since), "reason": reason}
    return _notice(kind, cause, facts, now)


def of_delivery(
    delivery: model.Delivery,
    destination: model.Destination,
    *,
    since: datetime,
    reason: str,
    now: datetime,
    count: int = 1,
) -> model.Notice:
    """A notice was given up, the first of `count` at once.

    Told once for a destination that fails since `since`, not once per notice.
    """
    cause = f"delivery/{destination.key}/{clock.to_text(since)}"
    lost = delivery.notice
    facts = {
        "name": destination.name, "since": clock.to_text(since), "reason": reason, "attempts": delivery.attempts + 1,
        "lost_id": lost.notice_id, "lost_kind": lost.kind, "count": count,
    }  # fmt: skip
    return _notice(model.Kind.DELIVERY_FAILED, cause, facts, now, account=lost.account, job_id=lost.job_id)


def digest(channel: str, facts: Mapping[str, Any], *, since: datetime, until: datetime) -> model.Notice:
    """What a channel is told once a day, of the time until `until` (see summary.of)."""
    told = {"channel": channel, "since": clock.to_text(since), "until": clock.to_text(until), **facts}
    return _notice(model.Kind.DIGEST, cause_of_digest(channel, clock.to_text(until)), told, until)


def cause_of_digest(channel: str, until: str) -> str:
    """The cause of a channel's digest; those of one channel sort like the times until which they reach."""
    return f"digest/{channel}/{until}"


def of_checkpoint(
    job: model.Job, checkpoint: model.Checkpoint, *, facts: Mapping[str, Any], now: datetime
) -> model.Notice:
    """A job that runs has made a checkpoint. `facts`: those of `job_facts`, here as below."""
    cause = f"checkpoint/{job.account}/{job.job_id}/{checkpoint.checkpoint_id}"
    made = {
        "id": checkpoint.checkpoint_id, "step": checkpoint.step, "model": checkpoint.model,
        "train_loss": checkpoint.train_loss, "valid_loss": checkpoint.valid_loss,
    }  # fmt: skip
    return _about(job, model.Kind.CHECKPOINT, cause, {**facts, "checkpoint": made}, now)


def of_stall(
    job: model.Job, silence: stalling.Silence, *, level: int, facts: Mapping[str, Any], now: datetime
) -> model.Notice:
    """Nothing was heard of a job for long, or for twice as long as when that was told last (the next `level`)."""
    since = clock.to_text(silence.since)
    cause = f"stalled/{job.account}/{job.job_id}/{job.status}/{since}/{level}"
    told = {
        "since": since,
        "idle_seconds": int(silence.length.total_seconds()),
        "last_event": silence.last_event.message if silence.last_event else None,
    }
    return _about(job, model.Kind.STALLED, cause, {**facts, **told}, now)


def of_model(
    job: model.Job, *, listed: bool, answered: bool | None, reason: str | None, facts: Mapping[str, Any], now: datetime
) -> model.Notice:
    """The model of a job that succeeded was looked up. `answered`: None when it was not asked anything."""
    cause = f"model/{job.account}/{job.job_id}"
    told = {"listed": listed, "answered": answered, "reason": reason}
    return _about(job, model.Kind.MODEL_CHECK, cause, {**facts, **told}, now)


def shutdown_cause(account: str, expected: shutdown.Expected) -> str:
    """From which `told` knows whether there is such a notice, without making it."""
    return f"shutdown/{account}/{expected.job_id}/{expected.day.isoformat()}/{expected.threshold}"


def of_shutdown(
    job: model.Job, expected: shutdown.Expected, *, facts: Mapping[str, Any], now: datetime
) -> model.Notice:
    """The model of a job will be shut down, or its base model will (`base`)."""
    cause = shutdown_cause(job.account, expected)
    told = {"shutdown_date": expected.day.isoformat(), "days_left": expected.days_left, "base": expected.base}
    return _about(job, model.Kind.MODEL_SHUTDOWN, cause, {**facts, **told}, now)


def _about(job: model.Job, kind: model.Kind, cause: str, facts: Mapping[str, Any], now: datetime) -> model.Notice:
    return _notice(kind, cause, facts, now, account=job.account, job_id=job.job_id)


def trial(channel: str, now: datetime) -> model.Notice:
    """What `test-notice` sends: looks like a real notice and says that it is none."""
    facts = {
        "model": "gpt-4o-mini-2024-07-18",
        "fine_tuned_model": "ft:gpt-4o-mini-2024-07-18:example:test::0000",
        "suffix": "test",
        "trial": channel,
    }
    cause = f"test/{channel}/{clock.to_text(now)}"
    return _notice(model.Kind.SUCCEEDED, cause, facts, now, account="test", job_id="ftjob-test")


def _text(when: datetime | None) -> str | None:
    return clock.to_text(when) if when else None


def _problems(events: Iterable[model.Event]) -> list[str]:
    """The last warnings and errors of the job's own log, oldest first."""
    told = sorted(
        (event.created_at, event.event_id, event.message)
        for event in events
        if event.level in ("warn", "warning", "error") and event.created_at
    )
    return [message for _, _, message in told][-_PROBLEMS_SHOWN:]


def _moderation(events: Iterable[model.Event]) -> list[str]:
    """What the provider's safety checks said, oldest first: why a model is blocked may stand nowhere else."""
    said = sorted(
        (event.created_at, event.event_id, event.message)
        for event in events
        if event.type == "moderation_checks" and event.created_at
    )
    return [message for _, _, message in said][-_PROBLEMS_SHOWN:]
