"""Every fault of a channel, from real servers: what is logged, tried again and told, and that no other is held up."""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from service.store import migrate
from service.store.engine import Engine
from service.store.reading import Reading
from tests.conftest import HandClock
from tests.faults import channel_faults as faults
from tests.faults import receivers
from tests.faults.post import Post
from tests.faults.table import Fault

# Seconds, with luck in the middle.
PAUSES = [5, 15, 45, 135, 405, 1215, 3600, 3600]


@pytest.fixture
def good() -> Iterator[receivers.Receiver]:
    with receivers.webhook() as receiver:
        yield receiver


@pytest.fixture
def reading(url: str, engine: Engine) -> Iterator[Reading]:
    reading_engine = migrate.reading(url)
    yield Reading(reading_engine)
    reading_engine.dispose()


@pytest.fixture
def post(engine: Engine, reading: Reading, clock: HandClock, good: receivers.Receiver) -> Post:
    return Post(engine, reading, clock, good)


@pytest.fixture
def impatient(engine: Engine, reading: Reading, clock: HandClock, good: receivers.Receiver) -> Post:
    """A fraction of a second stands for the minute that an attempt may take."""
    return Post(engine, reading, clock, good, longest=0.3)


def _logged_once(caplog: pytest.LogCaptureFixture, fault: Fault) -> None:
    lines = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("service") and record.levelno >= logging.WARNING
    ]
    assert len(lines) == 1, lines
    assert fault.logged in lines[0]


def _fails(post: Post, fault: Fault, caplog: pytest.LogCaptureFixture) -> None:
    """The common course of a fault that meets every attempt."""
    post.tell("one")
    assert post.pauses(len(PAUSES)) == PAUSES
    assert post.good.taken[0][1] == "✅ one has succeeded", "before the odd one's second attempt"
    _logged_once(caplog, fault)
    assert post.told() == [f"⚠ tunewatch cannot reach channel {post.odd()[0].name}"]


def _comes_back(post: Post) -> None:
    post.deliver()
    post.deliver()
    assert post.told()[1:] == [f"👀 tunewatch is back: channel {post.odd()[0].name}"]
    assert post.states() == [("one", "good", "sent"), ("one", "odd", "sent")]


@pytest.mark.parametrize("mode", [mode for mode in faults.HOOK_FAULTS if mode not in ("closed", "nowhere")])
def test_a_webhook_that_fails(post: Post, caplog: pytest.LogCaptureFixture, mode: str | int) -> None:
    with receivers.webhook() as odd:
        odd.mode = mode
        post.configure([odd.hook()])
        _fails(post, faults.HOOK_FAULTS[mode], caplog)
        odd.mode = "fine"
        _comes_back(post)
        assert odd.attempts == len(PAUSES) + 1


