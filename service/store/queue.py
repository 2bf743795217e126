"""What a delivery pass reads and writes. Every writing method is one transaction."""

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from service import model
from service.rules import patience
from service.store import engine as engines
from service.store import orders as ordering
from service.store import rows, schema


class Queue:
    """The outbox, as ports.Queue asks for it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reads = engines.for_reads(engine)

    def due(self, destination: str, now: datetime, limit: int) -> list[model.Delivery]:
        delivery, notice = schema.delivery, schema.notice
        query = (
            sa.select(
                delivery.c.id.label("delivery_id"),
                delivery.c.attempts,
                delivery.c.created_at.label("queued_at"),
                notice,
            )
            .join(notice, notice.c.id == delivery.c.notice_pk)
            .where(_to(destination), _OPEN, (delivery.c.due_at <= now) | (delivery.c.due_at > patience.overslept(now)))
            .order_by(delivery.c.due_at, delivery.c.id)
            .limit(limit)
        )
        with self._reads.connect() as connection:
            found = connection.execute(query).mappings().all()
        return [
            model.Delivery(
                delivery_id=row["delivery_id"],
                notice=rows.to_notice(dict(row)),
                attempts=row["attempts"],
                created_at=row["queued_at"],
            )
            for row in found
        ]

    def sending(self, delivery_id: int) -> None:
        self._set(delivery_id, state="sending", attempts=schema.delivery.c.attempts + 1)

    def sent(self, delivery_id: int, now: datetime) -> None:
        self._set(delivery_id, state="sent", sent_at=now, last_error=None)

    def postponed(self, delivery_id: int, due_at: datetime, error: str) -> None:
        self._set(delivery_id, state="pending", due_at=due_at, last_error=error)

    def given_up(self, delivery_id: int, now: datetime, error: str) -> None:
        self._set(delivery_id, state="failed", due_at=now, last_error=error)

    def _set(self, delivery_id: int, **values: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(schema.delivery.update().where(schema.delivery.c.id == delivery_id).values(values))

    def destination(self, destination: model.Destination) -> model.DestinationRecord:
        table = schema.destination
        with self._reads.connect() as connection:
            row = connection.execute(sa.select(table).where(table.c.key == destination.key)).mappings().first()
        if row is None:
            return model.DestinationRecord(key=destination.key, channel=destination.channel, label=destination.label)
        return model.DestinationRecord(**{key: value for key, value in row.items() if key not in ("id", "active")})

    def keep_destination(self, record: model.DestinationRecord, orders: Iterable[model.Order] = ()) -> None:
        values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
        table = schema.destination
        with self._engine.begin() as connection:
            connection.execute(table.update().where(table.c.key == record.key).values(values))
            ordering.queue(connection, orders)

    def next_due(self, destination: str) -> datetime | None:
        delivery = schema.delivery
        query = sa.select(sa.func.min(delivery.c.due_at)).where(_to(destination), _OPEN)
        with self._reads.connect() as connection:
            when: datetime | None = connection.execute(query).scalar()
        return when

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
            rerouted, abandoned = _reroute(connection, destinations, now)
        return model.Resumed(rerouted=rerouted, abandoned=abandoned)


# In the words of the index's own condition, so that SQLite uses it.
_OPEN = sa.text("delivery.state IN ('pending', 'sending')")


def _to(destination: str) -> sa.ColumnElement[bool]:
    table = schema.destination
    return schema.delivery.c.destination_pk == sa.select(table.c.id).where(table.c.key == destination).scalar_subquery()


def _reroute(connection: sa.Connection, destinations: Sequence[model.Destination], now: datetime) -> tuple[int, int]:
    delivery, table = schema.delivery, schema.destination
    stranded = connection.execute(
        sa.select(delivery.c.id, delivery.c.notice_pk, table.c.channel)
        .join(table, table.c.id == delivery.c.destination_pk)
        .where(_OPEN, table.c.active == 0)
    ).all()
    rerouted = 0
    for row in stranded:
        present = [destination for destination in destinations if destination.channel == row.channel]
        for destination in present:
            pk = ordering.destination_pk(connection, destination)
            same = (delivery.c.notice_pk == row.notice_pk) & (delivery.c.destination_pk == pk)
            if not connection.execute(sa.select(delivery.c.id).where(same)).first():
                ordering.add_delivery(connection, row.notice_pk, pk, now)
        row_itself = delivery.c.id == row.id
        if present:
            connection.execute(delivery.delete().where(row_itself))
        else:
            error = f"the channel {row.channel} left the configuration"
            connection.execute(delivery.update().where(row_itself).values(state="failed", due_at=now, last_error=error))
        rerouted += bool(present)
    return rerouted, len(stranded) - rerouted
