"""Bringing another history into ours, inside one database: statements over whole tables, so that memory stays small.

The other database is attached as `other` and only read. What is there already stays as it is, but for jobs of which
the other one knows more (docs/export-and-import.md says it for users, docs/why.md says why).
"""

import sqlite3
from collections.abc import Callable

from service.store import schema

# What a job is to be looked up for, and where a reading was cut short, is each host's own affair.
_OWN = ("course_due_at", "course_cursor", "model_due_at")
_MERGED = ("id", "account_pk", "job_id", "first_seen_at", "started_at", "finished_at", "gone_at", "course_read_at",
           "results_gone_at", *_OWN)  # fmt: skip
_JOB_COLUMNS = [column.name for column in schema.job.c]
_JOB_VALUES = [name for name in _JOB_COLUMNS if name not in _MERGED]
_MEASURES = [column.name for column in schema.metric.c if not column.primary_key]


def accounts(db: sqlite3.Connection) -> dict[str, int]:
    """By their names. A new one is not watched, and nothing of how far its watching came is taken over."""
    new = _run(db, """
        INSERT INTO account (name, active) SELECT name, 0 FROM other.account
        WHERE name NOT IN (SELECT name FROM account) ORDER BY id""")  # fmt: skip
    db.execute("CREATE TEMP TABLE account_pair (theirs INTEGER PRIMARY KEY, ours INTEGER NOT NULL)")
    db.execute("INSERT INTO account_pair SELECT o.id, a.id FROM other.account o JOIN account a ON a.name = o.name")
    return {"accounts": new}


def jobs(db: sqlite3.Connection) -> dict[str, int]:
    """By account and id."""
    db.execute(
        "CREATE TEMP TABLE job_pair (theirs INTEGER PRIMARY KEY, ours INTEGER, fresh INTEGER NOT NULL, updated INTEGER)"
    )
    db.execute(f"""
        INSERT INTO job_pair
        SELECT o.id, j.id, j.id IS NULL,
            -- Of two states the ended one counts, of two alike the newer: an end is never taken back.
            (o.{schema.ENDED}, o.last_changed_at) > (j.{schema.ENDED}, j.last_changed_at)
        FROM other.job o JOIN account_pair p ON p.theirs = o.account_pk
        LEFT JOIN job j ON j.job_id = o.job_id AND j.account_pk = p.ours""")
    updated = _update_jobs(db)
    return {"jobs": _insert_jobs(db), "jobs_updated": updated}


def _insert_jobs(db: sqlite3.Connection) -> int:
    copied = [name for name in _JOB_COLUMNS if name not in ("id", "account_pk", "course_read_at", *_OWN)]
    added = _run(db, f"""
        INSERT INTO job (account_pk, course_read_at, course_due_at, {", ".join(copied)})
        SELECT p.ours, {_READ_AT},
            -- One that still runs is read again and again, here as there; else its silence would be taken for a stall.
            CASE WHEN NOT o.{schema.ENDED} THEN o.course_due_at END, {", ".join(f"o.{name}" for name in copied)}
        FROM job_pair n JOIN other.job o ON o.id = n.theirs JOIN account_pair p ON p.theirs = o.account_pk
        WHERE n.fresh ORDER BY o.id""")  # fmt: skip
    db.execute("""
        UPDATE job_pair SET ours = j.id
        FROM other.job o JOIN account_pair p ON p.theirs = o.account_pk
            JOIN job j ON j.job_id = o.job_id AND j.account_pk = p.ours
        WHERE o.id = job_pair.theirs AND job_pair.fresh""")
    return added


# When their reading came to its end; what was read before the end of a job and not since is no whole reading.
_READ_AT = f"CASE WHEN NOT (o.{schema.ENDED} AND o.course_due_at IS NOT NULL) THEN o.course_read_at END"


