"""Every fault of the disk and the database at the start: refused with words, and nothing is made worse."""

import contextlib
import json
import os
import select
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.store import identity
from tests.e2e import servers
from tests.faults import machine
from tests.faults import store_faults as faults
from tests.faults.machine import World
from tests.faults.table import Fault

pytestmark = pytest.mark.e2e

Prepare = Callable[[World], object]


def _no_folder(world: World) -> None:
    world.database = world.folder / "nowhere" / "watch.db"


def _other_program(world: World) -> None:
    with machine.connected(world.database) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")


def _newer(world: World) -> None:
    world.make()
    with machine.connected(world.database) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")


def _clash(world: World) -> None:
    with machine.connected(world.database) as other:
        other.execute(f"PRAGMA application_id = {identity.APPLICATION_ID}")
        other.execute("CREATE TABLE account (id INTEGER)")


def _cut(size: int) -> Prepare:
    def prepare(world: World) -> None:
        world.make()
        os.truncate(world.database, size)

    return prepare


# The daemon takes two seconds to start; where it comes to the same, a command that takes less stands for it.
REFUSALS: list[tuple[str, Fault, Prepare, str]] = [
    ("no folder", faults.FOLDER_MISSING, _no_folder, "run"),
    ("a folder", faults.IS_FOLDER, lambda world: world.database.mkdir(), "db upgrade"),
    ("a pipe", faults.IS_FOLDER, lambda world: os.mkfifo(world.database), "db upgrade"),
    ("another program's", faults.OTHER_PROGRAM, _other_program, "db upgrade"),
    ("no database", faults.NO_DATABASE, lambda world: world.database.write_text("Dear aunt, " * 500), "db upgrade"),
    ("newer", faults.NEWER, _newer, "db upgrade"),
    ("cut to 50 bytes", faults.CUT_SHORT, _cut(50), "db upgrade"),
    ("cut to half", faults.CUT_SHORT, _cut(40_000), "db upgrade"),
]


