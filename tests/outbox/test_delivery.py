"""Delivery passes: at least once, the receipt after success, and no destination in another's way."""

import dataclasses

import pytest

from service import errors, model
from service.rules import notices
from tests.conftest import Bench
from tests.outbox.conftest import queue, states


def test_every_destination_gets_every_notice_once(bench: Bench) -> None:
    queue(bench, "one", "two")
    bench.deliver()
    bench.deliver()
    assert [key for key, _ in bench.notifier.sent] == ["mail", "mail", "chat", "chat"]
    assert {state for _, _, state in states(bench)} == {"sent"}


def test_a_cause_told_before_is_not_told_again(bench: Bench) -> None:
    queue(bench, "one")
    queue(bench, "one")
    bench.deliver()
    assert len(bench.notifier.sent) == 2


def test_a_failed_send_is_tried_again_later(bench: Bench) -> None:
    queue(bench, "one")
    bench.notifier.troubles["mail"] = errors.Transient("the server is busy")
    bench.deliver()
    assert states(bench) == [("one", "channel-mail", "pending"), ("one", "channel-chat", "sent")]
    del bench.notifier.troubles["mail"]
    bench.deliver()
    assert len(bench.notifier.sent) == 1, "not before its time"
    bench.clock.move(seconds=5)
    bench.deliver()
    assert [key for key, _ in bench.notifier.sent] == ["chat", "mail"]


def test_pauses_grow_while_a_destination_fails(bench: Bench) -> None:
    queue(bench, "one")
    bench.notifier.troubles["mail"] = errors.Transient("no")
    pauses = []
    for _ in range(8):
        report = bench.outbox.deliver(bench.destinations[0], bench.clock.now())
        assert report.next_due is not None
        pauses.append((report.next_due - bench.clock.now()).total_seconds())
        bench.clock.time = report.next_due
    assert pauses == [5, 15, 45, 135, 405, 1215, 3600, 3600]


def test_after_so_long_a_notice_is_given_up_and_stays_visible(bench: Bench) -> None:
    queue(bench, "one")
    bench.notifier.troubles["mail"] = errors.Transient("no such mailbox")
    for _ in range(7):
        bench.deliver()
        bench.clock.move(hours=1.1)
    bench.clock.move(hours=72)
    bench.deliver()
    failed = bench.reading.deliveries(limit=10, states=["failed"])
    assert [(row["channel"], row["attempts"], row["last_error"]) for row in failed] == [
        ("channel-mail", 8, "no such mailbox")
    ]


def test_a_machine_that_was_off_for_days_still_tries_for_a_while(bench: Bench) -> None:
    """Its network may not be up yet: one failed attempt is not the end of a notice, however old it is."""
    queue(bench, "one")
    bench.clock.move(days=5)
    bench.notifier.troubles["mail"] = errors.Transient("no network yet")
    bench.deliver()
    assert states(bench)[0] == ("one", "channel-mail", "pending")
    bench.notifier.troubles.clear()
    bench.clock.move(minutes=1)
    bench.deliver()
    assert {state for _, _, state in states(bench)} == {"sent"}


def test_a_clock_that_was_set_back_does_not_make_a_notice_wait_for_hours(bench: Bench) -> None:
    queue(bench, "one")
    bench.notifier.troubles["mail"] = errors.Transient("busy")
    bench.clock.move(hours=9)
    bench.deliver()
    bench.notifier.troubles.clear()
    bench.clock.move(hours=-9)
    bench.deliver()
    assert {state for _, _, state in states(bench)} == {"sent"}


