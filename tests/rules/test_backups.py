from datetime import UTC, datetime, timedelta

import pytest

from service.rules import backups
from tests.builders import NOON

NAMES = [backups.name(NOON - timedelta(days=age)) for age in range(4)]


def test_a_name_tells_the_moment() -> None:
    assert backups.name(datetime(2026, 11, 25, 2, tzinfo=UTC)) == "tunewatch-20261125T020000Z.db"
    assert backups.made_at("tunewatch-20261125T020000Z.db") == datetime(2026, 11, 25, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    [
        "tunewatch.db", "tunewatch-20261125T020000Z.db.part", "tunewatch-20261125T020000Z.db-wal", "notes.txt",
        "tunewatch-20261325T020000Z.db", "my-tunewatch-20261125T020000Z.db", "tunewatch-20261125T020000Z.db\n",
    ],
)  # fmt: skip
def test_other_names_are_not_ours(name: str) -> None:
    assert backups.made_at(name) is None


def test_the_newest_is_found_whatever_lies_beside_it() -> None:
    assert backups.newest(["notes.txt", *reversed(NAMES)], NOON) == NOON
    assert backups.newest(["notes.txt"], NOON) is None


def test_one_from_the_future_is_not_the_newest() -> None:
    """Somebody had set the clock; otherwise no other would be made until then."""
    assert backups.newest([backups.name(NOON + timedelta(days=400)), NAMES[1]], NOON) == NOON - timedelta(days=1)


def test_the_oldest_are_surplus_and_nothing_that_is_not_ours() -> None:
    assert backups.surplus([*NAMES, "notes.txt"], keep=2, made=NAMES[0]) == [NAMES[3], NAMES[2]]
    assert backups.surplus(NAMES, keep=1, made=NAMES[0]) == sorted(NAMES[1:])
    assert backups.surplus(NAMES, keep=4, made=NAMES[0]) == []


def test_the_one_just_made_stays_though_its_name_is_the_oldest() -> None:
    assert backups.surplus(NAMES, keep=1, made=NAMES[3]) == [NAMES[2], NAMES[1], NAMES[0]]
