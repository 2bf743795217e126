"""A big history, made fast and always alike: the real migrations, then bulk inserts.

`python -m benchmarks.generate FILE --jobs N --changes M --metrics L` leaves one to play with.
"""

import argparse
import itertools
import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import samples
from benchmarks.samples import Row, Sample
from service import clock
from service.store import migrate, rows

END = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_SPAN = timedelta(days=365)
_METRICS_PER_JOB = 3
# Every tenth job belongs to the next of these.
_ACCOUNTS = ("main",) * 6 + ("research",) * 3 + ("spare",)
_NAMES = tuple(dict.fromkeys(_ACCOUNTS))
# So many of the newest jobs have not ended; of a small history fewer.
_UNFINISHED = 20
_COURSE = ("validating_files", "queued", "running", "paused")
_DESTINATIONS = ("mail", "chat")
_CHUNK = 2_000


def database(path: Path, *, jobs: int, changes: int, metrics: int | None = None, seed: int = 0) -> None:
    """A database of so many jobs over the year before END, and so many status changes and metrics, evenly among them.

    Every view has rows in it: up to a dozen events a job, checkpoints, a notice of its end to two destinations.
    """
    migrate.upgrade(f"sqlite:///{path}")
    counts = _Counts(changes=changes / jobs, metrics=_METRICS_PER_JOB if metrics is None else metrics / jobs)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # Nobody else looks, and what a fall would break is made anew.
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF", "cache_size = -200000"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        _insert(connection, "account", ("id", "name", "active"), ((n, name, 1) for n, name in enumerate(_NAMES, 1)))
        _insert(
            connection, "destination", ("id", "key", "channel", "label", "active", "failures"),
            ((n, name, name, f"{name}s://…", 1, 0) for n, name in enumerate(_DESTINATIONS, 1)),
        )  # fmt: skip
        for lives in _chunks(_lives(jobs, random.Random(seed)), _CHUNK):
            _write(connection, lives, counts)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")


def job_id(number: int) -> str:
    """The id of the n-th job, 1 being the oldest."""
    return f"ftjob-{number * 2654435761 % 2**32:08x}{number:016x}"


def account(number: int) -> str:
    """The account of the n-th job."""
    return _ACCOUNTS[number % len(_ACCOUNTS)]


@dataclass(frozen=True, kw_only=True)
class _Counts:
    """How many for each job, on average."""

    changes: float
    metrics: float


class _Life:
    """One job as the database keeps it: its number, its rows, the times of its course."""

    def __init__(self, number: int, sample: Sample, created_at: datetime, seconds: int) -> None:
        self.number = number
        self.sample = sample
        self._id = job_id(number)
        self._created_at = created_at
        self._seconds = seconds
        ends = sample.notice is not None
        model = sample.columns["fine_tuned_model"]
        self.columns = {
            **sample.columns,
            "id": number,
            "account_pk": _NAMES.index(account(number)) + 1,
            "job_id": self._id,
            "raw": self._mine(sample.columns["raw"]),
            "fine_tuned_model": model and f"{model[:-8]}{number:08d}",
            "created_at": self._at(0),
            "started_at": self._at(0.25) if sample.columns["state"] != "pending" else None,
            "finished_at": self._at(1) if ends else None,
            "first_seen_at": self._at(0),
            "last_changed_at": self._at(1),
            "course_read_at": self._at(1) if ends else None,
            "course_due_at": None if ends else clock.to_text(END),
        }

    def changes(self, count: int) -> Iterator[Row]:
        """Round and round the words of a course, and the end last."""
        before, raw = None, self.columns["raw"]
        for place in range(count):
            status = self.columns["status"] if place == count - 1 else _COURSE[place % len(_COURSE)]
            yield self.number, before, status, self._at(place / count), "list", raw
            before = status

    def metrics(self, count: int) -> Iterator[Row]:
        number, curve = self.number, itertools.cycle(self.sample.metrics)
        return ((number, step, *values) for step, values in zip(range(1, count + 1), curve, strict=False))

    def events(self) -> Iterator[Row]:
        told = self.sample.events
        for place, (event_id, level, kind, message, data) in enumerate(told):
            # Like a provider's ids: they do not sort by time.
            own = f"{event_id[:-12]}{(self.number * 16 + place) * 2654435761 % 2**48:012x}"
            yield self.number, own, self._at(place / len(told)), level, kind, self._mine(message), data

    def checkpoints(self) -> Iterator[Row]:
        made = self.sample.checkpoints
        for place, (checkpoint_id, step, model, train_loss, valid_loss, raw) in enumerate(made):
            own = f"{checkpoint_id[:-12]}{self.number * 4 + place:012x}"
            at = self._at((place + 1) / len(made))
            yield self.number, own, at, step, model, train_loss, valid_loss, self._mine(raw)

    def notices(self) -> Iterator[Row]:
        if told := self.sample.notice:
            row = rows.of_notice(told)
            name = account(self.number)
            yield (
                self.number, f"tw-{self.number * 2654435761 % 2**40:010x}", f"job/{name}/{self._id}/{told.kind}",
                told.kind.value, name, self._id, self._at(1), self._mine(row["facts"]),
            )  # fmt: skip

    def deliveries(self) -> Iterator[Row]:
        """Two. Nearly all are sent; every hundredth job's second one was given up, some of the first ones wait."""
        if self.sample.notice is None:
            return
        at, waits, failed = self._at(1), self.number % 1_000 == 7, self.number % 100 == 0
        yield self.number, 1, *(("pending", 0, at, at, None, None) if waits else ("sent", 1, at, at, at, None))
        refused = ("failed", 5, at, at, None, "The service answered 500.")
        yield self.number, 2, *(refused if failed else ("sent", 1, at, at, at, None))

    def _at(self, share: float) -> str:
        """The time after this share of the job's life."""
        # What clock.to_text gives, without its care: millions are wanted.
        return f"{(self._created_at + timedelta(seconds=int(self._seconds * share))).isoformat()[:19]}Z"

    def _mine(self, text: str) -> str:
        return text.replace(self.sample.columns["job_id"], self._id)


