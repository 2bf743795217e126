"""Things that happen together go together, and fare together."""

import dataclasses
import itertools
from datetime import timedelta

import pytest

from service import errors, model
from service.rules import notices
from service.store.queue import Queue
from tests.composer.saying import composer
from tests.conftest import Bench, destination
from tests.outbox.conftest import flat, office, queue, states, told

MAIL = destination("mail", group_wait=timedelta(seconds=10))
TO = (MAIL,)


class FullDisk(Queue):
    """Takes no receipt while `full`."""

    full = True

    def sent(self, *receipt: object) -> None:
        if self.full:
            raise errors.StoreTrouble("the disk is full")
        super().sent(*receipt)  # type: ignore[arg-type]


def trouble(bench: Bench) -> None:
    """A notice of the watch itself."""
    notice = notices.of_account(
        model.Kind.WATCH_FAILING, "main", since=bench.clock.now(), reason="no", now=bench.clock.now()
    )
    bench.queue.queue(model.Order(notice=notice, destinations=TO))


def test_what_comes_within_the_wait_goes_in_one_message(bench: Bench) -> None:
    outbox = office(bench, MAIL)
    queue(bench, "one", to=TO)
    assert outbox.deliver(MAIL, bench.clock.now()).next_due == bench.clock.now() + timedelta(seconds=10)
    bench.clock.move(seconds=9)
    queue(bench, "two", "three", to=TO)
    assert outbox.deliver(MAIL, bench.clock.now()).next_due == bench.clock.now() + timedelta(seconds=1)
    assert told(bench) == []
    bench.clock.move(seconds=1)
    report = outbox.deliver(MAIL, bench.clock.now())
    assert (report.sent, report.next_due) == (3, None)
    assert told(bench) == [["one", "two", "three"]]
    assert {state for _, _, state in states(bench)} == {"sent"}


def test_alone_it_is_told_like_any_other(bench: Bench) -> None:
    outbox = office(bench, MAIL)
    [notice] = queue(bench, "one", to=TO)
    bench.clock.move(seconds=10)
    outbox.deliver(MAIL, bench.clock.now())
    [(_, message)] = bench.notifier.sent
    assert (message.title, message.notice_id) == ("✅ one has succeeded", notice.notice_id)


def test_without_a_wait_each_goes_at_once_and_by_itself(bench: Bench) -> None:
    [plain, _] = bench.destinations
    queue(bench, "one", "two", to=(plain,))
    bench.outbox.deliver(plain, bench.clock.now())
    assert told(bench) == [["one"], ["two"]]


def test_a_wait_that_was_changed_counts_at_once(bench: Bench) -> None:
    """Nothing of it is stored."""
    queue(bench, "one", "two", to=TO)
    hasty = dataclasses.replace(MAIL, channel=dataclasses.replace(MAIL.channel, group_wait=timedelta(0)))
    office(bench, hasty).deliver(hasty, bench.clock.now())
    assert told(bench) == [["one"], ["two"]]


def test_trouble_of_the_watch_does_not_wait_and_takes_along_what_is_there(bench: Bench) -> None:
    outbox = office(bench, MAIL)
    queue(bench, "one", to=TO)
    trouble(bench)
    outbox.deliver(MAIL, bench.clock.now())
    [(_, message)] = bench.notifier.sent
    assert [each["kind"] for each in message.data["notices"]] == ["watch_failing", "succeeded"]


def test_a_clock_that_was_set_back_keeps_nobody_waiting(bench: Bench) -> None:
    outbox = office(bench, MAIL)
    queue(bench, "one", to=TO)
    bench.clock.move(hours=-1)
    bench.outbox.hurry(bench.clock.now())
    outbox.deliver(MAIL, bench.clock.now())
    assert told(bench) == [["one"]]


def test_where_nobody_looks_again_soon_nothing_waits(bench: Bench) -> None:
    outbox = office(bench, MAIL)
    queue(bench, "one", "two", to=TO)
    outbox.deliver(MAIL, bench.clock.now(), gather=False)
    assert told(bench) == [["one", "two"]]


