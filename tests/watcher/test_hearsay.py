"""Jobs that are known from an imported history only: what ended before our time is no news, all else is."""

from datetime import timedelta

from service import model
from tests import builders
from tests.conftest import KEY, START, Bench


def _heard_of(bench: Bench, job_id: str, *, days_ago: float, status: str = "running") -> None:
    """As an import leaves it: seen unfinished by another host, so long ago."""
    at = START - timedelta(days=days_ago)
    job = builders.job(status, job_id=job_id, created_at=at)
    change = model.StatusChange(from_status=None, to_status=status, observed_at=at, source=model.Source.LIST)
    bench.record.record("main", [model.Update(job=job, change=change)], at)


def _ended(bench: Bench, job_id: str, *, days_ago: float | None, status: str = "succeeded") -> None:
    """As the provider shows it now."""
    finished = (START - timedelta(days=days_ago)).timestamp() if days_ago is not None else None
    created = (START - timedelta(days=50)).timestamp()
    payload = bench.payload(job_id, status=status, created_at=created, finished_at=finished and int(finished))
    bench.simulator.add_raw(KEY, payload)


def test_what_ended_long_before_the_first_sight_is_silent_when_it_is_met_after_it(bench: Bench) -> None:
    bench.poll()
    _heard_of(bench, "ft-old", days_ago=40)
    _ended(bench, "ft-old", days_ago=39)
    bench.clock.move(minutes=5)
    bench.poll()
    assert bench.notifier.sent == []
    assert bench.steps("ft-old") == ["running", "succeeded"]


def test_at_the_first_sight_itself_it_is_silent_as_well(bench: Bench) -> None:
    _heard_of(bench, "ft-old", days_ago=40)
    _ended(bench, "ft-old", days_ago=39)
    bench.poll()
    assert bench.notifier.sent == []
    assert bench.steps("ft-old") == ["running", "succeeded"]


def test_what_ended_within_the_margin_is_told(bench: Bench) -> None:
    _heard_of(bench, "ft-new", days_ago=40)
    _ended(bench, "ft-new", days_ago=0.9)
    bench.poll()
    assert bench.notifier.titles() == ["✅ ft-new has succeeded"] * 2


def test_without_a_time_of_the_end_it_is_told(bench: Bench) -> None:
    bench.poll()
    _heard_of(bench, "ft-failed", days_ago=40)
    _ended(bench, "ft-failed", days_ago=None, status="failed")
    bench.poll()
    assert bench.notifier.titles() == ["❌ ft-failed has failed"] * 2


def test_what_we_saw_unfinished_is_told_whatever_time_the_provider_gives(bench: Bench) -> None:
    created = (START - timedelta(days=50)).timestamp()
    bench.simulator.add_raw(KEY, bench.payload("ft-odd", created_at=created))
    bench.poll()
    bench.simulator.set_raw(KEY, "ft-odd", status="succeeded", finished_at=1)
    bench.clock.move(minutes=5)
    bench.poll()
    assert bench.notifier.titles() == ["✅ ft-odd has succeeded"] * 2


def test_what_a_first_sight_saw_that_broke_off_for_days_is_told(bench: Bench) -> None:
    """It was seen unfinished by us, before there was a whole first sight."""
    _heard_of(bench, "ft-seen", days_ago=0)
    bench.simulator.down = 503
    bench.poll()
    bench.clock.move(days=4)
    _ended(bench, "ft-seen", days_ago=-1)
    bench.simulator.down = None
    bench.poll()
    assert "✅ ft-seen has succeeded" in bench.notifier.titles()


def test_one_that_goes_on_is_told_of_when_it_ends(bench: Bench) -> None:
    _heard_of(bench, "ft-on", days_ago=40)
    bench.simulator.add_raw(KEY, bench.payload("ft-on", created_at=(START - timedelta(days=40)).timestamp()))
    bench.poll()
    bench.clock.move(days=3)
    bench.simulator.set_raw(KEY, "ft-on", status="succeeded", finished_at=int(bench.clock.now().timestamp()) - 9)
    bench.poll()
    assert bench.notifier.titles() == ["✅ ft-on has succeeded"] * 2
