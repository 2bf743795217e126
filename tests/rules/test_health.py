import dataclasses
from datetime import datetime, timedelta

import pytest

from service.rules import health
from tests.builders import NOON, at

FINE = health.Account(last_good_at=at(-1), next_pass_at=at(1), failing_since=None, blind_at=None, last_error=None)
REACHED = health.Destination(announced_at=None, last_error=None, waiting=0, failed=0)


@pytest.mark.parametrize(
    ("held", "stopped_at", "said"),
    [(True, None, None), (True, NOON, None), (False, NOON, "was stopped"), (False, None, "no daemon is running")],
)
def test_the_daemon_is_fine_when_it_holds_the_database(
    held: bool, stopped_at: datetime | None, said: str | None
) -> None:
    problem = health.daemon_problem(held=held, started_at=NOON, stopped_at=stopped_at)
    if said is None:
        assert problem is None
    else:
        assert problem is not None
        assert said in problem
        assert "tunewatch run" in problem


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"next_pass_at": at(-29)}, None),
        ({"next_pass_at": at(-31)}, "overdue"),
        # A short trouble of an account that was seen before is no news yet.
        ({"failing_since": at(-3), "last_error": "host is down"}, None),
        ({"failing_since": at(-3), "last_error": "host is down", "last_good_at": None}, "host is down"),
        ({"failing_since": at(-30), "blind_at": at(-15), "last_error": "host is down"}, "host is down"),
        # Before the first look.
        ({"last_good_at": None, "next_pass_at": None}, None),
    ],
)
def test_an_account_is_fine_when_it_is_seen(changes: dict[str, object], said: str | None) -> None:
    account = dataclasses.replace(FINE, **changes)  # type: ignore[arg-type]
    problem = health.account_problem(account, started_at=at(-5) if account.next_pass_at is None else at(-60), now=NOON)
    assert (said in problem if said and problem else problem) == (True if said else None)


def test_an_account_whose_first_look_does_not_end_is_overdue() -> None:
    never = dataclasses.replace(FINE, last_good_at=None, next_pass_at=None)
    problem = health.account_problem(never, started_at=at(-31), now=NOON)
    assert problem is not None
    assert "overdue" in problem


def test_a_daemon_started_again_after_a_night_does_not_hang() -> None:
    overnight = dataclasses.replace(FINE, last_good_at=at(-600), next_pass_at=at(-595))
    assert health.account_problem(overnight, started_at=at(-0.1), now=NOON) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"waiting": 3}, []),
        ({"announced_at": NOON, "waiting": 3, "last_error": "shut"}, ["3", "shut"]),
        ({"failed": 2}, ["2", "given up", "tunewatch deliveries --failed"]),
    ],
)
def test_a_destination_is_fine_when_notices_arrive(changes: dict[str, object], said: list[str]) -> None:
    problem = health.destination_problem(dataclasses.replace(REACHED, **changes))  # type: ignore[arg-type]
    assert (problem is None) == (not said)
    assert [word for word in said if word not in str(problem)] == []


MB = 1024 * 1024
SOUND = health.Database(path="/w.db", wal_bytes=32 * MB, readers=(), free_bytes=100 * MB, read_only=False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"free_bytes": None}, []),
        ({"trouble": "/w.db is kept locked by process 7"}, ["the daemon cannot use it", "process 7"]),
        ({"read_only": True}, ["/w.db", "read-only"]),
        ({"free_bytes": 4096}, ["/w.db", "full"]),
        ({"wal_bytes": 128 * MB}, []),
        ({"wal_bytes": 128 * MB + 1}, ["/w.db-wal", "134 MB", "some program"]),
        ({"wal_bytes": 200 * MB, "readers": ("process 7 (sh)", "process 8")}, ["process 7 (sh) or process 8"]),
    ],
)
def test_a_database_is_fine_when_it_can_be_written_to(changes: dict[str, object], said: list[str]) -> None:
    problem = health.database_problem(dataclasses.replace(SOUND, **changes))  # type: ignore[arg-type]
    assert (problem is None) == (not said)
    assert [word for word in said if word not in str(problem)] == []


@pytest.mark.parametrize(
    ("newest_days", "since_days", "said"),
    [
        (1, 9, None),
        (2, 9, None),
        (2.1, 9, "the newest is 2 d 2 h old in /b"),
        (None, 9, "there is none in /b"),
        # A daemon started lately has the time to make one.
        (40, 0.1, None),
        (None, 0.1, None),
        # No daemon; `tunewatch poll` makes them, or has never made one.
        (40, None, "the newest is 40 d old"),
        (None, None, None),
    ],
)
def test_backups_are_fine_while_the_newest_is_young(
    newest_days: float | None, since_days: float | None, said: str | None
) -> None:
    newest, since = (None if days is None else at(-days * 24 * 60) for days in (newest_days, since_days))
    problem = health.backup_problem("/b", newest, every=timedelta(days=1), watching_since=since, now=NOON)
    assert (problem is None) == (said is None)
    assert (said or "") in (problem or "")
