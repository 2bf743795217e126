"""Every fault of single jobs and of their details: the others go on, and whoever waits for a lost one hears of it."""

from datetime import timedelta

import pytest

from service.providers.openai_api import OpenAIProvider
from tests.faults import faulty
from tests.faults import provider_faults as faults
from tests.faults.rig import INTERVAL, Rig, job, looks

LOST = "⚠ tunewatch lost sight of {}"


def hide(watched: Rig, *payloads: dict[str, object]) -> None:
    """These running jobs were met once and are listed no more."""
    watched.stage.server.jobs = [*payloads, job("ft-listed")]
    watched.look()
    watched.stage.server.jobs = [job("ft-listed")]
    watched.asked()


def body(watched: Rig) -> str:
    return next(message.body for _, message in watched.notifier.sent if "lost sight" in message.title)


def single(name: str) -> str:
    return f"{faulty.JOBS}/{name}"


def test_a_job_that_is_gone_is_told_of_and_no_longer_asked_for(watched: Rig) -> None:
    hide(watched, job("ft-gone", "queued"))
    assert looks(watched, 1) == [], "once may be a slip"
    watched.clock.time += INTERVAL
    watched.look()
    assert "404" in body(watched)
    assert "ft-gone, queued" in body(watched)
    assert watched.told() == [LOST.format("ft-gone")]
    watched.asked()
    assert looks(watched, 5) == []
    assert watched.asked() == [""] * 5
    line = watched.logged(faults.GONE)
    assert "ft-gone" in line
    assert watched.reading.job("ft-gone")["gone_at"]

    watched.stage.server.jobs.append(job("ft-gone", "succeeded"))
    assert looks(watched, 1) == ["✅ ft-gone has succeeded"], "unless it is listed again"


def test_jobs_that_go_together_are_one_notice_and_one_line(watched: Rig) -> None:
    hide(watched, *(job(f"ft-{count:02}") for count in range(30)))
    looks(watched, 1)
    watched.clock.time += INTERVAL
    watched.look()
    text = body(watched)
    assert "same project" in text
    assert "And: 20 more" in text
    assert text.count("Last known") == 10
    assert watched.told() == [LOST.format("30 jobs")]
    assert watched.logged(faults.GONE)
    assert watched.record.unfinished("main").keys() == {"ft-listed"}


def test_not_found_twice_but_not_in_a_row_is_not_gone(watched: Rig) -> None:
    hide(watched, job("ft-a", minutes=-1))
    looks(watched, 1)
    watched.stage.server.jobs.append(job("ft-a", minutes=-1))
    looks(watched, 1)
    watched.stage.server.jobs.pop()
    assert looks(watched, 1) == []
    assert watched.reading.job("ft-a")["gone_at"] is None


@pytest.mark.parametrize("way", ["broken", "bad request", "page", "reset", "reset halfway", "damaged gzip", "empty"])
def test_a_job_that_cannot_be_read_is_told_of_after_a_while(watched: Rig, way: str) -> None:
    """The others go on, and the pass counts as good: the account can be seen."""
    hide(watched, job("ft-bad"), job("ft-good"))
    watched.stage.server.jobs.append(job("ft-good"))
    watched.stage.server.break_down(faulty.WAYS[way], single("ft-bad"))
    watched.restart("patient", blind_after=4 * INTERVAL)
    assert looks(watched, 4) == []
    watched.stage.server.jobs[-1] = job("ft-good", "succeeded")
    assert sorted(looks(watched, 3)) == ["⚠ tunewatch lost sight of ft-bad", "✅ ft-good has succeeded"]
    assert watched.logged(faults.UNREAD)
    assert watched.asked().count("/ft-bad") == 7, "it is asked for at every look"

    watched.stage.server.heal()
    watched.stage.server.jobs.append(job("ft-bad", "failed"))
    assert looks(watched, 1) == ["❌ ft-bad has failed"]


