"""No more messages an hour than the channel allows."""

from datetime import timedelta

from service import errors, model
from tests.conftest import Bench, destination
from tests.outbox.conftest import office, queue, told
from tests.outbox.test_quiet_hours import failed

TWO = destination("mail", most_per_hour=2, urgent=frozenset({model.Kind.FAILED}))


def test_beyond_it_all_wait_until_the_oldest_message_is_an_hour_old(bench: Bench) -> None:
    outbox, began = office(bench, TWO), bench.clock.now()
    for name in ("one", "two"):
        queue(bench, name, to=(TWO,))
        assert outbox.deliver(TWO, bench.clock.now()).next_due is None
        bench.clock.move(minutes=10)
    queue(bench, "three", "four", to=(TWO,))
    failed(bench, "urgent", TWO)
    report = outbox.deliver(TWO, bench.clock.now())
    assert (report.sent, report.next_due) == (0, began + timedelta(hours=1))
    assert told(bench) == [["one"], ["two"]]
    bench.clock.time = began + timedelta(hours=1)
    outbox.deliver(TWO, bench.clock.now())
    assert [sorted(message) for message in told(bench)] == [["four", "three", "urgent"]], "what waited goes together"


def test_what_is_due_at_once_spends_one_message(bench: Bench) -> None:
    outbox = office(bench, TWO)
    queue(bench, "one", "two", "three", to=(TWO,))
    outbox.deliver(TWO, bench.clock.now())
    assert told(bench) == [["one", "two", "three"]]


def test_a_pass_stops_at_the_limit(bench: Bench) -> None:
    outbox, bench.notifier.rooms = office(bench, TWO), 700
    queue(bench, *(f"job-{number}" for number in range(7)), to=(TWO,))
    report = outbox.deliver(TWO, bench.clock.now())
    assert [len(message) for message in told(bench)] == [2, 2]
    assert report.next_due == bench.clock.now() + timedelta(hours=1)


def test_only_what_was_accepted_counts(bench: Bench) -> None:
    outbox = office(bench, TWO)
    queue(bench, "one", to=(TWO,))
    bench.notifier.troubles["mail"] = errors.Transient("busy")
    for _ in range(4):
        due = outbox.deliver(TWO, bench.clock.now()).next_due
        assert due
        bench.clock.time = due
    bench.notifier.troubles.clear()
    outbox.deliver(TWO, bench.clock.now())
    assert told(bench) == [["one"]]


def test_a_clock_that_was_set_back_does_not_make_the_hour_longer(bench: Bench) -> None:
    outbox = office(bench, TWO)
    for name in ("one", "two", "three"):
        queue(bench, name, to=(TWO,))
        outbox.deliver(TWO, bench.clock.now())
        bench.clock.move(minutes=-30)
        outbox.hurry(bench.clock.now())
    assert told(bench) == [["one"], ["two"], ["three"]]
