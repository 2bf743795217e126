"""Every fault of the disk and the database under a running daemon: said once, caught up with, nothing sent twice."""

import contextlib
import os
import queue
import resource
import shutil
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from service.demo.inboxes import Arrival
from tests.faults import machine
from tests.faults import store_faults as faults
from tests.faults.machine import World
from tests.faults.table import Fault

pytestmark = pytest.mark.e2e

BOTH = ["chat ✅ one has succeeded", "e-mail ✅ one has succeeded"]
BLIND = ["chat ⚠ tunewatch cannot use its database", "e-mail ⚠ tunewatch cannot use its database"]
BACK = ["chat 👀 tunewatch is back: database", "e-mail 👀 tunewatch is back: database"]
AGAIN = "the database can be used again"


def _one_job_ends(world: World) -> None:
    world.simulator.create(suffix="one", durations=(0, 0, 0))


def _check_told_once(world: World, daemon: machine.Daemon, fault: Fault, *, besides: Sequence[str] = ()) -> None:
    """The job that ended meanwhile is told of when it is over, and no notice comes twice."""
    expected = sorted([*BOTH, *besides])
    assert world.told(len(expected)) == expected
    machine.until(lambda: world.query("SELECT DISTINCT state FROM notice_log") == [("sent",)])
    assert daemon.stop() == 0
    assert world.arrivals.empty()
    assert "Traceback" not in daemon.log
    [line] = daemon.said(fault.logged)
    assert str(world.database) in line
    assert world.query("SELECT DISTINCT attempts FROM notice_log") == [(1,)]


def _check_trouble_shows(world: World, fault: Fault) -> None:
    """What is known can be read, and health says that nothing new can be."""
    assert world.run("jobs").returncode == 0
    health = world.run("health")
    assert health.returncode == 1
    assert "FAIL  database" in health.stdout
    assert fault.logged in health.stdout


def test_a_full_disk(world: World) -> None:
    """Also for so long that people are told, which needs no disk."""
    world.env["BLIND_AFTER"] = "2s"
    with machine.disk(world.database.parent, "4m") as disk, world.daemon() as daemon:
        daemon.await_log("first sight")
        disk.fill()
        _one_job_ends(world)
        daemon.await_log(faults.FULL.logged)
        _check_trouble_shows(world, faults.FULL)
        assert world.told(2) == BLIND
        disk.clear()
        daemon.await_log(AGAIN)
        assert world.run("health").returncode == 0
        _check_told_once(world, daemon, faults.FULL, besides=BACK)


def test_an_io_error(world: World) -> None:
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        _, most = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (8192, most))
        _one_job_ends(world)
        daemon.await_log(faults.IO_ERROR.logged)
        _check_trouble_shows(world, faults.IO_ERROR)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (most, most))
        daemon.await_log(AGAIN)
        _check_told_once(world, daemon, faults.IO_ERROR)


def test_a_short_lock_is_waited_out(world: World) -> None:
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        with machine.connected(world.database) as other:
            other.execute("BEGIN IMMEDIATE")
            _one_job_ends(world)
            # Longer than an interval: a pass wants to write meanwhile.
            assert not threading.Event().wait(1.5)
            assert world.run("jobs").returncode == 0
            other.execute("COMMIT")
        assert world.told(2) == BOTH
        assert daemon.stop() == 0
    assert world.arrivals.empty()
    assert daemon.said("WARNING") + daemon.said("ERROR") == []


def test_a_lock_longer_than_anybody_waits(world: World) -> None:
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        with machine.connected(world.database) as other:
            other.execute("BEGIN IMMEDIATE")
            _one_job_ends(world)
            daemon.await_log(f"{faults.LONG_LOCK.logged} {os.getpid()} ")
            _check_trouble_shows(world, faults.LONG_LOCK)
            other.execute("COMMIT")
        daemon.await_log(AGAIN)
        _check_told_once(world, daemon, faults.LONG_LOCK)


def test_a_lock_between_acceptance_and_receipt(tmp_path: Path) -> None:
    """The server has the mail, and the disk does not take our word for it: that word is all that is tried again."""
    arrivals: queue.Queue[Arrival] = queue.Queue()
    once = threading.Semaphore()
    with contextlib.ExitStack() as stack:

        def arrived(arrival: Arrival) -> None:
            if once.acquire(blocking=False):
                other.execute("BEGIN IMMEDIATE")
            arrivals.put(arrival)

        world = stack.enter_context(machine.world(tmp_path, arrived))
        world.make()
        other = stack.enter_context(machine.connected(world.database))
        world.arrivals = arrivals
        daemon = stack.enter_context(world.daemon())
        daemon.await_log("first sight")
        _one_job_ends(world)
        daemon.await_log(faults.LOCK_AT_RECEIPT.logged)
        other.execute("COMMIT")
        daemon.await_log(AGAIN)
        _check_told_once(world, daemon, faults.LOCK_AT_RECEIPT)


