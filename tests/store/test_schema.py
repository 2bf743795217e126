"""The schema: what the migrations make is what the code believes, and the views keep their promise."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from service import errors
from service.store import engine as engines
from service.store import identity, lease, migrate, schema
from tests.conftest import START

# The contract with users: at least these columns, for ever.
CONTRACT = {
    "job_summary": "account job_id model fine_tuned_model suffix method status state created_at started_at finished_at "
    "queued_seconds running_seconds trained_tokens train_loss valid_loss error_code error_message first_seen_at "
    "last_changed_at",
    "job_history": "account job_id from_status to_status observed_at source",
    "job_events": "account job_id event_id created_at level type message",
    "job_metrics": "account job_id step train_loss train_accuracy valid_loss valid_accuracy reward",
    "job_checkpoints": "account job_id checkpoint_id created_at step model train_loss valid_loss",
    "notice_log": "notice_id account job_id kind channel destination state attempts created_at sent_at last_error",
}


def _file(url: str) -> Path:
    path = engines.file_of(url)
    assert path
    return path


def test_the_migrations_make_the_tables_that_the_code_uses(engine: engines.Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, schema.metadata) == []


def test_every_table_is_strict_and_every_constraint_has_a_name(engine: engines.Engine) -> None:
    with engine.connect() as connection:
        tables = connection.exec_driver_sql(
            "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
        ).all()
        inspector = sa.inspect(connection)
        names = [row.name for row in tables if row.name not in ("sqlite_schema", "alembic_version", "sqlite_sequence")]
        assert all(row.strict for row in tables if row.name in names)
        for name in names:
            keys = [*inspector.get_foreign_keys(name), *inspector.get_unique_constraints(name)]
            assert all(key["name"] for key in keys)
            assert inspector.get_pk_constraint(name)["name"]


@pytest.mark.parametrize("view", CONTRACT)
def test_a_view_has_the_columns_it_promises(engine: engines.Engine, view: str) -> None:
    with engine.connect() as connection:
        found = set(connection.exec_driver_sql(f"SELECT * FROM {view}").keys())
    assert set(CONTRACT[view].split()) <= found


def test_an_upgrade_of_an_upgraded_database_does_nothing(url: str) -> None:
    assert migrate.upgrade(url) is True
    assert migrate.upgrade(url) is False


def test_an_upgrade_in_a_process_of_its_own_does_the_same(url: str) -> None:
    assert migrate.upgrade(url, apart=True) is True
    assert migrate.upgrade(url) is False


def test_an_upgrade_in_a_process_of_its_own_says_why_it_failed(url: str) -> None:
    with closing(sqlite3.connect(_file(url), isolation_level=None)) as other:
        other.execute(f"PRAGMA application_id = {identity.APPLICATION_ID}")
        other.execute("CREATE TABLE account (id INTEGER)")
    for apart in (True, False):
        with pytest.raises(errors.DatabaseRefused, match="as it was: table account already exists") as refusal:
            migrate.upgrade(url, apart=apart)
        assert "CREATE" not in str(refusal.value)


def test_the_database_of_another_program_is_refused_untouched(url: str) -> None:
    with closing(sqlite3.connect(_file(url))) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
        other.commit()
    before = _file(url).read_bytes()
    with pytest.raises(errors.DatabaseRefused, match="belongs to another program"):
        migrate.upgrade(url)
    assert _file(url).read_bytes() == before


def test_the_database_of_a_newer_version_is_refused_untouched(url: str) -> None:
    migrate.upgrade(url)
    with closing(sqlite3.connect(_file(url))) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    before = _file(url).read_bytes()
    for attempt in (migrate.upgrade, migrate.check, migrate.reading):
        with pytest.raises(errors.DatabaseRefused, match="newer tunewatch"):
            attempt(url)
    assert _file(url).read_bytes() == before


@pytest.mark.parametrize("content", [b"this is a letter to my aunt " * 50, b"SQLite format 3\0 and then nothing" * 20])
def test_a_file_that_is_no_database_is_refused_untouched(url: str, content: bytes) -> None:
    _file(url).write_bytes(content)
    with pytest.raises(errors.DatabaseRefused, match="is no database, or its beginning was overwritten"):
        migrate.upgrade(url)
    assert _file(url).read_bytes() == content


def test_an_upgrade_that_breaks_off_leaves_nothing(url: str) -> None:
    """One transaction: a crash in the middle of a migration is as if it had not begun."""
    engine = engines.writing(url)
    with engine.connect() as connection:
        connection.begin()
        connection.exec_driver_sql("CREATE TABLE account (id INTEGER)")
        connection.invalidate()
    engine.dispose()
    assert migrate.upgrade(url) is True


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.DatabaseRefused, match="There is no folder"):
        migrate.upgrade(f"sqlite:///{tmp_path}/nowhere/at/all.db")


def test_reading_never_makes_a_database(url: str) -> None:
    with pytest.raises(errors.NoDatabase, match="no database at"):
        migrate.reading(url)
    assert not _file(url).exists()


def test_a_reader_cannot_write(url: str) -> None:
    migrate.upgrade(url)
    reader = migrate.reading(url)
    with pytest.raises(errors.StoreTrouble), reader.connect() as connection:
        connection.exec_driver_sql("DELETE FROM account")
    reader.dispose()


def test_a_reader_beside_a_writer_sees_what_was_committed(url: str, engine: engines.Engine) -> None:
    reader = migrate.reading(url)
    with engine.begin() as connection:
        connection.execute(schema.account.insert().values(name="main", active=1))
        with reader.connect() as other:
            assert other.exec_driver_sql("SELECT count(*) FROM account").scalar() == 0
    with reader.connect() as other:
        assert other.exec_driver_sql("SELECT count(*) FROM account").scalar() == 1
    reader.dispose()


def test_two_writers_wait_for_each_other(url: str, engine: engines.Engine) -> None:
    """Every transaction takes the write lock at its start, so none fails half way."""
    other = engines.writing(url)
    with engine.connect() as connection, connection.begin():
        assert connection.exec_driver_sql("SELECT count(*) FROM account").scalar() == 0
        with closing(sqlite3.connect(_file(url), timeout=0)) as third, pytest.raises(sqlite3.OperationalError):
            third.execute("BEGIN IMMEDIATE")
    with other.begin() as connection:
        connection.execute(schema.account.insert().values(name="main", active=1))
    other.dispose()


def test_a_second_daemon_is_told_who_holds_the_database(url: str) -> None:
    first, second = lease.Lease(url), lease.Lease(url)
    first.take(START)
    assert lease.held(url)
    with pytest.raises(errors.AlreadyRunning, match=r"process \d+ on .*, since 2026-11-22T12:00:00Z"):
        second.take(START)
    first.release()
    assert not lease.held(url)
    second.take(START)
    second.release()


@pytest.mark.parametrize("url", ["not a url", "sqlite", "://"])
def test_what_is_no_database_url_is_said_without_showing_it(url: str) -> None:
    with pytest.raises(errors.DatabaseRefused, match="is not a URL"):
        engines.file_of(url)
