"""One account watched for real: SDK over HTTP, SQLite in a file; only the clock is ours."""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openai

from benchmarks import provider
from service.providers.openai_api import OpenAIProvider
from service.rules import patience
from service.store import engine as engines
from service.store import migrate
from service.store.record import Record
from service.watcher.watcher import Report, Settings, Watcher

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
INTERVAL = timedelta(seconds=30)
COURSES_AFTER = INTERVAL * patience.COURSE_INTERVALS


class HandClock:
    """The wall clock stands still until moved; the steady one is real, so that limits of time hold."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A watcher, the provider it watches, and the plain SDK on the same account."""

    provider: provider.Provider
    watcher: Watcher
    sdk: openai.OpenAI
    clock: HandClock

    def poll(self, later: timedelta = timedelta(0)) -> Report:
        """One pass, so much later than the last."""
        self.clock.time += later
        self.provider.move(self.clock.time.timestamp())
        report = self.watcher.poll(self.clock.time)
        if report.problem:
            raise RuntimeError(f"the pass failed: {report.problem}")
        return report

    def settle(self) -> None:
        """The baseline pass and one more: what follows is what the daemon does all day."""
        self.poll()
        self.poll(INTERVAL)
        self.provider.asked()


@contextlib.contextmanager
def account(*, jobs: int, unfinished: int = 0) -> Iterator[Watched]:
    """An account of that size, not looked at yet."""
    clock = HandClock()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tunewatch-bench-")))
        far = stack.enter_context(provider.running(jobs=jobs, unfinished=unfinished, now=START.timestamp()))
        url = f"sqlite:///{folder / 'tunewatch.db'}"
        migrate.upgrade(url)
        engine = engines.writing(url)
        stack.callback(engine.dispose)
        ours = OpenAIProvider(
            account="main", api_key=provider.KEY, base_url=far.url, request_timeout=timedelta(seconds=20)
        )
        stack.callback(ours.close)
        settings = Settings(
            account="main", interval=INTERVAL, idle_interval=INTERVAL, blind_after=timedelta(minutes=15)
        )
        yield Watched(
            provider=far,
            watcher=Watcher(settings, provider=ours, record=Record(engine), destinations=(), time=clock),
            sdk=stack.enter_context(openai.OpenAI(api_key=provider.KEY, base_url=far.url)),
            clock=clock,
        )
