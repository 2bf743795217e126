"""A notice in words: plain text, title first, complete without a click."""

import shlex
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

from service import clock, model
from service.rules import plain

_SYMBOLS = {
    model.Kind.SUCCEEDED: "✅",
    model.Kind.FAILED: "❌",
    model.Kind.CANCELLED: "⏹",
    model.Kind.PAUSED: "⏸",
    model.Kind.WATCH_FAILING: "⚠",
    model.Kind.WATCH_RECOVERED: "👀",
    model.Kind.DELIVERY_FAILED: "📪",
}
_HAPPENED = {
    model.Kind.SUCCEEDED: "has succeeded",
    model.Kind.FAILED: "has failed",
    model.Kind.CANCELLED: "was cancelled",
    model.Kind.PAUSED: "is paused",
}
# What of the watch may fail: how its title says so, what follows from it, and what its return means.
_WATCHED = {
    "account": (
        "tunewatch is blind: {}",
        "Jobs may end without a notice until this is mended. Nothing is lost: they are told of then.",
        "Jobs that ended meanwhile are told of now.",
    ),
    "channel": (
        "tunewatch cannot reach {}",
        "Its notices wait and are tried again; the other destinations get theirs.",
        "Notices that waited are being delivered.",
    ),
    "database": (
        "tunewatch cannot use its {}",
        "Nothing can be recorded and no other notice sent until this is mended. Jobs that end are told of then.",
        "Jobs that ended meanwhile are told of now.",
    ),
}


def compose(notice: model.Notice, zone: tzinfo, dedup_key: str) -> model.Message:
    """The message for `notice`, with times in `zone`. Text from outside is made harmless on the way."""
    if notice.kind in (model.Kind.WATCH_FAILING, model.Kind.WATCH_RECOVERED):
        title, lines = _of_watch(notice, zone)
    elif notice.kind is model.Kind.DELIVERY_FAILED:
        title, lines = _of_delivery(notice, zone)
    else:
        title, lines = _of_job(notice, zone)
    # The id stands near the top: some services cut long texts at their end.
    opening, *rest = lines
    body = "\n".join([opening, f"Notice {notice.notice_id}", "", *rest])
    return model.Message(
        title=f"{_SYMBOLS[notice.kind]} {title}",
        body=body,
        kind=notice.kind,
        notice_id=notice.notice_id,
        dedup_key=dedup_key,
    )


def _of_job(notice: model.Notice, zone: tzinfo) -> tuple[str, list[str]]:
    facts = notice.facts
    happened = _HAPPENED[notice.kind]
    name = plain.text(facts.get("suffix") or "", 60) or plain.text(notice.job_id, 60)
    opening = f"Fine-tuning job {plain.text(notice.job_id, 120)} (account {notice.account}) {happened}."
    rows = _rows([*_outcome(facts), *_course(facts, zone), *_where(notice)])
    if facts.get("trial"):
        opening = f"This is a test of the channel {facts['trial']}: no job ended. A real notice looks like this."
        happened = "(test)"
    return f"{name} {happened}", [opening, *rows]


def _outcome(facts: Mapping[str, Any]) -> Iterable[tuple[str, object]]:
    yield "Tuned model", facts.get("fine_tuned_model")
    yield "Error", facts.get("error_code")
    yield "Reason", facts.get("error_message")
    yield "Parameter", facts.get("error_param")
    if not facts.get("error_message"):
        for problem in facts.get("problems") or ():
            yield "Job log", problem
    yield "Base model", facts.get("model")
    yield "Method", facts.get("method")
    yield "Settings", _pairs(facts.get("hyperparameters"))
    yield "Metadata", _pairs(facts.get("metadata"))


def _course(facts: Mapping[str, Any], zone: tzinfo) -> Iterable[tuple[str, object]]:
    created, started, finished = (_time(facts, name) for name in ("created_at", "started_at", "finished_at"))
    if started:
        yield "Queued", _span(created, started)
        yield "Ran", _span(started, finished)
    else:
        yield "Took", _span(created, finished)
    tokens = facts.get("trained_tokens")
    yield "Trained tokens", f"{tokens:,}" if tokens else None
    yield "Losses", _losses(facts)
    yield "Created", plain.moment(created, zone) if created else None
    yield "Ended", plain.moment(finished, zone) if finished else None


