"""Writing a notice and its deliveries, inside the transaction of whatever caused them."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from service import model
from service.store import rows, schema


def queue(connection: sa.Connection, orders: Iterable[model.Order]) -> None:
    """One notice row and one delivery row per destination; a cause that was told already is left alone."""
    for order in orders:
        notice = schema.notice
        if connection.execute(sa.select(notice.c.id).where(notice.c.cause == order.notice.cause)).first():
            continue
        pk = insert(connection, notice, rows.of_notice(order.notice))
        for destination in order.destinations:
            add_delivery(connection, pk, destination_pk(connection, destination), order.notice.created_at)


def add_delivery(connection: sa.Connection, notice_pk: int, pk_of_destination: int, now: Any) -> None:
    """A delivery that is due at once."""
    connection.execute(
        schema.delivery.insert().values(
            notice_pk=notice_pk,
            destination_pk=pk_of_destination,
            state="pending",
            attempts=0,
            created_at=now,
            due_at=now,
        )
    )


def destination_pk(connection: sa.Connection, destination: model.Destination) -> int:
    """The row of a destination, made at its first mention."""
    table = schema.destination
    found: int | None = connection.execute(sa.select(table.c.id).where(table.c.key == destination.key)).scalar()
    if found is not None:
        return found
    row: dict[str, Any] = {"key": destination.key, "channel": destination.channel.name, "label": destination.label}
    row |= {"failures": 0, "active": 1}
    return insert(connection, table, row)


def insert(connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> int:
    """Insert one row; its number."""
    return int(connection.execute(table.insert().values(row).returning(table.c.id)).scalar_one())
