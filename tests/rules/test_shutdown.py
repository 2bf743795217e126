from datetime import date, timedelta

import pytest

from service.rules import shutdown

TODAY = date(2026, 11, 22)
TUNED: list[tuple[str, str, str | None]] = [("ftjob-1", "ft:base:1", "base")]


def found(listed: dict[str, date | None], tuned: list[tuple[str, str, str | None]] = TUNED) -> list[tuple[str, bool]]:
    return [(each.job_id, each.base) for each in shutdown.expected(tuned, listed, TODAY)]


def days(number: int) -> date:
    return TODAY + timedelta(days=number)


@pytest.mark.parametrize(
    ("left", "threshold"),
    [(61, None), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (2, 7), (1, 1), (0, 1), (-1, None), (-400, None)],
)
def test_only_the_tightest_threshold_is_told(left: int, threshold: int | None) -> None:
    assert shutdown.threshold(left) == threshold


def test_the_end_of_a_tuned_model_is_expected() -> None:
    [each] = shutdown.expected(TUNED, {"ft:base:1": days(40), "base": None}, TODAY)
    assert each == shutdown.Expected(job_id="ftjob-1", day=days(40), days_left=40, threshold=60, base=False)


def test_without_a_day_of_its_own_that_of_the_base_model_counts() -> None:
    assert found({"ft:base:1": None, "base": days(5)}) == [("ftjob-1", True)]
    assert found({"ft:base:1": days(400), "base": days(5)}) == []


def test_nothing_is_expected_without_a_day_or_after_it() -> None:
    assert found({"ft:base:1": None, "base": None}) == []
    assert found({"ft:base:1": days(-1)}) == []
    assert found({}) == []


def test_a_tuned_model_that_is_not_listed_any_more_was_removed() -> None:
    both = [*TUNED, ("ftjob-2", "ft:base:2", "base")]
    assert found({"ft:base:2": None, "base": days(5)}, both) == [("ftjob-2", True)]


def test_where_no_tuned_model_is_listed_the_base_models_count() -> None:
    assert found({"base": days(5)}) == [("ftjob-1", True)]
    assert found({"base": days(5)}, [("ftjob-1", "ft:base:1", None)]) == []