@pytest.mark.parametrize(
    ("fault", "prepare", "command"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_what_is_no_database_of_ours_is_refused_untouched(
    world: World, fault: Fault, prepare: Prepare, command: str
) -> None:
    prepare(world)
    before = world.contents() if world.database.parent.is_dir() else {}
    done = world.run(*command.split())
    assert done.returncode == 1
    assert fault.logged in done.stderr
    assert str(world.database.parent) in done.stderr
    assert len(done.stderr.splitlines()) == 1
    _check_reading(world, fault, readable=False)
    assert (world.contents() if world.database.parent.is_dir() else {}) == before


def _check_reading(world: World, fault: Fault, *, readable: bool, confined: bool = False) -> None:
    """Reading commands answer where something can be read, and otherwise say why not."""
    jobs = world.run("jobs", confined=confined)
    health = world.run("health", "--json", confined=confined)
    assert health.returncode == 1
    report = json.loads(health.stdout)
    assert report["healthy"] is False
    if readable:
        assert (jobs.returncode, jobs.stderr.strip()) == (0, "No jobs recorded yet.")
        return
    assert jobs.returncode == 1
    assert str(world.database) in jobs.stderr
    assert str(world.database) in report["checks"][0]["problem"]
    if fault is not faults.FOLDER_MISSING:
        assert fault.logged in jobs.stderr
        assert fault.logged in report["checks"][0]["problem"]


LOCKED_AWAY: list[tuple[str, Fault, Prepare, str]] = [
    ("file", faults.FILE_READ_ONLY, lambda world: world.database.chmod(0o444), "run"),
    ("folder", faults.FOLDER_READ_ONLY, lambda world: world.database.parent.chmod(0o555), "db upgrade"),
    ("lock", faults.LOCK_READ_ONLY, lambda world: world.lock.chmod(0o444), "db upgrade"),
    ("unreadable", faults.NO_PERMISSION, lambda world: world.database.chmod(0), "db upgrade"),
    ("no entry", faults.NO_ENTRY, lambda world: world.database.parent.chmod(0), "db upgrade"),
]


@pytest.mark.parametrize(
    ("fault", "prepare", "command"), [row[1:] for row in LOCKED_AWAY], ids=[row[0] for row in LOCKED_AWAY]
)
def test_without_the_right_to_it_nothing_starts_and_what_can_be_read_is_read(
    world: World, fault: Fault, prepare: Prepare, command: str
) -> None:
    machine.needs_permissions()
    world.make()
    before = world.contents()
    prepare(world)
    readable = fault not in (faults.NO_PERMISSION, faults.NO_ENTRY)
    done = world.run(*command.split(), confined=True)
    assert done.returncode == 1
    assert fault.logged in done.stderr
    assert str(world.database) in done.stderr
    _check_reading(world, fault, readable=readable, confined=True)
    world.database.parent.chmod(0o755)
    world.database.chmod(0o644)
    assert world.contents() == before


def test_where_there_is_no_lock_file_it_is_what_cannot_be_made(world: World) -> None:
    machine.needs_permissions()
    world.make()
    world.lock.unlink()
    world.database.parent.chmod(0o555)
    done = world.run("db", "upgrade", confined=True)
    assert done.returncode == 1
    assert "watch.db.lock cannot be written (Permission denied)" in done.stderr


def test_whether_a_daemon_runs_is_not_guessed(world: World) -> None:
    machine.needs_permissions()
    world.make()
    world.lock.chmod(0)
    health = world.run("health", confined=True)
    assert health.returncode == 1
    assert "cannot be told whether a daemon runs" in health.stdout


def test_a_read_only_file_system_can_be_read(world: World) -> None:
    with machine.disk(world.database.parent, "4m") as disk:
        world.make()
        disk.remount("ro")
        done = world.run("db", "upgrade")
        assert done.returncode == 1
        assert faults.DISK_READ_ONLY.logged in done.stderr
        _check_reading(world, faults.DISK_READ_ONLY, readable=True)
        health = world.run("health")
        assert (health.returncode, "mounted read-only" in health.stdout) == (1, True)


def test_a_full_disk_at_the_start_is_named_and_the_database_is_as_it_was(world: World) -> None:
    with machine.disk(world.database.parent, "4m") as disk:
        world.make()
        before = world.contents()
        disk.fill()
        done = world.run("run")
        assert done.returncode == 1
        assert faults.FULL_AT_START.logged in done.stderr
        health = world.run("health")
        assert (health.returncode, "is full" in health.stdout) == (1, True)
        disk.clear()
        assert world.contents() == before
        world.make()


def test_a_migration_without_room_is_taken_back(world: World) -> None:
    with machine.disk(world.database.parent, "100k") as disk:
        done = world.run("run")
        assert done.returncode == 1
        assert faults.MIGRATION_FULL.logged in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert world.query("SELECT name FROM sqlite_master") == []
        disk.remount("size=4m")
        world.make()


def test_a_migration_that_cannot_be_done_says_why(world: World) -> None:
    _clash(world)
    before = world.contents()
    for words in (["run"], ["db", "upgrade"]):  # in a process of its own, and not
        done = world.run(*words)
        assert done.returncode == 1
        assert faults.CLASH.logged in done.stderr
        assert "table account already exists" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert {name: len(content) for name, content in world.contents().items()} == {"watch.db": len(before["watch.db"])}
    assert world.query("SELECT name FROM sqlite_master") == [("account",)]


@contextlib.contextmanager
def _child_held(world: World, daemon: machine.Daemon) -> Iterator[int]:
    """The process that migrates, waiting for a lock; as a descriptor that can be waited for."""
    pid = daemon.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    machine.until(children.read_text)
    with machine.connected(world.database) as other:
        other.execute("BEGIN IMMEDIATE")
        child = os.pidfd_open(int(children.read_text()))
        try:
            yield child
        finally:
            os.close(child)


def _gone(child: int) -> bool:
    return bool(select.select([child], [], [], servers.TIMEOUT)[0])


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="processes are waited for as Linux has it")
def test_a_migration_that_is_killed_is_taken_back(world: World) -> None:
    with world.daemon() as daemon, _child_held(world, daemon) as child:
        signal.pidfd_send_signal(child, signal.SIGKILL)
        assert daemon.ended() == 1
    assert faults.MIGRATION_KILLED.logged in daemon.log
    assert "Traceback" not in daemon.log
    assert world.query("SELECT name FROM sqlite_master") == []
    world.make()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="processes are waited for as Linux has it")
def test_a_daemon_killed_while_it_migrates_leaves_nobody_behind(world: World) -> None:
    """The orphan would go on, and hold what the next start needs."""
    with world.daemon() as daemon, _child_held(world, daemon) as child:
        daemon.stop(9)
        assert _gone(child)
    world.make()
