"""What a watcher has told, without finding words for it: the tests of these kinds look at the notices themselves."""

from datetime import timedelta
from typing import Any

from service import model
from tests.conftest import Bench, destination


def asked_for(bench: Bench, *kinds: model.Kind, rules: dict[str, Any] | None = None, **settings: Any) -> None:
    """From now on a new watcher looks, whose only channel asks for these kinds, within these rules."""
    bench.watcher = bench.make_watcher(destination("mail", kinds=frozenset(kinds), **(rules or {})), **settings)


def look(bench: Bench, **later: float) -> None:
    """A pass, so much later than the last."""
    bench.clock.move(**later)
    assert bench.watcher.poll(bench.clock.now()).problem is None


def told(bench: Bench) -> list[model.Notice]:
    """Every notice that waits, in the order in which they were written."""
    waiting = bench.queue.due("mail", bench.clock.now() + timedelta(days=1), 1000)
    return [delivery.notice for delivery in sorted(waiting, key=lambda each: each.delivery_id)]


def kinds(bench: Bench) -> list[str]:
    return [notice.kind.value for notice in told(bench)]


def notices_kept(bench: Bench) -> int:
    """Those nobody was to be told of among them."""
    with bench.record._engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM notice").scalar_one())
