"""What a crash, a second daemon or a misplaced file leave behind: the next start copes, and nothing is made worse."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import machine
from tests.faults import store_faults as faults
from tests.faults.machine import World

pytestmark = pytest.mark.e2e


def test_a_second_daemon_is_refused_and_a_killed_one_blocks_nobody(world: World) -> None:
    with world.daemon() as first:
        first.await_log("first sight")
        second = world.run("run")
        assert second.returncode == 75
        assert faults.SECOND.logged in second.stderr
        assert f"process {first.process.pid} " in second.stderr
        first.stop(9)
    assert world.run("db", "upgrade").returncode == 0


def test_what_a_crash_left_behind_is_checked_and_taken_over(world: World) -> None:
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        world.simulator.create(suffix="one", durations=(0, 0, 0))
        first = world.told(2)
        daemon.stop(9)
    assert world.wal.stat().st_size
    assert "one" in world.run("jobs").stdout
    world.simulator.create(suffix="two", durations=(0, 0, 0))
    with world.daemon() as daemon:
        second = world.told(2)
        assert daemon.stop() == 0
    assert len(daemon.said(faults.CRASHED.logged)) == 1
    assert first == ["chat ✅ one has succeeded", "e-mail ✅ one has succeeded"]
    # What the crash cut off between acceptance and receipt may come once more, and nothing else.
    assert set(second) <= {*first, "chat ✅ two has succeeded", "e-mail ✅ two has succeeded"}
    assert [row[0] for row in world.query("SELECT suffix FROM job_summary ORDER BY suffix")] == ["one", "two"]


def _crash(world: World, rows: int) -> None:
    """Leave database and log as a process leaves them that dies with so many rows in the log."""
    with machine.connected(world.database) as dying:
        dying.execute("BEGIN")
        dying.executemany("INSERT INTO account (name, active) VALUES (hex(randomblob(200)), 0)", [()] * rows)
        dying.execute("COMMIT")
        left = {path: path.read_bytes() for path in (world.database, world.wal)}
    for path, content in left.items():
        path.write_bytes(content)


def test_a_backup_beside_the_log_of_another_file_is_not_spoilt(world: World) -> None:
    world.make()
    backup = world.database.read_bytes()
    with machine.connected(world.database) as other:
        other.executemany("INSERT INTO account (name, active) VALUES (hex(randomblob(200)), 0)", [()] * 500)
    _crash(world, 10)
    world.database.write_bytes(backup)
    before = world.contents()
    done = world.run("run")
    assert done.returncode == 1
    assert faults.STALE_WAL.logged in done.stderr
    assert "with no -wal and no -shm" in done.stderr
    assert world.contents() == before
    world.wal.unlink()
    assert world.run("db", "upgrade").returncode == 0
    assert world.contents() == {"watch.db": backup}


@pytest.mark.parametrize("befall", [Path.unlink, lambda path: os.truncate(path, 0)], ids=["deleted", "emptied"])
def test_a_log_without_its_database_is_kept(world: World, befall: Callable[[Path], object]) -> None:
    world.make()
    _crash(world, 100)
    whole = world.folder / "elsewhere.db"
    shutil.copy(world.database, whole)
    log = world.wal.read_bytes()
    befall(world.database)
    done = world.run("db", "upgrade")
    assert done.returncode == 0
    assert done.stderr.count(faults.EMPTIED.logged) == 1
    [kept] = world.database.parent.glob("watch.db-wal-of-*")
    assert kept.read_bytes() == log
    # Beside the file that it belongs to, it completes it.
    kept.rename(f"{whole}-wal")
    with contextlib.closing(sqlite3.connect(whole)) as database:
        assert database.execute("SELECT count(*) FROM account").fetchone() == (100,)