def _update_jobs(db: sqlite3.Connection) -> int:
    """Those that both have."""
    db.execute(f"""
        CREATE TEMP TABLE job_news AS
        SELECT n.ours, n.updated, min(j.first_seen_at, o.first_seen_at) AS first_seen_at,
            CASE WHEN n.updated THEN coalesce(o.started_at, j.started_at) ELSE coalesce(j.started_at, o.started_at) END
                AS started_at,
            CASE WHEN n.updated THEN coalesce(o.finished_at, j.finished_at)
                ELSE coalesce(j.finished_at, o.finished_at) END AS finished_at,
            CASE WHEN max(j.{schema.ENDED}, o.{schema.ENDED}) THEN coalesce(j.gone_at, o.gone_at)
                -- What we still watch stays watched: with a wrong key they lose sight of all jobs at once.
                WHEN o.gone_at IS NOT NULL OR o.last_changed_at <= j.gone_at THEN j.gone_at END AS gone_at,
            max(coalesce(j.course_read_at, {_READ_AT}), coalesce({_READ_AT}, j.course_read_at)) AS course_read_at,
            coalesce(j.results_gone_at, o.results_gone_at) AS results_gone_at
        FROM job_pair n JOIN job j ON j.id = n.ours JOIN other.job o ON o.id = n.theirs""")
    merged = ("first_seen_at", "started_at", "finished_at", "gone_at", "course_read_at", "results_gone_at")
    updated = _run(db, f"""
        UPDATE job SET {", ".join(f"{name} = w.{name}" for name in merged)} FROM job_news w
        WHERE w.ours = job.id
            AND (w.updated OR {" OR ".join(f"job.{name} IS NOT w.{name}" for name in merged)})""")  # fmt: skip
    db.execute(f"""
        UPDATE job SET {", ".join(f"{name} = o.{name}" for name in _JOB_VALUES)}
        FROM job_pair n JOIN other.job o ON o.id = n.theirs WHERE n.ours = job.id AND n.updated""")
    return updated


def changes(db: sqlite3.Connection) -> dict[str, int]:
    """Status changes. Two hosts see one at different seconds: the k-th to a status is the same one here and there."""
    copied = "from_status, to_status, observed_at, source, raw"
    added = _run(db, f"""
        INSERT INTO status_change (job_pk, {copied})
        SELECT n.ours, {copied} FROM other.status_change c JOIN job_pair n ON n.theirs = c.job_pk
        WHERE n.fresh ORDER BY c.id""")  # fmt: skip
    db.execute("CREATE TEMP TABLE mixed (job_pk INTEGER PRIMARY KEY)")
    # In the order of their numbers, so that nothing as large as a raw object is ever sorted.
    db.execute("CREATE TEMP TABLE change_more (id INTEGER PRIMARY KEY, job_pk INTEGER NOT NULL)")
    db.execute("""
        INSERT INTO change_more
        SELECT theirs.id, theirs.job_pk FROM (
            SELECT c.id, n.ours AS job_pk, c.to_status,
                row_number() OVER (PARTITION BY c.job_pk, c.to_status ORDER BY c.observed_at, c.id) AS k
            FROM job_pair n JOIN other.status_change c ON c.job_pk = n.theirs WHERE NOT n.fresh
        ) theirs
        WHERE k > (SELECT count(*) FROM status_change m WHERE m.job_pk = theirs.job_pk
                   AND m.to_status = theirs.to_status)""")
    db.execute("INSERT INTO mixed SELECT DISTINCT job_pk FROM change_more")
    more = _run(db, f"""
        INSERT INTO status_change (job_pk, {copied})
        SELECT m.job_pk, {copied} FROM change_more m JOIN other.status_change c ON c.id = m.id
        ORDER BY m.id""")  # fmt: skip
    if more:
        _put_in_order(db)
    return {"status_changes": added + more}


def _put_in_order(db: sqlite3.Connection) -> None:
    """Where ours and theirs were mixed: numbers that grow with time, each change from the status before it."""
    db.execute("""
        CREATE TEMP TABLE change_place AS
        SELECT c.id, c.job_pk, c.to_status,
            (SELECT max(id) FROM status_change) + row_number() OVER (
                -- Within one second: what the job is now came last.
                ORDER BY c.job_pk, c.observed_at, c.to_status = j.status, c.id) AS place
        FROM mixed x JOIN status_change c ON c.job_pk = x.job_pk JOIN job j ON j.id = c.job_pk""")
    db.execute("CREATE UNIQUE INDEX temp.change_by_place ON change_place (place, job_pk, to_status)")
    db.execute("""
        UPDATE status_change SET id = p.place, from_status = (
            SELECT b.to_status FROM change_place b WHERE b.place = p.place - 1 AND b.job_pk = p.job_pk)
        FROM change_place p WHERE p.id = status_change.id""")