def _where(notice: model.Notice) -> Iterable[tuple[str, object]]:
    yield "Look", notice.facts.get("page_url")
    yield "Details", f"tunewatch {_show(notice)}"


def _show(notice: model.Notice) -> str:
    # People copy it into their shell, and an id is whatever the provider says.
    return f"show {shlex.quote(plain.line(notice.job_id, 500))}"


def _of_watch(notice: model.Notice, zone: tzinfo) -> tuple[str, list[str]]:
    facts = notice.facts
    if facts["about"] == "jobs":
        return _of_jobs(notice, zone)
    what = " ".join(filter(None, (facts["about"], plain.text(facts["name"], 80))))
    failing, effect, told = _WATCHED[facts["about"]]
    if notice.kind is model.Kind.WATCH_RECOVERED:
        lasted = plain.duration(notice.created_at - clock.from_text(facts["since"]))
        return f"tunewatch is back: {what}", [f"The {what} works again after {lasted}. {told}"]
    return failing.format(what), [effect, *_reason(facts, zone), "Look: tunewatch health"]


def _of_jobs(notice: model.Notice, zone: tzinfo) -> tuple[str, list[str]]:
    """Unfinished jobs that went out of sight: without a reason, the provider no longer has them."""
    facts, reason = notice.facts, notice.facts["reason"]
    shown, one = facts["jobs"], facts["count"] == 1
    what = plain.text(shown[0]["id"], 60) if one else plain.count(facts["count"], "job")
    which = f"{'this unfinished job' if one else f'these {what}, all unfinished,'} of account {notice.account}"
    if reason:
        opening = f"tunewatch cannot read {which}: an end may go untold until this is mended. It goes on asking."
    else:
        opening = (
            f"The provider no longer has {which} (404). What was seen stays in the history; tunewatch stops asking."
        )
    rows = [
        *(("Last known", f"{plain.text(job['id'], 120)}, {plain.text(job['status'], 80)}") for job in shown),
        ("And", f"{plain.count(facts['count'] - len(shown), 'job')} more" if facts["count"] > len(shown) else None),
        ("Check", None if one or reason else "whether the key still belongs to the same project"),
    ]
    look = _show(notice) if one else f"jobs --account {notice.account}"
    told = _reason(facts, zone) if reason else []
    return f"tunewatch lost sight of {what}", [opening, *_rows(rows), *told, *_rows([("Look", f"tunewatch {look}")])]


def _of_delivery(notice: model.Notice, zone: tzinfo) -> tuple[str, list[str]]:
    facts = notice.facts
    where = plain.text(facts["name"], 80)
    about = " ".join(filter(None, (facts["lost_kind"], plain.text(notice.job_id or "", 120))))
    return f"a notice did not reach {where}", [
        f"The notice `{about}` was given up after {facts['attempts']} attempts. Others may follow, untold.",
        *_reason(facts, zone),
        "Look: tunewatch deliveries --failed",
        f"Send again: tunewatch resend {facts['lost_id']}",
    ]  # fmt: skip


def _reason(facts: Mapping[str, Any], zone: tzinfo) -> list[str]:
    reason = plain.text(facts.get("reason") or "no reason given", 1000)
    return _rows([("Reason", reason), ("Since", plain.moment(clock.from_text(facts["since"]), zone))])


def _rows(pairs: Iterable[tuple[str, object]]) -> list[str]:
    return [f"{label}: {plain.text(value, 1000)}" for label, value in pairs if value not in (None, "")]


def _pairs(values: Mapping[str, Any] | None) -> str | None:
    return ", ".join(f"{name} {value}" for name, value in (values or {}).items() if value is not None) or None


def _losses(facts: Mapping[str, Any]) -> str | None:
    named = (("training", "train_loss"), ("validation", "valid_loss"), ("reward", "reward"))
    told = [f"{label} {facts[name]:.4g}" for label, name in named if facts.get(name) is not None]
    step = facts.get("step")
    return ", ".join(told) + (f" (step {step})" if step else "") if told else None


def _time(facts: Mapping[str, Any], name: str) -> datetime | None:
    return clock.from_text(facts[name]) if facts.get(name) else None


def _span(start: datetime | None, end: datetime | None) -> str | None:
    # Clocks of provider and machine differ: an end stamped by us may lie before a start told by them.
    return plain.duration(max(end - start, timedelta(0))) if start and end else None
