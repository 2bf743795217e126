"""Databases made by versions before this one come through an upgrade with all that is in them."""

import logging
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from service import errors
from service.store import backup, checkup, identity, migrate
from service.store import engine as engines
from service.store.record import Record
from tests.conftest import START
from tests.faults import machine
from tests.store import old

# An upgrade that dies before its so many-th statement, or before it commits; it prints how many there are.
DIES = """
import os, signal, sys
import sqlalchemy as sa
from service.store import migrate
count = 0
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def statement(*_):
    global count
    count += 1
    if str(count) == sys.argv[2]:
        die()
sa.event.listen(sa.Engine, "before_cursor_execute", statement)
if sys.argv[2] == "commit":
    sa.event.listen(sa.Engine, "commit", die)
migrate.upgrade(sys.argv[1])
print(count)
"""


@pytest.fixture(params=old.REVISIONS)
def revision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def path(url: str, revision: str) -> Path:
    return old.make(url, revision)


@pytest.fixture
def record(url: str) -> Iterator[Record]:
    engine = engines.writing(url)
    yield Record(engine)
    engine.dispose()


def _holds(path: Path, before: dict[str, list[dict[str, object]]]) -> bool:
    """Whether every row is still there, with every value that it had."""
    after = old.content(path)
    return all(
        [{name: row[name] for name in old_row} for row, old_row in zip(after[table], rows, strict=True)] == rows
        for table, rows in before.items()
        if table != "alembic_version"
    )


def _copy(path: Path) -> Path:
    """Where the first one is kept."""
    return path.with_name(f"{path.name}.before-{identity.REVISION}")


def _revision(path: Path) -> object:
    return old.content(path)["alembic_version"][0]["version_num"]


@pytest.mark.parametrize("apart", [True, False])
def test_an_upgrade_loses_nothing(url: str, path: Path, apart: bool) -> None:
    before = old.content(path)
    assert [table for table, rows in before.items() if not rows] == [], "there is a row in every table: see old.py"
    assert migrate.upgrade(url, apart=apart) is True
    assert _revision(path) == identity.REVISION
    assert _holds(path, before)
    assert [each.problem for each in checkup.checks(url, path) if each.problem] == []
    assert migrate.upgrade(url, apart=apart) is False


def test_what_an_upgrade_adds_can_be_used(url: str, path: Path, record: Record) -> None:
    migrate.upgrade(url)
    record.model_checked("main", "ftjob-1", START)
    assert [job.job_id for job in record.models_due("main", START, START + timedelta(days=1), 9)] == ["ftjob-1"]


def test_a_command_that_only_reads_asks_for_the_upgrade(url: str, path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(errors.DatabaseRefused, match="made by an older version"):
        migrate.reading(url)
    assert path.read_bytes() == before


def _upgrade(url: str, dies: object) -> "subprocess.CompletedProcess[str]":
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-c", DIES, url, str(dies)], env={**os.environ, "PYTHONPATH": root},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_killed_at_any_moment_an_upgrade_has_not_begun(url: str, path: Path, revision: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = f"sqlite:///{tmp_path}/other/tunewatch.db"
    old.make(other, revision)
    count = int(_upgrade(other, 0).stdout)
    before = old.content(path)
    for dies in (1, *(count * part // 5 for part in range(1, 5)), count, "commit"):
        assert _upgrade(url, dies).returncode == -signal.SIGKILL, dies
        assert old.content(path) == before, dies
    assert migrate.upgrade(url) is True
    assert _holds(path, before)
    [copy] = path.parent.glob("*.before-*")
    assert old.content(copy) == before, "one is enough, however often it was begun"


def test_a_copy_of_what_was_before_is_kept(
    url: str, path: Path, revision: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    kept: list[Path] = []
    before = old.content(path)
    migrate.upgrade(url, kept=kept.append)
    [copy] = kept
    assert copy == _copy(path)
    assert old.content(copy) == before
    assert [message for message in caplog.messages if f"is kept in {copy}" in message]
    # Put back, it is what it was.
    path.unlink()
    copy.rename(path)
    assert (_revision(path), migrate.upgrade(url)) == (revision, True)


@pytest.mark.parametrize("apart", [True, False])
def test_whoever_went_back_has_a_copy_of_each_state_that_was_upgraded(url: str, path: Path, apart: bool) -> None:
    before = path.read_bytes()
    copies: list[Path] = []
    for name in ("early", "later", "early"):
        path.write_bytes(before)
        Path(f"{path}-wal").unlink(missing_ok=True)
        _rename_account(path, name)
        assert migrate.upgrade(url, apart=apart, kept=copies.append) is True
    first = _copy(path)
    assert copies == [first, Path(f"{first}.2"), first]
    assert [old.content(copy)["account"][0]["name"] for copy in copies] == ["early", "later", "early"]
    assert sorted(path.parent.glob("*.before-*")) == [first, Path(f"{first}.2")]


def _rename_account(path: Path, name: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE account SET name = ?", (name,))


def test_what_has_the_name_of_a_copy_stays_and_does_not_stand_for_one(url: str, path: Path) -> None:
    before, first = old.content(path), _copy(path)
    first.write_text("somebody's own")
    assert migrate.upgrade(url) is True
    assert first.read_text() == "somebody's own"
    assert old.content(Path(f"{first}.2")) == before


def test_a_copy_that_is_there_already_needs_no_room(tmp_path: Path) -> None:
    """After an upgrade for which the disk was too full in the end."""
    with machine.disk(tmp_path, "4m") as disk:
        url = f"sqlite:///{tmp_path}/tunewatch.db"
        path = old.make(url, old.REVISIONS[-1])
        backup.copy(path, _copy(path))
        disk.fill()
        with pytest.raises(errors.DatabaseRefused, match="the disk is full"):
            migrate.upgrade(url)
        disk.clear()
        assert migrate.upgrade(url) is True
        assert list(tmp_path.glob("*.before-*")) == [_copy(path)]


def test_of_a_database_without_anything_in_it_no_copy_is_made(url: str, revision: str) -> None:
    path = old.make(url, revision, filled=False)
    assert migrate.upgrade(url) is True
    assert list(path.parent.glob("*.before-*")) == []


@pytest.mark.parametrize("apart", [True, False])
def test_without_room_for_the_copy_nothing_is_upgraded(tmp_path: Path, apart: bool) -> None:
    with machine.disk(tmp_path, "4m") as disk:
        url = f"sqlite:///{tmp_path}/tunewatch.db"
        path = old.make(url, old.REVISIONS[-1])
        before = path.read_bytes()
        disk.fill()
        ballast = tmp_path / "ballast"
        # For the files that SQLite needs to be opened at all.
        os.truncate(ballast, ballast.stat().st_size - 80 * 1024)
        with pytest.raises(errors.DatabaseRefused, match=r"it needs about 0\.\d MB, and 0\.\d MB are free") as refusal:
            migrate.upgrade(url, apart=apart)
        assert "nothing was changed" in str(refusal.value)
        assert path.read_bytes() == before
        disk.clear()
        assert migrate.upgrade(url, apart=apart) is True


def test_a_database_put_back_by_hand_is_copied_as_well(url: str, path: Path) -> None:
    """One that was saved with .dump has lost its mark, and its log."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA application_id = 0")
        database.execute("PRAGMA journal_mode = DELETE")
    assert migrate.upgrade(url) is True
    assert _copy(path).exists()