def test_an_answer_for_another_job_is_not_taken_for_this_one(watched: Rig) -> None:
    hide(watched, job("ft-a"))
    watched.stage.server.break_down(faulty.answers(200, job("ft-b", "succeeded")), single("ft-a"))
    watched.restart("patient", blind_after=4 * INTERVAL)
    assert looks(watched, 5) == [LOST.format("ft-a")]
    assert watched.states() == {"ft-a": "running", "ft-listed": "running"}
    assert watched.logged(faults.UNREAD)


def test_single_jobs_that_all_fail_do_not_hold_up_the_look(watched: Rig) -> None:
    """Each may take a minute. All have their turn nevertheless, and all are one notice."""
    hide(watched, *(job(f"ft-{count}") for count in range(6)))
    watched.stage.server.break_down(faulty.WAYS["broken"], single("[^/]*"))
    watched.restart("patient", blind_after=6 * INTERVAL, course_budget=timedelta(0))
    looks(watched, 1)
    assert len(watched.asked()) == 1 + 3
    assert looks(watched, 5) == []
    assert len(set(watched.asked())) == 1 + 6
    assert looks(watched, 5) == [LOST.format("6 jobs")]
    assert watched.logged(faults.UNREAD)


@pytest.mark.parametrize("way", ["bad key", "forbidden"])
def test_a_refusal_for_a_single_job_is_one_of_the_account(watched: Rig, way: str) -> None:
    """What was listed before it has been recorded."""
    hide(watched, job("ft-a"))
    watched.stage.server.jobs[0] = job("ft-listed", "succeeded")
    watched.stage.server.break_down(faulty.WAYS[way], single("ft-a"))
    for _ in range(3):
        watched.clock.time += INTERVAL
        assert watched.look().problem
    assert watched.told() == ["✅ ft-listed has succeeded", "⚠ tunewatch is blind: account main"]
    assert watched.logged(faults.REFUSED_ONE)


def test_a_pause_asked_for_at_a_single_job_is_one_of_the_account(watched: Rig) -> None:
    hide(watched, job("ft-a"))
    watched.stage.server.break_down(faulty.WAYS["rate, 100 s"], single("ft-a"))
    assert watched.look().next_in == timedelta(seconds=100)
    assert watched.logged(faults.SLOW_DOWN_ONE)


SOME_WAYS = ("broken", "page", "bad key", "no such path", "rate, 1 h", "reset halfway")
DETAILS = [("events", way) for way in faulty.WAYS] + [
    (what, way) for what in ("checkpoints", "content") for way in SOME_WAYS
]


@pytest.mark.parametrize(("what", "way"), DETAILS)
def test_details_that_cannot_be_read_hold_nothing_back(watched: Rig, what: str, way: str) -> None:
    server = watched.stage.server
    server.jobs = [job("ft-a")]
    looks(watched, 1)
    if "silence" in way:
        watched.restart("brief")
    path = "/v1/files/file-r/content" if what == "content" else f"{single('ft-a')}/{what}"
    server.break_down(faulty.WAYS[way], path)
    server.jobs[0] = job("ft-a", "succeeded", result_files=["file-r"])
    assert looks(watched, 1) == ["✅ ft-a has succeeded"]
    watched.asked()
    assert looks(watched, 2) == []
    assert watched.logged_nothing(faults.COURSE)
    assert watched.asked() == [""] * 2, "no sooner than after ten intervals"


def test_details_are_read_when_the_fault_is_over(watched: Rig) -> None:
    server = watched.stage.server
    server.jobs = [job("ft-a", "succeeded")]
    server.course["events"] = {"data": [{"id": "e1", "created_at": 1, "message": "Step 1", "data": {}}]}
    watched.look()
    server.jobs.insert(0, job("ft-b", "succeeded"))
    server.break_down(faulty.WAYS["broken"], ".*/events")
    looks(watched, 1)
    server.heal()
    looks(watched, 11)
    assert [row["event_id"] for row in watched.reading.events(job=watched.reading.job("ft-b"), limit=9)] == ["e1"]


def test_the_providers_of_these_tests_do_not_try_again(watched: Rig) -> None:
    """Otherwise each of the counts above would be three times as much."""
    assert isinstance(watched.stage.ways["patient"], OpenAIProvider)
    watched.stage.server.break_down(faulty.WAYS["broken"])
    watched.look()
    assert watched.asked() == [""]
