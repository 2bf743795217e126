"""Backups: whole and verified, made while others write, there at once or not at all."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from service import errors
from service.rules import backups
from service.store import backup, migrate, process
from service.store import engine as engines
from tests.conftest import START
from tests.faults import machine

# A process that dies when it was asked so many times whether to go on.
DIES = """
import os, signal, sys
from pathlib import Path
from service.store import backup
asked = 0
def go_on():
    global asked
    asked += 1
    if asked == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return True
backup.copy(Path(sys.argv[1]), Path(sys.argv[2]), go_on)
print(asked)
"""


@pytest.fixture
def path(url: str) -> Path:
    """Big enough for several questions whether to go on."""
    migrate.upgrade(url)
    path = engines.file_of(url)
    assert path
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("""
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
            INSERT INTO account (name, active) SELECT 'account ' || i, 1 FROM n""")
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere" / "copy.db"


def _rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchall()


def _dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return sorted(database.iterdump())


def _nothing_left(target: Path) -> bool:
    return list(target.parent.iterdir()) == []


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_copy_holds_all_that_the_database_holds(path: Path, target: Path, mode: str) -> None:
    """Also what is in the write-ahead log only; and from one that was put back and not opened since."""
    with closing(sqlite3.connect(path, isolation_level=None)) as open_database:
        open_database.execute(f"PRAGMA journal_mode = {mode}")
        open_database.execute("INSERT INTO account (name, active) VALUES ('the newest', 1)")
        made = backup.copy(path, target)
    assert made == backups.Backup(path=target, size_bytes=target.stat().st_size)
    assert _rows(target, "SELECT count(*), max(name) FROM account") == [(60_001, "the newest")]
    assert _dump(target) == _dump(path)
    assert [each.name for each in target.parent.iterdir()] == ["copy.db"]


def test_a_copy_is_a_database_to_go_on_with(path: Path, target: Path) -> None:
    backup.copy(path, target)
    url = f"sqlite:///{target}"
    assert migrate.upgrade(url) is False
    engine = engines.writing(url)
    process.started(engine, "1.0", START)
    engine.dispose()
    migrate.reading(url).dispose()
    assert _rows(target, "SELECT version FROM process") == [("1.0",)]


def test_what_was_deleted_takes_no_room_in_the_copy(path: Path, target: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("DELETE FROM account")
    assert backup.copy(path, target).size_bytes < path.stat().st_size / 3


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_the_copy_may_be_read_by_those_who_may_read_the_database(path: Path, target: Path, mode: int) -> None:
    path.chmod(mode)
    backup.copy(path, target)
    assert stat.S_IMODE(target.stat().st_mode) == mode


class Writer(threading.Thread):
    """Writes a job with its status change, as fast as it goes, until told to stop; remembers its longest wait."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self.begun = threading.Event()
        self.stop = threading.Event()
        self.waited = 0.0
        self.count = 0

    def run(self) -> None:
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=20)) as database:
            while not self.stop.is_set():
                self.count += 1
                began = time.monotonic()
                database.execute("BEGIN IMMEDIATE")
                database.execute(
                    "INSERT INTO job (id, account_pk, job_id, status, state, raw, first_seen_at, last_changed_at) "
                    "VALUES (?, 1, 'job ' || ?, 'running', 'running', '{}', '', '')", (self.count, self.count),
                )  # fmt: skip
                database.execute(
                    "INSERT INTO status_change (job_pk, to_status, observed_at, source, raw) "
                    "VALUES (?, 'running', '', 'list', '{}')", (self.count,),
                )  # fmt: skip
                database.execute("COMMIT")
                self.waited = max(self.waited, time.monotonic() - began)
                self.begun.set()


def test_a_copy_made_while_somebody_writes_is_of_one_moment_and_keeps_nobody_waiting(path: Path, target: Path) -> None:
    writer = Writer(path)
    writer.start()
    try:
        writer.begun.wait(20)
        for number in range(3):
            before = writer.count
            backup.copy(path, target.with_name(f"{number}.db"))
            assert writer.count > before, "it went on meanwhile"
    finally:
        writer.stop.set()
        writer.join()
    assert writer.waited < 2
    for number in range(3):
        [(jobs,)] = _rows(target.with_name(f"{number}.db"), "SELECT count(*) FROM job")
        [(changes,)] = _rows(target.with_name(f"{number}.db"), "SELECT count(*) FROM status_change")
        assert jobs == changes
        assert jobs


def _wrong(path: Path, target: Path) -> dict[str, tuple[Path, Path, str]]:
    return {
        "no database": (path.with_name("none.db"), target, "There is no database at"),
        "no folder": (path, target.parent / "no" / "copy.db", "There is no folder"),
        "itself": (path, path, "belongs to the database itself"),
        "itself by another name": (path, path.parent / "elsewhere" / ".." / path.name, "belongs to the database"),
        "its log": (path, Path(f"{path}-wal"), "belongs to the database itself"),
        "a folder": (path, target.parent, "is there already"),
    }


