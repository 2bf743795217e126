"""Databases as the versions before this one left them, with something in every table."""

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command, config

from service.store import engine as engines
from service.store import identity, migrate

# Every revision from which there is an upgrade; a new migration makes one more, by itself.
REVISIONS = sorted(
    {script.name.split("_")[0] for script in (migrate.scripts() / "versions").glob("[0-9]*.py")} - {identity.REVISION}
)

# A job, its course, and a notice on its way. What a later revision adds stands below; there its columns are not yet.
_ROWS = {
    "0001": f"""
PRAGMA application_id = {identity.APPLICATION_ID};
INSERT INTO process (version, host, pid, started_at) VALUES ('0.0', 'here', 7, '2026-11-01T00:00:00Z');
INSERT INTO account (id, name, active, baseline_at) VALUES (1, 'main', 1, '2026-11-01T00:00:00Z');
INSERT INTO job (id, account_pk, job_id, status, state, fine_tuned_model, metadata, raw, first_seen_at,
    last_changed_at, course_due_at)
    VALUES (7, 1, 'ftjob-1', 'running', 'running', 'ft:1', '{{"team": "é"}}', '{{}}', '2026-11-01T00:00:00Z',
    '2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z');
INSERT INTO status_change (job_pk, to_status, observed_at, source, raw)
    VALUES (7, 'running', '2026-11-01T00:00:00Z', 'list', '{{}}');
INSERT INTO event (job_pk, event_id, created_at, message) VALUES (7, 'e1', '2026-11-01T00:00:00Z', 'Job started.');
INSERT INTO metric (job_pk, step, train_loss) VALUES (7, 1, 0.5);
INSERT INTO checkpoint (job_pk, checkpoint_id, step, raw) VALUES (7, 'c1', 1, '{{}}');
INSERT INTO unreadable (account_pk, digest, raw, first_seen_at) VALUES (1, 'd', '[]', '2026-11-01T00:00:00Z');
INSERT INTO notice (id, notice_id, cause, kind, account, job_id, created_at, facts)
    VALUES (1, 'tw-1', 'job/main/ftjob-1/paused', 'paused', 'main', 'ftjob-1', '2026-11-01T00:00:00Z', '{{}}');
INSERT INTO destination (id, key, channel, label, active, failures) VALUES (1, 'mail', 'me', 'to', 1, 0);
INSERT INTO delivery (notice_pk, destination_pk, state, attempts, created_at, due_at)
    VALUES (1, 1, 'pending', 0, '2026-11-01T00:00:00Z', '2026-11-01T00:00:00Z');
""",
    "0002": """
UPDATE account SET models_read_at = '2026-11-01T00:00:00Z';
UPDATE job SET model_due_at = '2026-11-02T00:00:00Z';
""",
}


def make(url: str, revision: str, *, filled: bool = True) -> Path:
    """A database of this revision."""
    settings = config.Config()
    settings.set_main_option("script_location", str(migrate.scripts()))
    engine = engines.writing(url)
    with engine.begin() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)
    engine.dispose()
    path = engines.file_of(url)
    assert path
    if filled:
        with closing(sqlite3.connect(path)) as database:
            for since, rows in _ROWS.items():
                if since <= revision:
                    database.executescript(rows)
    return path


def content(path: Path) -> dict[str, list[dict[str, object]]]:
    """The rows of every table, by the names of their columns."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: [dict(row) for row in database.execute(f"SELECT * FROM {table}")] for table in tables}
