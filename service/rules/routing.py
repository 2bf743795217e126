"""Who is told of what, and why somebody is not."""

import fnmatch
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from service import clock, model
from service.rules import plain

_ENDS = (model.Kind.SUCCEEDED, model.Kind.FAILED, model.Kind.CANCELLED)


def destinations(
    notice: model.Notice, candidates: Iterable[model.Destination], *, broken: str | None = None
) -> tuple[model.Destination, ...]:
    """The destinations whose channel wants the notice.

    `broken`: key of the destination that the notice is about, which is left out.
    """
    return tuple(
        candidate
        for candidate in candidates
        if candidate.key != broken and refusal(notice, candidate.channel) is None
    )  # fmt: skip


def wanted(kind: model.Kind, account: str, candidates: Iterable[model.Destination]) -> bool:
    """Whether any channel asks for such notices about jobs of the account: if none does, nothing is looked up."""
    channels = [candidate.channel for candidate in candidates]
    return any(
        kind in (channel.kinds & channel.urgent if channel.digest_at else channel.kinds)
        and fits(account, channel.accounts)
        for channel in channels
    )


def refusal(notice: model.Notice, channel: model.Channel) -> str | None:
    """Why the channel is not told of the notice, in words for its owner; None when it is.

    A notice about the watch itself that belongs to no account goes to every channel that asks for its kind; filters
    by model, metadata and duration concern jobs only.
    """
    if notice.kind is model.Kind.DIGEST:
        return None if notice.facts["channel"] == channel.name else "the summary is another channel's"
    if notice.kind not in channel.kinds:
        return f"`on` does not name {notice.kind}"
    if channel.digest_at and notice.kind not in channel.urgent:
        return f"it gets the daily summary only, and `urgent` does not name {notice.kind}"
    if notice.account is not None and not fits(notice.account, channel.accounts):
        return f"`accounts` does not name {notice.account}"
    return _refusal_of_job(notice.facts, notice.kind, channel) if "model" in notice.facts else None


def concerns(job: Mapping[str, Any], channel: model.Channel) -> bool:
    """Whether the channel is to know of the job at all, whatever became of it. `job`: as in the facts of a digest."""
    return fits(job["account"], channel.accounts) and _refusal_of_job(job, model.Kind.DIGEST, channel) is None


def _refusal_of_job(facts: Mapping[str, Any], kind: model.Kind, channel: model.Channel) -> str | None:
    models = [name for name in (facts["model"], facts.get("fine_tuned_model")) if name]
    if channel.models != ("*",) and not any(fits(name, channel.models) for name in models):
        return f"`models` does not name {' or '.join(plain.line(name, 80) for name in models) or 'a missing model'}"
    metadata = facts.get("metadata") or {}
    for key, wanted in channel.metadata.items():
        if key not in metadata or not fnmatch.fnmatchcase(str(metadata[key]), wanted):
            return f"`metadata` wants {key} to be {wanted}"
    lasted = _lasted(facts) if kind in _ENDS else None
    if lasted is not None and lasted < channel.min_duration:
        return f"it took {plain.duration(lasted)}, and `min_duration` is {plain.duration(channel.min_duration)}"
    return None


def _lasted(facts: Mapping[str, Any]) -> timedelta | None:
    created, finished = facts.get("created_at"), facts.get("finished_at")
    if not created or not finished:
        return None
    # A provider may tell of an end before the beginning.
    return max(clock.from_text(finished) - clock.from_text(created), timedelta(0))


def fits(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns, with `*` and `?`, is that of the name."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
