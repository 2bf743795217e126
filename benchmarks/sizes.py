"""What a history weighs: bytes per row of each table and of its indexes, and how well the pages are filled."""

import json
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks import generate, samples
from benchmarks.report import Goal, Table
from service.store import migrate

# Bytes per row are the same in a larger one.
_JOBS, _CHANGES, _METRICS = 5_000, 50_000, 500_000
# So many jobs run at once, and each look at one of them brings so many new steps.
_RUNNING, _STEPS_A_LOOK, _STEPS = 200, 10, 250
_TABLES = ("job", "status_change", "event", "metric", "checkpoint", "notice", "delivery")
_GOAL_FILL = 0.6


@dataclass(frozen=True, kw_only=True)
class _Tree:
    """A table or an index on the disk. `content_bytes` leaves out what of its pages is empty."""

    file_bytes: int
    content_bytes: int

    @property
    def fill(self) -> float:
        return self.content_bytes / self.file_bytes


def measure() -> Table:
    """Sizes in a database of the generator, and the metrics of many jobs written in turn."""
    with tempfile.TemporaryDirectory(prefix="tunewatch-bench-") as folder:
        path = Path(folder, "tunewatch.db")
        generate.database(path, jobs=_JOBS, changes=_CHANGES, metrics=_METRICS)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA query_only = ON")
            rows = [line for table in _TABLES for line in _lines(connection, table)]
            as_json = _as_json(connection)
        in_order, mixed = (_metrics(Path(folder, f"{name}.db"), order) for name, order in _orders().items())
    count = _RUNNING * _STEPS
    each = mixed.file_bytes / count
    return Table(
        headings=("what", "rows", "bytes per row", "of them content", "pages filled"),
        rows=[
            *rows,
            ("metrics of one job after the other", f"{count:,}", *_cells(in_order, count)),
            (f"metrics of {_RUNNING} jobs in turn, {_STEPS_A_LOOK} steps a look", f"{count:,}", *_cells(mixed, count)),
            ("the same as JSON text", f"{_METRICS:,}", f"{as_json:.0f}", f"{as_json:.0f}", "–"),
        ],
        goals=[
            Goal(
                text="a metric takes less than the same as JSON text, however it was written",
                found=f"{each / as_json:.2f} ×", met=each < as_json,
            ),
            Goal(
                text=f"pages of metrics at least {_GOAL_FILL:.0%} filled when many jobs run at once",
                found=f"{mixed.fill:.0%}", met=mixed.fill >= _GOAL_FILL,
            ),
        ],
    )  # fmt: skip


def _lines(connection: sqlite3.Connection, table: str) -> Iterator[tuple[str, ...]]:
    """The table, its texts that weigh most, and each of its indexes."""
    trees = _trees(connection, table)
    [[count]] = connection.execute(f"SELECT count(*) FROM {table}")
    for name, tree in trees.items():
        if name == table:
            yield f"**`{table}`**", f"{count:,}", *_cells(tree, count)
            yield from _texts(connection, table, count)
        else:
            yield f"its index `{name}`", "", *_cells(tree, count)
    whole = _Tree(
        file_bytes=sum(tree.file_bytes for tree in trees.values()),
        content_bytes=sum(tree.content_bytes for tree in trees.values()),
    )
    if len(trees) > 1:
        yield f"`{table}` and its indexes", "", *_cells(whole, count)


def _texts(connection: sqlite3.Connection, table: str, count: int) -> Iterator[tuple[str, ...]]:
    """The provider's own object, which stands beside the columns that were read out of it."""
    for column in ("raw", "data", "facts"):
        if column in {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}:
            [[total]] = connection.execute(f"SELECT total(length(CAST({column} AS BLOB))) FROM {table}")
            yield f"of it `{column}`", "", f"{total / count:.0f}", f"{total / count:.0f}", ""


def _trees(connection: sqlite3.Connection, table: str) -> dict[str, _Tree]:
    """The table first, then its indexes from the heaviest."""
    found = connection.execute(
        "SELECT s.name, sum(s.pgsize), sum(s.pgsize - s.unused) FROM sqlite_master m JOIN dbstat s ON s.name = m.name "
        "WHERE m.tbl_name = ? AND s.aggregate = 1 GROUP BY s.name ORDER BY s.name != m.tbl_name, 2 DESC",
        (table,),
    )
    return {name: _Tree(file_bytes=pages, content_bytes=used) for name, pages, used in found}


def _as_json(connection: sqlite3.Connection) -> float:
    """Bytes per row of the same values as an object, without blanks and without what is not there."""
    names = ("job_pk", *samples.METRIC_COLUMNS)
    total = count = 0
    for row in connection.execute(f"SELECT {', '.join(names)} FROM metric"):
        said = {name: value for name, value in zip(names, row, strict=True) if value is not None}
        total += len(json.dumps(said, separators=(",", ":")))
        count += 1
    return total / count


def _orders() -> Mapping[str, Iterable[tuple[int, int]]]:
    """The same jobs and steps, job by job and as they come when all of the jobs run."""
    jobs = range(1, _RUNNING + 1)
    looks = range(1, _STEPS + 1, _STEPS_A_LOOK)
    return {
        "in-order": ((job, step) for job in jobs for step in range(1, _STEPS + 1)),
        "mixed": ((job, step) for look in looks for job in jobs for step in range(look, look + _STEPS_A_LOOK)),
    }


def _metrics(path: Path, order: Iterable[tuple[int, int]]) -> _Tree:
    """The table of metrics when they are written in this order."""
    migrate.upgrade(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO metric (job_pk, step, train_loss, train_accuracy) VALUES (?, ?, 1.23456, 0.65432)", order
        )
        return _trees(connection, "metric")["metric"]


def _cells(tree: _Tree, count: int) -> tuple[str, str, str]:
    return f"{tree.file_bytes / count:.0f}", f"{tree.content_bytes / count:.0f}", f"{tree.fill:.0%}"
