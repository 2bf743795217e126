"""What most tests share: a clock moved by hand, a real database, a provider that lives by that clock."""

import functools
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service import errors, model
from service.outbox.outbox import Outbox
from service.providers.openai_api import OpenAIProvider
from service.simulator import Simulator
from service.store import engine as engines
from service.store import migrate
from service.store.queue import Queue
from service.store.reading import Reading
from service.store.record import Record
from service.watcher.watcher import Report, Settings, Watcher
from tests import builders
from tests.composer.saying import composer

KEY = "sim-key"
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class HandClock:
    """Stands still until moved."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def move(self, **length: float) -> datetime:
        self.time += timedelta(**length)
        return self.time


@dataclass
class MemoryNotifier:
    """A way out that remembers. Destinations in `troubles` raise, notices in `refused` are never taken, also together
    with others; a text may have `rooms` characters, and those in `pictured` show pictures."""

    sent: list[tuple[str, model.Message]] = field(default_factory=list)
    troubles: dict[str, Exception] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    rooms: int = 4_000
    pictured: set[str] = field(default_factory=set)

    def room(self, _destination: str) -> int:
        return self.rooms

    def shows_pictures(self, destination: str) -> bool:
        return destination in self.pictured

    def send(self, destination: str, message: model.Message) -> None:
        if destination in self.troubles:
            raise self.troubles[destination]
        if any(notice["notice_id"] in self.refused for notice in message.data["notices"]):
            raise errors.Transient("not this one")
        self.sent.append((destination, message))

    def titles(self) -> list[str]:
        return [message.title for _, message in self.sent]


@functools.cache
def _new_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tunewatch.db"
        migrate.upgrade(f"sqlite:///{path}")
        return path.read_bytes()


def make_database(path: Path) -> None:
    """One that was just made. Making it is dear, so that it is done once and copied."""
    path.write_bytes(_new_database())


def destination(key: str, **rules: Any) -> model.Destination:
    """One that wants what every owner wants, pauses too, but for these rules of its channel."""
    channel = builders.channel(f"channel-{key}", **{"kinds": builders.USUAL, **rules})
    return model.Destination(key=key, channel=channel, label=f"label of {key}")


@dataclass
class Bench:
    """One account watched for real: simulator over HTTP, SDK, SQLite; only time and the way out are ours."""

    clock: HandClock
    simulator: Simulator
    provider: OpenAIProvider
    record: Record
    queue: Queue
    reading: Reading
    notifier: MemoryNotifier
    destinations: tuple[model.Destination, ...]
    make_watcher: Callable[..., Watcher]
    outbox: Outbox
    watcher: Watcher

    def poll(self) -> Report:
        """A pass, and the deliveries it gave rise to."""
        report = self.watcher.poll(self.clock.now())
        self.deliver()
        return report

    def deliver(self) -> None:
        for each in self.destinations:
            self.outbox.deliver(each, self.clock.now())

    def states(self) -> dict[str, str]:
        """The state of every job by its id."""
        return {row["job_id"]: row["state"] for row in self.reading.jobs(limit=1000)}

    def steps(self, job_id: str) -> list[str]:
        """The statuses of a job, in order."""
        history = self.reading.history(job=self.reading.job(job_id), limit=100)
        return [row["to_status"] for row in reversed(history)]

    def payload(self, job_id: str, **fields: Any) -> dict[str, Any]:
        """A running job as a provider sends it, with these fields besides."""
        created = int(self.clock.now().timestamp())
        base = {"object": "fine_tuning.job", "model": "gpt-4o-mini", "status": "running", "created_at": created}
        return {**base, "id": job_id, **fields}

    def requests(self) -> list[str]:
        """Paths asked for since the last call."""
        paths = [path for _, path in self.simulator.requests]
        self.simulator.requests.clear()
        return paths


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'tunewatch.db'}"


@pytest.fixture
def engine(url: str, tmp_path: Path) -> Iterator[engines.Engine]:
    if not (path := tmp_path / "tunewatch.db").exists():
        make_database(path)
    engine = engines.writing(url)
    yield engine
    engine.dispose()


@pytest.fixture
def bench(clock: HandClock, url: str, engine: engines.Engine) -> Iterator[Bench]:
    with Simulator(keys=(KEY,), clock=lambda: clock.now().timestamp()) as simulator:
        provider = OpenAIProvider(
            account="main", api_key=KEY, base_url=simulator.url, request_timeout=timedelta(seconds=5), retries=0
        )
        record, queue, notifier = Record(engine), Queue(engine), MemoryNotifier()
        destinations = (destination("mail"), destination("chat"))

        def make_watcher(
            *to: model.Destination, way: OpenAIProvider | None = None, into: Record | None = None,
            most_pages: int = 50, **changes: Any,
        ) -> Watcher:  # fmt: skip
            settings: dict[str, Any] = {
                "interval": timedelta(seconds=30), "idle_interval": timedelta(minutes=5),
                "blind_after": timedelta(minutes=15), **changes,
            }  # fmt: skip
            return Watcher(
                Settings(account="main", **settings),
                provider=way or provider, record=into or record, destinations=to or destinations, time=clock,
                most_pages=most_pages,
            )  # fmt: skip

        outbox = Outbox(
            queue=queue, notifier=notifier, destinations=destinations, composer=composer(), zone=UTC,
            give_up_after=timedelta(hours=72),
            luck=lambda: 0.5, time=clock,
        )  # fmt: skip
        outbox.resume(clock.now())
        reading_engine = migrate.reading(url)
        yield Bench(
            clock=clock, simulator=simulator, provider=provider, record=record, queue=queue,
            reading=Reading(reading_engine), notifier=notifier, destinations=destinations, make_watcher=make_watcher,
            outbox=outbox, watcher=make_watcher(),
        )  # fmt: skip
        provider.close()
        reading_engine.dispose()