def test_one_message_tells_of_no_more_than_there_is_room_for(bench: Bench) -> None:
    """The rest follows in the same pass, also what came last: it waited together, so it goes together."""
    outbox, bench.notifier.rooms = office(bench, MAIL), 2000
    queue(bench, *(f"job-{number}" for number in range(10)), to=TO)
    bench.clock.move(seconds=10)
    queue(bench, *(f"job-{number}" for number in range(10, 20)), to=TO)
    assert outbox.deliver(MAIL, bench.clock.now()).sent == 20
    messages = told(bench)
    assert [len(message) for message in messages] == [8, 8, 4]
    assert flat(messages) == [f"job-{number}" for number in range(20)]


def test_a_message_tells_of_a_hundred_at_most_whatever_the_room(bench: Bench) -> None:
    outbox, bench.notifier.rooms = office(bench, MAIL), 1_000_000
    queue(bench, *(f"job-{number}" for number in range(250)), to=TO)
    bench.clock.move(seconds=10)
    outbox.deliver(MAIL, bench.clock.now())
    assert [len(message) for message in told(bench)] == [100, 100, 50]


def test_a_stop_comes_between_two_messages(bench: Bench) -> None:
    outbox, bench.notifier.rooms = office(bench, MAIL), 2000
    queue(bench, *(f"job-{number}" for number in range(10)), to=TO)
    outbox.deliver(MAIL, bench.clock.move(seconds=10), go_on=lambda: not bench.notifier.sent)
    assert [len(message) for message in told(bench)] == [8]


# -- evidence and receipts ------------------------------------------------------------------------------------------


def interrupted(bench: Bench, *names: str) -> None:
    """The process dies while these are being sent together; others wait behind them."""
    queue(bench, *names, to=TO)
    due = bench.queue.due("mail", bench.clock.now(), 100)
    bench.queue.sending([each.delivery_id for each in due])
    queue(bench, "later", to=TO)
    bench.clock.move(seconds=10)


def test_what_was_being_sent_together_when_the_process_died_is_sent_again_as_it_was(bench: Bench) -> None:
    """In a message of its own and with the same key: whoever got it already can tell."""
    made = queue(bench, "one", "two", "three", to=TO)
    waiting = bench.queue.due("mail", bench.clock.now(), 100)
    bench.queue.sending([each.delivery_id for each in waiting])
    queue(bench, "later", to=TO)
    bench.clock.move(seconds=10)
    office(bench, MAIL).deliver(MAIL, bench.clock.now())
    keys = [message.dedup_key for _, message in bench.notifier.sent]
    assert told(bench) == [["one", "two", "three"], ["later"]]
    assert keys[0] == composer().compose(made, MAIL).dedup_key


@pytest.mark.parametrize(
    "rules",
    [
        {"group_wait": timedelta(0)},
        {"group_wait": timedelta(hours=1)},
        {"group_wait": timedelta(seconds=10), "most_per_hour": 1},
    ],
    ids=["now each by itself", "now with a long wait", "now limited"],
)
def test_it_is_the_same_whatever_the_configuration_says_now(bench: Bench, rules: dict[str, object]) -> None:
    changed = destination("mail", **rules)
    interrupted(bench, "one", "two", "three")
    bench.notifier.rooms = 10
    office(bench, changed).deliver(changed, bench.clock.now())
    assert told(bench)[0] == ["one", "two", "three"]


def test_a_clock_set_back_does_not_tear_apart_what_was_being_sent(bench: Bench) -> None:
    interrupted(bench, "one", "two")
    bench.clock.move(minutes=-30)
    office(bench, MAIL).deliver(MAIL, bench.clock.now())
    assert told(bench)[0] == ["one", "two"]


def test_the_receipt_of_all_is_written_as_soon_as_it_can_be(bench: Bench) -> None:
    disk = FullDisk(bench.queue._engine)
    outbox = office(bench, MAIL, queue=disk)
    queue(bench, "one", "two", to=TO)
    bench.clock.move(seconds=10)
    for _ in range(2):
        with pytest.raises(errors.StoreTrouble):
            outbox.deliver(MAIL, bench.clock.now())
    disk.full = False
    outbox.deliver(MAIL, bench.clock.now())
    assert told(bench) == [["one", "two"]]
    assert {state for _, _, state in states(bench)} == {"sent"}


