"""Reading a job's course: events with their metrics, checkpoints, the result file. Best effort, bounded in time."""

import functools
import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar

from service import errors, model, ports

_T = TypeVar("_T")
log = logging.getLogger(__name__)


def read(
    provider: ports.Provider, record: ports.Record, job: model.Job, *, in_time: Callable[[], bool]
) -> model.Course:
    """What the provider tells of the job's course and we do not know yet.

    Stops early, with what it has and `complete=False`, when a request fails or `in_time` turns False: the
    rest is read at a later pass. A provider without events or checkpoints (404) has none.
    """
    events: list[model.Event] = []
    metrics: list[model.Metric] = []
    checkpoints: tuple[model.Checkpoint, ...] = ()
    complete = False
    try:
        for page in _new_events(provider, record, job, in_time):
            events += page.events
            metrics += page.metrics
        if job.state is model.State.SUCCEEDED:
            checkpoints = _or_nothing(lambda: provider.checkpoints(job.job_id))
            for file_id in job.result_files:
                _check(in_time)
                metrics = [*_or_nothing(functools.partial(provider.results, file_id)), *metrics]
        complete = True
    except _OutOfTime:
        log.debug("%s %s: out of time for its events; the rest follows", job.account, job.job_id)
    except (errors.Transient, errors.Permanent) as error:
        log.debug("%s %s: its events cannot be read now: %s", job.account, job.job_id, error)
    return model.Course(events=tuple(events), metrics=_merged(metrics), checkpoints=checkpoints, complete=complete)


class _OutOfTime(Exception):
    pass


def _check(in_time: Callable[[], bool]) -> None:
    if not in_time():
        raise _OutOfTime


def _new_events(
    provider: ports.Provider, record: ports.Record, job: model.Job, in_time: Callable[[], bool]
) -> Iterator[model.EventPage]:
    """Pages of events until one is known, if they come newest first, else all; guards against a stuck cursor."""
    stop_at_known = record.course_is_complete(job.account, job.job_id)
    met: set[str] = set()
    after = None
    while True:
        _check(in_time)
        page = _page(provider, job, after)
        fresh = {event.event_id for event in page.events} - met
        yield page
        known = record.known_events(job.account, job.job_id, fresh) if stop_at_known else set()
        if page.after is None or not fresh or (known and _newest_first(page)):
            return
        met |= fresh
        after = page.after


def _page(provider: ports.Provider, job: model.Job, after: str | None) -> model.EventPage:
    try:
        return provider.events(job.job_id, after)
    except errors.NotFound:
        return model.EventPage(events=(), metrics=(), after=None)


def _newest_first(page: model.EventPage) -> bool:
    """Sure of the order; a page within one second tells nothing, and then reading on is the safe answer."""
    times: list[datetime] = [event.created_at for event in page.events if event.created_at]
    return bool(times) and times[0] > times[-1] and times == sorted(times, reverse=True)


def _or_nothing(ask: Callable[[], tuple[_T, ...]]) -> tuple[_T, ...]:
    try:
        return ask()
    except errors.NotFound:
        return ()


def _merged(metrics: list[model.Metric]) -> tuple[model.Metric, ...]:
    return tuple({metric.step: metric for metric in metrics}.values())
