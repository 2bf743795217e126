"""Backups that are made by themselves."""

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from service import errors, ports
from service.rules import backups as rules
from service.store import engine as engines
from service.store.backup import Attic
from service.store.shelf import Shelf
from service.upkeep.backups import Backups
from service.upkeep.upkeep import Upkeep
from tests.conftest import START

DAY = timedelta(days=1)


def _go_on() -> bool:
    return True


class MemoryAttic:
    """Remembers what it holds; raises what is its trouble."""

    def __init__(self, *_: object) -> None:
        self.held: list[str] = []
        self.trouble: errors.TunewatchError | None = None

    def names(self) -> list[str]:
        return list(self.held)

    def make(self, name: str, go_on: Callable[[], bool]) -> rules.Backup:
        if self.trouble:
            raise self.trouble
        if not go_on():
            raise errors.Stopped("broken off")
        self.held.append(name)
        return rules.Backup(path=Path("/attic") / name, size_bytes=4_200_000)

    def remove(self, name: str) -> None:
        self.held.remove(name)


@pytest.fixture(params=["memory", "real"])
def attic(request: pytest.FixtureRequest, tmp_path: Path, url: str, engine: engines.Engine) -> ports.Attic:
    """The double and the real one do the same."""
    (tmp_path / "attic").mkdir()
    (tmp_path / "attic" / "notes.txt").touch()
    if request.param == "memory":
        memory = MemoryAttic()
        memory.held.append("notes.txt")
        return memory
    database = engines.file_of(url)
    assert database
    return Attic(database, tmp_path / "attic")


def _held(attic: ports.Attic) -> list[str]:
    assert "notes.txt" in attic.names(), "what is not ours stays"
    return sorted(name for name in attic.names() if name != "notes.txt")


def test_one_is_made_at_once_and_then_when_the_newest_is_old_enough(attic: ports.Attic) -> None:
    keeper = Backups(attic, every=DAY, keep=7)
    for hours in (0, 1, 23.9, 24, 25, 47):
        keeper.keep(START + timedelta(hours=hours), _go_on)
    assert _held(attic) == [rules.name(START), rules.name(START + DAY)]


def test_a_restart_makes_none_before_it_is_time(attic: ports.Attic) -> None:
    Backups(attic, every=DAY, keep=7).keep(START, _go_on)
    Backups(attic, every=DAY, keep=7).keep(START + timedelta(hours=23), _go_on)
    assert _held(attic) == [rules.name(START)]


def test_the_oldest_go_when_there_are_enough(attic: ports.Attic, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for days in range(5):
        Backups(attic, every=DAY, keep=3).keep(START + days * DAY, _go_on)
    assert _held(attic) == [rules.name(START + days * DAY) for days in (2, 3, 4)]
    # Fewer from now on.
    Backups(attic, every=DAY, keep=1).keep(START + 5 * DAY, _go_on)
    assert _held(attic) == [rules.name(START + 5 * DAY)]
    assert caplog.text.count("backup made and verified") == 6
    assert caplog.text.count("old backup removed") == 5


def test_a_clock_that_was_wrong_for_a_while_costs_no_backup(attic: ports.Attic) -> None:
    keeper = Backups(attic, every=DAY, keep=2)
    for now in (START, START + 4000 * DAY, START + DAY, START + DAY + timedelta(minutes=10)):
        keeper.keep(now, _go_on)
    assert _held(attic) == [rules.name(START + DAY), rules.name(START + 4000 * DAY)]


def test_a_stop_is_passed_on() -> None:
    with pytest.raises(errors.Stopped):
        Backups(MemoryAttic(), every=DAY, keep=2).keep(START, lambda: False)


def test_what_keeps_it_from_that_is_said_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    attic = MemoryAttic()
    keeper = Backups(attic, every=DAY, keep=2)
    for trouble, said in (
        (errors.StoreTrouble("no room: 1,264 MB needed, 12 MB free"), 1),
        (errors.StoreTrouble("no room: 1,265 MB needed, 2.2 MB free"), 0),
        (errors.DatabaseRefused("There is no folder"), 1),
        (errors.DatabaseRefused("There is no folder"), 0),
        (errors.StoreTrouble("no room: 1,265 MB needed, 2.2 MB free"), 1),
    ):
        caplog.clear()
        attic.trouble = trouble
        keeper.keep(START, _go_on)
        assert caplog.messages == [f"backup: {trouble}"] * said
        assert all(record.levelno == logging.ERROR for record in caplog.records)
    attic.trouble = None
    keeper.keep(START, _go_on)
    assert attic.held == [rules.name(START)]
    # After it has worked, the same trouble is news again.
    caplog.clear()
    attic.trouble = errors.DatabaseRefused("There is no folder")
    keeper.keep(START + DAY, _go_on)
    assert len(caplog.messages) == 1


def test_a_database_found_damaged_is_not_passed_over() -> None:
    attic = MemoryAttic()
    attic.trouble = errors.Damaged("is damaged")
    with pytest.raises(errors.Damaged):
        Backups(attic, every=DAY, keep=2).keep(START, _go_on)


def test_a_backup_that_cannot_be_made_hinders_no_housekeeping(engine: engines.Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO account (id, name, active) VALUES (1, 'main', 1)")
        connection.exec_driver_sql("""
            INSERT INTO job (id, account_pk, job_id, status, state, raw, first_seen_at, last_changed_at)
            VALUES (1, 1, 'j', 'failed', 'failed', '{}', '', '')""")
        connection.exec_driver_sql(
            "INSERT INTO event (job_pk, event_id, created_at, message) VALUES (1, 'e', '2020', '')"
        )
    nowhere = Attic(tmp_path / "tunewatch.db", tmp_path / "nowhere")
    Upkeep(Shelf(engine), DAY, Backups(nowhere, every=DAY, keep=2)).keep(START)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM event").scalar() == 0
