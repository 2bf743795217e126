"""Other tunewatches that watch the same account, each with a database of its own; and all that a database holds."""

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

from service.outbox.outbox import Outbox
from service.store import engine as engines
from service.store import migrate, views
from service.store.moving import dump, incoming
from service.store.queue import Queue
from service.store.reading import Reading
from service.store.record import Record
from tests.composer.saying import composer
from tests.conftest import Bench, MemoryNotifier, make_database

Row = dict[str, Any]
# Numbers that each database gives out itself.
_OWN_NUMBERS = ("change_id", "event_seq", "delivery_id")


class Host:
    """A watch over the bench's account. `path`: where its database is."""

    def __init__(self, bench: Bench, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        make_database(path)
        self.engine = engines.writing(self.url)
        self.notifier = MemoryNotifier()
        self.reading = Reading(self.engine)
        self._bench = bench
        self._watcher = bench.make_watcher(into=Record(self.engine))
        self._outbox = Outbox(
            queue=Queue(self.engine), notifier=self.notifier, destinations=bench.destinations, composer=composer(),
            zone=UTC, give_up_after=timedelta(hours=72), luck=lambda: 0.5, time=bench.clock,
        )  # fmt: skip
        self._outbox.resume(bench.clock.now())

    def poll(self) -> None:
        """A pass, and the deliveries it gave rise to."""
        self._watcher.poll(self._bench.clock.now())
        for each in self._bench.destinations:
            self._outbox.deliver(each, self._bench.clock.now())

    def steps(self) -> dict[str, list[tuple[str | None, str]]]:
        """From which status to which each job went, in the order of the numbers."""
        found: dict[str, list[tuple[str | None, str]]] = {}
        for row in sorted(rows(self.url)["job_history"], key=lambda row: row["change_id"]):
            found.setdefault(row["job_id"], []).append((row["from_status"], row["to_status"]))
        return found


@contextlib.contextmanager
def host(bench: Bench, path: Path) -> Iterator[Host]:
    """Another one."""
    made = Host(bench, path)
    try:
        yield made
    finally:
        made.engine.dispose()


def live(bench: Bench, *watching: Host | Bench, minutes: int) -> None:
    """Each of them looks once a minute."""
    for _ in range(minutes):
        bench.clock.move(minutes=1)
        for each in watching:
            each.poll()


def busy(bench: Bench) -> None:
    """Jobs of all kinds, over half an hour."""
    now = bench.clock.now().timestamp()
    for place, ending in enumerate(("succeeded", "failed", "cancelled", "resumed", "endless")):
        bench.simulator.create(
            suffix=f"job-{ending}", ending=ending, durations=(120, 120, 600), created_at=now + 240 * place  # type: ignore[arg-type]
        )  # fmt: skip


def take(url: str, file: Path) -> dict[str, int]:
    """Import a file; how many rows of each kind came, where any did."""
    incoming.check(url, file)
    migrate.upgrade(url)
    return {name: count for name, count in incoming.take(url, file, lambda _: None).items() if count}


def rows(url: str) -> dict[str, list[Row]]:
    """Every row of every view."""
    engine = migrate.reading(url)
    try:
        with dump.opened(engine) as history:
            return {view.name: [row for rows in history.portions(view) for row in rows] for view in views.ALL}
    finally:
        engine.dispose()


def shown(url: str) -> dict[str, list[str]]:
    """The same without order, and without the numbers that are each database's own."""
    return {
        view: sorted(str({name: row[name] for name in row if name not in _OWN_NUMBERS}) for row in found)
        for view, found in rows(url).items()
    }


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as it is."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in names}


def change(path: Path, *statements: str) -> None:
    """As somebody would who writes to the file."""
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def ask(path: Path, query: str) -> list[tuple[Any, ...]]:
    """What is in the file."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        return database.execute(query).fetchall()
