"""The supervisor: what ends the daemon, what does not, and how it ends."""

import dataclasses
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from service import clock, errors, wiring
from service.config import schema
from service.daemon import daemon, once
from service.rules import backups
from service.simulator import Simulator
from service.store import lease
from service.upkeep import upkeep
from service.upkeep.backups import Backups
from service.watcher import watcher
from tests.faults import machine

PATIENCE = 20.0


class ShiftedClock(clock.SystemClock):
    """The machine's clock, set by somebody."""

    shift = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.shift


class BrokenWatcher(watcher.Watcher):
    def poll(self, *_: Any, **__: Any) -> watcher.Report:
        raise ZeroDivisionError("a mistake of ours")


class TroubledWatcher(watcher.Watcher):
    """Finds the disk full the first two times."""

    times = 0

    def poll(self, *words: Any, **options: Any) -> watcher.Report:
        self.times += 1
        if self.times < 3:
            raise errors.StoreTrouble("the disk is full")
        return super().poll(*words, **options)


class NoShelf:
    """Has nothing to forget."""

    def forget_events(self, before: datetime) -> int:  # noqa: ARG002 - the name is the port's
        return 0

    def condition(self) -> None:
        return None

    def cut_wal(self) -> None:
        raise AssertionError


class TroubledUpkeep(upkeep.Upkeep):
    """Finds the disk full, once it may look."""

    def __init__(self) -> None:
        self.may_look = threading.Event()

    def keep(self, *_: Any, **__: Any) -> None:
        self.may_look.wait(PATIENCE)
        raise errors.StoreTrouble("the disk is full")


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[schema.Settings]:
    with Simulator(history=2) as simulator:
        yield schema.Settings.model_validate({
            "poll": {"interval": "1h", "idle_interval": "1h"},
            "database": {"url": f"sqlite:///{tmp_path}/watch.db"},
            "accounts": [{"name": "main", "api_key": "sim-key", "base_url": simulator.url}],
        })  # fmt: skip


class Running:
    """A daemon in a thread; `passes` receives the report of every finished pass."""

    def __init__(self, app: wiring.App) -> None:
        self.passes: queue.Queue[watcher.Report] = queue.Queue()
        self.stop = threading.Event()
        self.ended: object = None
        self._daemon = daemon.Daemon(app, on_pass=self.passes.put)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.ended = self._daemon.run(self.stop)
        except daemon.MemberDied as death:
            self.ended = death

    def wait(self) -> object:
        self._thread.join(PATIENCE)
        return self.ended

    def __enter__(self) -> "Running":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        self._thread.join()


def test_it_looks_at_once_and_ends_cleanly_when_told(settings: schema.Settings) -> None:
    with wiring.opened(settings, daemon=True) as app, Running(app) as running:
        assert running.passes.get(timeout=PATIENCE).baseline
        running.stop.set()
        assert running.wait() is True


