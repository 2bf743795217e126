"""How an export is read: in the order in which things are kept."""

import pytest
import sqlalchemy as sa

from service.store import engine as engines
from service.store import views
from service.store.moving import dump


@pytest.mark.parametrize("account", [None, "main"])
@pytest.mark.parametrize("view", views.ALL, ids=lambda view: view.name)
def test_nothing_large_is_sorted(engine: engines.Engine, view: views.View, account: str | None) -> None:
    plans: list[str] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def explain(_conn: object, cursor: object, statement: str, parameters: object, *_: object) -> None:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[attr-defined]
        plans.extend(row[3] for row in cursor.fetchall())  # type: ignore[attr-defined]

    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO account (name, active) VALUES ('main', 1)")
    with dump.opened(engine, account) as history:
        plans.clear()
        assert list(history.portions(view)) == []
    assert plans
    # Of the same second there are few.
    assert not [plan for plan in plans if "TEMP B-TREE FOR ORDER BY" in plan]
