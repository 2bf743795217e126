"""What a delivery pass reads and writes. Every writing method is one transaction."""

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service import clock, model
from service.rules import notices, patience
from service.store import courses, jobs, rows, schema
from service.store import digest as digesting
from service.store import engine as engines
from service.store import orders as ordering

_LAST_CHARACTER = "\U0010ffff"


class Queue:
    """The outbox, as ports.Queue asks for it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reads = engines.for_reads(engine)

    def due(
        self, destination: str, now: datetime, limit: int, kinds: Collection[model.Kind] | None = None
    ) -> list[model.Delivery]:
        delivery, kind = schema.delivery, schema.notice.c.kind
        open_ones = _DELIVERIES.where(_to(destination), _OPEN)
        interrupted = open_ones.where(delivery.c.state == "sending").order_by(delivery.c.id)
        waiting = (
            open_ones.where((delivery.c.due_at <= now) | (delivery.c.due_at > patience.overslept(now)))
            .order_by(delivery.c.due_at, delivery.c.id)
            .limit(limit)
        )
        if kinds is not None:
            waiting = waiting.where(kind.in_(kinds))
        with self._reads.connect() as connection:
            # Apart from each other, so that the index has the order of the many.
            found = connection.execute(interrupted).mappings().all() or connection.execute(waiting).mappings().all()
        return [_to_delivery(row) for row in found]

    def sending(self, delivery_ids: Sequence[int]) -> None:
        self._set(delivery_ids, state="sending", attempts=schema.delivery.c.attempts + 1)

    def sent(self, delivery_ids: Sequence[int], now: datetime) -> None:
        self._set(delivery_ids, state="sent", sent_at=now, last_error=None)

    def postponed(self, delivery_ids: Sequence[int], due_at: datetime, error: str) -> None:
        self._set(delivery_ids, state="pending", due_at=due_at, last_error=error)

    def given_up(
        self, delivery_ids: Sequence[int], now: datetime, error: str, orders: Iterable[model.Order] = ()
    ) -> None:
        with self._engine.begin() as connection:
            _set(connection, delivery_ids, state="failed", due_at=now, last_error=error)
            ordering.queue(connection, orders)

    def _set(self, delivery_ids: Sequence[int], **values: object) -> None:
        with self._engine.begin() as connection:
            _set(connection, delivery_ids, **values)

    def destination(self, destination: model.Destination) -> model.DestinationRecord:
        table = schema.destination
        with self._reads.connect() as connection:
            row = connection.execute(sa.select(table).where(table.c.key == destination.key)).mappings().first()
        if row is None:
            return model.DestinationRecord(
                key=destination.key, channel=destination.channel.name, label=destination.label
            )
        return model.DestinationRecord(**{key: value for key, value in row.items() if key not in ("id", "active")})

    def keep_destination(self, record: model.DestinationRecord, orders: Iterable[model.Order] = ()) -> None:
        values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
        table = schema.destination
        with self._engine.begin() as connection:
            connection.execute(table.update().where(table.c.key == record.key).values(values))
            ordering.queue(connection, orders)

    def next_due(self, destination: str, kinds: Collection[model.Kind] | None = None) -> datetime | None:
        delivery, notice = schema.delivery, schema.notice
        query = sa.select(sa.func.min(delivery.c.due_at)).where(_to(destination), _OPEN)
        if kinds is not None:
            query = query.join(notice, notice.c.id == delivery.c.notice_pk).where(notice.c.kind.in_(kinds))
        with self._reads.connect() as connection:
            when: datetime | None = connection.execute(query).scalar()
        return when

    def fall_back(self, destination: str, others: Sequence[model.Destination], now: datetime) -> int:
        delivery, table = schema.delivery, schema.destination
        has = delivery.alias("has")
        missing = (
            sa.select(delivery.c.notice_pk, table.c.id.label("destination_pk"))
            .select_from(delivery)
            .join(table, table.c.key.in_([each.key for each in others]))
            .outerjoin(has, (has.c.notice_pk == delivery.c.notice_pk) & (has.c.destination_pk == table.c.id))
            .where(_to(destination), _OPEN, has.c.id.is_(None))
        )
        # Mostly there is nothing to do, which is no reason to write.
        with self._reads.connect() as connection:
            if not connection.execute(missing.limit(1)).first():
                return 0
        with self._engine.begin() as connection:
            found = connection.execute(missing).all()
            for row in found:
                ordering.add_delivery(connection, row.notice_pk, row.destination_pk, now)
        return len(found)

    def queue(self, order: model.Order) -> None:
        with self._engine.begin() as connection:
            ordering.queue(connection, [order])

    def course(self, account: str, job_id: str) -> model.Course:
        with self._reads.connect() as connection:
            return courses.read(connection, jobs.job_pk(account, job_id))

    def summarised(self, channel: str) -> datetime | None:
        cause = schema.notice.c.cause
        prefix = notices.cause_of_digest(channel, "")
        # A range rather than LIKE, so that the index of the causes answers.
        query = sa.select(sa.func.max(cause)).where(cause > prefix, cause < prefix + _LAST_CHARACTER)
        with self._reads.connect() as connection:
            found: str | None = connection.execute(query).scalar()
        return clock.from_text(found.removeprefix(prefix)) if found else None

    def summary(self, since: datetime, until: datetime, stalled_since: datetime) -> dict[str, list[dict[str, Any]]]:
        with self._reads.connect() as connection:
            return digesting.summary(connection, since, until, stalled_since)

    def hurry(self, now: datetime) -> None:
        delivery, table = schema.delivery, schema.destination
        with self._engine.begin() as connection:
            connection.execute(delivery.update().where(_OPEN, delivery.c.due_at > now).values(due_at=now))
            connection.execute(table.update().where(table.c.retry_at > now).values(retry_at=None))

    def resume(self, destinations: Sequence[model.Destination], now: datetime) -> model.Resumed:
        """Put right what changes of the configuration left behind.

        A notice waiting for a destination that is no longer configured goes to the present ones of its channel.
        """
        table = schema.destination
        with self._engine.begin() as connection:
            for destination in destinations:
                ordering.destination_pk(connection, destination)
            keys = [destination.key for destination in destinations]
            connection.execute(table.update().values(active=sa.case((table.c.key.in_(keys), 1), else_=0)))
            rerouted, abandoned = _reroute(connection, now)
        return model.Resumed(rerouted=rerouted, abandoned=abandoned)

    def resend(self, now: datetime, *, notice_id: str | None = None, channel: str | None = None) -> model.Resent:
        """Queue anew what was given up: of this notice, of this channel, or all of it.

        It has all its attempts before it again, and its destination does not rest. What went to a destination that
        is no longer configured goes to the present ones of its channel.
        """
        delivery, table = schema.delivery, schema.destination
        wanted = _WITH_DESTINATION.where(sa.text("delivery.state = 'failed'"))
        if notice_id:
            wanted = wanted.where(schema.notice.c.notice_id == notice_id)
        if channel:
            wanted = wanted.where(table.c.channel == channel)
        homeless = []
        with self._engine.begin() as connection:
            rows = connection.execute(wanted.order_by(delivery.c.id)).all()
            for row in rows:
                if row.active:
                    _set(connection, [row.id], state="pending", attempts=0, created_at=now, due_at=now)
                    connection.execute(table.update().where(table.c.id == row.destination_pk).values(retry_at=None))
                elif not _move(connection, row, now):
                    homeless.append(row.channel)
        return model.Resent(queued=len(rows) - len(homeless), homeless=tuple(sorted(set(homeless))))


def _set(connection: sa.Connection, delivery_ids: Sequence[int], **values: object) -> None:
    connection.execute(schema.delivery.update().where(schema.delivery.c.id.in_(delivery_ids)).values(values))


def _to_delivery(row: sa.RowMapping) -> model.Delivery:
    return model.Delivery(
        delivery_id=row["delivery_id"],
        notice=rows.to_notice(dict(row)),
        attempts=row["attempts"],
        created_at=row["queued_at"],
        last_error=row["last_error"],
        interrupted=row["state"] == "sending",
    )


_DELIVERIES = sa.select(
    schema.delivery.c.id.label("delivery_id"),
    schema.delivery.c.attempts,
    schema.delivery.c.created_at.label("queued_at"),
    schema.delivery.c.last_error,
    schema.delivery.c.state,
    schema.notice,
).join(schema.notice, schema.notice.c.id == schema.delivery.c.notice_pk)
# In the words of the index's own condition, so that SQLite uses it.
_OPEN = sa.text("delivery.state IN ('pending', 'sending')")


def _to(destination: str) -> sa.ColumnElement[bool]:
    table = schema.destination
    return schema.delivery.c.destination_pk == sa.select(table.c.id).where(table.c.key == destination).scalar_subquery()


def _reroute(connection: sa.Connection, now: datetime) -> tuple[int, int]:
    stranded = connection.execute(_WITH_DESTINATION.where(_OPEN, schema.destination.c.active == 0)).all()
    rerouted = 0
    for row in stranded:
        if _move(connection, row, now):
            rerouted += 1
        else:
            error = f"the channel {row.channel} left the configuration"
            _set(connection, [row.id], state="failed", due_at=now, last_error=error)
    return rerouted, len(stranded) - rerouted


_WITH_DESTINATION = (
    sa.select(
        schema.delivery.c.id, schema.delivery.c.notice_pk, schema.delivery.c.destination_pk,
        schema.notice.c.notice_id, schema.destination.c.channel, schema.destination.c.label,
        schema.destination.c.active,
    )
    .join(schema.notice, schema.notice.c.id == schema.delivery.c.notice_pk)
    .join(schema.destination, schema.destination.c.id == schema.delivery.c.destination_pk)
)  # fmt: skip


def _move(connection: sa.Connection, row: Any, now: datetime) -> bool:
    """To the present destinations of the delivery's channel, but for those that have the notice; False without any."""
    delivery, table = schema.delivery, schema.destination
    present = connection.execute(
        sa.select(table.c.id).where(table.c.channel == row.channel, table.c.active == 1)
    ).scalars().all()  # fmt: skip
    for pk in present:
        same = (delivery.c.notice_pk == row.notice_pk) & (delivery.c.destination_pk == pk)
        if not connection.execute(sa.select(delivery.c.id).where(same)).first():
            ordering.add_delivery(connection, row.notice_pk, pk, now)
    if present:
        connection.execute(delivery.delete().where(delivery.c.id == row.id))
    return bool(present)
