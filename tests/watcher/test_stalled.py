"""Jobs of which nothing is heard any more."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from service import errors, model
from service.model import Kind
from service.providers.openai_api import OpenAIProvider
from service.store import engine as engines
from service.store.record import Record
from tests.conftest import KEY, Bench
from tests.watcher.told import asked_for, kinds, look, notices_kept, told


def _hours(bench: Bench, hours: float) -> None:
    """Passes over so many hours, one every half an hour."""
    for _ in range(round(hours * 2)):
        look(bench, minutes=30)


def test_a_job_that_stands_still_is_told_of_after_a_while_and_at_each_doubling(bench: Bench) -> None:
    asked_for(bench, Kind.STALLED)
    look(bench)
    bench.simulator.add_raw(KEY, bench.payload("ft-1", status="queued"))
    look(bench, minutes=10)
    since = bench.clock.now()
    _hours(bench, 5.5)
    assert kinds(bench) == []
    _hours(bench, 25)
    assert [notice.created_at - since for notice in told(bench)] == [
        timedelta(hours=6), timedelta(hours=12), timedelta(hours=24),
    ]  # fmt: skip
    facts = told(bench)[-1].facts
    assert (facts["since"], facts["idle_seconds"]) == ("2026-11-22T12:10:00Z", 86400)
    assert (facts["status"], facts["last_event"]) == ("queued", None)


def test_each_status_has_a_silence_of_its_own(bench: Bench) -> None:
    """A paused job may be forgotten as well."""
    asked_for(bench, Kind.STALLED)
    look(bench)
    bench.simulator.add_raw(KEY, bench.payload("ft-1", status="queued"))
    _hours(bench, 7)
    bench.simulator.set_raw(KEY, "ft-1", status="paused")
    _hours(bench, 7)
    assert [notice.facts["status"] for notice in told(bench)] == ["queued", "paused"]


def test_a_job_that_reports_steps_does_not_stand_still(bench: Bench) -> None:
    asked_for(bench, Kind.STALLED)
    look(bench)
    bench.simulator.create(durations=(0, 0, 20 * 3600))
    _hours(bench, 24)
    assert kinds(bench) == []


def test_a_job_that_stops_reporting_is_told_of_with_its_last_words(bench: Bench) -> None:
    asked_for(bench, Kind.STALLED)
    look(bench)
    job = bench.simulator.create(ending="stuck", durations=(60, 0, 0))
    _hours(bench, 7)
    [notice] = told(bench)
    assert notice.job_id == job
    assert notice.facts["last_event"] == "Files validated, moving job to queued state"


def test_the_first_sight_of_old_jobs_is_no_silence(bench: Bench) -> None:
    asked_for(bench, Kind.STALLED)
    week = bench.clock.now() - timedelta(days=7)
    for _ in range(3):
        bench.simulator.create(ending="stuck", created_at=week.timestamp())
    look(bench)
    _hours(bench, 5)
    assert kinds(bench) == []
    _hours(bench, 2)
    assert kinds(bench) == ["stalled"] * 3


@pytest.mark.parametrize("how", ["another process", "the same process", "the provider was down"])
def test_while_nobody_looked_nothing_stood_still(bench: Bench, how: str) -> None:
    """The first pass after a day cannot read all that happened meanwhile."""
    asked_for(bench, Kind.STALLED)
    look(bench)
    for _ in range(30):
        bench.simulator.create(durations=(0, 0, 2 * 86400))
    for _ in range(2):
        look(bench, minutes=10)
    if how == "another process":
        asked_for(bench, Kind.STALLED)
    bench.simulator.down = 400 if how == "the provider was down" else None
    for _ in range(24):
        bench.clock.move(hours=1)
        assert not bench.simulator.down or bench.watcher.poll(bench.clock.now()).problem
    bench.simulator.down = None
    look(bench)
    assert kinds(bench) == []
    _hours(bench, 1)
    assert kinds(bench) == []


class Speechless(OpenAIProvider):
    """Gives no events, for whatever reason."""

    def events(self, _job_id: str, _after: str | None) -> model.EventPage:
        raise errors.Transient("not now")


def test_of_a_job_whose_events_cannot_be_read_for_long_the_status_counts(bench: Bench) -> None:
    way = Speechless(account="main", api_key=KEY, base_url=bench.simulator.url, request_timeout=timedelta(seconds=5))
    asked_for(bench, Kind.STALLED, way=way)
    look(bench)
    bench.simulator.create(ending="stuck", durations=(0, 0, 0))
    for _ in range(70):
        look(bench, minutes=5)
    assert kinds(bench) == []
    for _ in range(10):
        look(bench, minutes=5)
    assert kinds(bench) == ["stalled"]
    way.close()


def test_another_process_does_not_tell_it_again(bench: Bench) -> None:
    asked_for(bench, Kind.STALLED)
    look(bench)
    bench.simulator.add_raw(KEY, bench.payload("ft-1", status="queued"))
    _hours(bench, 7)
    asked_for(bench, Kind.STALLED)
    _hours(bench, 1)
    assert kinds(bench) == ["stalled"]


def test_a_job_that_ended_or_is_gone_stands_still_rightly(bench: Bench) -> None:
    asked_for(bench, Kind.STALLED)
    look(bench)
    bench.simulator.add_raw(KEY, bench.payload("ft-1", status="queued"))
    bench.simulator.add_raw(KEY, bench.payload("ft-2", status="queued"))
    _hours(bench, 5)
    bench.simulator.set_raw(KEY, "ft-1", status="cancelled")
    bench.simulator.remove(KEY, "ft-2")
    _hours(bench, 12)
    assert kinds(bench) == []


def test_a_silence_costs_no_request_and_few_writes(bench: Bench) -> None:
    asked_for(bench, Kind.STALLED)
    look(bench)
    bench.simulator.add_raw(KEY, bench.payload("ft-1", status="queued"))
    _hours(bench, 7)
    bench.requests()
    look(bench, seconds=30)
    assert bench.requests() == ["/v1/fine_tuning/jobs"]
    assert notices_kept(bench) == 1


def test_nobody_is_told_of_a_silence_who_did_not_ask(bench: Bench) -> None:
    asked_for(bench, Kind.SUCCEEDED)
    look(bench)
    bench.simulator.add_raw(KEY, bench.payload("ft-1", status="queued"))
    _hours(bench, 7)
    assert notices_kept(bench) == 0


def test_a_silence_can_be_news_earlier_than_courses_are_read(bench: Bench) -> None:
    """Then it waits until they were: what was not read may have happened."""
    asked_for(bench, Kind.STALLED, stalled_after=timedelta(minutes=3))
    look(bench)
    bench.simulator.create(durations=(0, 0, 3600))
    for _ in range(60):
        look(bench, seconds=30)
    assert kinds(bench) == []


class FullDisk(Record):
    """Can write nothing at the end of a pass while it is full."""

    full = False

    def end_pass(self, account: model.AccountRecord, orders: Iterable[model.Order] = ()) -> None:
        if self.full:
            raise errors.StoreTrouble("the disk is full")
        super().end_pass(account, orders)


def test_a_silence_that_could_not_be_written_down_is_told_by_the_next_pass(
    bench: Bench, engine: engines.Engine
) -> None:
    disk = FullDisk(engine)
    asked_for(bench, Kind.STALLED, into=disk)
    look(bench)
    bench.simulator.add_raw(KEY, bench.payload("ft-1", status="queued"))
    _hours(bench, 6)
    disk.full = True
    bench.clock.move(minutes=30)
    with pytest.raises(errors.StoreTrouble):
        bench.watcher.poll(bench.clock.now())
    disk.full = False
    look(bench, seconds=30)
    assert kinds(bench) == ["stalled"]
