"""The loss curve goes along where it can be seen."""

from datetime import timedelta

import pytest

from service import model
from service.outbox.outbox import Outbox
from service.rules import notices
from tests.composer.saying import composer
from tests.conftest import Bench, destination
from tests.outbox.conftest import office, queue

MAIL, CHAT = destination("mail", group_wait=timedelta(seconds=10)), destination("chat")
METRICS = (model.Metric(step=1, train_loss=2.0), model.Metric(step=2, train_loss=1.0, valid_accuracy=0.5))
CHECKPOINT = model.Checkpoint(
    checkpoint_id="c1", created_at=None, step=2, model="ft:x:step-2", valid_loss=1.5, raw='{"id":"c1"}'
)


@pytest.fixture
def outbox(bench: Bench) -> Outbox:
    """The mail shows pictures; here they are words."""
    bench.notifier.pictured = {"mail"}

    def draw(course: model.Course, title: str) -> bytes:
        return f"{title}: {len(course.metrics)} steps, {len(course.checkpoints)} checkpoints".encode()

    return office(bench, MAIL, CHAT, speaker=composer(draw=draw))


def pictures(bench: Bench) -> list[tuple[str, bytes | None]]:
    return [(key, message.picture) for key, message in bench.notifier.sent]


def trained(bench: Bench, name: str) -> None:
    """A job that succeeded after two steps, and is told of."""
    queue(bench, name, to=(MAIL, CHAT))
    job = bench.record.known("main", [name])[name]
    course = model.Course(metrics=METRICS, checkpoints=(CHECKPOINT,))
    bench.record.record("main", [model.Update(job=job, course=course)], bench.clock.now())


def deliver(bench: Bench, outbox: Outbox) -> None:
    bench.clock.move(seconds=10)
    for each in (MAIL, CHAT):
        outbox.deliver(each, bench.clock.now())


def test_one_notice_of_an_end_brings_its_curve_where_it_can_be_seen(bench: Bench, outbox: Outbox) -> None:
    trained(bench, "one")
    deliver(bench, outbox)
    assert pictures(bench) == [("mail", "✅ one has succeeded: 2 steps, 1 checkpoints".encode()), ("chat", None)]


def test_several_that_go_together_bring_none(bench: Bench, outbox: Outbox) -> None:
    for name in ("one", "two"):
        trained(bench, name)
    deliver(bench, outbox)
    assert pictures(bench)[0] == ("mail", None)


def test_a_notice_of_another_kind_brings_none(bench: Bench, outbox: Outbox) -> None:
    trained(bench, "one")
    job = bench.record.known("main", ["one"])["one"]
    paused = notices.of_job(
        model.Kind.PAUSED, job, events=(), metrics=(), page_url=None, now=bench.clock.now()
    )  # fmt: skip
    deliver(bench, outbox)
    bench.queue.queue(model.Order(notice=paused, destinations=(MAIL,)))
    deliver(bench, outbox)
    assert [picture is None for key, picture in pictures(bench) if key == "mail"] == [False, True]


def test_the_course_of_a_job_is_what_was_recorded_of_it(bench: Bench, outbox: Outbox) -> None:
    trained(bench, "one")
    course = bench.queue.course("main", "one")
    assert (course.metrics, course.checkpoints) == (METRICS, (CHECKPOINT,))
    assert bench.queue.course("main", "unheard of").metrics == ()
