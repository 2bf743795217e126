"""The whole history, read through the public views in one go: what an export writes."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from service import errors
from service.rules import plain
from service.store import views

# So many rows are in memory at a time; of jobs, with their raw objects, two or three MB.
_PORTION = 1000
Row = dict[str, Any]

# In the order in which an index or the table itself holds them, so that nothing has to be sorted: the oldest first, and
# what belongs to jobs job by job.
_ORDERS: dict[str, tuple[sa.ColumnClause[Any], ...]] = {
    "job_summary": (views.SUMMARY.c.created_at, views.SUMMARY.c.job_id, views.SUMMARY.c.account),
    "job_history": (views.HISTORY.c.change_id,),
    "job_events": (views.EVENTS.c.event_seq,),
    "job_metrics": (),
    "job_checkpoints": (),
    "notice_log": (views.NOTICES.c.delivery_id,),
}


class Dump:
    """What the views held at one moment, whatever is written meanwhile."""

    def __init__(self, connection: sa.Connection, account: str | None) -> None:
        self._connection = connection
        self._account = account

    def count(self, view: sa.TableClause) -> int:
        """How many rows `portions` will bring."""
        return int(self._connection.execute(self._of(view, sa.func.count())).scalar_one())

    def portions(self, view: sa.TableClause, *, parsed: bool = True) -> Iterator[Sequence[Row]]:
        """All rows with all columns, some at a time. `parsed`: columns that hold JSON are objects, else text."""
        columns = view.c if parsed else [sa.type_coerce(each, _plain(each)).label(each.name) for each in view.c]
        query = self._of(view, *columns).order_by(*_ORDERS[view.name])
        streamed = self._connection.execution_options(yield_per=_PORTION).execute(query)
        for rows in streamed.mappings().partitions():
            yield [dict(row) for row in rows]

    def _of(self, view: sa.TableClause, *what: sa.ColumnElement[Any]) -> sa.Select[Any]:
        query = sa.select(*what).select_from(view)
        # Joined to an empty text, the name serves no index, which would mean collecting and sorting all of an account.
        return query.where(view.c.account.concat("") == self._account) if self._account else query


def _plain(column: sa.ColumnClause[Any]) -> sa.types.TypeEngine[Any]:
    return sa.Text() if isinstance(column.type, sa.JSON) else column.type


@contextlib.contextmanager
def opened(engine: sa.Engine, account: str | None = None) -> Iterator[Dump]:
    """A dump of everything, or of one account, in one transaction that only reads.

    Raises errors.NotFound for an account that is not recorded.
    """
    with engine.connect() as connection:
        if account and account not in connection.execute(sa.text("SELECT name FROM account")).scalars().all():
            raise errors.NotFound(f"No account {plain.line(account, 60)!r} is recorded.")
        yield Dump(connection, account)
