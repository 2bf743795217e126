"""`tunewatch import`, as people call it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from service.store import lease
from tests.cli.conftest import Ask
from tests.conftest import START, Bench
from tests.store import hosts

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def file(bench: Bench, tmp_path: Path, ask: Ask) -> Path:
    """The exported history of one job, which was told to one of two destinations."""
    bench.poll()
    bench.simulator.create(suffix="rain", durations=(0, 0, 600))
    bench.clock.move(minutes=1)
    bench.poll()
    bench.clock.move(minutes=20)
    bench.watcher.poll(bench.clock.now())
    bench.outbox.deliver(bench.destinations[0], bench.clock.now())
    target = tmp_path / "old-host.db"
    assert ask("export", "--format", "sqlite", str(target)).exit_code == 0
    return target


@pytest.fixture
def run(program: Run, tmp_path: Path) -> Run:
    """The program as a process, with a database that is not there yet."""
    config = tmp_path / "elsewhere.toml"
    config.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/elsewhere.db"\n')
    return lambda *words: program(*words, "--config", str(config))


def test_a_database_is_made_and_filled_and_who_waits_is_said(run: Run, file: Path, tmp_path: Path) -> None:
    result = run("import", str(file))
    assert result.returncode == 0
    assert result.stdout.startswith(f"New in {tmp_path}/elsewhere.db: accounts 1, jobs 1, status changes 2, events ")
    assert result.stdout.endswith("notices 1, destinations 1, deliveries 1.\n")
    assert result.stderr == (
        f"1 message not yet delivered in {file}: only the tunewatch that it belongs to sends what waits there.\n"
        "Not in the configuration, so not watched here: main.\n"
    )
    assert "rain" in run("jobs").stdout
    assert run("import", str(file)).stdout == f"New in {tmp_path}/elsewhere.db: nothing.\n"


def test_what_came_is_told_as_json(run: Run, file: Path) -> None:
    counts = json.loads(run("import", str(file), "--json").stdout)
    assert (counts["jobs"], counts["jobs_updated"], counts["status_changes"], counts["waiting"]) == (1, 0, 2, 1)
    again = json.loads(run("import", str(file), "--json").stdout)
    assert {name: count for name, count in again.items() if count} == {"waiting": 1}


def test_what_is_known_better_now_is_said(run: Run, bench: Bench, ask: Ask, tmp_path: Path) -> None:
    bench.poll()
    bench.simulator.create(suffix="rain", durations=(0, 0, 600))
    for name, minutes in (("before.db", 1), ("after.db", 20)):
        bench.clock.move(minutes=minutes)
        bench.poll()
        ask("export", "--format", "sqlite", str(tmp_path / name))
    run("import", str(tmp_path / "before.db"))
    result = run("import", str(tmp_path / "after.db"))
    assert result.stdout.endswith("Known, and now known better: jobs 1, metrics 0.\n")


def test_the_daemon_has_to_be_stopped(run: Run, file: Path, tmp_path: Path) -> None:
    daemon = lease.Lease(f"sqlite:///{tmp_path}/elsewhere.db")
    daemon.take(START)
    result = run("import", str(file))
    daemon.release()
    assert result.returncode == 75
    assert "Stop it first" in result.stderr
    assert not (tmp_path / "elsewhere.db").exists()


def test_a_file_that_cannot_be_imported_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("a shopping list\n" * 999)
    for words, said in (("notes.txt", "is no database"), ("nowhere.db", "There is no file nowhere.db")):
        result = run("import", words)
        assert (result.returncode, said in result.stderr, "Traceback" in result.stderr) == (1, True, False)
    assert list(tmp_path.glob("elsewhere.db*")) == []


def test_a_jsonl_file_cannot_be_imported(run: Run, ask: Ask, file: Path, tmp_path: Path) -> None:
    """Only the database itself holds everything."""
    ask("export", "--format", "jsonl", str(tmp_path / "all.jsonl"))
    assert run("import", "all.jsonl").returncode == 1


def test_nothing_waits_after_it(run: Run, file: Path, tmp_path: Path) -> None:
    """Nobody is told anything because of an import."""
    run("import", str(file))
    assert hosts.ask(tmp_path / "elsewhere.db", "SELECT DISTINCT state FROM delivery") == [("sent",)]
    assert hosts.ask(tmp_path / "elsewhere.db", "SELECT active FROM account") == [(0,)]
