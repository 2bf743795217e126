"""What reading the past asks and writes, beside whoever else writes: no row is written that was read before."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service import model
from service.store import courses, jobs, rows, schema
from service.store import engine as engines


class Backlog:
    """See ports.Backlog."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reads = engines.for_reads(engine)

    def newest(self, account: str, since: datetime | None, but: Collection[str]) -> model.Job | None:
        job = schema.job
        query = _since(sa.select(job), account, since).order_by(job.c.created_at.desc()).limit(1)
        if but:
            query = query.where(job.c.job_id.not_in(but))
        with self._reads.connect() as connection:
            row = connection.execute(query).mappings().first()
        return rows.to_job(account, dict(row)) if row else None

    def left(self, account: str, since: datetime | None) -> int:
        query = _since(sa.select(sa.func.count()).select_from(schema.job), account, since)
        with self._reads.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def keep(
        self, account: str, job_id: str, course: model.Course, now: datetime, *,
        started_at: datetime | None = None, finished_at: datetime | None = None,
    ) -> None:  # fmt: skip
        job = schema.job
        # Another process may have read it to its end meanwhile.
        unread = job.c.course_read_at.is_(None)
        values: dict[str, Any] = {"course_cursor": sa.case((unread, course.cursor), else_=job.c.course_cursor)}
        if course.complete:
            values = {"course_read_at": now, "course_cursor": None}
        if course.results_gone:
            values["results_gone_at"] = _or_else(job.c.results_gone_at, now)
        if started_at:
            values["started_at"] = started_at
        if finished_at:
            values["finished_at"] = _or_else(job.c.finished_at, finished_at)
        with self._engine.begin() as connection:
            [pk] = connection.execute(sa.select(jobs.job_pk(account, job_id))).scalars()
            courses.write(connection, pk, course)
            connection.execute(job.update().where(job.c.id == pk).values(values))


def _or_else(time: sa.Column[datetime], moment: datetime) -> sa.ColumnElement[datetime]:
    """What the column holds, else the moment, which without the column's type would be written in another form."""
    return sa.func.coalesce(time, sa.literal(moment, time.type))


def _since(query: sa.Select[Any], account: str, since: datetime | None) -> sa.Select[Any]:
    query = query.where(jobs.in_account(account), sa.text(schema.PAST))
    return query.where(schema.job.c.created_at >= since) if since else query
