"""Whatever the provider shows and whatever breaks: the history replays to what was shown, and no notice is lost."""

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from service import errors, model
from service.outbox.outbox import Outbox
from service.rules import reading as states
from service.store import engine as engines
from service.store import migrate
from service.store.queue import Queue
from service.store.reading import Reading
from tests.composer.saying import composer
from tests.conftest import HandClock, destination
from tests.rules import worlds

ENDED = (model.Kind.SUCCEEDED, model.Kind.FAILED, model.Kind.CANCELLED)
# The examples share a database, which is dear to make, and have accounts and destinations of their own.
_numbers = itertools.count()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.Database]:
    url = f"sqlite:///{tmp_path_factory.mktemp('properties') / 'tunewatch.db'}"
    migrate.upgrade(url)
    engine, reading, fuse = engines.writing(url), migrate.reading(url), worlds.Fuse()
    for event in ("before_cursor_execute", "commit"):
        sa.event.listen(engine, event, lambda *_: fuse.burn())
    yield worlds.Database(engine, Reading(reading), fuse)
    engine.dispose()
    reading.dispose()


@settings(max_examples=60, derandomize=True, deadline=None)
@given(created=worlds.CREATED, looks=st.lists(worlds.LOOK, min_size=1, max_size=7))
def test_history_replays_to_what_was_shown(
    database: worlds.Database, created: tuple[int | None, ...], looks: Any
) -> None:
    """Jobs appear, change, vanish and come back, on any pages, in any order, twice and in contradiction."""
    clock, account = HandClock(), f"account{next(_numbers)}"
    provider = worlds.Shown(account)
    watched = worlds.watcher(provider, database, clock, (destination(account),))
    for count, look in enumerate(looks):
        worlds.show(provider, dict(zip(worlds.NAMES, created, strict=True)), look)
        report = watched.poll(clock.move(seconds=30), full=count == len(looks) - 1)
        assert report.problem is None
        provider.look_ends()
        check_history(database, account, provider.seen)
    last = {each["id"]: each["status"] for page in reversed(provider.pages) for each in reversed(page)}
    now = {row["job_id"]: row["status"] for row in database.reading.jobs(limit=99, account=account)}
    assert now.items() >= last.items()


def check_history(database: worlds.Database, account: str, seen: dict[str, str]) -> None:
    """Of every job: a chain of steps without a gap, which ends in what was seen last, and each end told once."""
    steps = steps_of(database, account)
    assert {name: chain[-1][1] for name, chain in steps.items()} == seen
    told = Counter(told_of(database, account))
    for name, chain in steps.items():
        assert [before for before, _ in chain] == [None, *(after for _, after in chain[:-1])]
        assert all(before != after for before, after in chain)
        for before, after in chain[1:]:
            state = states.state_of(after)
            if state.ended and not states.state_of(before or "").ended:
                assert told[name, state.value] == 1
    assert all(count == 1 for (_, kind), count in told.items() if kind in ENDED)


def steps_of(database: worlds.Database, account: str) -> dict[str, list[tuple[str | None, str]]]:
    steps: dict[str, list[tuple[str | None, str]]] = {}
    for row in reversed(database.reading.history(account=account, limit=10_000)):
        steps.setdefault(row["job_id"], []).append((row["from_status"], row["to_status"]))
    return steps


def told_of(database: worlds.Database, account: str) -> list[tuple[str, str]]:
    """Job and kind of every notice about a job of the account."""
    query = "SELECT job_id, kind FROM notice WHERE account = ? AND job_id IS NOT NULL"
    with database.engine.connect() as connection:
        return [(row.job_id, row.kind) for row in connection.exec_driver_sql(query, (account,))]


# What became of some jobs until a look.
SEEN = st.dictionaries(st.sampled_from(worlds.NAMES), worlds.STATUS, max_size=3)


