"""Quiet hours hold what is not urgent, and let it go together afterwards."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from service import errors, model
from service.rules import notices
from tests.conftest import Bench, destination
from tests.outbox.conftest import office, queue, told

NIGHT = (time(22), time(7))
# In Berlin, an hour later.
EVENING, MORNING = datetime(2026, 11, 22, 21, 30, tzinfo=UTC), datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def quiet(**rules: Any) -> model.Destination:
    return destination("mail", **{"quiet": NIGHT, "group_wait": timedelta(seconds=10), **rules})


def failed(bench: Bench, name: str, to: model.Destination) -> None:
    job = model.Job(account="main", job_id=name, status="failed", state=model.State.FAILED, raw="{}")
    notice = notices.of_job(model.Kind.FAILED, job, events=(), metrics=(), page_url=None, now=bench.clock.now())
    bench.queue.queue(model.Order(notice=notice, destinations=(to,)))


def test_what_comes_at_night_goes_together_in_the_morning(bench: Bench) -> None:
    mail = quiet()
    outbox, bench.clock.time = office(bench, mail), EVENING
    for name in ("one", "two", "three"):
        queue(bench, name, to=(mail,))
        report = outbox.deliver(mail, bench.clock.move(hours=1))
        assert (report.sent, report.next_due) == (0, MORNING), "whoever goes by it comes to rest"
    bench.clock.time = MORNING - timedelta(seconds=1)
    assert outbox.deliver(mail, bench.clock.now()).sent == 0
    bench.clock.time = MORNING
    assert outbox.deliver(mail, bench.clock.now()).next_due is None
    assert told(bench) == [["one", "two", "three"]]


def test_without_a_wait_for_company_each_goes_by_itself_in_the_morning(bench: Bench) -> None:
    mail = quiet(group_wait=timedelta(0))
    outbox, bench.clock.time = office(bench, mail), EVENING
    queue(bench, "one", "two", to=(mail,))
    outbox.deliver(mail, bench.clock.now())
    bench.clock.time = MORNING
    outbox.deliver(mail, bench.clock.now())
    assert told(bench) == [["one"], ["two"]]


def test_what_is_urgent_goes_at_night_and_takes_nothing_along(bench: Bench) -> None:
    mail = quiet(urgent=frozenset({model.Kind.FAILED}))
    outbox, bench.clock.time = office(bench, mail), EVENING
    queue(bench, "good", to=(mail,))
    failed(bench, "bad", mail)
    assert outbox.deliver(mail, bench.clock.now()).next_due == EVENING + timedelta(seconds=10)
    report = outbox.deliver(mail, bench.clock.move(seconds=10))
    assert (report.sent, report.next_due) == (1, MORNING)
    assert told(bench) == [["bad"]]


def test_an_urgent_one_that_failed_is_tried_again_at_night(bench: Bench) -> None:
    mail = quiet(urgent=frozenset({model.Kind.FAILED}))
    outbox, bench.clock.time = office(bench, mail), EVENING
    failed(bench, "bad", mail)
    bench.notifier.troubles["mail"] = errors.Transient("busy")
    report = outbox.deliver(mail, bench.clock.move(seconds=10))
    assert report.next_due == bench.clock.now() + timedelta(seconds=5)


def test_neither_a_restart_nor_a_changed_clock_wakes_anybody(bench: Bench) -> None:
    mail = quiet()
    bench.clock.time = EVENING
    queue(bench, "one", to=(mail,))
    for _ in range(2):
        outbox = office(bench, mail)
        outbox.hurry(bench.clock.now())
        assert outbox.deliver(mail, bench.clock.move(hours=1), gather=False).sent == 0


def test_hours_that_were_changed_count_at_once(bench: Bench) -> None:
    mail, awake = quiet(), quiet(quiet=None)
    bench.clock.time = EVENING
    queue(bench, "one", "two", to=(mail,))
    assert office(bench, mail).deliver(mail, bench.clock.move(hours=1)).sent == 0
    office(bench, awake).deliver(awake, bench.clock.now())
    assert told(bench) == [["one", "two"]]


def test_a_pass_that_night_falls_on_stops_there(bench: Bench) -> None:
    """A slow destination takes its time, and a pass may have much to send."""
    mail = quiet(group_wait=timedelta(0))
    outbox, bench.clock.time = office(bench, mail), EVENING - timedelta(minutes=80)
    queue(bench, "one", "two", to=(mail,))

    def time_goes_by() -> bool:
        bench.clock.move(minutes=29)
        return True

    outbox.deliver(mail, bench.clock.now(), go_on=time_goes_by)
    assert told(bench) == [["one"]]


def test_what_was_being_sent_when_something_cut_it_off_is_sent_at_night_too(bench: Bench) -> None:
    """It may have arrived; and with it out of the way, what is urgent can go."""
    mail = quiet(urgent=frozenset({model.Kind.FAILED}))
    bench.clock.time = EVENING - timedelta(hours=1)
    queue(bench, "one", "two", to=(mail,))
    bench.queue.sending([each.delivery_id for each in bench.queue.due("mail", bench.clock.now(), 9)])
    bench.clock.time = EVENING
    failed(bench, "bad", mail)
    office(bench, mail).deliver(mail, bench.clock.move(seconds=10))
    assert told(bench) == [["one", "two"], ["bad"]]
