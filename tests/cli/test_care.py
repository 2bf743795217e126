"""The care of the database: each command says what it did, and exits with what that means."""

import json
import re
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from service import clock
from service.rules import backups
from service.store import engine as engines
from service.store import identity, lease
from tests.cli.conftest import Ask
from tests.conftest import START, Bench
from tests.store import old

Program = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def path(bench: Bench, url: str) -> Path:
    """A job that ended long ago, with all that was seen of it."""
    bench.poll()
    bench.simulator.create(durations=(60, 60, 600))
    bench.clock.move(minutes=20)
    bench.poll()
    path = engines.file_of(url)
    assert path
    return path


def _count(path: Path, sql: str) -> object:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchone()[0]


def test_a_backup_goes_to_a_file_and_can_be_read_as_the_database_is(path: Path, ask: Ask, tmp_path: Path) -> None:
    result = ask("db", "backup", str(tmp_path / "copy.db"))
    assert re.fullmatch(rf"{tmp_path}/copy\.db: 0\.\d MB, verified\n", result.stdout)
    jobs = ask("jobs", "--json").stdout
    (tmp_path / "config.toml").write_text(f'[database]\nurl = "sqlite:///{tmp_path}/copy.db"\n')
    assert ask("jobs", "--json").stdout == jobs != "[]\n"


def test_in_a_folder_a_backup_is_named_by_the_time(path: Path, ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "attic").mkdir()
    assert ask("db", "backup", str(tmp_path / "attic")).exit_code == 0
    [made] = (tmp_path / "attic").iterdir()
    assert backups.made_at(made.name)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("{db}", "belongs to the database itself"),
        ("{here}/config.toml", "is there already and was left alone"),
        ("{here}/nowhere/", "There is no folder {here}/nowhere"),
        ("{here}/nowhere/copy.db", "There is no folder {here}/nowhere"),
    ],
)
def test_a_backup_that_cannot_be_made_says_why(
    path: Path, program: Program, url: str, tmp_path: Path, target: str, said: str
) -> None:
    (tmp_path / "config.toml").touch()
    names = {"db": path, "here": tmp_path}
    result = program("db", "backup", target.format(**names), DATABASE_URL=url)
    assert (result.returncode, result.stdout) == (1, "")
    assert said.format(**names) in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_without_a_database_there_is_nothing_to_copy(program: Program, tmp_path: Path) -> None:
    result = program("db", "backup", "copy.db", DATABASE_URL=f"sqlite:///{tmp_path}/none.db")
    assert (result.returncode, "There is no database at" in result.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_a_whole_database_is_said_to_be(path: Path, ask: Ask) -> None:
    result = ask("db", "check")
    assert result.exit_code == 0
    parts = [re.sub(r":.*", "", line) for line in result.stdout.splitlines()]
    assert parts == [
        f"ok    {part}"
        for part in ("file", "schema", "integrity", "foreign keys", "json", "values", "views", "write-ahead log")
    ]  # fmt: skip
    data = json.loads(ask("db", "check", "--json").stdout)
    assert (data["whole"], len(data["checks"])) == (True, 8)


def test_a_database_that_is_not_whole_fails_the_check(path: Path, ask: Ask) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("INSERT INTO event (job_pk, event_id, message) VALUES (99, 'e', 'x')")
    result = ask("db", "check")
    assert result.exit_code == 1
    [line] = [line for line in result.stdout.splitlines() if line.startswith("FAIL")]
    assert line.startswith("FAIL  foreign keys: ")
    assert "1 row of event without job" in line
    assert "put a backup in their place" in line
    data = json.loads(ask("db", "check", "--json").stdout)
    assert [check["part"] for check in data["checks"] if check["problem"]] == ["foreign keys"]


def _age(path: Path) -> None:
    """Make all that was seen a year older."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for table, column in (
            ("event", "created_at"), ("status_change", "observed_at"), ("job", "finished_at"),
        ):  # fmt: skip
            database.execute(f"UPDATE {table} SET {column} = strftime('%Y-%m-%dT%H:%M:%SZ', {column}, '-10 years')")


def test_pruning_says_what_went_and_what_it_gave_back(path: Path, ask: Ask) -> None:
    _age(path)
    events = _count(path, "SELECT count(*) FROM event")
    changes = _count(path, "SELECT count(*) FROM status_change")
    result = ask("db", "prune", "--events-older-than", "180d", "--raw-older-than", "180d")
    assert result.exit_code == 0
    assert f"{events} events removed" in result.stdout
    assert f"payloads of {changes} status change" in result.stdout
    assert re.search(r"0\.\d MB before, 0\.\d MB now", result.stdout)
    assert _count(path, "SELECT count(*) FROM event") == 0
    assert _count(path, "SELECT count(*) FROM status_change") == changes
    assert ask("db", "check").exit_code == 0
    assert "null" in ask("history", "--json").stdout


def test_beside_a_daemon_pruning_leaves_the_file_as_large_as_it_is(path: Path, ask: Ask, url: str) -> None:
    _age(path)
    holder = lease.Lease(url)
    holder.take(START)
    result = ask("db", "prune", "--events-older-than", "180d")
    holder.release()
    assert result.exit_code == 0
    assert "events removed" in result.stdout
    assert "payloads" not in result.stdout
    assert "are free and will be used again. To make the file smaller, stop the daemon" in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--events-older-than AGE, --raw-older-than AGE, or both"),
        (["--raw-older-than", "old"], "is not a duration"),
        (["--events-older-than", "23h"], "write at least 1d"),
    ],
)
def test_pruning_asks_for_an_age(path: Path, ask: Ask, words: list[str], said: str) -> None:
    result = ask("db", "prune", *words)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def _health(ask: Ask) -> dict[str, str | None]:
    checks = json.loads(ask("health", "--json").stdout)["checks"]
    [found] = [check for check in checks if check["part"] == "backup"]
    return dict(found)


def test_health_tells_of_backups_where_they_are_wanted(path: Path, ask: Ask, tmp_path: Path) -> None:
    assert " backup: " not in ask("health").stdout
    (tmp_path / "config.toml").write_text(f'[database]\nurl = "sqlite:///{path}"\nbackup = "attic"\n')
    assert "There is no folder" in str(_health(ask)["problem"])
    (tmp_path / "attic").mkdir()
    assert _health(ask) == {"part": "backup", "problem": None, "note": "none yet"}
    now = clock.SystemClock().now()
    (tmp_path / "attic" / backups.name(now - timedelta(days=30))).touch()
    assert "the newest is 30 d old" in str(_health(ask)["problem"])
    (tmp_path / "attic" / backups.name(now - timedelta(hours=30))).touch()
    found = _health(ask)
    assert found["problem"] is None
    assert str(found["note"]).startswith("the newest is of 20")


def test_an_upgrade_names_the_copy_of_what_was_before(url: str, ask: Ask) -> None:
    path = old.make(url, old.REVISIONS[0])
    copy = f"{path.absolute()}.before-{identity.REVISION}"
    Path(copy).write_text("of an earlier upgrade")
    assert ask("db", "upgrade").stdout == f"brought up to date\nas it was before: {copy}.2\n"
    assert Path(f"{copy}.2").exists()
    assert ask("db", "upgrade").stdout == "is up to date\n"