def _lives(count: int, rng: random.Random) -> Iterator[_Life]:
    ended, unfinished = samples.ended(END), samples.unfinished(END)
    first_unfinished = count - min(_UNFINISHED, count // 50) + 1
    for number in range(1, count + 1):
        among = ended if number < first_unfinished else unfinished
        created_at = END - _SPAN + _SPAN * (number - 1) / count
        yield _Life(number, among[rng.randrange(len(among))], created_at, rng.randrange(600, 14_400))


def _chunks(lives: Iterator[_Life], size: int) -> Iterator[list[_Life]]:
    while chunk := list(itertools.islice(lives, size)):
        yield chunk


def _write(connection: sqlite3.Connection, lives: Sequence[_Life], counts: _Counts) -> None:
    names = list(lives[0].columns)
    _insert(connection, "job", names, (tuple(life.columns[name] for name in names) for life in lives))
    tables: dict[str, tuple[Sequence[str], Iterable[Iterable[Row]]]] = {
        "status_change": (
            ("job_pk", "from_status", "to_status", "observed_at", "source", "raw"),
            (life.changes(_share(life.number, counts.changes)) for life in lives),
        ),
        "metric": (
            ("job_pk", *samples.METRIC_COLUMNS),
            (life.metrics(_share(life.number, counts.metrics)) for life in lives),
        ),
        "event": (
            ("job_pk", "event_id", "created_at", "level", "type", "message", "data"),
            (life.events() for life in lives),
        ),
        "checkpoint": (
            ("job_pk", "checkpoint_id", "created_at", "step", "model", "train_loss", "valid_loss", "raw"),
            (life.checkpoints() for life in lives),
        ),
        "notice": (
            ("id", "notice_id", "cause", "kind", "account", "job_id", "created_at", "facts"),
            (life.notices() for life in lives),
        ),
        "delivery": (
            ("notice_pk", "destination_pk", "state", "attempts", "created_at", "due_at", "sent_at", "last_error"),
            (life.deliveries() for life in lives),
        ),
    }
    for table, (columns, found) in tables.items():
        _insert(connection, table, columns, itertools.chain.from_iterable(found))


def _share(number: int, each: float) -> int:
    """How many the n-th job gets, so that the sum is right."""
    return int(number * each) - int((number - 1) * each)


def _insert(connection: sqlite3.Connection, table: str, names: Sequence[str], found: Iterable[Row]) -> None:
    marks = ", ".join("?" * len(names))
    connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", found)


def main() -> None:
    """Make one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description="Makes a big database.")
    parser.add_argument("path", type=Path, help="the file to make")
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--changes", type=int, default=1_000_000, help="status changes in all")
    parser.add_argument("--metrics", type=int, help=f"metrics in all; by default {_METRICS_PER_JOB} a job")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    database(given.path, jobs=given.jobs, changes=given.changes, metrics=given.metrics, seed=given.seed)


if __name__ == "__main__":
    main()