# -- failures -------------------------------------------------------------------------------------------------------


def test_those_that_fail_together_are_tried_again_together(bench: Bench) -> None:
    """A mishap does not make two messages of one, and who accepted it unheard can tell that it is the same."""
    outbox = office(bench, MAIL)
    queue(bench, "one", "two", to=TO)
    bench.clock.move(seconds=10)
    bench.notifier.troubles["mail"] = errors.Transient("busy")
    report = outbox.deliver(MAIL, bench.clock.now())
    assert (report.postponed, report.next_due) == (2, bench.clock.now() + timedelta(seconds=5))
    assert {row["last_error"] for row in bench.reading.deliveries(limit=10)} == {"busy"}
    bench.notifier.troubles.clear()
    bench.clock.move(seconds=5)
    queue(bench, "new", to=TO)
    bench.clock.move(seconds=10)
    outbox.deliver(MAIL, bench.clock.now())
    assert told(bench) == [["one", "two"], ["new"]], "the new one is not drawn in"


@pytest.mark.parametrize(("count", "place"), [(2, 0), (10, 0), (10, 9), (100, 57)])
def test_a_notice_that_no_server_takes_is_alone_in_the_end(bench: Bench, count: int, place: int) -> None:
    outbox, bench.notifier.rooms = office(bench, MAIL), 1_000_000
    made = queue(bench, *(f"job-{number}" for number in range(count)), to=TO)
    bench.notifier.refused.add(made[place].notice_id)
    began = bench.clock.move(seconds=10)
    for attempt in itertools.count(1):
        report = outbox.deliver(MAIL, bench.clock.now())
        if len(flat(told_so_far(bench))) == count - 1:
            break
        assert report.next_due
        assert attempt < 30
        bench.clock.time = report.next_due
    assert bench.clock.now() - began < timedelta(minutes=3)
    assert [job for job, _, state in states(bench) if state != "sent"] == [f"job-{place}"]
    assert not bench.reading.destinations("2026")[0]["announced_at"]


def told_so_far(bench: Bench) -> list[list[str]]:
    return [[each["job_id"] for each in message.data["notices"]] for _, message in bench.notifier.sent]


def test_a_destination_that_is_dead_for_days_gets_few_messages_on_its_return(bench: Bench) -> None:
    outbox = office(bench, MAIL)
    queue(bench, *(f"job-{number}" for number in range(500)), to=TO)
    bench.clock.move(seconds=10)
    bench.notifier.troubles["mail"] = errors.Transient("gone")
    for _ in range(60):
        due = outbox.deliver(MAIL, bench.clock.now()).next_due
        assert due
        bench.clock.time = due
    bench.notifier.troubles.clear()
    for _ in range(3):
        outbox.deliver(MAIL, bench.clock.now())
        bench.clock.move(hours=1)
    messages = told(bench)
    assert sorted(flat(messages)) == sorted(f"job-{number}" for number in range(500))
    assert len(messages[0]) == 1, "it is asked with one"
    assert len(messages) < 40


def test_those_given_up_together_are_told_of_once(bench: Bench) -> None:
    chat = destination("chat")
    outbox = office(bench, MAIL, chat)
    queue(bench, "one", "two", to=TO)
    bench.notifier.troubles["mail"] = errors.Transient("no such mailbox")
    # Attempts enough, but the last success is not long ago: the two are still tried together.
    for _ in range(8):
        bench.queue.sending([each.delivery_id for each in bench.queue.due("mail", bench.clock.now(), 10)])
    bench.clock.move(hours=73)
    queue(bench, "young", to=TO)
    outbox.deliver(MAIL, bench.clock.now())
    outbox.deliver(chat, bench.clock.now())
    [(_, message)] = bench.notifier.sent
    assert message.title == "📪 2 notices did not reach channel-mail (label of mail)"
    assert sorted(states(bench))[-3:] == [
        ("one", "channel-mail", "failed"), ("two", "channel-mail", "failed"), ("young", "channel-mail", "pending"),
    ]  # fmt: skip
