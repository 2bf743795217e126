import dataclasses
from collections.abc import Sequence
from datetime import time, timedelta
from typing import Any

import pytest

from service.model import Kind
from service.rules import notices, routing
from tests.builders import NOON, at, destination, job

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


DONE = notices.of_job(
    Kind.SUCCEEDED,
    job(
        "succeeded", model="gpt-4.1-mini", fine_tuned_model="ft:gpt-4.1-mini:team-a:x", metadata={"team": "support"},
        created_at=at(-10), finished_at=at(-6),
    ),
    events=(), metrics=(), page_url=None, now=NOON,
)  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "why_not"),
    [
        ({"models": ("gpt-4.1*",)}, None),
        ({"models": ("ft:*:team-a:*",)}, None),
        ({"models": ("gpt-4o*",)}, "`models` does not name gpt-4.1-mini or ft:gpt-4.1-mini:team-a:x"),
        ({"metadata": {"team": "sup*"}}, None),
        ({"metadata": {"team": "sales"}}, "`metadata` wants team to be sales"),
        ({"metadata": {"team": "support", "env": "prod"}}, "`metadata` wants env to be prod"),
        ({"min_duration": timedelta(minutes=4)}, None),
        ({"min_duration": timedelta(minutes=5)}, "it took 4 min, and `min_duration` is 5 min"),
        ({"accounts": ("other",)}, "`accounts` does not name main"),
        ({"kinds": frozenset({Kind.FAILED})}, "`on` does not name succeeded"),
        ({"digest_at": time(9)}, "it gets the daily summary only, and `urgent` does not name succeeded"),
        ({"digest_at": time(9), "urgent": frozenset({Kind.SUCCEEDED})}, None),
    ],
)
def test_a_channel_says_why_it_is_not_told(rules: dict[str, Any], why_not: str | None) -> None:
    assert routing.refusal(DONE, destination(**rules).channel) == why_not


def test_filters_of_jobs_let_troubles_of_the_watch_through() -> None:
    strict = destination(models=("none",), metadata={"a": "b"}, min_duration=timedelta(days=9))
    assert routing.refusal(BROKEN, strict.channel) is None


def test_a_job_whose_end_is_not_known_is_not_too_short() -> None:
    notice = dataclasses.replace(DONE, facts={**DONE.facts, "finished_at": None})
    assert routing.refusal(notice, destination(min_duration=timedelta(hours=1)).channel) is None


@pytest.mark.parametrize(
    ("rules", "asked"),
    [
        ({}, True),
        ({"kinds": frozenset({Kind.FAILED})}, False),
        ({"accounts": ("ma*",)}, True),
        ({"accounts": ("other",)}, False),
        # Whoever wants the summary only is told of nothing else, unless it is urgent.
        ({"digest_at": time(9)}, False),
        ({"digest_at": time(9), "urgent": frozenset({Kind.STALLED})}, True),
    ],
)
def test_what_no_channel_asks_for_need_not_be_looked_up(rules: dict[str, Any], asked: bool) -> None:
    assert routing.wanted(Kind.STALLED, "main", [destination(**rules)]) is asked
    assert not routing.wanted(Kind.STALLED, "main", [])


def test_a_job_that_ended_before_it_began_is_told_of() -> None:
    odd = job("failed", created_at=NOON, finished_at=NOON - timedelta(days=9))
    notice = notices.of_job(Kind.FAILED, odd, events=(), metrics=(), page_url=None, now=NOON)
    assert routing.refusal(notice, destination().channel) is None
