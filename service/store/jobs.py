"""Finding and writing jobs, inside the transaction of whoever asks."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service import model
from service.store import courses, rows, schema
from service.store import orders as ordering


def in_account(account: str) -> sa.ColumnElement[bool]:
    """The condition that a job is one of the account's."""
    table = schema.account
    return schema.job.c.account_pk == sa.select(table.c.id).where(table.c.name == account).scalar_subquery()


def job_pk(account: str, job_id: str) -> sa.ScalarSelect[Any]:
    """The row number of a job, to be asked for within another statement."""
    job = schema.job
    return sa.select(job.c.id).where(in_account(account), job.c.job_id == job_id).scalar_subquery()


def rows_of(connection: sa.Connection, account: str, job_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """The rows of those of the jobs that are known, by their ids."""
    found = {}
    for ids in courses.pieces(job_ids):
        query = sa.select(schema.job).where(in_account(account), schema.job.c.job_id.in_(ids))
        found.update({row["job_id"]: dict(row) for row in connection.execute(query).mappings()})
    return found


def account_pk(connection: sa.Connection, name: str) -> int:
    """The row number of an account, made at its first mention."""
    table = schema.account
    found: int | None = connection.execute(sa.select(table.c.id).where(table.c.name == name)).scalar()
    if found is not None:
        return found
    return ordering.insert(connection, table, {"name": name, "active": 1})


def write(connection: sa.Connection, account: str, updates: Sequence[model.Update], now: datetime) -> dict[str, int]:
    """Insert or update the job of every update; their row numbers by job id."""
    found = rows_of(connection, account, [update.job.job_id for update in updates])
    fresh = {**_NEW_JOB, "account_pk": account_pk(connection, account), "first_seen_at": now}
    changed: dict[str, dict[str, Any]] = {}
    new: dict[str, dict[str, Any]] = {}
    for update in updates:
        job_id = update.job.job_id
        before = found.get(job_id, fresh)
        (changed if job_id in found else new)[job_id] = {**before, **_job_values(update, before, now)}
    pks = {job_id: int(row["id"]) for job_id, row in changed.items()}
    if changed:
        connection.execute(_UPDATE_JOB, [{"pk": row.pop("id"), **row} for row in changed.values()])
    if new:
        pks.update(zip(new, connection.execute(_INSERT_JOB, list(new.values())).scalars(), strict=True))
    return pks


_NEW_JOB = {"course_due_at": None, "course_read_at": None, "course_cursor": None, "model_due_at": None,
            "results_gone_at": None}  # fmt: skip
_INSERT_JOB = schema.job.insert().returning(schema.job.c.id, sort_by_parameter_order=True)
_UPDATE_JOB = (
    schema.job.update()
    .where(schema.job.c.id == sa.bindparam("pk"))
    .values({column.name: sa.bindparam(column.name) for column in schema.job.c if column.name != "id"})
)


def _job_values(update: model.Update, before: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    values = {**rows.of_job(update.job), "gone_at": None}
    values["last_changed_at"] = before["last_changed_at"] if before.get("raw") == values["raw"] else now
    # What is due of the course, and whether it is known to its end, only changes with a reading of it.
    if update.course:
        values |= {"course_due_at": update.course_due_at, "course_cursor": update.course.cursor}
    if update.course and update.course.complete:
        values["course_read_at"] = now
    if update.course and update.course.results_gone:
        values["results_gone_at"] = before["results_gone_at"] or now
    if update.model_due_at:
        values["model_due_at"] = update.model_due_at
    return values
