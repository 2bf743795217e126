"""Pruning: what may go goes, all else stays, and nobody waits long meanwhile."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service import clock, errors
from service.store import engine as engines
from service.store import migrate, pruning
from service.store.shelf import Shelf
from tests.conftest import START
from tests.faults import machine

DAY = timedelta(days=1)
OLD, NEW = clock.to_text(START - 100 * DAY), clock.to_text(START - 10 * DAY)
BEFORE = START - 50 * DAY
ROWS = f"""
INSERT INTO account (id, name, active) VALUES (1, 'main', 1);
INSERT INTO job (id, account_pk, job_id, status, state, raw, first_seen_at, last_changed_at, finished_at) VALUES
    (1, 1, 'old', 'failed', 'failed', '{{"id": "old"}}', '{OLD}', '{OLD}', '{OLD}'),
    (2, 1, 'old, without an end', 'cancelled', 'cancelled', '{{}}', '{OLD}', '{OLD}', NULL),
    (3, 1, 'ended lately', 'succeeded', 'succeeded', '{{}}', '{OLD}', '{NEW}', '{NEW}'),
    (4, 1, 'running', 'running', 'running', '{{}}', '{OLD}', '{OLD}', NULL);
INSERT INTO status_change (job_pk, to_status, observed_at, source, raw)
    SELECT id, 'running', '{OLD}', 'list', '{{"at": "old"}}' FROM job
    UNION ALL SELECT id, status, '{NEW}', 'list', '{{"at": "new"}}' FROM job;
INSERT INTO event (job_pk, event_id, created_at, message)
    SELECT id, 'e1', '{OLD}', 'x' FROM job UNION ALL SELECT id, 'e2', '{NEW}', 'x' FROM job;
INSERT INTO metric (job_pk, step, train_loss) SELECT id, 1, 0.5 FROM job;
INSERT INTO checkpoint (job_pk, checkpoint_id, step, raw) SELECT id, 'c', 1, '{{"step": 1}}' FROM job;
INSERT INTO notice (notice_id, cause, kind, created_at, facts) VALUES ('tw-1', 'c', 'failed', '{OLD}', '{{}}');
INSERT INTO unreadable (account_pk, digest, raw, first_seen_at)
    VALUES (1, 'a', '{{}}', '{OLD}'), (1, 'b', '{{}}', '{NEW}');
