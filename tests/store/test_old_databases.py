"""Databases made by versions before this one come through an upgrade with all that is in them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command, config

from service import errors
from service.store import engine as engines
from service.store import identity, migrate
from service.store.record import Record
from tests.conftest import START

# A job, its history, and a notice on its way.
FIRST = f"""
PRAGMA application_id = {identity.APPLICATION_ID};
INSERT INTO account (id, name, active, baseline_at) VALUES (1, 'main', 1, '2026-11-01T00:00:00Z');
INSERT INTO job (id, account_pk, job_id, status, state, fine_tuned_model, raw, first_seen_at, last_changed_at,
    course_due_at)
    VALUES (7, 1, 'ftjob-1', 'running', 'running', 'ft:1', '{{}}', '2026-11-01T00:00:00Z', '2026-11-01T00:00:00Z',
    '2026-11-02T00:00:00Z');
INSERT INTO status_change (job_pk, to_status, observed_at, source, raw)
    VALUES (7, 'running', '2026-11-01T00:00:00Z', 'list', '{{}}');
INSERT INTO event (job_pk, event_id, created_at, message) VALUES (7, 'e1', '2026-11-01T00:00:00Z', 'Job started.');
INSERT INTO metric (job_pk, step, train_loss) VALUES (7, 1, 0.5);
INSERT INTO notice (id, notice_id, cause, kind, account, job_id, created_at, facts)
    VALUES (1, 'tw-1', 'job/main/ftjob-1/paused', 'paused', 'main', 'ftjob-1', '2026-11-01T00:00:00Z', '{{}}');
INSERT INTO destination (id, key, channel, label, active, failures) VALUES (1, 'mail', 'me', 'to', 1, 0);
INSERT INTO delivery (notice_pk, destination_pk, state, attempts, created_at, due_at)
    VALUES (1, 1, 'pending', 0, '2026-11-01T00:00:00Z', '2026-11-01T00:00:00Z');
"""
FILLED = ("account", "job", "status_change", "event", "metric", "notice", "destination", "delivery")


@pytest.fixture
def path(url: str) -> Path:
    """A database as the first version left it."""
    settings = config.Config()
    settings.set_main_option("script_location", str(migrate.scripts()))
    engine = engines.writing(url)
    with engine.begin() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0001")
    engine.dispose()
    path = engines.file_of(url)
    assert path
    with closing(sqlite3.connect(path)) as database:
        database.executescript(FIRST)
    return path


@pytest.fixture
def record(url: str) -> Iterator[Record]:
    engine = engines.writing(url)
    yield Record(engine)
    engine.dispose()


def _content(path: Path) -> dict[str, list[dict[str, object]]]:
    """The rows of every table that has any, by the names of their columns."""
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return {table: [dict(row) for row in database.execute(f"SELECT * FROM {table}")] for table in FILLED}


@pytest.mark.parametrize("apart", [True, False])
def test_an_upgrade_loses_nothing(url: str, path: Path, apart: bool) -> None:
    before = _content(path)
    assert migrate.upgrade(url, apart=apart) is True
    after = _content(path)
    for table, rows in before.items():
        assert len(rows) == 1
        assert [{name: row[name] for name in rows[0]} for row in after[table]] == rows


def test_what_an_upgrade_adds_is_empty_at_first_and_can_be_used(url: str, path: Path, record: Record) -> None:
    migrate.upgrade(url)
    assert record.account("main").models_read_at is None
    assert record.models_due("main", START - timedelta(days=99), START, 9) == []
    record.model_checked("main", "ftjob-1", START)
    assert [job.job_id for job in record.models_due("main", START, START, 9)] == ["ftjob-1"]


def test_a_command_that_only_reads_asks_for_the_upgrade(url: str, path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(errors.DatabaseRefused, match="made by an older version"):
        migrate.reading(url)
    assert path.read_bytes() == before