class Passes(RuleBasedStateMachine):
    """Looks and deliveries in any order, which break off anywhere; in the end everything is told, and was once."""

    database: worlds.Database

    @initialize(created=worlds.CREATED, wait=st.sampled_from([0, 10]))
    def start(self, created: tuple[int | None, ...], wait: int) -> None:
        account = f"account{next(_numbers)}"
        self.clock, self.way, self.cuts = HandClock(), worlds.Way(), 0
        self.provider = worlds.Shown(account)
        self.created = dict(zip(worlds.NAMES, created, strict=True))
        # With the wait, the second one tells of each notice by itself and the first one of all that came together.
        waits = {"mail": timedelta(seconds=wait), "chat": timedelta(0)}
        self.to = tuple(destination(f"{account}-{name}", group_wait=each) for name, each in waits.items())
        self.begin()
        self.look_unharmed()

    def begin(self) -> None:
        """A new process on the same database."""
        self.watcher = worlds.watcher(self.provider, self.database, self.clock, self.to)
        self.outbox = Outbox(
            queue=Queue(self.database.engine), notifier=self.way, destinations=self.to, composer=composer(), zone=UTC,
            luck=lambda: 0.5, give_up_after=timedelta(days=10_000), time=self.clock,
        )  # fmt: skip
        self.outbox.resume(self.clock.now())

    @rule(jobs=SEEN, trouble=worlds.TROUBLE, statement=worlds.STATEMENT)
    def look(self, jobs: dict[str, str], trouble: Exception | None, statement: int | None) -> None:
        created = self.created
        self.provider.all |= {name: worlds.payload(name, status, created[name]) for name, status in jobs.items()}
        self.provider.pages = [list(self.provider.all.values())]
        self.provider.trouble = trouble
        self.clock.move(seconds=30)
        self.database.fuse.left = statement
        try:
            self.watcher.poll(self.clock.now())
        except errors.StoreTrouble:
            pass
        finally:
            self.database.fuse.left = None

    @rule(which=st.integers(0, 1), plans=worlds.PLANS, statement=worlds.STATEMENT)
    def deliver(self, which: int, plans: list[str], statement: int | None) -> None:
        self.clock.move(seconds=5)
        self.way.plans = plans
        self.database.fuse.left = statement
        try:
            self.outbox.deliver(self.to[which], self.clock.now())
        except errors.StoreTrouble:
            pass
        except worlds.Crash:
            self.database.fuse.left = None
            self.end_without_a_word()
        finally:
            self.database.fuse.left = None
            self.way.plans = []

    @rule()
    def end_without_a_word(self) -> None:
        self.cuts += 1
        self.begin()

    def look_unharmed(self) -> None:
        self.provider.trouble = None
        assert self.watcher.poll(self.clock.move(seconds=30), full=True).problem is None

    def teardown(self) -> None:
        if not hasattr(self, "provider"):
            return
        self.look_unharmed()
        for _ in range(3):
            self.clock.move(hours=2)
            for each in self.to:
                self.outbox.deliver(each, self.clock.now())
        self.check_deliveries()
        self.check_ends()

    def check_deliveries(self) -> None:
        keys = [each.key for each in self.to]
        query = sa.text("""
            SELECT n.notice_id, t.key, d.state FROM delivery d
            JOIN notice n ON n.id = d.notice_pk JOIN destination t ON t.id = d.destination_pk
            WHERE t.key IN (:a, :b)""")
        with self.database.engine.connect() as connection:
            rows = list(connection.execute(query, {"a": keys[0], "b": keys[1]}))
        assert {row.state for row in rows} <= {"sent"}
        assert Counter((row.notice_id, row.key) for row in rows) == dict.fromkeys(self.way.accepted, 1)
        assert all(count <= 1 + self.cuts for count in self.way.accepted.values())

    def check_ends(self) -> None:
        """Of each job: no gap in its steps, and each end that it came to told once."""
        told = Counter(told_of(self.database, self.provider.account))
        for name, chain in steps_of(self.database, self.provider.account).items():
            assert [before for before, _ in chain] == [None, *(after for _, after in chain[:-1])]
            for before, after in chain[1:]:
                state = states.state_of(after)
                if state.ended and not states.state_of(before or "").ended:
                    assert told[name, state.value] == 1
        assert all(count == 1 for (_, kind), count in told.items() if kind in ENDED)


def test_no_interruption_loses_or_doubles_a_notice(database: worlds.Database) -> None:
    class Here(Passes):
        pass

    Here.database = database
    run_state_machine_as_test(
        Here, settings=settings(max_examples=30, stateful_step_count=20, derandomize=True, deadline=None)
    )
