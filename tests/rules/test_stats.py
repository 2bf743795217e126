"""What many jobs say together."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.rules import cost, stats

UTC = ZoneInfo("UTC")
PRICES = {
    "gpt*": cost.Price(per_million_tokens=10, per_hour=None),
    "o4*": cost.Price(per_million_tokens=None, per_hour=100, currency="EUR"),
}


def job(state: str = "succeeded", **fields: Any) -> dict[str, Any]:
    return {
        "account": "main", "model": "gpt-4o", "fine_tuned_model": None, "state": state, "trained_tokens": None,
        "created_at": "2026-11-30T23:45:00Z", "queued_seconds": None, "running_seconds": None, **fields,
    }  # fmt: skip


def test_the_success_rate_leaves_out_what_was_cancelled_and_what_has_not_ended() -> None:
    jobs = [job(state) for state in ("succeeded", "succeeded", "failed", "cancelled", "running", "unknown")]
    [row] = stats.summed(jobs, ["account"], zone=UTC, prices={})
    assert (row["jobs"], row["unfinished"], row["success_rate"]) == (6, 2, 0.6667)
    [row] = stats.summed([job("cancelled")], ["account"], zone=UTC, prices={})
    assert row["success_rate"] is None


def test_medians_are_of_those_that_have_a_time() -> None:
    jobs = [job(queued_seconds=seconds) for seconds in (10, 20, 9000, None)]
    [row] = stats.summed(jobs, ["model"], zone=UTC, prices={})
    assert (row["median_queued_seconds"], row["median_running_seconds"]) == (20, None)
    [row] = stats.summed([job(queued_seconds=8), job(queued_seconds=9)], ["model"], zone=UTC, prices={})
    assert row["median_queued_seconds"] == 9


@pytest.mark.parametrize(
    ("zone", "month"), [("UTC", "2026-11"), ("Asia/Tokyo", "2026-12"), ("Asia/Kathmandu", "2026-12")]
)
def test_the_month_is_the_owners(zone: str, month: str) -> None:
    [row] = stats.summed([job()], ["month"], zone=ZoneInfo(zone), prices={})
    assert row["month"] == month


def test_the_newest_month_comes_first_and_one_without_a_time_last() -> None:
    jobs = [job(created_at=at) for at in ("2026-01-01T00:00:00Z", None, "2026-03-01T00:00:00Z")]
    rows = stats.summed(jobs, ["month", "account"], zone=UTC, prices={})
    assert [row["month"] for row in rows] == ["2026-03", "2026-01", None]


def test_costs_are_summed_by_currency() -> None:
    jobs = [
        job(trained_tokens=100_000), job(trained_tokens=50_000), job("failed", trained_tokens=100_000),
        job("failed", model="o4-mini", running_seconds=1800), job("running", model="o4-mini", running_seconds=None),
    ]  # fmt: skip
    [row] = stats.summed(jobs, ["account"], zone=UTC, prices=PRICES)
    assert row["cost"] == {"EUR": 50.0, "USD": 1.5}
    assert row["trained_tokens"] == 150_000


def test_successes_that_no_price_fits_are_counted() -> None:
    jobs = [job(trained_tokens=1), job(), job(model="llama"), job("failed", model="llama"), job("running")]
    [row] = stats.summed(jobs, ["account"], zone=UTC, prices=PRICES)
    assert row["jobs_without_price"] == 2


def test_every_row_has_the_fields_that_are_documented() -> None:
    [row] = stats.summed([job()], stats.KEYS, zone=UTC, prices={})
    assert list(row) == [*stats.KEYS, *stats.FIELDS]
