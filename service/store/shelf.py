"""What housekeeping does to the database."""

import contextlib
import sqlite3
from datetime import datetime

import sqlalchemy as sa

from service import model
from service.rules import health
from service.store import condition, pruning, schema
from service.store import engine as engines

_BATCH = 5000


class Shelf:
    """See ports.Shelf."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def condition(self) -> health.Database | None:
        path = engines.path_of(self._engine)
        return condition.look(path) if path else None

    def cut_wal(self) -> None:
        """Briefly, so that no pass waits for it; who reads just now is left alone, and it is tried again some day."""
        if self._engine.dialect.name != "sqlite":
            return
        # Trouble of the disk is told by those who have something to write.
        with contextlib.suppress(sqlite3.DatabaseError):
            # Past SQLAlchemy, which would begin a transaction, and then it cannot be done.
            connection = self._engine.raw_connection()
            cursor = connection.cursor()
            [[wait]] = cursor.execute("PRAGMA busy_timeout").fetchall()
            try:
                cursor.execute("PRAGMA busy_timeout = 0")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {wait}")
                connection.close()

    def forget_events(self, before: datetime) -> int:
        """In small transactions, so that nobody waits long for the write lock."""
        job, event = schema.job.c, schema.event.c
        # A course that is read in pieces is gone on with by its newest events: they stay until it is read.
        read = job.course_cursor.is_(None) | job.gone_at.is_not(None)
        ended = job.state.in_([state for state in model.State if state.ended])
        # Of many failures the reason stands nowhere else.
        needless = sa.or_(
            job.state != model.State.FAILED, job.error_message.is_not(None), event.level.is_distinct_from("error")
        )
        of_job = sa.select(job.id).where(job.id == event.job_pk, ended, read, needless)
        old = sa.select(event.id).where(event.created_at < before, of_job.exists()).limit(_BATCH)
        removed = 0
        while True:
            with self._engine.begin() as connection:
                count = connection.execute(schema.event.delete().where(schema.event.c.id.in_(old))).rowcount
            removed += count
            if count < _BATCH:
                return removed
            pruning.take_turns()
