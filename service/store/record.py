"""What a poll pass reads and writes. Every writing method is one transaction."""

import dataclasses
import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service import model
from service.rules import health
from service.store import courses, jobs, rows, schema
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
                jobs.account_pk(connection, name)
            connection.execute(table.update().values(active=sa.case((table.c.name.in_(accounts), 1), else_=0)))

    def unfinished(self, account: str) -> dict[str, datetime | None]:
        job = schema.job
        query = sa.select(job.c.job_id, job.c.created_at).where(jobs.in_account(account), sa.text(schema.UNFINISHED))
        with self._reads.connect() as connection:
            return {row.job_id: row.created_at for row in connection.execute(query)}

    def count(self, account: str) -> int:
        query = sa.select(sa.func.count()).select_from(schema.job).where(jobs.in_account(account))
        with self._reads.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def raws(self, account: str, job_ids: Collection[str]) -> dict[str, str]:
        job = schema.job
        query = sa.select(job.c.job_id, job.c.raw).where(
            # One that was gone and is listed again counts as changed, so that it is watched again.
            jobs.in_account(account),
            job.c.job_id.in_(job_ids),
            job.c.gone_at.is_(None),
        )
        with self._reads.connect() as connection:
            return {row.job_id: row.raw for row in connection.execute(query)}

    def known(self, account: str, job_ids: Collection[str]) -> dict[str, model.Job]:
        with self._reads.connect() as connection:
            found = jobs.rows_of(connection, account, job_ids)
        return {job_id: rows.to_job(account, row) for job_id, row in found.items()}

    def page_ends(self, account: str, page_size: int, pages: int) -> list[datetime]:
        job = schema.job
        place = sa.func.row_number().over(order_by=job.c.created_at.desc()).label("place")
        newest = (
            sa.select(job.c.created_at, place)
            .where(jobs.in_account(account), job.c.created_at.is_not(None))
            .order_by(job.c.created_at.desc())
            .limit(page_size * pages)
            .subquery()
        )
        query = sa.select(newest.c.created_at).where(newest.c.place % page_size == 0).order_by(newest.c.place)
        with self._reads.connect() as connection:
            return list(connection.execute(query).scalars())

    def course_due(self, account: str, now: datetime, limit: int) -> list[model.Job]:
        due_at = schema.job.c.course_due_at
        return self._first_jobs(account, due_at, limit, due_at.is_not(None), due_at <= now)

    def _first_jobs(
        self, account: str, order: sa.Column[datetime], limit: int, *where: sa.ColumnElement[bool]
    ) -> list[model.Job]:
        query = sa.select(schema.job).where(jobs.in_account(account), *where).order_by(order).limit(limit)
        with self._reads.connect() as connection:
            return [rows.to_job(account, dict(row)) for row in connection.execute(query).mappings()]

    def known_events(self, account: str, job_id: str, event_ids: Collection[str]) -> set[str]:
        event = schema.event
        return self._known_ids(event.c.event_id, event_ids, event.c.job_pk == jobs.job_pk(account, job_id))

    def known_checkpoints(self, account: str, job_id: str, checkpoint_ids: Collection[str]) -> set[str]:
        checkpoint = schema.checkpoint
        of_job = checkpoint.c.job_pk == jobs.job_pk(account, job_id)
        return self._known_ids(checkpoint.c.checkpoint_id, checkpoint_ids, of_job)

    def told(self, causes: Collection[str]) -> set[str]:
        return self._known_ids(schema.notice.c.cause, causes)

    def _known_ids(self, column: sa.Column[str], ids: Collection[str], *where: sa.ColumnElement[bool]) -> set[str]:
        known: set[str] = set()
        with self._reads.connect() as connection:
            for piece in courses.pieces(ids):
                known.update(connection.execute(sa.select(column).where(*where, column.in_(piece))).scalars())
        return known

    def course_state(self, account: str, job_id: str) -> tuple[bool, str | None]:
        job = schema.job
        query = sa.select(job.c.course_read_at, job.c.course_cursor).where(job.c.id == jobs.job_pk(account, job_id))
        with self._reads.connect() as connection:
            row = connection.execute(query).first()
        return (row.course_read_at is not None, row.course_cursor) if row else (False, None)

    def course(self, account: str, job_id: str) -> model.Course:
        with self._reads.connect() as connection:
            return courses.read(connection, jobs.job_pk(account, job_id))

    def last_changes(self, account: str, job_ids: Collection[str]) -> dict[str, datetime]:
        job, change, any_change = schema.job, schema.status_change, schema.status_change.alias()
        last = sa.select(sa.func.max(any_change.c.id)).where(any_change.c.job_pk == job.c.id).scalar_subquery()
        found: dict[str, datetime] = {}
        with self._reads.connect() as connection:
            for ids in courses.pieces(job_ids):
                query = sa.select(job.c.job_id, change.c.observed_at).join(change, change.c.job_pk == job.c.id)
                query = query.where(jobs.in_account(account), job.c.job_id.in_(ids), change.c.id == last)
                found.update((row.job_id, row.observed_at) for row in connection.execute(query))
        return found

    def last_heard(self, account: str, job_id: str) -> tuple[datetime | None, model.Event | None]:
        job, event = schema.job, schema.event
        newest = (
            sa.select(event)
            .where(event.c.job_pk == jobs.job_pk(account, job_id), event.c.created_at.is_not(None))
            .order_by(event.c.created_at.desc(), event.c.id.desc())
            .limit(1)
        )
        read_at = sa.select(job.c.course_read_at).where(job.c.id == jobs.job_pk(account, job_id))
        with self._reads.connect() as connection:
            row = connection.execute(newest).mappings().first()
            return connection.execute(read_at).scalar(), rows.to_event(dict(row)) if row else None

    def models_due(self, account: str, since: datetime, now: datetime, limit: int) -> list[model.Job]:
        due_at = schema.job.c.model_due_at
        return self._first_jobs(account, due_at, limit, due_at.is_not(None), due_at.between(since, now))

    def tuned(self, account: str) -> list[tuple[str, str, str | None]]:
        job = schema.job
        query = sa.select(job.c.job_id, job.c.fine_tuned_model, job.c.model).where(
            jobs.in_account(account), job.c.fine_tuned_model.is_not(None)
        )
        with self._reads.connect() as connection:
            return [(row.job_id, row.fine_tuned_model, row.model) for row in connection.execute(query)]

    def model_checked(
        self, account: str, job_id: str, due_at: datetime | None, orders: Iterable[model.Order] = ()
    ) -> None:
        job = schema.job
        with self._engine.begin() as connection:
            connection.execute(
                job.update().where(jobs.in_account(account), job.c.job_id == job_id).values(model_due_at=due_at)
            )
            ordering.queue(connection, orders)

    def record(self, account: str, updates: Sequence[model.Update], now: datetime) -> None:
        if not updates:
            return
        with self._engine.begin() as connection:
            pks = jobs.write(connection, account, updates, now)
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
            account_pk = jobs.account_pk(connection, account)
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
                those = jobs.in_account(account) & job.c.job_id.in_(ids)
                connection.execute(job.update().where(those).values(gone_at=now, course_due_at=None))
            ordering.queue(connection, orders)

    def unlisted(self, account: str, listed: Collection[str], now: datetime) -> int:
        job = schema.job
        query = sa.select(job.c.job_id).where(
            jobs.in_account(account), job.c.gone_at.is_(None), job.c.state.in_([s for s in model.State if s.ended])
        )
        with self._reads.connect() as connection:
            known = connection.execution_options(yield_per=1000).execute(query).scalars()
            missing = [job_id for job_id in known if job_id not in listed]
        if not missing:
            return 0
        with self._engine.begin() as connection:
            for ids in courses.pieces(missing):
                # What is due of their courses stays so: a listing may be cut short once.
                those = jobs.in_account(account) & job.c.job_id.in_(ids)
                connection.execute(job.update().where(those).values(gone_at=now))
        return len(missing)

    def end_pass(self, account: model.AccountRecord, orders: Iterable[model.Order] = ()) -> None:
        orders = tuple(orders)
        if not orders and self._is_quiet(account):
            return
        # Not the name: it is the same, and its index would be written anew with it.
        fields = [field.name for field in dataclasses.fields(account) if field.name != "name"]
        values = {name: getattr(account, name) for name in fields}
        with self._engine.begin() as connection:
            pk = jobs.account_pk(connection, account.name)
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


def _change_row(change: model.StatusChange) -> dict[str, Any]:
    return {field.name: getattr(change, field.name) for field in dataclasses.fields(change)}
