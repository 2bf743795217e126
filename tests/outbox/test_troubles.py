"""What goes wrong around a sending: the disk, the clock, a destination for good."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from service import errors, model
from service.outbox.outbox import Outbox
from service.rules import notices
from service.store.queue import Queue
from tests.composer.saying import composer
from tests.conftest import Bench, destination
from tests.outbox.conftest import queue, states


class FullDisk(Queue):
    """Takes no receipt while `full`."""

    full = True

    def sent(self, delivery_ids: Sequence[int], now: datetime) -> None:
        if self.full:
            raise errors.StoreTrouble("the disk is full")
        super().sent(delivery_ids, now)


def _fail_for_good(bench: Bench) -> None:
    bench.notifier.troubles["mail"] = errors.Transient("no such mailbox")
    for _ in range(8):
        bench.deliver()
        bench.clock.move(hours=1.1)
    bench.clock.move(hours=72)
    bench.deliver()


def test_what_was_accepted_while_the_disk_took_no_receipt_is_not_sent_again(bench: Bench) -> None:
    queue(bench, "one", "two", to=bench.destinations[:1])
    disk = FullDisk(bench.queue._engine)
    outbox = Outbox(
        queue=disk, notifier=bench.notifier, destinations=bench.destinations, composer=composer(), zone=UTC,
        luck=lambda: 0.5, give_up_after=timedelta(hours=72), time=bench.clock,
    )  # fmt: skip
    for _ in range(3):
        with pytest.raises(errors.StoreTrouble):
            outbox.deliver(bench.destinations[0], bench.clock.now())
    assert len(bench.notifier.sent) == 1, "nothing more either, as long as nothing can be noted"
    accepted_at = bench.clock.now()
    disk.full = False
    bench.clock.move(minutes=5)
    outbox.deliver(bench.destinations[0], bench.clock.now())
    assert bench.notifier.titles() == ["✅ one has succeeded", "✅ two has succeeded"]
    assert states(bench) == [("one", "channel-mail", "sent"), ("two", "channel-mail", "sent")]
    [_, first] = bench.reading.deliveries(limit=2)
    assert first["sent_at"] == accepted_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_notice_given_up_is_told_through_the_others_once(bench: Bench) -> None:
    queue(bench, "one", "two", "three")
    _fail_for_good(bench)
    told = [message for _, message in bench.notifier.sent if message.kind is model.Kind.DELIVERY_FAILED]
    assert [message.title for message in told] == ["📪 a notice did not reach channel-mail (label of mail)"]
    assert "no such mailbox" in told[0].body
    failed = bench.reading.deliveries(limit=10, states=["failed"])
    assert f"tunewatch resend {failed[0]['notice_id']}" in told[0].body
    for _ in range(2):
        bench.clock.move(hours=1.1)
        bench.deliver()
    assert [name for name, _, state in states(bench) if state == "failed"] == ["one", "two", "three"]
    assert sum(message.kind is model.Kind.DELIVERY_FAILED for _, message in bench.notifier.sent) == 1


def test_what_was_given_up_and_is_sent_again_has_all_its_attempts_before_it(bench: Bench) -> None:
    [notice] = queue(bench, "one", to=bench.destinations[:1])
    _fail_for_good(bench)
    assert states(bench)[0] == ("one", "channel-mail", "failed")
    done = bench.queue.resend(bench.clock.now(), notice_id=notice.notice_id)
    assert (done.queued, done.homeless) == (1, ())
    for _ in range(7):
        bench.deliver()
        bench.clock.move(hours=1.1)
    assert states(bench)[0] == ("one", "channel-mail", "pending")
    bench.notifier.troubles.clear()
    bench.deliver()
    assert states(bench)[0] == ("one", "channel-mail", "sent")
    assert bench.queue.resend(bench.clock.now()).queued == 0


def test_what_is_sent_again_does_not_wait_for_its_destination_to_have_rested(bench: Bench) -> None:
    queue(bench, "one", to=bench.destinations[:1])
    _fail_for_good(bench)
    bench.notifier.troubles.clear()
    bench.queue.resend(bench.clock.now(), channel="channel-mail")
    bench.deliver()
    assert states(bench)[0] == ("one", "channel-mail", "sent")


def test_what_is_sent_again_goes_where_its_channel_leads_now(bench: Bench) -> None:
    """The channel was taken out of the configuration, and has come back with another address."""
    queue(bench, "one", to=bench.destinations[:1])
    bench.queue.resume(bench.destinations[1:], bench.clock.now())
    assert bench.queue.resend(bench.clock.now()).homeless == ("channel-mail",)
    assert states(bench) == [("one", "channel-mail", "failed")]
    back = dataclasses.replace(bench.destinations[0], key="back")
    bench.queue.resume([back], bench.clock.now())
    done = bench.queue.resend(bench.clock.now())
    assert (done.queued, done.homeless) == (1, ())
    assert [item.notice.job_id for item in bench.queue.due("back", bench.clock.now(), 10)] == ["one"]


def test_only_what_was_asked_for_is_sent_again(bench: Bench) -> None:
    one, _ = queue(bench, "one", "two")
    bench.queue.resume([], bench.clock.now())
    bench.queue.resume(bench.destinations, bench.clock.now())
    assert bench.queue.resend(bench.clock.now(), notice_id=one.notice_id, channel="channel-chat").queued == 1
    assert sorted(states(bench)) == [
        ("one", "channel-chat", "pending"), ("one", "channel-mail", "failed"),
        ("two", "channel-chat", "failed"), ("two", "channel-mail", "failed"),
    ]  # fmt: skip


@pytest.mark.parametrize("hours", [-1, -24, 0])
def test_after_a_jump_of_the_clock_nothing_waits_for_a_time_reckoned_before(bench: Bench, hours: int) -> None:
    queue(bench, "one")
    bench.notifier.troubles["mail"] = errors.Transient("busy")
    bench.deliver()
    bench.notifier.troubles.clear()
    bench.clock.move(hours=hours)
    bench.outbox.hurry(bench.clock.now())
    bench.deliver()
    assert {state for _, _, state in states(bench)} == {"sent"}


def test_trouble_with_the_database_is_told_past_it_where_it_is_wanted(bench: Bench) -> None:
    notice = notices.of_database(
        model.Kind.WATCH_FAILING, since=bench.clock.now(), reason="the disk is full", now=bench.clock.now()
    )
    quiet = destination("quiet", kinds=frozenset({model.Kind.SUCCEEDED}))
    bench.notifier.troubles["chat"] = errors.Transient("busy")
    for each in (*bench.destinations, quiet):
        bench.outbox.tell(each, notice)
    assert bench.notifier.titles() == ["⚠ tunewatch cannot use its database"]
    assert "the disk is full" in bench.notifier.sent[0][1].body
    assert states(bench) == []
