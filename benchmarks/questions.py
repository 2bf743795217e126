"""How long the history takes to answer, against the bare driver running the very same SQL."""

import itertools
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks import generate
from benchmarks import measure as measuring
from benchmarks.report import Goal, Table
from explore import settings
from service.store import engine as engines
from service.store.reading import Reading, Row

_DOCUMENT = Path(__file__).parents[1] / "docs" / "reading-the-database.md"
_TURNS = 7
# A short question is asked so often in each turn that the turn takes about this long.
_TURN_SECONDS = 0.05
# A walk over a table takes a hundred times as long, the deeper trees of an index and the fuller caches a little.
_GOAL_GROWTH = 5.0
_Statement = tuple[str, Any]

# What a command asks for a page, and what it asks of one job: neither may walk over a table.
PAGES: Mapping[str, Callable[[Reading, Row], object]] = {
    "the newest jobs": lambda reading, _: reading.jobs(limit=20),
    "the newest jobs of an account": lambda reading, _: reading.jobs(limit=20, account="spare"),
    "the newest jobs that failed": lambda reading, _: reading.jobs(limit=20, states=["failed"]),
    "the jobs that have not ended": lambda reading, _: reading.jobs(
        limit=20, states=["pending", "running", "paused", "unknown"]
    ),
    "jobs on a model": lambda reading, _: reading.jobs(limit=20, model="o4-mini-2025-04-16"),
    "jobs of some metadata": lambda reading, _: reading.jobs(limit=20, metadata={"team": "search"}),
    "jobs by their end": lambda reading, _: reading.jobs(limit=20, sort="finished"),
    "jobs by their tokens": lambda reading, _: reading.jobs(limit=20, sort="tokens"),
    "a job by its id": lambda reading, job: reading.job(job["job_id"]),
    "a job by the beginning of its id": lambda reading, job: reading.job(job["job_id"][:14]),
    "a job by its model": lambda reading, job: reading.job(job["fine_tuned_model"]),
    "its raw object": lambda reading, job: reading.raw(job),
    "its history": lambda reading, job: reading.history(job=job, limit=20),
    "all history": lambda reading, _: reading.history(limit=20),
    "the history of an account": lambda reading, _: reading.history(limit=20, account="spare"),
    "its events": lambda reading, job: reading.events(job=job, limit=20),
    "its metrics": lambda reading, job: reading.metrics(job),
    "its checkpoints": lambda reading, job: reading.checkpoints(job),
    "its deliveries": lambda reading, job: reading.deliveries(job=job, limit=20),
    "all deliveries": lambda reading, _: reading.deliveries(limit=20),
    "the deliveries that wait": lambda reading, _: reading.deliveries(limit=20, states=["pending", "sending"]),
    "the deliveries given up": lambda reading, _: reading.deliveries(limit=20, states=["failed"]),
    "how accounts fare": lambda reading, _: reading.accounts(),
    "how destinations fare": lambda reading, _: reading.destinations("2026-11-01T00:00:00Z"),
}


@dataclass(frozen=True, kw_only=True)
class _Size:
    jobs: int
    changes: int
    metrics: int

    @property
    def name(self) -> str:
        return f"{self.jobs:,} jobs"


_SIZES = (
    _Size(jobs=1_000, changes=10_000, metrics=100_000),
    _Size(jobs=100_000, changes=1_000_000, metrics=10_000_000),
)


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """Of one question: how many rows it brought, and how long that took."""

    rows: int
    took: measuring.Ratio


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """The same question on a small and on a big database."""

    small: _Answer
    big: _Answer

    @property
    def growth(self) -> float:
        return self.big.took.ours / self.small.took.ours


