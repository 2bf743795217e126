"""A job on its way: created, started, resumed, with a checkpoint. Told, and looked up, only where somebody asks."""

from datetime import timedelta
from typing import Any

from service.model import Kind
from tests.conftest import KEY, Bench
from tests.watcher.told import asked_for, kinds, look, notices_kept, told

STEPS = (Kind.CREATED, Kind.STARTED, Kind.RESUMED, Kind.PAUSED, Kind.SUCCEEDED)


def _checkpoint_requests(bench: Bench) -> int:
    return sum(path.endswith("/checkpoints") for path in bench.requests())


def test_each_step_of_a_job_is_told_once(bench: Bench) -> None:
    asked_for(bench, *STEPS)
    look(bench)
    job = bench.simulator.create(durations=(60, 60, 600))
    look(bench, seconds=30)
    look(bench, seconds=120)
    look(bench, seconds=30)
    look(bench, minutes=20)
    assert kinds(bench) == ["created", "started", "succeeded"]
    assert {notice.job_id for notice in told(bench)} == {job}


def test_of_a_job_first_met_when_it_runs_the_start_is_told_only(bench: Bench) -> None:
    asked_for(bench, *STEPS)
    look(bench)
    bench.simulator.add_raw(KEY, bench.payload("ft-1"))
    look(bench, seconds=30)
    assert kinds(bench) == ["started"]


def test_a_pause_and_what_follows_are_told_and_no_second_start(bench: Bench) -> None:
    """At OpenAI a job that goes on waits in the queue once more."""
    asked_for(bench, *STEPS)
    look(bench)
    bench.simulator.add_raw(KEY, bench.payload("ft-1"))
    for status in ("running", "pausing", "paused", "queued", "running", "paused", "running"):
        bench.simulator.set_raw(KEY, "ft-1", status=status)
        look(bench, seconds=30)
    assert kinds(bench) == ["started", "paused", "resumed", "paused", "resumed"]


def test_a_word_nobody_knows_in_between_is_no_second_start(bench: Bench) -> None:
    asked_for(bench, *STEPS)
    look(bench)
    bench.simulator.add_raw(KEY, bench.payload("ft-1"))
    for status in ("running", "evaluating", "running", "canceling"):
        bench.simulator.set_raw(KEY, "ft-1", status=status)
        look(bench, seconds=30)
    assert kinds(bench) == ["started"]


def test_nothing_is_told_of_jobs_on_their_way_at_the_first_sight(bench: Bench) -> None:
    asked_for(bench, *STEPS)
    bench.simulator.add_raw(KEY, bench.payload("ft-1"))
    bench.simulator.add_raw(KEY, bench.payload("ft-2", status="queued"))
    look(bench)
    assert kinds(bench) == []


def test_an_age_for_the_first_run_concerns_ends_only(bench: Bench) -> None:
    asked_for(bench, *STEPS, first_run=timedelta(hours=24))
    bench.simulator.add_raw(KEY, bench.payload("ft-1"))
    bench.simulator.create(durations=(0, 0, 0))
    look(bench)
    assert kinds(bench) == ["succeeded"]


def test_an_old_job_that_the_first_listing_lacked_was_not_created_now(bench: Bench) -> None:
    asked_for(bench, *STEPS)
    look(bench)
    long_ago = int(bench.clock.now().timestamp()) - 7 * 86400
    bench.simulator.add_raw(KEY, bench.payload("ft-1", status="queued", created_at=long_ago))
    bench.clock.move(minutes=5)
    assert bench.watcher.poll(bench.clock.now(), full=True).changes == 1
    assert kinds(bench) == []


def test_steps_nobody_asks_for_leave_no_notice(bench: Bench) -> None:
    asked_for(bench, Kind.SUCCEEDED)
    look(bench)
    bench.simulator.add_raw(KEY, bench.payload("ft-1", status="queued"))
    look(bench, seconds=30)
    bench.simulator.set_raw(KEY, "ft-1", status="running")
    look(bench, seconds=30)
    assert notices_kept(bench) == 0


def _train(bench: Bench, *asked: Kind) -> str:
    """A job of an hour, watched until its end."""
    asked_for(bench, *asked)
    look(bench)
    job = bench.simulator.create(durations=(0, 0, 3600))
    for _ in range(150):
        look(bench, seconds=30)
    return job


def test_each_checkpoint_of_a_running_job_is_told_once(bench: Bench) -> None:
    job = _train(bench, Kind.CHECKPOINT)
    made = [notice.facts["checkpoint"] for notice in told(bench)]
    kept = bench.reading.checkpoints(bench.reading.job(job))
    assert made
    assert [each["step"] for each in made] == sorted({each["step"] for each in made})
    assert {each["id"] for each in made} <= {each["checkpoint_id"] for each in kept}
    assert all(each["model"] and each["train_loss"] is not None for each in made)
    assert told(bench)[0].facts["status"] == "running"


def test_checkpoints_are_asked_for_with_the_course_and_only_when_somebody_wants_them(bench: Bench) -> None:
    """One request per reading of a course more, that is one every ten intervals."""
    _train(bench, Kind.CHECKPOINT)
    assert _checkpoint_requests(bench) == 11 + 1
    assert notices_kept(bench) > 0


def test_without_a_channel_for_them_checkpoints_are_read_at_the_end_only(bench: Bench) -> None:
    _train(bench, Kind.STARTED)
    assert _checkpoint_requests(bench) == 1
    assert kinds(bench) == ["started"]


def test_checkpoints_that_come_to_light_with_the_end_are_no_news(bench: Bench) -> None:
    asked_for(bench, Kind.CHECKPOINT, Kind.SUCCEEDED)
    look(bench)
    job = bench.simulator.create(durations=(0, 0, 0))
    look(bench, minutes=5)
    assert bench.reading.checkpoints(bench.reading.job(job))
    assert kinds(bench) == ["succeeded"]


def test_checkpoints_made_before_the_first_sight_are_no_news(bench: Bench) -> None:
    hours_ago = bench.clock.now() - timedelta(hours=3)
    asked_for(bench, Kind.CHECKPOINT)
    job = bench.simulator.create(created_at=hours_ago.timestamp(), durations=(0, 0, 4 * 3600))
    look(bench)
    look(bench, minutes=5)
    before = {each["checkpoint_id"] for each in bench.reading.checkpoints(bench.reading.job(job))}
    assert before
    assert kinds(bench) == []


def test_a_provider_without_checkpoints_is_no_trouble(bench: Bench) -> None:
    asked_for(bench, Kind.CHECKPOINT)
    look(bench)
    payload: dict[str, Any] = bench.payload("ft-1")
    bench.simulator.add_raw(KEY, payload)
    look(bench, seconds=30)
    look(bench, minutes=5)
    assert kinds(bench) == []