def courses(db: sqlite3.Connection) -> dict[str, int]:
    """Events, metrics and checkpoints: what is not there yet, and of measured steps what was not measured."""
    of_job = "JOIN job_pair n ON n.theirs = o.job_pk WHERE true"
    return {
        "events": _run(db, f"""
            INSERT INTO event (job_pk, event_id, created_at, level, type, message, data)
            SELECT n.ours, o.event_id, o.created_at, o.level, o.type, o.message, o.data FROM other.event o {of_job}
            ORDER BY o.id ON CONFLICT (job_pk, event_id) DO NOTHING"""),
        "metrics": _run(db, f"""
            INSERT INTO metric (job_pk, step, {", ".join(_MEASURES)})
            SELECT n.ours, o.step, {", ".join(f"o.{name}" for name in _MEASURES)} FROM other.metric o {of_job}
            ON CONFLICT (job_pk, step) DO NOTHING"""),
        "metrics_filled": _run(db, f"""
            UPDATE metric SET {", ".join(f"{name} = coalesce(metric.{name}, o.{name})" for name in _MEASURES)}
            FROM job_pair n JOIN other.metric o ON o.job_pk = n.theirs
            WHERE n.ours = metric.job_pk AND o.step = metric.step AND NOT n.fresh
                AND ({" OR ".join(f"metric.{name} IS NULL AND o.{name} IS NOT NULL" for name in _MEASURES)})"""),
        "checkpoints": _run(db, f"""
            INSERT INTO checkpoint (job_pk, checkpoint_id, created_at, step, model, train_loss, valid_loss, raw)
            SELECT n.ours, o.checkpoint_id, o.created_at, o.step, o.model, o.train_loss, o.valid_loss, o.raw
            FROM other.checkpoint o {of_job} ORDER BY o.id ON CONFLICT (job_pk, checkpoint_id) DO NOTHING"""),
    }  # fmt: skip


def notices(db: sqlite3.Connection) -> dict[str, int]:
    """What was told there is not told here again. Deliveries come as far as their fate is settled.

    But for digests: they sum up what the other host saw, and would pass for ours of the same day.
    """
    added = _run(db, """
        INSERT INTO notice (notice_id, cause, kind, account, job_id, created_at, facts)
        SELECT notice_id, cause, kind, account, job_id, created_at, facts FROM other.notice
        WHERE kind <> 'digest'
            AND cause NOT IN (SELECT cause FROM notice) AND notice_id NOT IN (SELECT notice_id FROM notice)
        ORDER BY id""")  # fmt: skip
    destinations = _run(db, """
        INSERT INTO destination (key, channel, label, active, failures)
        SELECT key, channel, label, 0, 0 FROM other.destination
        WHERE key NOT IN (SELECT key FROM destination)
            AND id IN (SELECT destination_pk FROM other.delivery WHERE state IN ('sent', 'failed'))
        ORDER BY id""")  # fmt: skip
    deliveries = _run(db, """
        INSERT INTO delivery (notice_pk, destination_pk, state, attempts, created_at, due_at, sent_at, last_error)
        SELECT n.id, t.id, d.state, d.attempts, d.created_at, d.due_at, d.sent_at, d.last_error
        FROM other.delivery d
            JOIN other.notice o ON o.id = d.notice_pk JOIN notice n ON n.cause = o.cause
            JOIN other.destination p ON p.id = d.destination_pk JOIN destination t ON t.key = p.key
        WHERE d.state IN ('sent', 'failed') AND o.kind <> 'digest' ORDER BY d.id
        ON CONFLICT (notice_pk, destination_pk) DO NOTHING""")  # fmt: skip
    if deliveries:
        # Their numbers grow with time, here too: that is how the newest are found.
        db.execute("""
            CREATE TEMP TABLE delivery_place AS
            SELECT d.id, (SELECT max(id) FROM delivery) + row_number() OVER (ORDER BY n.created_at, d.id) AS place
            FROM delivery d JOIN notice n ON n.id = d.notice_pk""")
        db.execute("UPDATE delivery SET id = p.place FROM delivery_place p WHERE p.id = delivery.id")
    return {"notices": added, "destinations": destinations, "deliveries": deliveries}


def unreadable(db: sqlite3.Connection) -> dict[str, int]:
    """What neither could make sense of."""
    return {"unreadable": _run(db, """
        INSERT INTO unreadable (account_pk, digest, raw, first_seen_at)
        SELECT p.ours, o.digest, o.raw, o.first_seen_at
        FROM other.unreadable o JOIN account_pair p ON p.theirs = o.account_pk WHERE true
        ORDER BY o.id ON CONFLICT (account_pk, digest) DO NOTHING""")}  # fmt: skip


def _run(db: sqlite3.Connection, statement: str) -> int:
    """How many rows it wrote."""
    return db.execute(statement).rowcount


# In this order: the later ones build on what the earlier ones found.
STEPS: tuple[Callable[[sqlite3.Connection], dict[str, int]], ...] = (
    accounts, jobs, changes, courses, notices, unreadable,
)  # fmt: skip