def test_a_webhook_that_is_not_there(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        # Bound, so that nobody else gets the port meanwhile, and not listening.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        post.configure([f"json://127.0.0.1:{port}/"])
        _fails(post, faults.HOOK_FAULTS["closed"], caplog)
    with receivers.webhook(port):
        _comes_back(post)


def test_a_webhook_whose_name_is_unknown(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    post.configure(["json://tunewatch.invalid/"])
    _fails(post, faults.HOOK_FAULTS["nowhere"], caplog)


@pytest.mark.parametrize("mode", faults.MAIL_FAULTS)
def test_a_mail_server_that_refuses(post: Post, caplog: pytest.LogCaptureFixture, mode: str) -> None:
    with receivers.mail_server() as odd:
        odd.mode = mode
        post.configure([odd.mail()])
        _fails(post, faults.MAIL_FAULTS[mode], caplog)
        odd.mode = "fine"
        _comes_back(post)
        assert len(odd.taken) == 1


def test_who_is_slow_is_waited_for(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    """Thirty seconds stand here for anything within the minute that an attempt may take."""
    with receivers.webhook() as odd:
        odd.mode = "late"
        post.configure([odd.hook()])
        post.tell("one")
        timer = threading.Timer(0.5, odd.go_on.set)
        timer.start()
        post.deliver()
        timer.join()
        assert len(odd.taken) == 1
    assert post.states() == [("one", "good", "sent"), ("one", "odd", "sent")]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert faults.SLOW.logged == "nothing"


def test_who_accepts_after_the_time_is_up_gets_nothing_twice(impatient: Post, caplog: pytest.LogCaptureFixture) -> None:
    with receivers.webhook() as odd:
        odd.mode = "late"
        impatient.configure([odd.hook()])
        impatient.tell("one")
        impatient.pauses(3)
        _logged_once(caplog, faults.LATE)
        odd.go_on.set()
        odd.mode = "fine"
        for _ in range(20):
            impatient.deliver()
            impatient.clock.move(hours=1.1)
        assert impatient.states() == [("one", "good", "sent"), ("one", "odd", "sent")]
        assert (odd.attempts, len(odd.taken)) == (1, 1)


def test_a_mail_server_that_says_nothing(impatient: Post, caplog: pytest.LogCaptureFixture) -> None:
    with receivers.mail_server() as odd:
        odd.mode = "silent"
        impatient.configure([odd.mail()])
        impatient.tell("one")
        assert impatient.pauses(3) == PAUSES[:3]
        _logged_once(caplog, faults.SILENT)
        assert odd.attempts == 1, "no second attempt beside the one that hangs"
        assert len(impatient.told()) == 1


@pytest.mark.parametrize(
    ("server", "fault"),
    [(receivers.webhook, faults.HOOK_DIES), (receivers.mail_server, faults.MAIL_DIES)],
    ids=["webhook", "mail"],
)
def test_who_hangs_up_after_accepting_can_tell_that_it_is_the_same(
    post: Post,
    caplog: pytest.LogCaptureFixture,
    server: Callable[[], contextlib.AbstractContextManager[receivers.Receiver]],
    fault: Fault,
) -> None:
    with server() as odd:
        odd.mode = "dies"
        post.configure([odd.mail() if fault is faults.MAIL_DIES else odd.hook()])
        post.tell("one")
        assert post.pauses(2) == PAUSES[:2]
        _logged_once(caplog, fault)
        odd.mode = "fine"
        post.deliver()
        assert len(odd.taken) == 3
        assert len(set(odd.taken)) == 1
    assert post.states() == [("one", "good", "sent"), ("one", "odd", "sent")]


def test_one_of_two_recipients_is_refused(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    with receivers.mail_server() as odd:
        post.configure([odd.mail("you", "nobody")])
        post.tell("one")
        for _ in range(3):
            post.deliver()
            post.clock.move(hours=1.1)
        assert len(odd.taken) == 1
    _logged_once(caplog, faults.ONE_OF_TWO)
    assert post.states() == [("one", "good", "sent"), ("one", "odd", "pending"), ("one", "odd", "sent")]
    assert post.told() == ["⚠ tunewatch cannot reach channel odd (mail to nobody@example.com)"]


def test_a_notice_that_is_refused_alone_holds_up_no_other(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    with receivers.webhook() as odd:
        odd.mode = "picky"
        post.configure([odd.hook()])
        post.tell("poison", "two", "three")
        for _ in range(3):
            post.pauses(1)
        assert [title.split()[1] for _, title in odd.taken] == ["two", "three"]
    _logged_once(caplog, faults.POISON)
    assert ("poison", "odd", "pending") in post.states()
    assert post.told() == []


def test_what_no_attempt_could_bring_is_given_up_and_told(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    with receivers.webhook() as odd:
        odd.mode = 404
        post.configure([odd.hook()])
        post.tell("one", "two")
        post.pauses(len(PAUSES))
        post.clock.move(hours=72)
        post.pauses(1)
        post.deliver()
        lines = [
            record.getMessage()
            for record in caplog.records
            if record.name.startswith("service") and record.levelno >= logging.ERROR
        ]
        assert len(lines) == 2
        assert all(faults.GIVEN_UP.logged in line for line in lines)
        assert post.told()[1:] == [f"📪 a notice did not reach {post.odd()[0].name}"]
        [row] = [row for row in post.reading.destinations("2026") if row["channel"] == "odd"]
        assert row["failed"] == 2
        odd.mode = "fine"
        post.queue.resend(post.clock.now())
        post.deliver()
        assert len(odd.taken) == 2
    assert {state for _, _, state in post.states()} == {"sent"}


def test_a_mended_address_gets_what_waited(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with receivers.webhook() as odd:
        post.configure([odd.hook("wrong")])
        odd.mode = 404
        post.tell("one")
        post.pauses(2)
        odd.mode = "fine"
        post.configure([odd.hook("right")])
        post.deliver()
        assert len(odd.taken) == 1
    assert post.states() == [("one", "good", "sent"), ("one", "odd", "sent")]
    assert faults.MENDED.logged in caplog.text


def test_a_channel_that_left_and_came_back(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    with receivers.webhook() as odd:
        odd.mode = 500
        post.configure([odd.hook()])
        post.tell("one")
        post.pauses(1)
        post.configure([])
        assert ("one", "odd", "failed") in post.states()
        assert faults.REMOVED.logged in caplog.text
        odd.mode = "fine"
        post.configure([odd.hook()])
        assert post.queue.resend(post.clock.now()).queued == 1
        post.deliver()
    assert post.states() == [("one", "good", "sent"), ("one", "odd", "sent")]
