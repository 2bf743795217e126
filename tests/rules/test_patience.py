from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules import patience
from tests.builders import NOON, at

MINUTE = timedelta(minutes=1)
LUCK = st.floats(0, 1)


def test_the_pauses_triple_up_to_an_hour() -> None:
    seconds = [patience.pause(failures, 0.5).total_seconds() for failures in range(1, 10)]
    assert seconds == pytest.approx([5, 15, 45, 135, 405, 1215, 3600, 3600, 3600])


def test_what_cannot_be_read_has_its_turn_again_ever_later_up_to_a_day() -> None:
    pauses = [patience.until_return(failures) / MINUTE for failures in (1, 2, 3, 7, 8, 1_000_000)]
    assert pauses == [1, 3, 9, 729, 1440, 1440]


def test_the_past_takes_a_tenth_of_the_time_and_a_job_a_second_at_most() -> None:
    rests = [patience.GENTLE.rest(timedelta(seconds=took)) for took in (0, 0.1, 1, 60)]
    assert [rest.total_seconds() for rest in rests] == [1, 1, 9, 540]
    assert patience.BRISK.rest(MINUTE) == MINUTE


@given(failures=st.integers(1, 1_000_000), luck=LUCK)
def test_luck_moves_a_pause_by_a_fifth_at_most(failures: int, luck: float) -> None:
    middle = patience.pause(failures, 0.5)
    assert middle * 0.8 <= patience.pause(failures, luck) <= middle * 1.2 + timedelta(microseconds=1)


@given(failures=st.integers(1, 1_000_000))
def test_luck_spreads_the_pauses(failures: int) -> None:
    assert patience.pause(failures, 0) < patience.pause(failures, 0.5) < patience.pause(failures, 1)


@given(failures=st.integers(1, 5), one=LUCK, other=LUCK)
def test_the_next_pause_is_longer_whatever_the_luck(failures: int, one: float, other: float) -> None:
    """Until the longest is reached."""
    assert patience.pause(failures, one) < patience.pause(failures + 1, other)


@pytest.mark.parametrize(
    ("minutes", "refused", "blind"),
    [(0, False, False), (14.9, False, False), (15, False, True), (600, False, True), (0, True, True), (1, True, True)],
)
def test_trouble_is_told_after_a_while_and_a_refusal_at_once(minutes: float, refused: bool, blind: bool) -> None:
    blind_after = timedelta(minutes=15)
    assert patience.is_blind(NOON, at(minutes), refused=refused, blind_after=blind_after) is blind


def test_a_model_is_looked_up_ever_more_rarely_for_an_hour() -> None:
    age, looks = timedelta(0), 1
    while pause := patience.until_model_is_there(age):
        assert pause >= timedelta(minutes=1)
        age, looks = age + pause, looks + 1
    assert (age, looks) == (timedelta(hours=1), 12)