def test_a_member_that_fails_in_an_unforeseen_way_ends_the_whole(
    settings: schema.Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a watch that looks like a whole one is worse than none."""
    with wiring.opened(settings, daemon=True) as app:
        [good] = app.watchers
        broken = _like(good, BrokenWatcher)
        with Running(dataclasses.replace(app, watchers=(broken,))) as running:
            assert isinstance(running.wait(), daemon.MemberDied)
    assert "a mistake of ours" in caplog.text


def test_trouble_of_the_disk_is_logged_once_and_ends_nothing(
    settings: schema.Settings, caplog: pytest.LogCaptureFixture
) -> None:
    poll = settings.poll.model_copy(update={"interval": timedelta(seconds=1)})
    with wiring.opened(settings.model_copy(update={"poll": poll}), daemon=True) as app:
        troubled = _like(app.watchers[0], TroubledWatcher)
        with Running(dataclasses.replace(app, watchers=(troubled,))) as running:
            assert running.passes.get(timeout=PATIENCE).problem is None
    assert caplog.text.count("the disk is full") == 1


def test_trouble_that_any_member_meets_shows_in_health_when_it_shows_in_the_log(
    settings: schema.Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with wiring.opened(settings, daemon=True) as app:
        keeper = TroubledUpkeep()
        with Running(dataclasses.replace(app, upkeep=keeper)) as running:
            running.passes.get(timeout=PATIENCE)
            keeper.may_look.set()
            machine.until(lambda: "upkeep: the disk is full" in caplog.text)
            assert lease.noted(settings.database.url) == "the disk is full"


def test_a_stop_in_the_middle_of_a_pass_is_a_clean_end(settings: schema.Settings) -> None:
    with wiring.opened(settings, daemon=True) as app:
        running = Running(app)
        running.stop.set()
        assert running.wait() is True


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_was_set_delays_no_pass(settings: schema.Settings, hours: int) -> None:
    time = ShiftedClock()
    with wiring.opened(settings, daemon=True, time=time) as app, Running(app) as running:
        running.passes.get(timeout=PATIENCE)
        time.shift = timedelta(hours=hours)
        # The next look would be an hour away.
        running.passes.get(timeout=PATIENCE)
        running.stop.set()
        assert running.wait() is True


def test_the_past_is_read_once_the_account_was_seen(
    settings: schema.Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """A member of its own, which does not keep the daemon from ending."""
    caplog.set_level(logging.INFO, logger="service")
    with wiring.opened(settings, daemon=True) as app, Running(app) as running:
        assert running.passes.get(timeout=PATIENCE).baseline
        machine.until(lambda: "main: all of the past is read" in caplog.text)
        assert app.pasts[0].left() == 0
        running.stop.set()
        assert running.wait() is True
    assert caplog.text.count("main: the past is read, little by little: 2 jobs") == 1


def test_one_pass_by_hand_leaves_the_past(settings: schema.Settings) -> None:
    with wiring.opened(settings, daemon=False) as app:
        once.run(app, full=True)
        assert app.pasts[0].left() == 2


def _like(good: watcher.Watcher, kind: type[watcher.Watcher]) -> watcher.Watcher:
    return kind(good._settings, provider=good._provider, record=good._record, destinations=(), time=good._time)


def test_a_database_deleted_under_us_ends_the_daemon(
    settings: schema.Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Into a file that nobody sees everything can be written, and it would be lost with us."""
    with wiring.opened(settings, daemon=True) as app, Running(app) as running:
        running.passes.get(timeout=PATIENCE)
        Path(settings.database.url.removeprefix("sqlite:///")).unlink()
        assert isinstance(running.wait(), daemon.MemberDied)
    assert "was deleted or moved while in use" in caplog.text


def test_backups_are_made_beside_the_watch(settings: schema.Settings, tmp_path: Path) -> None:
    (tmp_path / "attic").mkdir()
    database = settings.database.model_copy(update={"backup": tmp_path / "attic"})
    with wiring.opened(settings.model_copy(update={"database": database}), daemon=True) as app, Running(app) as running:
        running.passes.get(timeout=PATIENCE)
        machine.until(lambda: list((tmp_path / "attic").glob("*.db")))
        running.stop.set()
        assert running.wait() is True


class EndlessAttic:
    """Makes a backup that is never done."""

    def __init__(self) -> None:
        self.begun = threading.Event()

    def names(self) -> list[str]:
        return []

    def make(self, name: str, go_on: Callable[[], bool]) -> backups.Backup:  # noqa: ARG002
        self.begun.set()
        pause = threading.Event()
        while go_on():
            pause.wait(0.01)
        raise errors.Stopped("broken off")

    def remove(self, name: str) -> None:
        raise AssertionError(name)


def test_a_long_backup_delays_neither_the_looks_nor_the_end(settings: schema.Settings) -> None:
    attic = EndlessAttic()
    poll = settings.poll.model_copy(update={"interval": timedelta(seconds=1), "idle_interval": timedelta(seconds=1)})
    with wiring.opened(settings.model_copy(update={"poll": poll}), daemon=True) as app:
        keeper = upkeep.Upkeep(NoShelf(), timedelta(days=1), Backups(attic, every=timedelta(days=1), keep=1))
        with Running(dataclasses.replace(app, upkeep=keeper)) as running:
            assert attic.begun.wait(PATIENCE)
            for _ in range(3):
                assert running.passes.get(timeout=PATIENCE).problem is None
            running.stop.set()
            assert running.wait() is True
