import dataclasses
from collections.abc import Sequence

import pytest

from service.model import Kind
from service.rules import notices, routing
from tests.builders import NOON, destination, job

FAILED = notices.of_job(Kind.FAILED, job("failed"), events=(), metrics=(), page_url=None, now=NOON)
BROKEN = notices.of_destination(Kind.WATCH_FAILING, destination("d1"), since=NOON, reason="shut", now=NOON)


@pytest.mark.parametrize(
    ("kinds", "accounts", "told"),
    [
        ({Kind.FAILED}, ["*"], True),
        ({Kind.FAILED, Kind.PAUSED}, ["main"], True),
        ({Kind.FAILED}, ["other", "ma*"], True),
        ({Kind.SUCCEEDED}, ["*"], False),
        (set(), ["*"], False),
        ({Kind.FAILED}, ["other"], False),
        ({Kind.FAILED}, ["Main"], False),
        ({Kind.FAILED}, [], False),
    ],
)
def test_a_channel_is_told_of_the_kinds_and_accounts_it_asks_for(
    kinds: set[Kind], accounts: Sequence[str], told: bool
) -> None:
    candidate = destination(kinds=frozenset(kinds), accounts=tuple(accounts))
    assert routing.destinations(FAILED, [candidate]) == ((candidate,) if told else ())


def test_trouble_of_no_account_goes_to_every_channel_that_asks_for_such_trouble() -> None:
    wants, wants_not = destination("d2", accounts=("other",)), destination("d3", kinds=frozenset({Kind.FAILED}))
    assert routing.destinations(BROKEN, [wants, wants_not]) == (wants,)


def test_a_broken_destination_is_not_told_of_itself() -> None:
    others = [destination("d2"), destination("d3")]
    assert routing.destinations(BROKEN, [destination("d1"), *others], broken="d1") == tuple(others)


def test_an_account_is_matched_as_a_whole() -> None:
    notice = dataclasses.replace(FAILED, account="main-2")
    assert routing.destinations(notice, [destination(accounts=("main",))]) == ()