def test_a_notice_that_breaks_our_own_wording_holds_up_nobody(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """One item of a pass; the process does not end over it, again and again."""
    [odd] = queue(bench, "odd", to=())
    unusable = dataclasses.replace(odd, cause="another", notice_id="tw-odd", facts={"created_at": "yesterday"})
    bench.record.end_pass(bench.record.account("main"), [model.Order(notice=unusable, destinations=bench.destinations)])
    queue(bench, "fine")
    for _ in range(3):
        bench.deliver()
        bench.clock.move(seconds=6)
    assert bench.notifier.titles() == ["✅ fine has succeeded"] * 2
    assert "Notice tw-odd cannot be sent" in caplog.text


def test_a_notice_that_no_server_takes_does_not_hold_up_the_others(bench: Bench) -> None:
    """It goes to the end of the line."""
    poison, _ = queue(bench, "poison", "fine")

    bench.notifier.refused.add(poison.notice_id)
    for _ in range(3):
        bench.outbox.deliver(bench.destinations[0], bench.clock.now())
        bench.clock.move(seconds=6)
    assert bench.notifier.titles() == ["✅ fine has succeeded"]


def test_what_was_being_sent_when_the_process_died_is_sent_again(bench: Bench) -> None:
    """At least once: it may have arrived, but it may not have. Its key tells the two apart."""
    queue(bench, "one", to=bench.destinations[:1])
    [delivery] = bench.queue.due("mail", bench.clock.now(), 10)
    bench.queue.sending([delivery.delivery_id])
    bench.deliver()
    [(_, message)] = bench.notifier.sent
    assert message.dedup_key == f"{delivery.notice.notice_id}.mail"


def test_a_broken_destination_is_announced_through_the_others_once(bench: Bench) -> None:
    queue(bench, "one")
    bench.notifier.troubles["mail"] = errors.Transient("mailbox on fire")
    for _ in range(6):
        bench.deliver()
        bench.clock.move(minutes=10)
    titles = bench.notifier.titles()
    assert titles == ["✅ one has succeeded", "⚠ tunewatch cannot reach channel channel-mail (label of mail)"]
    assert "mailbox on fire" in bench.notifier.sent[-1][1].body
    bench.notifier.troubles.clear()
    bench.clock.move(hours=1)
    bench.deliver()
    assert bench.notifier.titles()[2:] == [
        "✅ one has succeeded", "👀 tunewatch is back: channel channel-mail (label of mail)",
    ]  # fmt: skip
    assert bench.notifier.sent[-1][0] == "chat"


def test_notices_for_a_destination_that_was_replaced_go_to_the_new_one(bench: Bench) -> None:
    """Somebody mended the address of a channel that did not work."""
    queue(bench, "one", to=bench.destinations[:1])
    mended = dataclasses.replace(bench.destinations[0], key="mended")
    found = bench.queue.resume([mended], bench.clock.now())
    assert (found.rerouted, found.abandoned) == (1, 0)
    assert [item.notice.job_id for item in bench.queue.due("mended", bench.clock.now(), 10)] == ["one"]


def test_notices_of_a_removed_channel_fail_visibly(bench: Bench) -> None:
    queue(bench, "one", to=bench.destinations[:1])
    found = bench.queue.resume(bench.destinations[1:], bench.clock.now())
    assert (found.rerouted, found.abandoned) == (0, 1)
    [row] = bench.reading.deliveries(limit=10)
    assert (row["state"], row["last_error"]) == ("failed", "the channel channel-mail left the configuration")


def test_a_delivery_pass_stops_between_two_sendings(bench: Bench) -> None:
    queue(bench, "one", "two")
    bench.outbox.deliver(bench.destinations[0], bench.clock.now(), go_on=lambda: not bench.notifier.sent)
    assert len(bench.notifier.sent) == 1


def test_job_history_and_notice_are_one_transaction(bench: Bench) -> None:
    """What cannot be written whole is not written at all."""
    job = model.Job(account="main", job_id="one", status="succeeded", state=model.State.SUCCEEDED, raw="{}")
    notice = notices.of_job(model.Kind.SUCCEEDED, job, events=(), metrics=(), page_url=None, now=bench.clock.now())
    unwritable = dataclasses.replace(notice, facts={"value": object()})
    order = model.Order(notice=unwritable, destinations=bench.destinations)
    change = model.StatusChange(
        from_status=None, to_status="succeeded", observed_at=bench.clock.now(), source=model.Source.LIST
    )
    with pytest.raises(TypeError):
        bench.record.record("main", [model.Update(job=job, change=change, orders=(order,))], bench.clock.now())
    assert bench.reading.jobs(limit=10) == []
    assert bench.reading.history(limit=10) == []


def test_many_notices_go_out_a_hundred_at_a_time(bench: Bench) -> None:
    queue(bench, *(f"job-{number}" for number in range(250)), to=bench.destinations[:1])
    reports = [bench.outbox.deliver(bench.destinations[0], bench.clock.now()) for _ in range(3)]
    assert [report.sent for report in reports] == [100, 100, 50]
    assert [report.next_due is None for report in reports] == [False, False, True]


def test_a_mended_channel_is_healthy_again(bench: Bench) -> None:
    """The old address is configured no more, and its trouble is nobody's."""
    queue(bench, "one", to=bench.destinations[:1])
    bench.notifier.troubles["mail"] = errors.Transient("no such host")
    for _ in range(4):
        bench.deliver()
        bench.clock.move(minutes=10)
    assert any(row["announced_at"] for row in bench.reading.destinations("2026"))
    bench.queue.resume([dataclasses.replace(bench.destinations[0], key="mended")], bench.clock.now())
    assert [row["key"] for row in bench.reading.destinations("2026")] == ["mended"]
    assert not any(row["announced_at"] for row in bench.reading.destinations("2026"))
