"""The database cannot be used for long: people are told past it, and nothing is lost or doubled."""

import contextlib
import sqlite3
from collections import Counter

import pytest

from tests.e2e import servers
from tests.e2e.conftest import World

pytestmark = pytest.mark.e2e


def test_a_database_that_stays_locked_is_told_past_it_and_so_is_its_end(world: World) -> None:
    config = world.folder / "config.toml"
    config.write_text(config.read_text().replace("[poll]", '[poll]\nblind_after = "1s"', 1))
    with world.daemon() as daemon:
        daemon.await_log("first sight")
        with contextlib.closing(sqlite3.connect(world.folder / "watch.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            world.simulator.create(suffix="one", durations=(0, 0, 0))
            blind = servers.collect(world.arrivals, lambda arrivals: len(arrivals) >= 2)
            other.execute("ROLLBACK")
        back = servers.collect(world.arrivals, lambda arrivals: len(arrivals) >= 4)
        assert daemon.stop() == 0
    assert [arrival.title for arrival in blind] == ["⚠ tunewatch cannot use its database"] * 2
    assert "locked" in blind[0].body
    assert Counter(arrival.title for arrival in back) == {
        "👀 tunewatch is back: database": 2, "✅ one has succeeded": 2,
    }  # fmt: skip
    assert world.query("SELECT state, count(*) FROM notice_log GROUP BY state") == [("sent", 2)]
