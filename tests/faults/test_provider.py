"""Every fault that keeps an account from being read: what is logged, tried again and told, and what goes on."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from service import errors
from service.watcher.watcher import Report
from tests.faults import faulty, rig
from tests.faults import provider_faults as faults
from tests.faults.rig import BLIND_AFTER, INTERVAL, Rig, job
from tests.faults.table import Fault

FAILING, BACK = "⚠ tunewatch is blind: account main", "👀 tunewatch is back: account main"
# Until `blind_after` is over there are three failing looks here, then a fourth.
LOOKS = 4
TOLD_AT = {faults.LATE: LOOKS, faults.SECOND: 2, faults.AT_ONCE: 1}
PAUSES = {"rate, 100 s": 100, "rate, 1 h": 3600, "maintenance, 1 h": 3600}
# No request reaches a server that could count it.
UNSEEN = ("closed", "nowhere")
REQUESTS = {**dict.fromkeys(UNSEEN, 0), "circle": 21}


def break_down(watched: Rig, way: str) -> None:
    """From now on the provider, or the way to it, has this fault."""
    if way in UNSEEN:
        watched.restart(way)
        return
    if "silence" in way:
        watched.restart("hasty")
    watched.stage.server.break_down(faulty.WAYS[way])


def heal(watched: Rig) -> None:
    watched.stage.server.heal()
    watched.restart("patient")


def failing_looks(watched: Rig) -> Iterator[Report]:
    """So many that the last comes after `blind_after`; each as late as the one before wanted it."""
    for count in range(1, LOOKS + 1):
        report = watched.look()
        yield report
        watched.clock.time += max(report.next_in, BLIND_AFTER) if count == LOOKS - 1 else report.next_in


@pytest.mark.parametrize(("way", "fault"), faults.ACCOUNT_FAULTS.items(), ids=faults.ACCOUNT_FAULTS)
def test_an_account_that_cannot_be_read(watched: Rig, way: str, fault: Fault) -> None:
    """Logged once, told in time, asked on as often as it should be; nothing else stands still, nothing is lost."""
    ours, others = watched.stage.server.jobs, watched.stage.other.jobs
    ours += [job("ft-b"), job("ft-a")]
    others.append(job("ft-other"))
    watched.look()
    ours[1] = job("ft-a", "succeeded")
    watched.notifier.troubles["chat"] = errors.Transient("busy")
    watched.look()
    assert (watched.told(), watched.told("chat")) == (["✅ ft-a has succeeded"], [])
    watched.lines(), watched.asked()
    watched.clock.move(minutes=1)

    break_down(watched, way)
    ours[0] = job("ft-b", "failed")
    told_at, heard, heard_in_chat = 0, [], []
    for count, report in enumerate(failing_looks(watched), start=1):
        assert fault.logged in (report.problem or "")
        assert rig.KEY not in (report.problem or "")
        assert report.next_in == timedelta(seconds=PAUSES.get(way, INTERVAL.total_seconds()))
        assert len(watched.asked()) == REQUESTS.get(way, 1), "each look asks, and asks once"
        watched.notifier.troubles.clear()
        if count == 2:
            others[0] = job("ft-other", "succeeded")
        heard += watched.told()
        heard_in_chat += watched.told("chat")
        told_at = told_at or (count if FAILING in heard else 0)
    assert told_at == TOLD_AT[fault.told]
    assert sorted(heard) == sorted([FAILING, "✅ ft-other has succeeded"]), "the other account goes on"
    assert sorted(heard_in_chat) == sorted([*heard, "✅ ft-a has succeeded"]), "deliveries go on"
    (line,) = watched.lines()
    assert line.startswith("main: ")
    assert fault.logged in line

    heal(watched)
    assert watched.look().problem is None
    assert watched.told() == ["❌ ft-b has failed", BACK]
    assert (watched.lines(), watched.unsent()) == ([], 0)
    break_down(watched, way)
    watched.look()
    assert len(watched.lines()) == 1, "after a good look it is news again"


@pytest.mark.parametrize("way", [way for way in faults.ACCOUNT_FAULTS if way not in UNSEEN])
def test_what_may_pass_is_tried_again_within_the_look(watched: Rig, way: str) -> None:
    """One retry here instead of two, because the pauses before them are real."""
    fault = faults.ACCOUNT_FAULTS[way]
    provider = rig.provider_of(watched.stage.server.url, seconds=0.1 if "silence" in way else 10, retries=1)
    watched.restart(provider)
    watched.stage.server.break_down(faulty.WAYS[way])
    if way not in ("rate, 7 s", "rate, 100 s"):  # nobody waits for that here; the SDK's own tests do
        watched.watcher.poll(watched.clock.now())
        tried = len(watched.asked())
        assert (tried > 1) == (fault.again == faults.WITHIN)
    provider.close()


def test_a_blip_is_over_before_anybody_hears_of_it(watched: Rig) -> None:
    answers = iter([503, 408])

    def blip(handler: faulty.Handler) -> None:
        status = next(answers, None)
        if status is None:
            watched.stage.server.heal()
            handler.reply(*watched.stage.server.answer(faulty.JOBS, {"limit": ["100"]}))
        else:
            handler.reply(status, faulty.error("Hiccup"), Retry_After_Ms="1")

    provider = rig.provider_of(watched.stage.server.url, retries=2)
    watched.restart(provider)
    watched.stage.server.jobs.append(job("ft-a"))
    watched.stage.server.break_down(blip, faulty.JOBS)
    assert watched.watcher.poll(watched.clock.now()).problem is None
    assert (watched.asked().count(""), watched.lines(), watched.states()) == (3, [], {"ft-a": "running"})
    provider.close()


def test_faults_that_take_turns_are_logged_once_each(watched: Rig) -> None:
    watched.look()
    for way in ("broken", "page", "rate") * 5:
        watched.stage.server.break_down(faulty.WAYS[way])
        watched.look()
        watched.clock.time += INTERVAL
    assert [line.split("127.0.0.1")[0] for line in watched.lines()] == ["main: "] * 3


def test_a_fault_that_outlives_the_process_is_not_logged_again(watched: Rig) -> None:
    watched.look()
    watched.stage.server.break_down(faulty.WAYS["overloaded"])
    for _ in range(5):
        watched.look()
        watched.restart("patient")
        watched.clock.time += INTERVAL
    assert len(watched.lines()) == 1


def test_a_server_that_words_each_answer_anew_does_not_fill_the_log(watched: Rig) -> None:
    watched.look()
    for count in range(30):
        word = "".join(chr(ord("a") + int(digit)) for digit in str(count))
        watched.stage.server.break_down(faulty.says(500, f"No {word} today"))
        watched.look()
    assert len(watched.lines()) == 20


@pytest.mark.parametrize("way", ["broken", "reset halfway", "page", "rate, 100 s", "bad key"])
def test_a_fault_on_the_second_page_keeps_what_was_read_and_hides_nothing(watched: Rig, way: str) -> None:
    """The watermark stays: what stood behind is read when the fault is over."""
    watched.restart("patient", course_budget=timedelta(0))
    watched.look()
    watched.clock.move(hours=1)
    new = [job(f"ft-{count:03}", minutes=60 - count / 100) for count in range(150)]
    for place in (7, 70, 107):
        new[place]["status"] = "succeeded"
    watched.stage.server.jobs = new
    asked: list[str] = []

    def second(handler: faulty.Handler) -> None:
        asked.append(handler.path)
        if "after=" in handler.path:
            faulty.WAYS[way](handler)
        else:
            handler.reply(*watched.stage.server.answer(faulty.JOBS, {"limit": ["100"]}))

    watched.stage.server.break_down(second, faulty.JOBS)
    report = watched.look()
    assert report.problem
    assert (len(asked), len(watched.states()), len(watched.told())) == (2, 100, 2)
    watched.stage.server.heal()
    watched.clock.move(hours=2)
    assert watched.look().problem is None
    assert len(watched.states()) == 150
    assert [title for title in watched.told() if "has succeeded" in title] == ["✅ ft-107 has succeeded"]


def test_a_refusal_after_other_trouble_is_not_yet_the_second(watched: Rig) -> None:
    """Gateways in trouble answer 502 and 401 by turns: that is no wrong key."""
    watched.look()
    for way in ("gateway", "bad key", "gateway", "bad key", "gateway"):
        watched.stage.server.break_down(faulty.WAYS[way])
        watched.clock.time += INTERVAL
        watched.look()
    assert watched.told() == []
    for way in ("bad key", "forbidden"):
        watched.stage.server.break_down(faulty.WAYS[way])
        watched.clock.time += INTERVAL
        watched.look()
    assert watched.told() == [FAILING]


def test_who_looks_with_a_new_process_each_time_hears_of_a_refusal_at_the_second_as_well(watched: Rig) -> None:
    watched.look()
    watched.stage.server.break_down(faulty.WAYS["bad key"])
    heard = []
    for _ in range(3):
        watched.restart("patient")
        watched.clock.time += INTERVAL
        watched.look()
        heard.append(watched.told())
    assert heard == [[], [FAILING], []]


def test_a_pause_begins_when_it_is_asked_for(watched: Rig) -> None:
    """A look may last minutes, because the SDK waits as well; from its start to the next are both together."""
    watched.look()

    def slow(handler: faulty.Handler) -> None:
        watched.clock.move(seconds=200)
        faulty.WAYS["rate, 100 s"](handler)

    watched.stage.server.break_down(slow)
    assert watched.watcher.poll(watched.clock.now()).next_in == timedelta(seconds=300)


def test_a_first_sight_that_fails_is_told_like_any_other(watched: Rig) -> None:
    watched.stage.server.jobs.append(job("ft-a", "succeeded"))
    watched.stage.server.break_down(faulty.WAYS["overloaded"])
    for _ in failing_looks(watched):
        pass
    heal(watched)
    watched.look()
    assert watched.told() == [FAILING, BACK]
    assert watched.states() == {"ft-a": "succeeded"}
