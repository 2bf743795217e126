from datetime import timedelta

import pytest

from service.rules import causes
from tests.builders import NOON


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("has trouble (503): Overloaded (request req_0a1).", "has trouble (503): Overloaded (request req_7f)."),
        ("slow down (429): Please try again in 6.3s.", "slow down (429): Please try again in 12s."),
        ("cannot be reached (received 50 bytes, expected 4000)", "cannot be reached (received 0 bytes, expected 17)"),
        ("as of 2026-11-22T12:00:07Z all is well", "as of 2026-11-23T01:02:03Z all is well"),
    ],
)  # fmt: skip
def test_what_varies_from_answer_to_answer_is_no_other_cause(one: str, other: str) -> None:
    assert causes.reduced(one) == causes.reduced(other)
    assert not causes.is_other(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("has trouble (503): Overloaded.", "has trouble (500): Overloaded."),
        ("the hook said error=404.", "the hook said error=410."),
        ("does not have this (404)", "does not have this 404"),
        ("refuses the key", "refuses access"),
    ],
)
def test_another_status_or_other_words_are_another_cause(one: str, other: str) -> None:
    assert causes.reduced(one) != causes.reduced(other)
    assert causes.is_other(one, other, None)


def test_a_cause_is_told_once_while_it_is_met_and_again_when_it_was_not_for_long() -> None:
    told, now = causes.Told(), NOON
    heard = []
    for hours in (0, 1, 40, 47, 47, 48, 1):
        now += timedelta(hours=hours)
        heard.append(told.is_news(f"trouble {hours}", now))
    assert heard == [True, False, False, False, False, True, False]


def test_what_takes_turns_is_told_once_each_until_it_is_over() -> None:
    told = causes.Told()
    assert [told.is_news(text, NOON) for text in ("a", "b") * 3] == [True, True, False, False, False, False]
    told.forget()
    assert told.is_news("a", NOON)


def test_of_ever_new_words_only_so_many_are_told() -> None:
    told = causes.Told()
    words = [f"word {'x' * count}" for count in range(100)]
    assert sum(told.is_news(word, NOON) for word in words) == causes.MOST
    assert not told.is_news(words[0], NOON)
    later = NOON + causes.FORGOTTEN_AFTER
    assert told.is_news(words[-1], later)
