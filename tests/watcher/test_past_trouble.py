"""The past of an account when the provider refuses, fails, or has no end; no job blocks another."""

from datetime import timedelta

import pytest

from service import errors
from service.rules import patience
from service.store.shelf import Shelf
from tests.conftest import KEY
from tests.watcher.study import LONG_AGO, Long, Study


def test_nothing_is_read_before_the_account_was_seen_nor_while_it_cannot_be(study: Study) -> None:
    """With a wrong address every job would pass for gone."""
    bench = study.bench
    bench.simulator.populate(KEY, 3)
    assert study.read().next_in == patience.PAST_NOT_YET
    bench.poll()
    bench.simulator.down = 503
    bench.poll()
    report = study.read()
    assert report.trouble
    assert "503" in report.trouble
    assert not study.way.asked
    bench.simulator.down = None
    bench.poll()
    assert study.read().left == 2


def test_a_rate_limit_is_respected_and_the_same_job_comes_next(study: Study, three: tuple[str, str, str]) -> None:
    study.bench.simulator.down, study.bench.simulator.retry_after = 429, 90.0
    assert study.read().next_in == timedelta(seconds=90)
    study.bench.simulator.down = None
    study.read()
    assert study.known(three[2])[0] > 0


def test_pauses_grow_while_the_provider_has_trouble(study: Study, three: tuple[str, str, str]) -> None:
    study.bench.simulator.down = 503
    pauses = [study.read().next_in for _ in range(3)]
    assert pauses == [patience.pause(failures, 0.5) for failures in (1, 2, 3)]
    study.bench.simulator.down = None
    assert study.read_all()[0].next_in == patience.GENTLE.least


def test_a_job_that_stays_unreadable_blocks_no_other(
    study: Study, three: tuple[str, str, str], caplog: pytest.LogCaptureFixture
) -> None:
    study.way.troubles = {three[2]: errors.Transient("trouble (500)")}
    reports = [study.read() for _ in range(6)]
    assert sum(report.read for report in reports) == 2
    assert (reports[-1].left, reports[-1].trouble) == (1, "trouble (500)")
    assert caplog.text.count("trouble (500)") == 1
    study.way.troubles.clear()
    study.bench.clock.move(days=1)
    assert study.read().left == 0


def test_a_course_without_an_end_blocks_no_other(study: Study, three: tuple[str, str, str]) -> None:
    study.again(provider=Long(study, 1_000_000))
    reports = [study.read() for _ in range(60)]
    assert {report.left for report in reports} == {3}
    assert all(study.known(job_id)[0] for job_id in three)
    assert "have no end so far" in (reports[-1].trouble or "")


def test_a_long_course_is_no_trouble_and_housekeeping_does_not_undo_it(study: Study) -> None:
    """Its events are older than is kept; they go when all of it was read."""
    long = study.bench.simulator.create(created_at=LONG_AGO, durations=(9, 9, 9_000))
    study.bench.poll()
    way = Long(study, 12)
    study.again(provider=way)
    shelf = Shelf(study.bench.record._engine)
    reports = [study.read()]
    while reports[-1].left:
        assert shelf.forget_events(study.bench.clock.now() - timedelta(days=30)) == 0
        reports.append(study.read())
    # The first page is looked at anew each time, in case something happened meanwhile.
    assert [number for number in way.pages_asked if number > 1] == list(range(2, 13))
    assert {report.trouble for report in reports} == {None}
    assert max(report.next_in for report in reports[:-1]) < timedelta(minutes=15)
    assert study.known(long)[0] == 12
    assert shelf.forget_events(study.bench.clock.now() - timedelta(days=30)) == 12


def test_a_key_that_is_refused_makes_nothing_read_or_gone(study: Study, three: tuple[str, str, str]) -> None:
    study.bench.simulator.revoke(KEY)
    assert [study.read().left for _ in range(4)] == [3, 3, 3, 3]
    study.bench.simulator.restore(KEY)
    study.bench.clock.move(days=1)
    study.read_all()
    assert all(min(study.known(job_id)) for job_id in three)


def test_a_single_refusal_of_a_file_is_no_answer(study: Study, three: tuple[str, str, str]) -> None:
    study.way.troubles = {"results": errors.Refused("refused (403)")}
    assert study.read().trouble == "refused (403)"
    study.way.troubles.clear()
    study.bench.clock.move(minutes=2)
    study.read_all()
    assert study.way.asked["events", three[2]] == 2


def test_what_the_key_may_not_read_counts_as_read_and_is_said(
    study: Study, three: tuple[str, str, str], caplog: pytest.LogCaptureFixture
) -> None:
    study.way.troubles = {"results": errors.Refused("missing scopes (401)")}
    reports = study.read_all()
    assert sum(report.read for report in reports) == 3
    assert sum(report.denied is not None for report in reports) == 3
    assert caplog.text.count("counts as read: missing scopes (401)") == 1