def test_a_reader_without_an_end_is_named(world: World) -> None:
    world.make()
    with machine.connected(world.database) as reader, machine.connected(world.database) as writer:
        writer.execute("CREATE TABLE ballast (content BLOB)")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM ballast").fetchone()
        # What years of looking would write, in five pieces.
        for _ in range(5):
            writer.execute("INSERT INTO ballast VALUES (zeroblob(30000000))")
            writer.execute("DELETE FROM ballast")
        assert world.wal.stat().st_size > 128 * 1024 * 1024
        with world.daemon() as daemon:
            daemon.await_log(faults.LONG_READER.logged)
            [line] = daemon.said(faults.LONG_READER.logged)
            assert f"process {os.getpid()} " in line
            assert str(world.wal) in line
            _check_trouble_shows(world, faults.LONG_READER)
            reader.execute("COMMIT")
            _one_job_ends(world)
            machine.until(lambda: world.wal.stat().st_size <= 32 * 1024 * 1024)
            assert world.run("health").returncode == 0
            assert daemon.stop() == 0


def _ended(world: World, daemon: machine.Daemon, fault: Fault) -> str:
    """The daemon ends by itself, with one line that says why, and tells people before; the line."""
    assert world.told(2) == BLIND
    assert daemon.ended() == 1
    assert world.arrivals.empty()
    assert "Traceback" not in daemon.log
    [line] = daemon.said(fault.logged)
    assert " CRITICAL " in line
    assert str(world.database) in line
    return line


@pytest.mark.parametrize(
    ("fault", "befall"),
    [
        (faults.DELETED, Path.unlink),
        (faults.MOVED, lambda path: path.rename(path.parent.parent / "elsewhere.db")),
    ],
)
def test_a_file_that_goes_away(world: World, fault: Fault, befall: Callable[[Path], object]) -> None:
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        _one_job_ends(world)
        assert world.told(2) == BOTH
        befall(world.database)
        assert "otherwise begins a new one" in _ended(world, daemon, fault)
    # What had not yet been taken out of the log is still there, and completes the file under its new name.
    [kept] = world.database.parent.glob("watch.db-wal-of-*")
    whole = world.folder / "elsewhere.db"
    if whole.exists():
        kept.rename(f"{whole}-wal")
        with contextlib.closing(sqlite3.connect(whole)) as database:
            assert database.execute("SELECT suffix FROM job_summary").fetchall() == [("one",)]
    health = world.run("health")
    assert (health.returncode, "There is no database at" in health.stdout) == (1, True)


def test_another_file_in_its_place_is_not_written_to(world: World) -> None:
    world.make()
    backup = world.folder / "backup.db"
    shutil.copy(world.database, backup)
    content = backup.read_bytes()
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        _one_job_ends(world)
        assert world.told(2) == BOTH
        backup.rename(world.database)
        _ended(world, daemon, faults.REPLACED)
    assert world.database.read_bytes() == content
    assert world.wal.name not in world.contents()
    assert "No jobs recorded yet" in world.run("jobs").stderr
    assert world.run("db", "upgrade").returncode == 0
    assert world.database.read_bytes() == content


@pytest.mark.parametrize(
    ("fault", "end", "words"),
    [(faults.WAL_DELETED, "-wal", "is written to the database"), (faults.LOCK_DELETED, ".lock", "leave that file")],
)
def test_a_file_beside_it_that_is_deleted(world: World, fault: Fault, end: str, words: str) -> None:
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        _one_job_ends(world)
        assert world.told(2) == BOTH
        Path(f"{world.database}{end}").unlink()
        assert words in _ended(world, daemon, fault)
    assert world.query("SELECT suffix FROM job_summary") == [("one",)]
    assert world.query("SELECT DISTINCT state FROM notice_log") == [("sent",)]


def _overwrite(database: Path) -> None:
    """Some other content from its second page on, and a while after the last look."""
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(database.stat().st_size - 4096))
    later = database.stat().st_mtime + 60
    os.utime(database, (later, later))


@pytest.mark.parametrize(
    ("fault", "befall"),
    [(faults.TRUNCATED, lambda path: os.truncate(path, 8192)), (faults.OVERWRITTEN, _overwrite)],
    ids=["cut short", "overwritten"],
)
def test_a_file_that_is_spoilt(world: World, fault: Fault, befall: Callable[[Path], object]) -> None:
    world.simulator.populate("sim-key", 100)
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        befall(world.database)
        spoilt = world.database.read_bytes()
        line = _ended(world, daemon, fault)
        assert "put a backup in their place" in line
        assert "sqlite3 watch.db .dump" in line
    assert world.database.read_bytes() == spoilt, "what is left is left alone"
    done = world.run("db", "upgrade")
    assert (done.returncode, fault.logged in done.stderr) == (1, True)
    health = world.run("health")
    assert (health.returncode, fault.logged in health.stdout) == (1, True)
    assert world.database.read_bytes() == spoilt