def measure() -> Table:
    """Every question on a small and on a big database."""
    small, big = (_of_size(size) for size in _SIZES)
    pairs = {name: _Pair(small=small[name], big=big[name]) for name in big}
    names = [size.name for size in _SIZES]
    return Table(
        headings=("question", "rows", names[0], "against `sqlite3`", names[1], "against `sqlite3`", "growth"),
        rows=[
            (
                name, f"{pair.big.rows:,}",
                measuring.milliseconds(pair.small.took.ours), str(pair.small.took),
                measuring.milliseconds(pair.big.took.ours), str(pair.big.took),
                f"{pair.growth:.1f} ×",
            )
            for name, pair in pairs.items()
        ],
        goals=[_goal({name: pairs[name] for name in PAGES})],
        notes=[f"{'; '.join(map(_described, _SIZES))}. The rows are the big one's."],
    )  # fmt: skip


def _of_size(size: _Size) -> dict[str, _Answer]:
    with tempfile.TemporaryDirectory(prefix="tunewatch-bench-") as folder:
        path = Path(folder, "tunewatch.db")
        generate.database(path, jobs=size.jobs, changes=size.changes, metrics=size.metrics)
        return answers(path, size.jobs // 2)


def answers(path: Path, about: int) -> dict[str, _Answer]:
    """What each question costs on this database; those about one job ask about this one, or the next that succeeded."""
    engine = engines.reading(f"sqlite:///{path}")
    reading = Reading(engine)
    jobs = (reading.job(generate.job_id(number)) for number in itertools.count(about))
    job = next(job for job in jobs if job["fine_tuned_model"])
    sides: dict[str, Callable[[], object]] = {
        name: (lambda ask=ask: ask(reading, job)) for name, ask in PAGES.items()  # type: ignore[misc]
    }  # fmt: skip
    for name, sql in documented(job["job_id"]).items():
        sides[f"*{name}*"] = lambda sql=sql: _rows(engine, sql)  # type: ignore[misc]
    return {name: _answer(path, engine, side) for name, side in sides.items()}


def documented(job_id: str) -> dict[str, str]:
    """The queries of the page on the database by their titles, about that job."""
    page = settings.settings(_DOCUMENT.read_text(encoding="utf-8"))
    queries = page["databases"][settings.DATABASE]["queries"].values()
    return {query["title"]: query["sql"].replace(":job_id", f"'{job_id}'") for query in queries}


def _rows(engine: sa.Engine, sql: str) -> list[Row]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.exec_driver_sql(sql).mappings()]


def _answer(path: Path, engine: sa.Engine, ask: Callable[[], object]) -> _Answer:
    statements = _recorded(engine, ask)
    address = f"{path.as_uri()}?mode=ro"

    def bare() -> int:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return sum(len(connection.execute(*statement).fetchall()) for statement in statements)

    start = time.perf_counter()
    rows = bare()
    repeat = max(1, int(_TURN_SECONDS / (time.perf_counter() - start)))
    costs = measuring.in_turn({
        "bare": lambda: measuring.own_cost(bare, repeat=repeat),
        "ours": lambda: measuring.own_cost(ask, repeat=repeat),
    }, turns=_TURNS)  # fmt: skip
    # Processor time: the file is in the system's cache, and others use the machine.
    times = {name: [each.cpu_seconds for each in costs[name]] for name in costs}
    return _Answer(rows=rows, took=measuring.ratio(times["ours"], times["bare"]))


def _recorded(engine: sa.Engine, ask: Callable[[], object]) -> list[_Statement]:
    """The statements that a question makes, with their values."""
    statements: list[_Statement] = []

    def note(_conn: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        if statement != "BEGIN":
            statements.append((statement, values))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    return statements


def _described(size: _Size) -> str:
    return f"{size.name}, {size.changes:,} status changes and {size.metrics:,} metrics"


def _goal(pages: Mapping[str, _Pair]) -> Goal:
    growing = max(pages, key=lambda name: pages[name].growth)
    growth = pages[growing].growth
    return Goal(
        text=f"no page, and nothing about one job, takes {_GOAL_GROWTH:g} × as long with a hundred times the jobs",
        found=f"at most {growth:.1f} ×: {growing}",
        met=growth < _GOAL_GROWTH,
    )
