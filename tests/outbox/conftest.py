"""Notices on their way, and how they fare."""

import zoneinfo
from collections.abc import Iterable
from datetime import datetime, timedelta

from service import model, ports
from service.outbox.outbox import Outbox
from service.rules import notices
from tests.composer.saying import composer
from tests.conftest import Bench

# The owner's.
ZONE = zoneinfo.ZoneInfo("Europe/Berlin")


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


def office(
    bench: Bench,
    *destinations: model.Destination,
    queue: ports.Queue | None = None,
    notifier: ports.Notifier | None = None,
    speaker: ports.Composer | None = None,
) -> Outbox:
    """The outbox of a process that starts now, for these destinations."""
    made = Outbox(
        queue=queue or bench.queue, notifier=notifier or bench.notifier, destinations=destinations,
        composer=speaker or composer(), zone=ZONE, luck=lambda: 0.5,
        give_up_after=timedelta(hours=72), time=bench.clock,
    )  # fmt: skip
    made.resume(bench.clock.now())
    return made


def told(bench: Bench, key: str = "mail") -> list[list[str]]:
    """The jobs in each message that this destination accepted since the last call."""
    found = [
        [str(each["job_id"]) for each in message.data["notices"]] for to, message in bench.notifier.sent if to == key
    ]
    bench.notifier.sent = [(to, message) for to, message in bench.notifier.sent if to != key]
    return found


def flat(messages: Iterable[Iterable[str]]) -> list[str]:
    """All that was told, whatever the messages."""
    return [each for message in messages for each in message]
