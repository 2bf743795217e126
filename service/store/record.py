"""What a poll pass reads and writes. Every writing method is one transaction."""

import dataclasses
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service import model
from service.store import engine as engines
from service.store import orders as ordering
from service.store import rows, schema

_METRIC_FIELDS = tuple(field.name for field in dataclasses.fields(model.Metric) if field.name != "step")
_UNREADABLE_LIMIT = 64 * 1024  # characters of a payload that we cannot use anyway


class Record:
    """The history, as ports.Record asks for it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reads = engines.for_reads(engine)

    def account(self, name: str) -> model.AccountRecord:
        with self._reads.connect() as connection:
            row = connection.execute(sa.select(schema.account).where(schema.account.c.name == name)).mappings().first()
        if row is None:
            return model.AccountRecord(name=name)
        return model.AccountRecord(**{key: value for key, value in row.items() if key not in ("id", "active")})

    def configured(self, accounts: Collection[str]) -> None:
        """At the start of a process: which accounts the configuration has now."""
        table = schema.account
        with self._engine.begin() as connection:
            for name in accounts:
                _account_pk(connection, name)
            connection.execute(table.update().values(active=sa.case((table.c.name.in_(accounts), 1), else_=0)))

    def unfinished(self, account: str) -> dict[str, datetime | None]:
        job = schema.job
        # The condition repeats the index's own words, so that SQLite uses it.
        query = sa.select(job.c.job_id, job.c.created_at).where(
            _in_account(account), sa.text("state NOT IN ('succeeded', 'failed', 'cancelled') AND gone_at IS NULL")
        )
        with self._reads.connect() as connection:
            return {row.job_id: row.created_at for row in connection.execute(query)}

    def raws(self, account: str, job_ids: Collection[str]) -> dict[str, str]:
        job = schema.job
        query = sa.select(job.c.job_id, job.c.raw).where(
            # One that was gone and is listed again counts as changed, so that it is watched again.
            _in_account(account),
            job.c.job_id.in_(job_ids),
            job.c.gone_at.is_(None),
        )
        with self._reads.connect() as connection:
            return {row.job_id: row.raw for row in connection.execute(query)}

    def known(self, account: str, job_ids: Collection[str]) -> dict[str, model.Job]:
        with self._reads.connect() as connection:
            found = _rows_of(connection, account, job_ids)
        return {job_id: rows.to_job(account, row) for job_id, row in found.items()}

    def page_ends(self, account: str, page_size: int, pages: int) -> list[datetime]:
        job = schema.job
        place = sa.func.row_number().over(order_by=job.c.created_at.desc()).label("place")
        newest = (
            sa.select(job.c.created_at, place)
            .where(_in_account(account), job.c.created_at.is_not(None))
            .order_by(job.c.created_at.desc())
            .limit(page_size * pages)
            .subquery()
        )
        query = sa.select(newest.c.created_at).where(newest.c.place % page_size == 0).order_by(newest.c.place)
        with self._reads.connect() as connection:
            return list(connection.execute(query).scalars())

    def course_due(self, account: str, now: datetime, limit: int) -> list[model.Job]:
        job = schema.job
        query = (
            sa.select(job)
            .where(_in_account(account), job.c.course_due_at.is_not(None), job.c.course_due_at <= now)
            .order_by(job.c.course_due_at)
            .limit(limit)
        )
        with self._reads.connect() as connection:
            return [rows.to_job(account, dict(row)) for row in connection.execute(query).mappings()]

    def known_events(self, account: str, job_id: str, event_ids: Collection[str]) -> set[str]:
        event = schema.event
        query = sa.select(event.c.event_id).where(
            event.c.job_pk == _job_pk(account, job_id), event.c.event_id.in_(event_ids)
        )
        with self._reads.connect() as connection:
            return set(connection.execute(query).scalars())

    def course_state(self, account: str, job_id: str) -> tuple[bool, str | None]:
        job = schema.job
        query = sa.select(job.c.course_read_at, job.c.course_cursor).where(job.c.id == _job_pk(account, job_id))
        with self._reads.connect() as connection:
            row = connection.execute(query).first()
        return (row.course_read_at is not None, row.course_cursor) if row else (False, None)

    def metrics(self, account: str, job_id: str) -> tuple[model.Metric, ...]:
        metric = schema.metric
        query = sa.select(metric).where(metric.c.job_pk == _job_pk(account, job_id)).order_by(metric.c.step)
        with self._reads.connect() as connection:
            found = connection.execute(query).mappings().all()
        return tuple(model.Metric(step=row["step"], **{name: row[name] for name in _METRIC_FIELDS}) for row in found)

    def record(self, account: str, updates: Sequence[model.Update], now: datetime) -> None:
        if not updates:
            return
        with self._engine.begin() as connection:
            pks = _write_jobs(connection, account, updates, now)
            changes = [
                {**_change_row(update.change), "job_pk": pks[update.job.job_id], "raw": update.job.raw}
                for update in updates
                if update.change
            ]
            if changes:
                connection.execute(schema.status_change.insert(), changes)
            for update in updates:
                if update.course:
                    _write_course(connection, pks[update.job.job_id], update.course)
                ordering.queue(connection, update.orders)

    def keep_unreadable(self, account: str, raws: Collection[str], now: datetime) -> None:
        if not raws:
            return
        table = schema.unreadable
        with self._engine.begin() as connection:
            account_pk = _account_pk(connection, account)
            for raw in raws:
                digest = hashlib.sha256(raw.encode()).hexdigest()
                same = (table.c.account_pk == account_pk) & (table.c.digest == digest)
                if connection.execute(sa.select(table.c.id).where(same)).first():
                    continue
                connection.execute(
                    table.insert().values(
                        account_pk=account_pk, digest=digest, raw=raw[:_UNREADABLE_LIMIT], first_seen_at=now
                    )
                )

    def gone(self, account: str, job_id: str, now: datetime) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                schema.job.update()
                .where(schema.job.c.id == _job_pk(account, job_id))
                .values(gone_at=now, course_due_at=None)
            )

    def end_pass(self, account: model.AccountRecord, orders: Iterable[model.Order] = ()) -> None:
        values = {field.name: getattr(account, field.name) for field in dataclasses.fields(account)}
        with self._engine.begin() as connection:
            pk = _account_pk(connection, account.name)
            connection.execute(schema.account.update().where(schema.account.c.id == pk).values(values))
            ordering.queue(connection, orders)


def _in_account(account: str) -> sa.ColumnElement[bool]:
    table = schema.account
    return schema.job.c.account_pk == sa.select(table.c.id).where(table.c.name == account).scalar_subquery()


def _job_pk(account: str, job_id: str) -> sa.ScalarSelect[Any]:
    job = schema.job
    return sa.select(job.c.id).where(_in_account(account), job.c.job_id == job_id).scalar_subquery()


def _rows_of(connection: sa.Connection, account: str, job_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    query = sa.select(schema.job).where(_in_account(account), schema.job.c.job_id.in_(job_ids))
    return {row["job_id"]: dict(row) for row in connection.execute(query).mappings()}


def _account_pk(connection: sa.Connection, name: str) -> int:
    table = schema.account
    found: int | None = connection.execute(sa.select(table.c.id).where(table.c.name == name)).scalar()
    if found is not None:
        return found
    return ordering.insert(connection, table, {"name": name, "active": 1})


def _write_jobs(
    connection: sa.Connection, account: str, updates: Sequence[model.Update], now: datetime
) -> dict[str, int]:
    """Insert or update the job of every update; their row numbers by job id."""
    found = _rows_of(connection, account, [update.job.job_id for update in updates])
    fresh = {**_NEW_JOB, "account_pk": _account_pk(connection, account), "first_seen_at": now}
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


_NEW_JOB = {"course_due_at": None, "course_read_at": None, "course_cursor": None}
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
    return values


def _change_row(change: model.StatusChange) -> dict[str, Any]:
    return {field.name: getattr(change, field.name) for field in dataclasses.fields(change)}


def _write_course(connection: sa.Connection, job_pk: int, course: model.Course) -> None:
    _add_missing(connection, schema.event, "event_id", job_pk, course.events)
    _add_missing(connection, schema.checkpoint, "checkpoint_id", job_pk, course.checkpoints)
    if course.metrics:
        _write_metrics(connection, job_pk, course.metrics)


def _write_metrics(connection: sa.Connection, job_pk: int, metrics: Iterable[model.Metric]) -> None:
    """Add new steps, and to known ones what was not measured before; of two values for one the first counts.

    What is known already is not written again.
    """
    table = schema.metric
    query = sa.select(table).where(table.c.job_pk == job_pk)
    known = {row["step"]: dict(row) for row in connection.execute(query).mappings()}
    merged: dict[int, dict[str, Any]] = {}
    for metric in metrics:
        row = merged.setdefault(metric.step, dict.fromkeys(_METRIC_FIELDS))
        row.update({name: getattr(metric, name) for name, value in row.items() if value is None})
    new = [{"job_pk": job_pk, "step": step, **row} for step, row in merged.items() if step not in known]
    if new:
        connection.execute(table.insert(), new)
    changed = []
    for step in merged.keys() & known.keys():
        old = {name: known[step][name] for name in _METRIC_FIELDS}
        both = {name: merged[step][name] if value is None else value for name, value in old.items()}
        if both != old:
            changed.append({**both, "at_step": step})
    if changed:
        at_step = (table.c.job_pk == job_pk) & (table.c.step == sa.bindparam("at_step"))
        values: dict[str, Any] = {name: sa.bindparam(name) for name in _METRIC_FIELDS}
        connection.execute(table.update().where(at_step).values(values), changed)


def _add_missing(connection: sa.Connection, table: sa.Table, id_name: str, job_pk: int, records: Sequence[Any]) -> None:
    """Insert those of a job's records whose id is not there yet."""
    by_id = {getattr(record, id_name): record for record in records}
    known = set(
        connection.execute(
            sa.select(table.c[id_name]).where(table.c.job_pk == job_pk, table.c[id_name].in_(list(by_id)))
        ).scalars()
    )
    new = [
        {"job_pk": job_pk, **{field.name: getattr(record, field.name) for field in dataclasses.fields(record)}}
        for key, record in by_id.items()
        if key not in known
    ]
    if new:
        connection.execute(table.insert(), new)
