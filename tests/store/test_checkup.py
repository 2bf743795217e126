"""Whether a database is whole is found out without writing to it, and said with what to do."""

import _thread
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from service.store import checkup, migrate
from service.store import engine as engines

PARTS = ["file", "schema", "integrity", "foreign keys", "json", "values", "views", "write-ahead log"]
JOB = """
INSERT INTO account (id, name, active) VALUES (1, 'main', 1);
INSERT INTO job (id, account_pk, job_id, status, state, raw, first_seen_at, last_changed_at)
    VALUES (1, 1, 'ftjob-1', 'failed', 'failed', '{"loss": NaN}', '2026-11-01T00:00:00Z', '2026-11-01T00:00:00Z');
"""


@pytest.fixture
def path(url: str) -> Path:
    migrate.upgrade(url)
    path = engines.file_of(url)
    assert path
    _run(path, JOB)
    return path


def _run(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(f"PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; {sql}")


def _problems(url: str, path: Path) -> dict[str, str]:
    return {each.part: each.problem for each in checkup.checks(url, path) if each.problem}


def test_a_whole_database_passes_every_check_untouched(url: str, path: Path, engine: engines.Engine) -> None:
    """Also with a payload that only Python's JSON reads, and beside somebody who writes."""
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO account (name, active) VALUES ('other', 1)")
        before = path.read_bytes()
        found = list(checkup.checks(url, path))
        assert path.read_bytes() == before
    assert [each.part for each in found] == PARTS
    assert [each.problem for each in found] == [None] * len(PARTS)
    assert [each.note for each in found if each.part == "views"] == ["1 row"]


ORPHAN = "INSERT INTO event (job_pk, event_id, message) VALUES (9, 'e1', 'x'), (9, 'e2', 'x'), (8, 'e', 'x')"
TORN = "UPDATE job SET raw = '{\"id\": '"
STRANGE = (
    "INSERT INTO notice (notice_id, cause, kind, created_at, facts) "
    "VALUES ('n', 'c', 'failed', '2026-11-01T00:00:00Z', 'x')"
)
NO_TIME = "UPDATE job SET created_at = '2026-13-01T00:00:00Z'"
NO_STATE = "UPDATE job SET state = 'xucceeded'"
NO_OBJECT = "UPDATE job SET metadata = '[1]'"
NO_TEXT = "UPDATE job SET suffix = CAST(x'ff41' AS TEXT)"
VIEW = "DROP VIEW job_events; CREATE VIEW job_events AS SELECT 1 AS one"


@pytest.mark.parametrize(
    ("sql", "part", "said"),
    [
        (ORPHAN, "foreign keys", "3 rows of event without job"),
        (TORN, "json", "1 row of job whose raw is no JSON: id 1"),
        (STRANGE, "json", "1 row of notice whose facts is no JSON: id 1"),
        (NO_TIME, "values", "1 row of job with a created_at that cannot be"),
        (NO_STATE, "values", "1 row of job with a state that cannot be"),
        (NO_OBJECT, "values", "1 row of job with a metadata that cannot be"),
        (NO_TEXT, "views", "Could not decode to UTF-8"),
        (VIEW, "views", "no such column"),
    ],
)
def test_what_does_not_fit_is_named_with_what_to_do(url: str, path: Path, sql: str, part: str, said: str) -> None:
    _run(path, sql)
    problems = _problems(url, path)
    assert list(problems) == [part]
    assert said in problems[part]
    assert "put a backup in their place" in problems[part]


def test_a_row_that_an_index_lacks_is_found(url: str, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        [[page]] = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_job_created_at'").fetchall()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        # A page of an index, without any entries (https://sqlite.org/fileformat.html).
        file.write(b"\x0a\x00\x00\x00\x00\x10\x00\x00".ljust(4096, b"\x00"))
    problems = _problems(url, path)
    assert list(problems) == ["integrity"]
    assert "ix_job_created_at" in problems["integrity"]


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 5)


def _cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(40_000)


@pytest.mark.parametrize("befall", [_overwrite, _cut])
def test_a_damaged_file_fails_without_a_traceback(url: str, path: Path, befall: Callable[[Path], None]) -> None:
    befall(path)
    problems = _problems(url, path)
    assert problems
    assert all("is damaged" in problem and "docs/faults.md" in problem for problem in problems.values())


def test_what_is_no_database_of_ours_is_not_looked_into(tmp_path: Path) -> None:
    other, none = tmp_path / "other.db", tmp_path / "none.db"
    _run(other, "CREATE TABLE recipes (name TEXT)")
    assert "belongs to another program" in _problems(f"sqlite:///{other}", other)["file"]
    assert "There is no database at" in _problems(f"sqlite:///{none}", none)["file"]
    assert not none.exists()


def test_of_an_older_version_it_is_said_and_the_rest_is_checked_all_the_same(url: str, path: Path) -> None:
    _run(path, f"UPDATE alembic_version SET version_num = '0001'; {ORPHAN}")
    problems = _problems(url, path)
    assert list(problems) == ["schema", "foreign keys"]
    assert "`tunewatch db upgrade`" in problems["schema"]


def test_ctrl_c_is_heard_within_a_statement(path: Path) -> None:
    timer = threading.Timer(0.2, _thread.interrupt_main)
    with closing(engines.connect_read_only(path)) as connection:
        timer.start()
        with pytest.raises(KeyboardInterrupt), engines.heard(connection):
            connection.execute(
                "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
            )
    timer.join()
