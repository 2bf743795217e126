"""What cannot be delivered here goes elsewhere as well."""

import logging
from datetime import timedelta

import pytest

from service import errors
from service.outbox.outbox import Outbox, Report
from tests.conftest import Bench, destination
from tests.outbox.conftest import office, queue, told

MAIL = destination("mail", fallback="channel-pager", fallback_after=2)
PAGER, DESK = destination("pager", kinds=frozenset()), destination("desk", kinds=frozenset())


@pytest.fixture
def outbox(bench: Bench) -> Outbox:
    bench.notifier.troubles["mail"] = errors.Transient("no such mailbox")
    return office(bench, MAIL, PAGER, DESK)


def attempts(bench: Bench, outbox: Outbox, count: int) -> Report:
    """So many at the mail, which fails."""
    report = Report()
    for _ in range(count):
        report = outbox.deliver(MAIL, bench.clock.now())
        bench.clock.move(hours=1.1)
    return report


def test_after_so_many_failures_what_waits_goes_to_the_fallback(bench: Bench, outbox: Outbox) -> None:
    """Whatever the fallback asks for otherwise, and nowhere else."""
    queue(bench, "one", "two", to=(MAIL,))
    assert attempts(bench, outbox, 1).queued == 0
    assert attempts(bench, outbox, 1).queued == 2, "so that the others are woken"
    for each in (PAGER, DESK):
        outbox.deliver(each, bench.clock.now())
    assert sorted(told(bench, "pager")) == [["one"], ["two"]]
    assert bench.notifier.sent == []


def test_it_goes_there_once_and_is_logged_once(bench: Bench, outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    queue(bench, "one", to=(MAIL,))
    attempts(bench, outbox, 6)
    queue(bench, "two", to=(MAIL,))
    attempts(bench, outbox, 2)
    for _ in range(2):
        outbox.deliver(PAGER, bench.clock.now())
    assert told(bench, "pager") == [["one"], ["two"]]
    lines = [record.getMessage() for record in caplog.records if "as well" in record.getMessage()]
    assert lines == ["channel-mail (label of mail): what waits goes to the channel channel-pager as well"]
    assert caplog.records[0].levelno == logging.WARNING


def test_what_comes_while_the_destination_rests_does_not_wait_for_its_next_attempt(
    bench: Bench, outbox: Outbox
) -> None:
    queue(bench, "one", to=(MAIL,))
    attempts(bench, outbox, 6)
    outbox.deliver(MAIL, bench.clock.now())
    bench.clock.move(seconds=30)
    queue(bench, "two", to=(MAIL,))
    assert outbox.deliver(MAIL, bench.clock.now()).queued == 1
    outbox.deliver(PAGER, bench.clock.now())
    assert told(bench, "pager") == [["one"], ["two"]]


def test_what_came_back_delivers_too(bench: Bench, outbox: Outbox) -> None:
    """It may have been said elsewhere, but here it was promised."""
    queue(bench, "one", to=(MAIL,))
    attempts(bench, outbox, 2)
    bench.notifier.troubles.clear()
    outbox.deliver(MAIL, bench.clock.now())
    outbox.deliver(PAGER, bench.clock.now())
    assert (told(bench), told(bench, "pager")) == ([["one"]], [["one"]])


def test_two_that_fall_back_on_each_other_come_to_an_end(bench: Bench) -> None:
    left = destination("left", fallback="channel-right", fallback_after=1)
    right = destination("right", fallback="channel-left", fallback_after=1)
    outbox = office(bench, left, right)
    queue(bench, "one", to=(left,))
    bench.notifier.troubles = {each: errors.Transient("no") for each in ("left", "right")}
    queued = []
    for _ in range(5):
        queued += [outbox.deliver(each, bench.clock.now()).queued for each in (left, right)]
        bench.clock.move(hours=1.1)
    rows = [row for row in bench.reading.deliveries(limit=99) if row["job_id"] == "one"]
    assert len(rows) == 2
    assert sum(queued) < 10


def test_the_fallback_groups_like_any_other(bench: Bench) -> None:
    pager = destination("pager", group_wait=timedelta(seconds=10))
    outbox = office(bench, MAIL, pager)
    bench.notifier.troubles["mail"] = errors.Transient("no")
    queue(bench, "one", "two", to=(MAIL,))
    attempts(bench, outbox, 2)
    outbox.deliver(pager, bench.clock.now())
    assert told(bench, "pager") == [["one", "two"]]