@pytest.mark.parametrize("case", list(_wrong(Path("a"), Path("b"))))
def test_a_wrong_name_is_refused(path: Path, target: Path, case: str) -> None:
    source, to, said = _wrong(path, target)[case]
    with pytest.raises(errors.DatabaseRefused, match=said):
        backup.copy(source, to)
    assert _nothing_left(target)


def test_what_is_there_is_never_overwritten(path: Path, target: Path) -> None:
    target.write_text("precious")
    with pytest.raises(errors.DatabaseRefused, match=r"copy\.db is there already and was left alone"):
        backup.copy(path, target)

    target.unlink()

    def appear() -> bool:
        target.write_text("precious")
        return True

    with pytest.raises(errors.DatabaseRefused, match="is there already"):
        backup.copy(path, target, appear)
    assert target.read_text() == "precious"
    assert [each.name for each in target.parent.iterdir()] == ["copy.db"]


def test_two_do_not_write_the_same_file(path: Path, target: Path) -> None:
    refusals: list[errors.StoreTrouble] = []

    def meanwhile() -> bool:
        if not refusals:
            with pytest.raises(errors.StoreTrouble, match="is being written just now") as caught:
                backup.copy(path, target)
            refusals.append(caught.value)
        return True

    backup.copy(path, target, meanwhile)
    assert len(refusals) == 1
    assert [each.name for each in target.parent.iterdir()] == ["copy.db"]


def test_broken_off_it_leaves_nothing(path: Path, target: Path) -> None:
    asked = 0

    def often(_count: int = 10**9) -> Callable[[], bool]:
        def go_on() -> bool:
            nonlocal asked
            asked += 1
            return asked < _count

        return go_on

    backup.copy(path, target, often())
    target.unlink()
    questions, asked = asked, 0
    assert questions >= 4
    for count in (1, questions // 2, questions):  # while it is written, and while it is verified
        asked = 0
        with pytest.raises(errors.Stopped):
            backup.copy(path, target, often(count))
        assert _nothing_left(target)


def _die(path: Path, target: Path, after: int) -> "subprocess.CompletedProcess[str]":
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-c", DIES, path, target, str(after)], env={**os.environ, "PYTHONPATH": root},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_killed_at_any_moment_it_leaves_nothing_under_its_name(path: Path, target: Path) -> None:
    questions = int(_die(path, target, 0).stdout)
    target.unlink()
    for after in (1, questions // 2, questions):  # the last one when all is written and not yet renamed
        assert _die(path, target, after).returncode == -signal.SIGKILL
        assert [each.name for each in target.parent.iterdir()] == ["copy.db.part"]
    backup.copy(path, target)
    assert _dump(target) == _dump(path)
    assert [each.name for each in target.parent.iterdir()] == ["copy.db"]


def test_in_a_folder_what_a_crash_left_half_done_is_thrown_away(path: Path, target: Path) -> None:
    folder = target.parent
    half, name = folder / f"{backups.name(START)}", "tunewatch-20261125T020000Z.db"
    _die(path, half, 1)
    (folder / "my own.part").touch()
    attic = backup.Attic(path, folder)
    assert attic.names()
    attic.make(name)
    assert sorted(attic.names()) == ["my own.part", name]
    attic.remove(name)
    attic.remove(name)
    assert attic.names() == ["my own.part"]


@pytest.fixture
def disk(target: Path) -> Iterator[machine.Disk]:
    with machine.disk(target.parent, "16m") as disk:
        yield disk


def test_without_room_nothing_is_begun(path: Path, target: Path, disk: machine.Disk) -> None:
    disk.fill()
    with pytest.raises(errors.StoreTrouble, match=r"no room in .*elsewhere for the copy: it needs about [2-9]\.\d MB"):
        backup.copy(path, target)
    assert [each.name for each in target.parent.iterdir()] == ["ballast"]


def test_a_disk_that_fills_up_meanwhile_is_named_and_left_as_it_was(
    path: Path, target: Path, disk: machine.Disk
) -> None:
    def filling() -> bool:
        with suppress(OSError):
            disk.fill()
        return True

    with pytest.raises(errors.StoreTrouble, match="elsewhere") as caught:
        backup.copy(path, target, filling)
    assert "the disk is full" in str(caught.value)
    assert [each.name for each in target.parent.iterdir()] == ["ballast"]
    assert _rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_disk_that_is_read_only_is_named(path: Path, target: Path, disk: machine.Disk) -> None:
    disk.remount("ro")
    with pytest.raises(errors.StoreTrouble, match=r"copy\.db\.part cannot be written \(Read-only file system\)"):
        backup.copy(path, target)


def test_a_damaged_database_is_told_of_and_its_copy_thrown_away(path: Path, target: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        [(page, size)] = database.execute("SELECT rootpage, 4096 FROM sqlite_master WHERE name = 'account'").fetchall()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with pytest.raises(errors.Damaged, match="is damaged"):
        backup.copy(path, target)
    assert _nothing_left(target)


def test_a_copy_that_does_not_hold_together_is_thrown_away(path: Path, target: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute("INSERT INTO event (job_pk, event_id, message) VALUES (99, 'e', 'an orphan')")
    with pytest.raises(errors.StoreTrouble, match=r"a row of event lacks its job.*`tunewatch db check`"):
        backup.copy(path, target)
    assert _nothing_left(target)
