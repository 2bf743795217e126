"""The write-ahead log: nobody lets it grow in silence, and nobody has to cut it back by hand."""

import dataclasses
import itertools
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from service import model
from service.rules import health
from service.store import engine as engines
from service.store.record import Record
from service.store.shelf import Shelf
from service.upkeep import upkeep
from tests.conftest import START

MB = 1024 * 1024
YEAR = timedelta(days=365)


@pytest.fixture
def reader(url: str, engine: engines.Engine) -> Iterator[sqlite3.Connection]:
    """Somebody's shell, in the middle of a transaction."""
    with closing(sqlite3.connect(Path(url.removeprefix("sqlite:///")), isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM account").fetchone()
        yield connection


def _write(engine: engines.Engine) -> None:
    """More than is taken out of the log by itself."""
    for _ in range(3):
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE ballast AS SELECT zeroblob(8000000) AS content")
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE ballast")


def _wal_bytes(shelf: Shelf) -> int:
    found = shelf.condition()
    assert found is not None
    return found.wal_bytes


def test_the_log_is_cut_only_when_nobody_needs_it(engine: engines.Engine, reader: sqlite3.Connection) -> None:
    shelf = Shelf(engine)
    _write(engine)
    before = _wal_bytes(shelf)
    assert before > 20 * MB
    shelf.cut_wal()
    assert _wal_bytes(shelf) == before
    assert reader.execute("SELECT count(*) FROM account").fetchone() == (0,)
    reader.execute("COMMIT")
    shelf.cut_wal()
    assert _wal_bytes(shelf) == 0
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000


@dataclass
class Scripted:
    """A store whose log has these sizes, look after look; the last one stays."""

    sizes: list[int]
    cut: list[int] = field(default_factory=list)

    def forget_events(self, before: datetime) -> int:
        return int(before > START)

    def condition(self) -> health.Database:
        size = self.sizes[0]
        return health.Database(path="/w.db", wal_bytes=size, readers=("process 7 (sqlite3)",), free_bytes=None,
                               read_only=False)  # fmt: skip

    def cut_wal(self) -> None:
        self.cut.append(self.sizes[0])


def test_a_log_that_grows_is_told_of_and_again_when_it_has_doubled(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    store = Scripted([1 * MB])
    keeper = upkeep.Upkeep(store, YEAR)
    for size, said in {1: 0, 130: 1, 200: 0, 250: 0, 260: 1, 400: 0, 530: 1, 100: 1, 20: 0, 140: 1}.items():
        caplog.clear()
        store.sizes = [size * MB]
        keeper.keep(START)
        assert len(caplog.messages) == said, size
        if size == 530:
            [message] = caplog.messages
            assert message.startswith("/w.db-wal has grown to 556 MB, because process 7 (sqlite3) has been reading")
        if size == 100:
            assert caplog.messages == ["/w.db-wal is small again"]
    assert store.cut == [size * MB for size in (130, 200, 250, 260, 400, 530, 140)]


def test_a_reader_that_went_away_is_not_told_of(engine: engines.Engine, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody wrote since, so it is upkeep that empties the log."""

    class Late(Shelf):
        """Finds the log large until it was cut."""

        def condition(self) -> health.Database | None:
            found = super().condition()
            assert found is not None
            return health.Database(**{**found.__dict__, "wal_bytes": found.wal_bytes * 1000})

    _write(engine)
    keeper = upkeep.Upkeep(Late(engine), YEAR)
    keeper.keep(START)
    assert _wal_bytes(Shelf(engine)) < MB
    assert caplog.messages == []


def _look(engine: engines.Engine, seconds: float, error: str | None = None) -> datetime | None:
    """A pass that much later; when the last one was that is written down."""
    now, record = START + timedelta(seconds=seconds), Record(engine)
    seen = dataclasses.replace(
        record.account("main"), last_pass_at=now, next_pass_at=now + timedelta(seconds=30), last_error=error
    )
    record.end_pass(seen)
    return record.account("main").last_pass_at


def test_a_look_that_finds_nothing_new_costs_one_page(engine: engines.Engine, reader: sqlite3.Connection) -> None:
    Record(engine).end_pass(model.AccountRecord(name="main"))
    sizes = []
    for number in range(4):
        assert _look(engine, number) == START + timedelta(seconds=number)
        sizes.append(_wal_bytes(Shelf(engine)))
    assert {after - before for before, after in itertools.pairwise(sizes)} == {4096 + 24}


def test_beside_an_endless_reader_what_is_not_new_is_rarely_written(engine: engines.Engine, url: str) -> None:
    _look(engine, 0)
    os.truncate(f"{url.removeprefix('sqlite:///')}-wal", health.WAL_LIMIT_BYTES + 1)
    assert _look(engine, 30) == START
    assert _look(engine, 599) == START
    assert _look(engine, 600) == START + timedelta(seconds=600)
    assert _look(engine, 630) == START + timedelta(seconds=600)
    assert _look(engine, 660, "the host is down") == START + timedelta(seconds=660)
