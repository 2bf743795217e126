"""Two accounts watched for real: HTTP to faulty servers, SDK, SQLite file; only time and the way out are ours."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from service import model, ports
from service.outbox.outbox import Outbox
from service.providers.openai_api import OpenAIProvider
from service.store import engine as engines
from service.store import migrate, schema
from service.store.queue import Queue
from service.store.reading import Reading
from service.store.record import Record
from service.watcher.watcher import Report, Settings, Watcher
from tests.composer.saying import composer
from tests.conftest import START, HandClock, MemoryNotifier, destination
from tests.faults import faulty
from tests.faults.table import Fault

INTERVAL, IDLE, BLIND_AFTER = timedelta(seconds=30), timedelta(minutes=5), timedelta(minutes=15)
KEY = "sk-planted-5ecret-0123456789"


def provider_of(url: str, *, seconds: float = 10, retries: int = 0, account: str = "main") -> OpenAIProvider:
    return OpenAIProvider(
        account=account, api_key=KEY, base_url=url, request_timeout=timedelta(seconds=seconds), retries=retries
    )


@dataclass
class Stage:
    """What is dear to make, shared by the tests of a file.

    `ways`: providers of the account `main` by name; `patient`, `brief` (a second) and `hasty` (a tenth) lead to
    `server`.
    The engines are shared because they learn every statement anew.
    """

    server: faulty.Faulty
    other: faulty.Faulty
    ways: dict[str, OpenAIProvider]
    other_way: OpenAIProvider
    engine: engines.Engine
    reading: engines.Engine

    def clear(self) -> None:
        """Healthy and empty servers, and a database as new."""
        self.server.clear()
        self.other.clear()
        with self.engine.begin() as connection:
            for table in reversed(schema.metadata.sorted_tables):
                connection.execute(table.delete())


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    url = f"sqlite:///{folder / 'tunewatch.db'}"
    migrate.upgrade(url)
    with contextlib.ExitStack() as opened:
        server, other = (opened.enter_context(faulty.serving()) for _ in range(2))
        closed = opened.enter_context(faulty.closed_port())
        ways = {
            "patient": provider_of(server.url),
            "hasty": provider_of(server.url, seconds=0.1),
            "brief": provider_of(server.url, seconds=1),
            "closed": provider_of(closed),
            "nowhere": provider_of("http://tunewatch.invalid/v1"),
        }
        other_way = provider_of(other.url, account="other")
        for each in (*ways.values(), other_way):
            opened.callback(each.close)
        engine, reading = engines.writing(url), migrate.reading(url)
        opened.callback(engine.dispose)
        opened.callback(reading.dispose)
        yield Stage(server=server, other=other, ways=ways, other_way=other_way, engine=engine, reading=reading)


@dataclass
class Rig:
    """Both accounts and their outbox, on a database of their own."""

    stage: Stage
    clock: HandClock
    engine: engines.Engine
    record: Record
    queue: Queue
    reading: Reading
    caplog: pytest.LogCaptureFixture
    notifier: MemoryNotifier = field(default_factory=MemoryNotifier)
    destinations: tuple[model.Destination, ...] = (destination("mail"), destination("chat"))

    def __post_init__(self) -> None:
        self.outbox = Outbox(
            queue=self.queue, notifier=self.notifier, destinations=self.destinations, composer=composer(), zone=UTC,
            give_up_after=timedelta(hours=72), luck=lambda: 0.5, time=self.clock,
        )  # fmt: skip
        self.outbox.resume(self.clock.now())
        self.restart("patient")
        self.other = self._watcher("other", self.stage.other_way)

    def restart(self, way: str | ports.Provider, *, most_pages: int = 50, **settings: timedelta) -> None:
        """The account `main` is watched by a new process from now on, in that way."""
        provider = self.stage.ways[way] if isinstance(way, str) else way
        self.watcher = self._watcher("main", provider, most_pages, **settings)

    def _watcher(self, account: str, provider: ports.Provider, most_pages: int = 50, **settings: timedelta) -> Watcher:
        given: dict[str, Any] = {
            "interval": INTERVAL, "idle_interval": IDLE, "blind_after": BLIND_AFTER, **settings,
        }  # fmt: skip
        return Watcher(
            Settings(account=account, **given), provider=provider, record=self.record, time=self.clock,
            destinations=self.destinations, most_pages=most_pages,
        )  # fmt: skip

    def look(self) -> Report:
        """A pass over both accounts, and the deliveries they gave rise to."""
        report = self.watcher.poll(self.clock.now())
        assert self.other.poll(self.clock.now()).problem is None
        for each in self.destinations:
            self.outbox.deliver(each, self.clock.now())
        return report

    def told(self, key: str = "mail") -> list[str]:
        """Titles that this destination got, in order, since the last call."""
        titles = [message.title for to, message in self.notifier.sent if to == key]
        self.notifier.sent = [(to, message) for to, message in self.notifier.sent if to != key]
        return titles

    def lines(self) -> list[str]:
        """What was logged as a warning or worse since the last call."""
        records = [record for record in self.caplog.records if record.levelno >= logging.WARNING]
        self.caplog.clear()
        return [record.getMessage() for record in records]

    def logged(self, fault: Fault) -> str:
        """The one line that this fault was worth."""
        (line,) = self.lines()
        assert line.startswith("main: ")
        assert fault.logged in line
        return line

    def logged_nothing(self, fault: Fault) -> bool:
        return fault.logged == "nothing" and not self.lines()

    def states(self) -> dict[str, str]:
        return {row["job_id"]: row["state"] for row in self.reading.jobs(limit=10_000, account="main")}

    def asked(self) -> list[str]:
        """Paths asked for at the account `main` since the last call, without what they have in common."""
        return [path.removeprefix(faulty.JOBS) for path in self.stage.server.asked()]

    def unsent(self) -> int:
        return len([row for row in self.reading.deliveries(limit=10_000) if row["state"] != "sent"])


@contextlib.contextmanager
def rig(shared: Stage, caplog: pytest.LogCaptureFixture) -> Iterator[Rig]:
    caplog.set_level(logging.INFO, logger="service")
    shared.clear()
    engine = shared.engine
    yield Rig(
        stage=shared, clock=HandClock(), engine=engine, record=Record(engine), queue=Queue(engine),
        reading=Reading(shared.reading), caplog=caplog,
    )  # fmt: skip
    shared.server.heal()


def job(job_id: str, status: str = "running", *, minutes: float = 0, **fields: Any) -> dict[str, Any]:
    """A job as a provider sends it, created so many minutes after the clock's start."""
    created = int((START + timedelta(minutes=minutes)).timestamp())
    base = {"object": "fine_tuning.job", "model": "gpt-4o-mini", "status": status, "created_at": created}
    return {**base, "id": job_id, **fields}


def looks(watched: Rig, count: int) -> list[str]:
    """So many looks, an interval apart; what the first destination heard at them."""
    heard = []
    for _ in range(count):
        watched.clock.time += INTERVAL
        assert watched.look().problem is None
        heard += watched.told()
    return heard
