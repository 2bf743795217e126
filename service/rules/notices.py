"""The notices that changes and troubles give rise to."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from service import clock, model

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
    page_url: str | None,
    now: datetime,
) -> model.Notice:
    """A job reached a state worth telling. An end is told once; a pause each time it happens."""
    cause = f"job/{job.account}/{job.job_id}/{kind}"
    if not job.state.ended:
        cause += f"/{clock.to_text(now)}"
    facts = {
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
        "problems": _problems(events),
        "page_url": page_url,
        **_last_measured(metrics),
    }
    return _notice(kind, cause, facts, now, account=job.account, job_id=job.job_id)


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
    delivery: model.Delivery, destination: model.Destination, *, since: datetime, reason: str, now: datetime
) -> model.Notice:
    """A notice was given up. Told once for a destination that fails since `since`, not once per notice."""
    cause = f"delivery/{destination.key}/{clock.to_text(since)}"
    lost = delivery.notice
    facts = {
        "name": destination.name, "since": clock.to_text(since), "reason": reason, "attempts": delivery.attempts + 1,
        "lost_id": lost.notice_id, "lost_kind": lost.kind,
    }  # fmt: skip
    return _notice(model.Kind.DELIVERY_FAILED, cause, facts, now, account=lost.account, job_id=lost.job_id)


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


def _last_measured(metrics: Sequence[model.Metric]) -> dict[str, float | int | None]:
    """The last value of each measure: validation is not measured at every step."""
    last: dict[str, float | int | None] = dict.fromkeys(("step", "train_loss", "valid_loss", "reward"))
    for metric in sorted(metrics, key=lambda metric: metric.step):
        valid = metric.full_valid_loss if metric.full_valid_loss is not None else metric.valid_loss
        measured = {
            "step": metric.step, "train_loss": metric.train_loss, "valid_loss": valid, "reward": metric.reward,
        }  # fmt: skip
        last.update({name: value for name, value in measured.items() if value is not None})
    return last