"""
KEPT = ("job", "metric", "notice", "account")


@pytest.fixture
def path(url: str, engine: engines.Engine) -> Path:
    path = engines.file_of(url)
    assert path
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(ROWS)
    return path


def _rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchall()


def test_old_payloads_are_emptied_and_all_else_stays(engine: engines.Engine, path: Path) -> None:
    kept = [_rows(path, f"SELECT * FROM {table}") for table in KEPT]
    history = _rows(path, "SELECT account, job_id, from_status, to_status, observed_at FROM job_history")
    done = pruning.forget_raws(engine, BEFORE)
    assert done == pruning.Forgotten(changes=4, checkpoints=2, unreadable=1)
    assert [_rows(path, f"SELECT * FROM {table}") for table in KEPT] == kept
    assert _rows(path, "SELECT account, job_id, from_status, to_status, observed_at FROM job_history") == history
    assert set(_rows(path, "SELECT observed_at, raw FROM job_history")) == {(OLD, "null"), (NEW, '{"at": "new"}')}
    emptied = _rows(path, "SELECT job_id FROM job_checkpoints WHERE raw = 'null' ORDER BY job_id")
    assert emptied == [("old",), ("old, without an end",)]
    assert _rows(path, "SELECT digest FROM unreadable") == [("b",)]


def test_a_second_time_there_is_nothing_to_do(engine: engines.Engine, path: Path) -> None:
    pruning.forget_raws(engine, BEFORE)
    assert pruning.forget_raws(engine, BEFORE) == pruning.Forgotten(changes=0, checkpoints=0, unreadable=0)


def test_events_of_jobs_that_have_not_ended_stay(engine: engines.Engine, path: Path) -> None:
    assert Shelf(engine).forget_events(BEFORE) == 3
    assert _rows(path, "SELECT job_id FROM job_events WHERE event_id = 'e1'") == [("running",)]
    assert len(_rows(path, "SELECT job_id FROM job_events WHERE event_id = 'e2'")) == 4


def test_the_reason_of_a_failure_stays_where_it_stands_nowhere_else(engine: engines.Engine, path: Path) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE event SET level = 'error' WHERE event_id = 'e1'")
    assert Shelf(engine).forget_events(BEFORE) == 2
    assert _rows(path, "SELECT job_id FROM job_events WHERE event_id = 'e1'") == [("old",), ("running",)]
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE job SET error_message = 'bad file' WHERE job_id = 'old'")
    assert Shelf(engine).forget_events(BEFORE) == 1


def _many(path: Path, rows: int) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for table, columns in (
            ("status_change", "(job_pk, to_status, observed_at, source, raw) SELECT 1, 'running', :old, 'list', :raw"),
            ("event", "(job_pk, event_id, created_at, message) SELECT 1, 'n' || i, :old, :raw"),
        ):
            database.execute(
                f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) "
                f"INSERT INTO {table} {columns} FROM n", {"old": OLD, "raw": f'"{"x" * 1000}"'},
            )  # fmt: skip


def test_whoever_writes_meanwhile_waits_hardly_at_all(engine: engines.Engine, path: Path, url: str) -> None:
    _many(path, 30_000)
    done = threading.Event()

    def prune() -> None:
        pruning.forget_raws(engine, BEFORE)
        Shelf(engine).forget_events(BEFORE)
        done.set()

    pruner, writer, waits = threading.Thread(target=prune), engines.writing(url), []
    pruner.start()
    pause = threading.Event()
    while not done.is_set():
        began = time.monotonic()
        with writer.begin() as connection:
            connection.exec_driver_sql("UPDATE account SET last_error = 'x'")
        waits.append(time.monotonic() - began)
        pause.wait(0.02)
    pruner.join()
    writer.dispose()
    assert len(waits) > 5
    assert max(waits) < 3


def test_the_room_is_given_back(engine: engines.Engine, path: Path) -> None:
    _many(path, 5_000)
    pruning.forget_raws(engine, BEFORE)
    Shelf(engine).forget_events(BEFORE)
    before = pruning.size_bytes(path)
    unused = pruning.unused_bytes(path)
    assert unused > 5_000_000
    pruning.give_back(path)
    assert pruning.size_bytes(path) < before - unused
    assert pruning.unused_bytes(path) == 0
    assert engines.wal_bytes(path) == 0
    assert _rows(path, "PRAGMA integrity_check") == [("ok",)]
    # What an engine that was open all the time sees.
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM job").scalar() == 4


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Path, machine.Disk]]:
    (tmp_path / "disk").mkdir()
    with machine.disk(tmp_path / "disk", "40m") as disk:
        path = tmp_path / "disk" / "tunewatch.db"
        migrate.upgrade(f"sqlite:///{path}")
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.executescript(ROWS)
        yield path, disk


def test_without_room_for_the_work_it_is_said_and_nothing_is_done(small: tuple[Path, machine.Disk]) -> None:
    path, disk = small
    _many(path, 10_000)
    before = path.read_bytes()
    disk.fill()
    with pytest.raises(errors.StoreTrouble, match=r"takes [3-6]\d MB for the time of the work, and 0\.0 MB are free"):
        pruning.give_back(path)
    assert path.read_bytes() == before


def test_somebody_else_who_writes_is_named(path: Path) -> None:
    with machine.connected(path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(errors.StoreTrouble, match="is kept locked by"):
            pruning.give_back(path, wait_seconds=0)


def test_somebody_who_reads_is_named_and_the_next_time_the_file_is_small(engine: engines.Engine, path: Path) -> None:
    _many(path, 3_000)
    pruning.forget_raws(engine, BEFORE)
    Shelf(engine).forget_events(BEFORE)
    before = pruning.size_bytes(path)
    with machine.connected(path) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM job")
        with pytest.raises(errors.StoreTrouble, match="not smaller yet, because another program reads it"):
            pruning.give_back(path)
    pruning.give_back(path)
    assert pruning.size_bytes(path) < before / 2


def test_emptying_payloads_does_not_go_through_all_jobs_for_each_range(engine: engines.Engine) -> None:
    plans: list[str] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _(connection: sa.Connection, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith(("UPDATE", "DELETE")):
            plan = connection.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in plan)

    pruning.forget_raws(engine, BEFORE)
    Shelf(engine).forget_events(BEFORE)
    assert len(plans) >= 4
    assert not [line for line in plans if line.startswith("SCAN") or "job_pk" in line]
