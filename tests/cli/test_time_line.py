"""When each thing happened to a job, as `show` tells it."""

from typing import Any

import pytest
import sqlalchemy as sa

from service.store import engine as engines
from tests.cli.conftest import Ask
from tests.conftest import Bench


def _time_line(ask: Ask, job: str) -> list[str]:
    told = ask("show", job).stdout.partition("Time line\n")[2].partition("\n\n")[0]
    return [" ".join(line.split()) for line in told.splitlines()]


@pytest.fixture
def past(bench: Bench) -> str:
    """A job that had ended three days before its account was first seen, which was at 21:00 in Tokyo."""
    job = bench.simulator.create(durations=(60, 60, 7200))
    bench.clock.move(days=3)
    bench.poll()
    return job


def _change(engine: engines.Engine, **fields: Any) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE job SET {', '.join(f'{name} = :{name}' for name in fields)}"), fields)


def test_a_job_of_the_past_is_dated_by_its_provider(past: str, engine: engines.Engine, ask: Ask) -> None:
    _change(engine, started_at="2026-11-22T12:02:00Z")
    assert _time_line(ask, past) == [
        "2026-11-22 21:00 created 2 min", "2026-11-22 21:02 started 2 h", "2026-11-22 23:02 succeeded",
    ]  # fmt: skip


def test_what_is_dated_by_nobody_is_as_old_as_our_first_sight_or_older(
    past: str, engine: engines.Engine, ask: Ask
) -> None:
    _change(engine, started_at=None, finished_at=None)
    assert _time_line(ask, past) == ["2026-11-22 21:00 created", "2026-11-25 21:00 succeeded (first seen)"]


def test_a_job_that_ran_at_the_first_sight_is_followed_from_its_start(
    bench: Bench, engine: engines.Engine, ask: Ask
) -> None:
    job = bench.simulator.create(durations=(60, 60, 7200))
    bench.clock.move(minutes=10)
    bench.poll()
    _change(engine, started_at=None)
    assert "running (first seen)" in _time_line(ask, job)[1]
    _change(engine, started_at="2026-11-22T12:02:00Z")
    bench.clock.move(hours=3)
    bench.poll()
    assert _time_line(ask, job) == [
        "2026-11-22 21:00 created 2 min", "2026-11-22 21:02 started 3 h 8 min", "2026-11-23 00:10 succeeded",
    ]  # fmt: skip


def test_a_job_that_came_and_ended_while_nobody_watched_is_dated_by_its_provider(bench: Bench, ask: Ask) -> None:
    bench.poll()
    job = bench.simulator.create(durations=(60, 60, 600))
    bench.clock.move(hours=8)
    bench.poll()
    assert _time_line(ask, job) == [
        "2026-11-22 21:00 created 2 min", "2026-11-22 21:02 started 10 min", "2026-11-22 21:12 succeeded",
    ]  # fmt: skip
