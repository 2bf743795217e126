"""What a template may use of a notice: every name is there, None where nothing is known.

docs/notices.md describes the names for those who write templates.
"""

import json
import shlex
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from service import clock, model
from service.composer import habits, parts
from service.rules import cost, plain

_LONGEST_NAME = 60
_KNOWN = (
    "status", "model", "fine_tuned_model", "suffix", "method", "trained_tokens", "error_code", "error_message",
    "error_param", "page_url", "api_url", "step", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy",
    "reward", "valid_reward", "best_checkpoint", "overfitting_since", "training_file", "validation_file", "checkpoint",
    "since", "until", "idle_seconds", "last_event", "listed", "answered", "reason", "shutdown_date", "days_left",
    "base", "about", "attempts", "lost_id", "lost_kind", "trial", "channel",
)  # fmt: skip
_LISTS = ("problems", "moderation", "jobs", "ended", "running", "stuck", "blind")
_TIMES = ("created_at", "started_at", "finished_at")
_ENDS = (model.Kind.SUCCEEDED, model.Kind.FAILED, model.Kind.CANCELLED)
_MEASURES = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "reward", "valid_reward")


def of(notice: model.Notice, say: habits.Habits, prices: Mapping[str, cost.Price]) -> dict[str, Any]:
    """All names for the templates. Strangers' text in it is cleaned, bounded and on one line."""
    facts = _cleaned(notice.facts)
    times = {name: _time(facts, name) for name in _TIMES}
    lasted = notice.created_at - clock.from_text(facts["since"]) if facts.get("since") else None
    return {
        **dict.fromkeys(_KNOWN),
        **{name: [] for name in _LISTS},
        "hyperparameters": {},
        "metadata": {},
        **facts,
        "first": {**dict.fromkeys(_MEASURES), **(facts.get("first") or {})},
        "count": facts.get("count") or 1,
        "counts": facts.get("counts") or {},
        "kind": notice.kind,
        "account": notice.account,
        "job_id": plain.text(notice.job_id or "", 120),
        "name": plain.text(facts.get("suffix") or notice.job_id or "", _LONGEST_NAME),
        "watched": plain.text(facts.get("name") or "", 80),
        "show": f"show {shlex.quote(plain.line(notice.job_id, 500))}",
        "lasted": say.duration(lasted),
        "cost": say.money(_spent(notice, facts, prices)),
        "tokens": say.number(facts.get("trained_tokens") or None),
        "created": say.moment(times["created_at"]) if times["created_at"] else "",
        "ended_at": say.moment(times["finished_at"]) if times["finished_at"] else "",
        "trial_command": _trial(facts),
        **_spans(times, say),
        **{name: [_summed_up(job, say) for job in facts.get(name) or ()] for name in ("ended", "running", "stuck")},
    }


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return parts.value(value)
    if isinstance(value, Mapping):
        return {parts.value(key): _cleaned(each) for key, each in value.items()}
    return [_cleaned(each) for each in value] if isinstance(value, list | tuple) else value


def _spans(times: Mapping[str, datetime | None], say: habits.Habits) -> dict[str, str]:
    created, started, finished = times["created_at"], times["started_at"], times["finished_at"]

    def span(start: datetime | None, end: datetime | None) -> str:
        # Clocks of provider and machine differ: an end stamped by us may lie before a start told by them.
        return say.duration(max(end - start, timedelta(0))) if start and end else ""

    return {
        "queued": span(created, started),
        "ran": span(started, finished),
        "took": "" if started else span(created, finished),
    }


def _spent(notice: model.Notice, facts: Mapping[str, Any], prices: Mapping[str, cost.Price]) -> dict[str, float]:
    """What the job, or all jobs of a digest, cost by currency."""
    ended = facts.get("ended", ()) if notice.kind is model.Kind.DIGEST else [{**facts, "state": str(notice.kind)}]
    found: dict[str, float] = {}
    for job in ended:
        estimated = _cost(job, prices) if job["state"] in _ENDS else None
        if estimated:
            found[estimated.currency] = found.get(estimated.currency, 0.0) + estimated.amount
    return found


def _cost(job: Mapping[str, Any], prices: Mapping[str, cost.Price]) -> cost.Cost | None:
    started, finished = _time(job, "started_at"), _time(job, "finished_at")
    return cost.estimate(
        prices,
        (job.get("model"), job.get("fine_tuned_model")),
        # Tokens are billed when it came to a good end, hours in any case.
        tokens=job.get("trained_tokens") if job["state"] == model.State.SUCCEEDED else None,
        ran=max(finished - started, timedelta(0)) if started and finished else None,
    )


def _summed_up(job: Mapping[str, Any], say: habits.Habits) -> dict[str, Any]:
    """One job of a digest."""
    times = {name: _time(job, name) for name in _TIMES}
    nothing = dict.fromkeys(("error_code", "error_message", "fine_tuned_model", "since"))
    return {**nothing, **job, "name": job.get("suffix") or job["job_id"], **_spans(times, say)}


def _trial(facts: Mapping[str, Any]) -> str:
    """A line for a shell that asks the tuned model something."""
    name, url = facts.get("fine_tuned_model"), facts.get("api_url")
    if not name or not url:
        return ""
    body = json.dumps({"model": name, "messages": [{"role": "user", "content": "Hello"}]}, ensure_ascii=False)
    return (
        f'curl {url.rstrip("/")}/chat/completions -H "Authorization: Bearer $OPENAI_API_KEY" '
        f'-H "Content-Type: application/json" -d {shlex.quote(body)}'
    )


def _time(facts: Mapping[str, Any], name: str) -> datetime | None:
    return clock.from_text(facts[name]) if facts.get(name) else None
