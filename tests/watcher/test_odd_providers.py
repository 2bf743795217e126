"""A poll pass over providers that do what the documentation does not say."""

from service.simulator import Quirks
from tests.conftest import KEY, Bench


def test_a_provider_that_lists_oldest_first_is_read_to_the_end(bench: Bench) -> None:
    bench.simulator.quirks = Quirks(oldest_first=True)
    bench.simulator.populate(KEY, 250)
    bench.poll()
    bench.simulator.create(suffix="news", durations=(0, 0, 0))
    bench.clock.move(minutes=5)
    bench.poll()
    assert bench.notifier.titles() == ["✅ news has succeeded"] * 2


def test_a_page_that_repeats_for_ever_ends_the_reading(bench: Bench) -> None:
    bench.simulator.populate(KEY, 250)
    bench.simulator.quirks = Quirks(repeat_page=True)
    report = bench.poll()
    assert report.problem is None
    assert bench.requests().count("/v1/fine_tuning/jobs") == 2


def test_an_unknown_status_is_stored_and_watched_on(bench: Bench) -> None:
    bench.poll()
    bench.simulator.add_raw(KEY, bench.payload("ft-odd", status="reticulating"))
    bench.poll()
    assert bench.states() == {"ft-odd": "unknown"}
    bench.simulator.set_raw(KEY, "ft-odd", status="succeeded")
    bench.poll()
    assert bench.notifier.titles() == ["✅ ft-odd has succeeded"] * 2
    assert bench.steps("ft-odd") == ["reticulating", "succeeded"]


def test_an_empty_error_on_a_healthy_job_is_no_error(bench: Bench) -> None:
    bench.poll()
    bench.simulator.add_raw(KEY, bench.payload("ft-fine", status="succeeded", error={}))
    bench.poll()
    assert "Error" not in bench.notifier.sent[0][1].body


def test_a_failed_job_without_an_end_gets_the_time_it_was_seen(bench: Bench) -> None:
    bench.poll()
    error = {"code": "exceeded_quota", "message": "Over the limit."}
    bench.simulator.add_raw(KEY, bench.payload("ft-bad", status="failed", error=error, finished_at=None))
    bench.clock.move(minutes=3)
    bench.poll()
    assert bench.reading.job("ft-bad")["finished_at"] == "2026-11-22T12:03:00Z"
    assert "Over the limit." in bench.notifier.sent[0][1].body


def test_a_job_that_vanished_is_kept_and_no_longer_asked_for(bench: Bench) -> None:
    bench.simulator.add_raw(KEY, bench.payload("ft-gone"))
    bench.poll()
    bench.simulator.remove(KEY, "ft-gone")
    bench.requests()
    bench.poll()
    bench.poll()
    assert bench.requests() == ["/v1/fine_tuning/jobs", "/v1/fine_tuning/jobs/ft-gone"] * 2, "once may be a slip"
    bench.poll()
    assert bench.requests() == ["/v1/fine_tuning/jobs"]
    assert bench.reading.job("ft-gone")["gone_at"] is not None


def test_a_status_that_flickers_is_recorded_but_told_once(bench: Bench) -> None:
    bench.simulator.add_raw(KEY, bench.payload("ft-f"))
    bench.poll()
    for status in ("succeeded", "running", "succeeded"):
        bench.simulator.set_raw(KEY, "ft-f", status=status)
        bench.clock.move(minutes=1)
        bench.poll()
    assert bench.steps("ft-f") == ["running", "succeeded", "running", "succeeded"]
    assert bench.notifier.titles() == ["✅ ft-f has succeeded"] * 2


def test_a_payload_of_wrong_types_stops_nobody(bench: Bench) -> None:
    bench.poll()
    odd = {"error": [1], "hyperparameters": 7, "metadata": "x", "trained_tokens": "many", "method": 3, "seed": 10**30}
    bench.simulator.add_raw(KEY, bench.payload("ft-odd", suffix="\ud800 half", **odd))
    bench.simulator.create(suffix="fine", durations=(0, 0, 0))
    bench.clock.move(minutes=1)
    bench.poll()
    assert bench.states()["ft-odd"] == "running"
    assert bench.notifier.titles() == ["✅ fine has succeeded"] * 2


def test_a_job_that_comes_back_is_watched_again(bench: Bench) -> None:
    payload = bench.payload("ft-back")
    bench.simulator.add_raw(KEY, payload)
    bench.poll()
    bench.simulator.remove(KEY, "ft-back")
    bench.poll()
    bench.poll()
    bench.simulator.add_raw(KEY, payload)
    bench.poll()
    assert bench.reading.job("ft-back")["gone_at"] is None
    assert "ft-back" in bench.record.unfinished("main")


def test_a_first_listing_that_was_not_complete_starts_no_flood(bench: Bench) -> None:
    """An answer without jobs, for once: those that had ended long before are past all the same."""
    bench.simulator.populate(KEY, 150)
    bench.simulator.quirks = Quirks(empty_list=True)
    bench.poll()
    bench.simulator.quirks = Quirks()
    bench.clock.move(minutes=5)
    bench.poll()
    bench.simulator.create(suffix="news", durations=(0, 0, 0))
    bench.poll()
    assert bench.notifier.titles() == ["✅ news has succeeded"] * 2
    assert len(bench.states()) == 151
