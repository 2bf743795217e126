"""Notices on their way, and how they fare."""

from datetime import datetime

from service import model
from service.rules import notices
from tests.conftest import Bench


def notice_of(name: str, now: datetime) -> tuple[model.Job, model.Notice]:
    """A job that succeeded, and what is to be told of it."""
    job = model.Job(account="main", job_id=name, status="succeeded", state=model.State.SUCCEEDED, raw="{}")
    return job, notices.of_job(model.Kind.SUCCEEDED, job, events=(), metrics=(), page_url=None, now=now)


def queue(bench: Bench, *names: str, to: tuple[model.Destination, ...] | None = None) -> list[model.Notice]:
    """Notices of jobs that succeeded, on their way to every destination."""
    made = []
    for name in names:
        job, notice = notice_of(name, bench.clock.now())
        order = model.Order(notice=notice, destinations=bench.destinations if to is None else to)
        bench.record.record("main", [model.Update(job=job, orders=(order,))], bench.clock.now())
        made.append(notice)
    return made


def states(bench: Bench) -> list[tuple[str, str, str]]:
    """Job, channel and state of every delivery, oldest first."""
    rows = bench.reading.deliveries(limit=100)
    return [(row["job_id"] or "-", row["channel"], row["state"]) for row in reversed(rows)]
