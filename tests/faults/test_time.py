"""The machine's clock is set, the machine sleeps, summer time ends: nothing is lost, told twice or late for it."""

import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest

from service import errors, model
from service.notifier.notifier import AppriseNotifier
from service.rules import plain
from tests import builders
from tests.conftest import Bench
from tests.faults import receivers


@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
def test_a_clock_that_jumps_loses_no_job_and_tells_none_twice(bench: Bench, hours: int) -> None:
    two_days_ago = bench.clock.now().timestamp() - 2 * 86_400
    before = bench.simulator.create(ending="endless", durations=(0, 0, 0), created_at=two_days_ago)
    bench.poll()
    bench.clock.move(hours=hours)
    bench.outbox.hurry(bench.clock.now())
    # The simulator lives by our clock: what it creates now is dated by the jump.
    bench.simulator.create(suffix="after", durations=(0, 0, 0))
    for _ in range(3):
        bench.clock.move(seconds=30)
        bench.poll()
    assert bench.notifier.titles() == ["✅ after has succeeded"] * 2
    assert bench.states()[before] == "running"


def test_a_night_of_sleep_ends_in_one_look_that_tells_all_that_ended(bench: Bench) -> None:
    bench.poll()
    for number in range(5):
        bench.simulator.create(suffix=f"night-{number}", durations=(60, 60, 3600))
    bench.clock.move(days=1)
    bench.requests()
    report = bench.poll()
    assert (report.changes, report.notices) == (5, 5)
    assert bench.requests().count("/v1/fine_tuning/jobs") == 1
    assert len(bench.notifier.sent) == 10
    assert bench.poll().changes == 0


def test_a_clock_set_back_does_not_let_a_failing_account_pass_for_a_young_trouble(bench: Bench) -> None:
    """However the clock is set, a quarter of an hour of blindness by either reckoning is told."""
    bench.poll()
    bench.simulator.down = 503
    bench.poll()
    bench.clock.move(hours=-1)
    bench.poll()
    assert bench.notifier.titles() == ["⚠ tunewatch is blind: account main"] * 2


def test_a_pause_ends_by_the_new_clock(bench: Bench) -> None:
    bench.poll()
    bench.simulator.create(suffix="one", durations=(0, 0, 0))
    bench.notifier.troubles = {each.key: errors.Transient("busy") for each in bench.destinations}
    bench.clock.move(seconds=30)
    bench.poll()
    bench.notifier.troubles.clear()
    bench.clock.move(hours=-1)
    bench.outbox.hurry(bench.clock.now())
    bench.deliver()
    assert bench.notifier.titles() == ["✅ one has succeeded"] * 2


def test_a_clock_set_back_between_two_notices_does_not_send_the_way_out_to_sleep() -> None:
    """Apprise spaces its requests by the local wall clock, which goes back an hour when summer time ends."""
    with receivers.webhook() as hook:
        notifier = AppriseNotifier(longest_send=timedelta(seconds=20))
        [place] = notifier.add(builders.channel("chat"), [hook.hook()])
        for number in range(2):
            notifier.send(
                place.key,
                model.Message(
                    title="ended", body="all of it", kind=model.Kind.SUCCEEDED, notice_id="tw-1", dedup_key=f"{number}"
                ),
            )
            plugin = notifier._targets[place.key].plugin
            plugin._last_io_datetime = datetime.now() + timedelta(hours=1)  # noqa: DTZ005 - as Apprise does
        assert len(hook.taken) == 2


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert [plain.moment(each, berlin) for each in (first, second)] == [
        "2026-10-25 02:30:00 CEST",
        "2026-10-25 02:30:00 CET",
    ]
    assert plain.duration(second - first) == "1 h"
