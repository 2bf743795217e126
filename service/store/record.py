"""What a poll pass reads and writes. Every writing method is one transaction."""

import dataclasses
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service import model
from service.rules import health
from service.store import courses, rows, schema
from service.store import engine as engines
from service.store import orders as ordering

# How rarely a pass that saw nothing new is written down meanwhile; `health` calls one overdue after thirty minutes.
_QUIET = timedelta(minutes=10)
_UNREADABLE_LIMIT = 64 * 1024  # characters of a payload that we cannot use anyway
# Of an account; one that sends ever new ones must not fill the disk.
_UNREADABLE_KEPT = 500


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

    def count(self, account: str) -> int:
        query = sa.select(sa.func.count()).select_from(schema.job).where(_in_account(account))
        with self._reads.connect() as connection:
            return int(connection.execute(query).scalar_one())

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
        known: set[str] = set()
        with self._reads.connect() as connection:
            for ids in courses.pieces(event_ids):
                query = sa.select(event.c.event_id).where(
                    event.c.job_pk == _job_pk(account, job_id), event.c.event_id.in_(ids)
                )
                known.update(connection.execute(query).scalars())
        return known

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
        return tuple(
            model.Metric(step=row["step"], **{name: row[name] for name in courses.METRIC_FIELDS}) for row in found
        )

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
                    courses.write(connection, pks[update.job.job_id], update.course)
                ordering.queue(connection, update.orders)

    def keep_unreadable(self, account: str, raws: Collection[str], now: datetime) -> None:
        if not raws:
            return
        table = schema.unreadable
        with self._engine.begin() as connection:
            account_pk = _account_pk(connection, account)
            query = sa.select(sa.func.count()).where(table.c.account_pk == account_pk)
            room = _UNREADABLE_KEPT - int(connection.execute(query).scalar_one())
            for raw in list(raws)[: max(room, 0)]:
                digest = hashlib.sha256(raw.encode()).hexdigest()
                same = (table.c.account_pk == account_pk) & (table.c.digest == digest)
                if connection.execute(sa.select(table.c.id).where(same)).first():
                    continue
                connection.execute(
                    table.insert().values(
                        account_pk=account_pk, digest=digest, raw=raw[:_UNREADABLE_LIMIT], first_seen_at=now
                    )
                )

    def gone(self, account: str, job_ids: Collection[str], now: datetime, orders: Iterable[model.Order] = ()) -> None:
        job = schema.job
        with self._engine.begin() as connection:
            for ids in courses.pieces(job_ids):
                those = _in_account(account) & job.c.job_id.in_(ids)
                connection.execute(job.update().where(those).values(gone_at=now, course_due_at=None))
            ordering.queue(connection, orders)

    def end_pass(self, account: model.AccountRecord, orders: Iterable[model.Order] = ()) -> None:
        orders = tuple(orders)
        if not orders and self._is_quiet(account):
            return
        # Not the name: it is the same, and its index would be written anew with it.
        fields = [field.name for field in dataclasses.fields(account) if field.name != "name"]
        values = {name: getattr(account, name) for name in fields}
        with self._engine.begin() as connection:
            pk = _account_pk(connection, account.name)
            connection.execute(schema.account.update().where(schema.account.c.id == pk).values(values))
            ordering.queue(connection, orders)

    def _is_quiet(self, account: model.AccountRecord) -> bool:
        """Whether a pass need not be written down: it saw nothing new, another was written a short while ago, and
        somebody's endless reading lets the log grow with every one."""
        path = engines.path_of(self._engine)
        if path is None or engines.wal_bytes(path) <= health.WAL_LIMIT_BYTES:
            return False
        before = self.account(account.name)
        now, last = account.last_pass_at, before.last_pass_at
        same = account == dataclasses.replace(
            before, last_pass_at=now, last_good_at=account.last_good_at, next_pass_at=account.next_pass_at
        )
        return same and now is not None and last is not None and abs(now - last) < _QUIET


def _in_account(account: str) -> sa.ColumnElement[bool]:
    table = schema.account
    return schema.job.c.account_pk == sa.select(table.c.id).where(table.c.name == account).scalar_subquery()


def _job_pk(account: str, job_id: str) -> sa.ScalarSelect[Any]:
    job = schema.job
    return sa.select(job.c.id).where(_in_account(account), job.c.job_id == job_id).scalar_subquery()


def _rows_of(connection: sa.Connection, account: str, job_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    found = {}
    for ids in courses.pieces(job_ids):
        query = sa.select(schema.job).where(_in_account(account), schema.job.c.job_id.in_(ids))
        found.update({row["job_id"]: dict(row) for row in connection.execute(query).mappings()})
    return found


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
