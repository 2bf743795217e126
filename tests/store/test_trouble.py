"""What befalls the file, said so that somebody can mend it."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from service import errors
from service.store import condition, holders, lease, migrate, trouble, vigil
from service.store import engine as engines
from service.store.reading import Reading
from tests.conftest import START

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(sys.argv[2])
connection.execute("SELECT count(*) FROM account").fetchone()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(url: str) -> Path:
    migrate.upgrade(url)
    return Path(url.removeprefix("sqlite:///"))


def _ballast(path: Path, rows: int) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE IF NOT EXISTS ballast (content BLOB)")
        other.execute("BEGIN")
        other.executemany("INSERT INTO ballast VALUES (randomblob(4000))", [()] * rows)
        other.execute("COMMIT")


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux tells who holds a lock")
@pytest.mark.parametrize(("begin", "writes"), [("BEGIN IMMEDIATE", True), ("BEGIN", False)])
def test_another_program_that_holds_the_database_is_named(path: Path, begin: str, writes: bool) -> None:
    assert holders.writers(path) == holders.readers(path) == ()
    with (
        closing(sqlite3.connect(path)) as ours,
        subprocess.Popen(
            [sys.executable, "-c", HOLD, path, begin], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other,
    ):
        ours.execute("SELECT count(*) FROM account").fetchone()
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        [reader] = holders.readers(path)
        assert reader.startswith(f"process {other.pid} (")
        assert holders.writers(path) == ((reader,) if writes else ())
        other.communicate()
    assert holders.readers(path) == ()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_BUSY, "is kept locked by another program"),
        (sqlite3.SQLITE_FULL, "the disk is full"),
        (sqlite3.SQLITE_IOERR_WRITE, "the disk failed"),
        (sqlite3.SQLITE_READONLY, "Check the owner and the mode"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "was deleted or replaced while in use"),
        (sqlite3.SQLITE_CANTOPEN, "how many files may be open"),
        (sqlite3.SQLITE_PROTOCOL, "SQLite needs a local disk"),
        (sqlite3.SQLITE_CORRUPT, "is damaged"),
    ],
)
def test_each_cause_has_words_of_its_own(path: Path, code: int, words: str) -> None:
    error = sqlite3.OperationalError("what SQLite says")
    error.sqlite_errorcode = code
    found = trouble.of(path, error)
    assert found is not None
    assert words in str(found)
    assert str(path) in str(found)
    assert isinstance(found, errors.Damaged) == (code == sqlite3.SQLITE_CORRUPT)


def test_a_mistake_of_ours_is_no_trouble_of_the_disk(path: Path) -> None:
    with closing(sqlite3.connect(path)) as ours, pytest.raises(sqlite3.OperationalError) as mistake:
        ours.execute("SELECT nonsense")
    assert trouble.of(path, mistake.value) is None


def test_a_page_that_is_no_page_is_damage_whoever_meets_it(url: str, path: Path) -> None:
    writer, reader = engines.writing(url), Reading(migrate.reading(url))
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(path.stat().st_size - 8192))
    with pytest.raises(errors.Damaged, match="put a backup in their place") as damage:
        reader.deliveries(limit=10)
    assert "SELECT" not in str(damage.value)
    with pytest.raises(errors.Damaged), writer.begin() as connection:
        connection.exec_driver_sql("INSERT INTO account (name, active) VALUES ('main', 1)")
    writer.dispose()
    assert condition.unsound(path)


def test_a_database_that_was_made_smaller_by_its_owner_is_no_damage(url: str, path: Path) -> None:
    engine = engines.writing(url)
    _ballast(path, 500)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ballast")
    watch = vigil.Vigil(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as owner:
        owner.execute("VACUUM")
        owner.execute("PRAGMA wal_checkpoint")
        assert watch.problem() is None
    assert path.stat().st_size < 500_000
    later = path.stat().st_mtime + 60
    os.utime(path, (later, later))
    assert watch.problem() is None
    engine.dispose()


def test_files_are_missed_that_are_deleted_or_put_in_their_place(url: str, path: Path, tmp_path: Path) -> None:
    engine, holder = engines.writing(url), lease.Lease(url)
    holder.take(START)
    holder.watch_over()
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO account (name, active) VALUES ('main', 1)")
    assert holder.problem() is None
    aside = tmp_path / "aside"
    for name, words in {
        path: "was deleted or moved while in use",
        Path(f"{path}-wal"): "was deleted while in use",
        Path(f"{path}-shm"): "was deleted while in use",
        Path(f"{path}.lock"): "a second tunewatch could start",
    }.items():
        name.rename(aside)
        said = holder.problem()
        assert said is not None
        assert words in said
        assert str(name) in said
        aside.rename(name)
        assert holder.problem() is None
    engine.dispose()
    holder.release()


def test_what_cannot_be_kept_in_the_database_is_kept_beside_it(url: str, path: Path) -> None:
    holder = lease.Lease(url)
    holder.take(START)
    assert lease.noted(url) is None
    holder.note("the disk\nis full")
    assert lease.noted(url) == "the disk is full"
    with pytest.raises(errors.AlreadyRunning, match=rf"process {os.getpid()} on [^\n]*, since \S+\. Stop it"):
        lease.Lease(url).take(START)
    holder.note(None)
    assert lease.noted(url) is None
    holder.release()


def test_a_copy_that_lost_its_mark_is_still_ours(url: str, path: Path, tmp_path: Path) -> None:
    """As .dump leaves it, the way to save what can be read of a damaged one."""
    saved = tmp_path / "saved.db"
    with closing(sqlite3.connect(path)) as whole, closing(sqlite3.connect(saved)) as copy:
        whole.execute("INSERT INTO account (name, active) VALUES ('main', 1)")
        copy.executescript("\n".join(whole.iterdump()))
        assert copy.execute("PRAGMA application_id").fetchone() == (0,)
    assert migrate.upgrade(f"sqlite:///{saved}") is False
    engine = migrate.reading(f"sqlite:///{saved}")
    assert [row["name"] for row in Reading(engine).accounts()] == ["main"]
    engine.dispose()


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="there is no sqlite3 shell here")
def test_what_can_be_read_of_a_damaged_database_is_saved_as_the_document_says(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as whole:
        whole.execute("BEGIN")
        # Long where no index has it too, so that the middle of the file is the table.
        rows = [(str(n), f"{n:01000}") for n in range(500)]
        whole.executemany("INSERT INTO account (name, active, last_error) VALUES (?, 1, ?)", rows)
        whole.execute("COMMIT")
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 8192 * 4096)
        file.write(os.urandom(16384))
    assert condition.unsound(path)
    text = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")
    [command] = re.findall(r"```sh\n(sqlite3 watch.db .dump .*)\n```", text)
    subprocess.run(command.replace("watch.db", path.name), shell=True, cwd=path.parent, check=True, timeout=30)
    saved = path.parent / "saved.db"
    assert migrate.upgrade(f"sqlite:///{saved}") is False
    assert condition.unsound(saved) is None
    with closing(sqlite3.connect(saved)) as database:
        [(count,)] = database.execute("SELECT count(*) FROM account").fetchall()
    assert 400 < count < 500
