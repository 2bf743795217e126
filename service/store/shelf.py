"""What housekeeping does to the database."""

from datetime import datetime

import sqlalchemy as sa

from service import model
from service.store import schema

_BATCH = 5000


class Shelf:
    """See ports.Shelf."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def forget_events(self, before: datetime) -> int:
        """In small transactions, so that nobody waits long for the write lock."""
        ended = sa.select(schema.job.c.id).where(schema.job.c.state.in_([s for s in model.State if s.ended]))
        old = (
            sa.select(schema.event.c.id)
            .where(schema.event.c.created_at < before, schema.event.c.job_pk.in_(ended))
            .limit(_BATCH)
        )
        removed = 0
        while True:
            with self._engine.begin() as connection:
                count = connection.execute(schema.event.delete().where(schema.event.c.id.in_(old))).rowcount
            removed += count
            if count < _BATCH:
                return removed
