"""Reading the past now: alone or beside the daemon, to its end or until something stops it."""

import json
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service import cli, errors
from service.cli import backfill
from service.rules import patience
from service.store.lease import Lease
from service.store.past import Backlog
from service.watcher import past
from tests.cli.conftest import Ask
from tests.conftest import KEY, START, Bench, HandClock
from tests.e2e import servers
from tests.faults import machine
from tests.watcher import told


@pytest.fixture
def call(bench: Bench, url: str, tmp_path: Path) -> Iterator[Ask]:
    """The command, on the bench's account and database."""
    config = tmp_path / "backfill.toml"
    config.write_text(
        f'[database]\nurl = "{url}"\n'
        f'[[accounts]]\nname = "main"\napi_key = "{KEY}"\nbase_url = "{bench.simulator.url}"\n'
    )

    def run(*words: str) -> Result:
        return CliRunner(catch_exceptions=False).invoke(cli.root, ["backfill", *words, "--config", str(config)])

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    loggers = [logging.getLogger(name) for name in (None, "service", "apscheduler")]
    levels, handlers = [each.level for each in loggers], logging.root.handlers[:]
    hooks = sys.excepthook, threading.excepthook
    yield run
    # A command makes itself at home in its process, which here is that of all the tests.
    for number, handler in before.items():
        signal.signal(number, handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    logging.root.handlers[:] = handlers
    sys.excepthook, threading.excepthook = hooks


@pytest.fixture
def daemon(url: str) -> Iterator[None]:
    """Somebody holds the database."""
    holder = Lease(url)
    holder.take(START)
    yield
    holder.release()


def _unread(bench: Bench) -> int:
    return sum(row["course_read_at"] is None for row in bench.reading.jobs(limit=1000))


def test_without_a_daemon_it_looks_first_and_reads_everything(bench: Bench, call: Ask) -> None:
    bench.simulator.populate(KEY, 12)
    result = call()
    assert (result.exit_code, result.stdout) == (0, "main: 12 jobs read, 0 gone, 0 left\n")
    assert (len(bench.states()), _unread(bench)) == (12, 0)
    bench.requests()
    assert call().stdout == "main: 0 jobs read, 0 gone, 0 left\n"
    assert bench.requests() == ["/v1/fine_tuning/jobs"]


def test_beside_a_daemon_it_reads_and_does_not_look(bench: Bench, call: Ask, daemon: None) -> None:
    bench.simulator.populate(KEY, 5)
    bench.poll()
    bench.requests()
    result = call("--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "accounts": [
            {"account": "main", "read": 5, "gone": 0, "left": 0, "problem": None, "denied": 0, "reason": None}
        ],
        "notices": 0,
    }
    assert "/v1/fine_tuning/jobs" not in bench.requests()
    assert _unread(bench) == 0
    assert told.notices_kept(bench) == 0


def test_only_the_jobs_since_a_time_are_read(bench: Bench, call: Ask) -> None:
    bench.simulator.populate(KEY, 12)
    since = (START - timedelta(days=100)).date().isoformat()
    assert call("--since", since).stdout.startswith("main: 3 jobs read")
    assert _unread(bench) == 9
    assert call("--since", "soon").exit_code == 2


def test_an_unknown_account_is_wrong_usage_and_the_names_are_said(call: Ask) -> None:
    result = call("--account", "mine")
    assert result.exit_code == 2
    assert "There is no account 'mine'; the configuration has: main." in result.stderr


def test_an_account_that_cannot_be_seen_is_unavailable(bench: Bench, call: Ask) -> None:
    bench.simulator.revoke(KEY)
    result = call()
    assert result.exit_code == 69
    assert "refuses the key (401)" in result.stdout


def test_a_pause_longer_than_anybody_waits_ends_it_and_the_next_call_goes_on(
    bench: Bench, call: Ask, daemon: None
) -> None:
    bench.simulator.populate(KEY, 3)
    bench.poll()
    bench.simulator.down, bench.simulator.retry_after = 429, 600.0
    result = call()
    assert result.exit_code == 69
    assert "0 jobs read, 0 gone, 3 left. Why not all: 127.0.0.1" in result.stdout
    bench.simulator.down = None
    assert call().stdout.startswith("main: 3 jobs read")


class Waits(threading.Event):
    """Waits by moving the clock on; set after so many times."""

    def __init__(self, clock: HandClock, most: int = 1000) -> None:
        super().__init__()
        self._clock, self._most = clock, most
        self.pauses: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0)
        self._clock.move(seconds=timeout or 0)
        if len(self.pauses) >= self._most:
            self.set()
        return self.is_set()


def _past(bench: Bench, **changes: Any) -> past.Past:
    given: dict[str, Any] = {"provider": bench.provider.unhurried(), "pace": patience.BRISK, **changes}
    return past.Past("main", record=bench.record, backlog=Backlog(bench.record._engine), time=bench.clock, **given)


def test_trouble_is_waited_out_for_some_minutes(bench: Bench) -> None:
    bench.simulator.populate(KEY, 3)
    bench.poll()
    bench.simulator.down = 503
    waits = Waits(bench.clock)
    tally = backfill.read_all(_past(bench), None, waits, lambda _: None, bench.clock)
    assert (tally.read, tally.left) == (0, 3)
    assert tally.problem
    assert waits.pauses == [5, 15, 45, 135]


def test_told_to_stop_it_stops_and_the_next_call_goes_on(bench: Bench) -> None:
    bench.simulator.populate(KEY, 5)
    bench.poll()
    one = _past(bench)
    moved: list[int] = []
    tally = backfill.read_all(one, None, Waits(bench.clock, most=2), moved.append, bench.clock)
    assert (tally.read, tally.left, sum(moved)) == (2, 3, 2)
    assert backfill.read_all(_past(bench), None, Waits(bench.clock), moved.append, bench.clock).read == 3


def test_a_request_that_is_cut_off_is_a_stop(bench: Bench) -> None:
    bench.simulator.populate(KEY, 5)
    bench.poll()
    way = bench.provider.unhurried()
    way.close()
    with pytest.raises(errors.Stopped):
        way.events("ftjob-1", None)
    tally = backfill.read_all(_past(bench, provider=way), None, Waits(bench.clock), lambda _: None, bench.clock)
    assert (tally.read, tally.problem) == (0, None)


def test_what_the_key_may_not_read_is_said_at_the_end() -> None:
    tally = backfill.Tally(account="main")
    for denied in (None, "no scope", "no scope"):
        tally.take(past.Report(account="main", read=1, left=0, next_in=timedelta(0), denied=denied))
    assert str(tally) == "main: 3 jobs read, 0 gone, 0 left. Of 2 jobs not everything may be read: no scope"


def test_a_signal_ends_the_program_in_the_middle_and_the_next_call_goes_on(
    bench: Bench, call: Ask, tmp_path: Path
) -> None:
    bench.simulator.populate(KEY, 2000)
    bench.poll()
    with servers.Program("backfill", "--config", "backfill.toml", cwd=tmp_path, env={}) as program:
        machine.until(lambda: sum(path.endswith("/checkpoints") for _, path in bench.simulator.requests) > 20)
        assert program.stop(signal.SIGTERM) == 1
    assert "Stopped. Call it again to go on from here." in program.log
    read = 2000 - _past(bench).left()
    assert 0 < read < 2000
