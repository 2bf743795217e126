"""A big history, made fast and always alike: the real migrations, then bulk inserts.

`python -m benchmarks.generate FILE --jobs N --changes M` leaves one to play with.
"""

import argparse
import itertools
import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from service import clock, model
from service.providers import payloads
from service.rules import plain
from service.simulator import Simulator
from service.store import migrate, rows

END = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_SPAN = timedelta(days=365)
_KINDS = 256  # different payloads; ids and times are written into them anew
_METRICS_PER_JOB = 3
_COURSE = ("validating_files", "queued", "running", "paused")
_Row = tuple[Any, ...]


def database(path: Path, *, jobs: int, changes: int, seed: int = 0) -> None:
    """A database of so many jobs, ended over the year before END, and so many status changes, evenly among them."""
    migrate.upgrade(f"sqlite:///{path}")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        connection.execute("INSERT INTO account (id, name, active) VALUES (1, 'main', 1)")
        lives = _lives(jobs, random.Random(seed))
        for life in _chunks(lives, 5_000):
            _write(connection, life, changes / jobs)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")


def job_id(number: int) -> str:
    """The id of the n-th job, 1 being the oldest."""
    return f"ftjob-{number * 2654435761 % 2**32:08x}{number:016x}"


class _Life:
    """One job as the database keeps it: its number, its row, the times of its course."""

    def __init__(self, number: int, columns: dict[str, Any], created_at: datetime, seconds: int) -> None:
        self.number = number
        self.columns = columns
        self.created_at = created_at
        self.seconds = seconds

    def changes(self, count: int) -> Iterator[_Row]:
        """Round and round the words of a course, and the end last."""
        before = None
        for place in range(count):
            status = self.columns["status"] if place == count - 1 else _COURSE[place % len(_COURSE)]
            at = clock.to_text(self.created_at + timedelta(seconds=self.seconds * place // count))
            yield self.number, before, status, at, "list", self.columns["raw"]
            before = status

    def metrics(self) -> Iterator[_Row]:
        for step in range(1, _METRICS_PER_JOB + 1):
            yield self.number, step * 50, 2.0 / step, 1 - 0.5 / step, 2.2 / step


def _lives(count: int, rng: random.Random) -> Iterator[_Life]:
    templates = _templates()
    for number in range(1, count + 1):
        template = templates[rng.randrange(len(templates))]
        created_at = END - _SPAN + _SPAN * (number - 1) / count
        seconds = rng.randrange(600, 14_400)
        finished_at = created_at + timedelta(seconds=seconds) if template["finished_at"] else None
        yield _Life(number, {
            **template,
            "id": number,
            "account_pk": 1,
            "job_id": job_id(number),
            "raw": template["raw"].replace(template["job_id"], job_id(number)),
            "fine_tuned_model": template["fine_tuned_model"] and f"{template['fine_tuned_model'][:-8]}{number:08d}",
            "created_at": clock.to_text(created_at),
            "started_at": clock.to_text(created_at + timedelta(seconds=seconds // 4)),
            "finished_at": finished_at and clock.to_text(finished_at),
            "first_seen_at": clock.to_text(created_at),
            "last_changed_at": clock.to_text(created_at + timedelta(seconds=seconds)),
        }, created_at, seconds)  # fmt: skip


def _templates() -> list[dict[str, Any]]:
    """Rows of ended jobs, read by the program itself from what the simulator shows."""
    simulator = Simulator(clock=END.timestamp)
    simulator.populate(None, _KINDS)
    [project] = simulator._projects.values()
    shown = [job.shown(END.timestamp()) for job in project.jobs.walk(END.timestamp())]
    return [_row(payloads.job("main", plain.json_text(payload))) for payload in shown]


def _row(job: model.Job) -> dict[str, Any]:
    return {name: _plain(value) for name, value in rows.of_job(job).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.to_text(value)
    return value if value is None or isinstance(value, str | int | float) else json.dumps(value)


def _chunks(lives: Iterator[_Life], size: int) -> Iterator[list[_Life]]:
    while chunk := list(itertools.islice(lives, size)):
        yield chunk


def _write(connection: sqlite3.Connection, lives: list[_Life], changes_each: float) -> None:
    names = list(lives[0].columns)
    _insert(connection, "job", names, (tuple(life.columns[name] for name in names) for life in lives))
    _insert(
        connection, "status_change", ("job_pk", "from_status", "to_status", "observed_at", "source", "raw"),
        (row for life in lives for row in life.changes(
            int(life.number * changes_each) - int((life.number - 1) * changes_each)
        )),
    )  # fmt: skip
    _insert(
        connection, "metric", ("job_pk", "step", "train_loss", "train_accuracy", "valid_loss"),
        (row for life in lives for row in life.metrics()),
    )  # fmt: skip


def _insert(connection: sqlite3.Connection, table: str, names: Any, found: Iterator[_Row]) -> None:
    marks = ", ".join("?" * len(names))
    connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", found)


def main() -> None:
    """Make one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description="Makes a big database.")
    parser.add_argument("path", type=Path, help="the file to make")
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--changes", type=int, default=1_000_000, help="status changes in all")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    database(given.path, jobs=given.jobs, changes=given.changes, seed=given.seed)


if __name__ == "__main__":
    main()
