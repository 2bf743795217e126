"""What changed between what we know of a job and what the provider shows now."""

import dataclasses
from datetime import datetime

from service import model

# Started, as told by the provider's own events (OpenAI, Azure). Only ever used to date the start more exactly
# than our polling can; never to decide that something happened.
_STARTED = ("fine-tuning job started", "job started")
# What is told of a job on its way, to those who ask for it.
MILESTONES = (model.Kind.CREATED, model.Kind.STARTED, model.Kind.RESUMED)


def merge(known: model.Job | None, seen: model.Job, *, now: datetime, baseline: bool) -> model.Job:
    """`seen` with the times that the provider does not send: when it started, and when it ended.

    Failed jobs come with `finished_at: null`; then the moment we saw the end stands for it. At the first sight
    of an account that would be a lie (the job may have ended long ago), so there it stays unknown.
    """
    started = seen.started_at or (known.started_at if known else None)
    # `pausing` and `canceling` read as running, and may follow on `queued`: they are no start.
    if not started and seen.status.lower() == model.State.RUNNING and not baseline:
        started = now
    finished = seen.finished_at
    if seen.state.ended and not finished:
        if known and known.state.ended:
            finished = known.finished_at
        elif not baseline:
            finished = max(filter(None, (seen.created_at, started, now)))
    return _in_order(dataclasses.replace(seen, started_at=started, finished_at=finished))


def _in_order(job: model.Job) -> model.Job:
    """`job` started neither before it was created nor after it ended: our clock and the provider's may differ."""
    started = job.started_at
    if started and job.finished_at:
        started = min(started, job.finished_at)
    if started and job.created_at:
        started = max(started, job.created_at)
    return dataclasses.replace(job, started_at=started)


def change(
    known: model.Job | None, seen: model.Job, *, now: datetime, source: model.Source
) -> model.StatusChange | None:
    """The status change between the two, None when the status is the same."""
    before = known.status if known else None
    if before == seen.status:
        return None
    return model.StatusChange(from_status=before, to_status=seen.status, observed_at=now, source=source)


def announcement(known: model.Job | None, seen: model.Job) -> model.Kind | None:
    """The kind of notice that this step deserves, if any: the one that says most.

    A job that had ended is told of again only if it turns out to have succeeded or failed after all: Azure
    shows `deleted` for jobs whose owner tidied up, which is no news.
    """
    before = known.state if known else None
    if seen.state is before:
        return None
    if before and before.ended and seen.state not in (model.State.SUCCEEDED, model.State.FAILED):
        return None
    if seen.state.ended or seen.state is model.State.PAUSED:
        return model.Kind(seen.state.value)
    return _milestone(before, seen)


def _milestone(before: model.State | None, seen: model.Job) -> model.Kind | None:
    # As for the start above: a job that is being called off or paused does not set out.
    running = seen.status.lower() == model.State.RUNNING
    if before is model.State.PAUSED:
        # At OpenAI it waits in the queue once more.
        return model.Kind.RESUMED if running or seen.state is model.State.PENDING else None
    if running:
        return model.Kind.STARTED
    return model.Kind.CREATED if before is None else None


def is_recent(job: model.Job, since: datetime | None) -> bool:
    """Whether a job met at the first sight of its account ended at or after `since` (None: nothing is recent).

    Without an end time the creation time decides: a job created since then has certainly ended since then.
    """
    ended = job.finished_at or job.created_at
    return since is not None and ended is not None and ended >= since


def with_course(job: model.Job, course: model.Course) -> model.Job:
    """`job` with its start dated by the provider's own event, where there is one."""
    starts = [
        event.created_at
        for event in course.events
        if event.created_at and event.message.lower().rstrip(".").startswith(_STARTED)
    ]
    return _in_order(dataclasses.replace(job, started_at=min(starts))) if starts else job
