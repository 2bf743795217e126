"""What a job shows over time, and what cancel, pause and resume do to it."""

import pytest

from service.simulator import FAILURES, Simulator
from service.simulator.lives import Ending, Method

from .doubles import DURATIONS, NOON, Clock, Connect, Http


def seen(http: Http, clock: Clock, id: str, seconds: int, every: int = 10) -> list[str]:
    """The statuses met when looking every few seconds, each once."""
    statuses: list[str] = []
    for _ in range(0, seconds, every):
        status = http.job(id)["status"]
        if statuses[-1:] != [status]:
            statuses.append(status)
        clock.advance(every)
    return statuses


COURSE = ["validating_files", "queued", "running"]
PAUSE = ["pausing", "paused"]


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("succeeded", [*COURSE, "succeeded"]),
        ("failed", ["validating_files", "failed"]),
        ("cancelled", [*COURSE, "cancelled"]),
        ("paused", [*COURSE, *PAUSE]),
        ("resumed", [*COURSE, *PAUSE, "queued", "running", "succeeded"]),
        ("stuck", ["validating_files", "queued"]),
        ("endless", COURSE),
    ],
)
def test_each_ending_goes_through_its_statuses(
    simulator: Simulator, http: Http, clock: Clock, ending: Ending, expected: list[str]
) -> None:
    """The statuses follow the script, in its order, as time goes by."""
    reason = "invalid_training_file" if ending == "failed" else None
    id = simulator.create(ending=ending, reason=reason, durations=DURATIONS)
    assert seen(http, clock, id, 2000) == expected


def test_a_succeeded_job_shows_what_it_made(simulator: Simulator, http: Http, clock: Clock) -> None:
    """Model, tokens, result file and finish time appear with success, not before."""
    id = simulator.create(suffix="tone", durations=DURATIONS)
    clock.advance(779)
    running = http.job(id)
    clock.advance(1)
    done = http.job(id)
    made = ("fine_tuned_model", "finished_at", "trained_tokens")
    assert [running[name] for name in made] == [None, None, None]
    assert running["result_files"] == []
    assert done["fine_tuned_model"].startswith("ft:gpt-4.1-mini-2025-04-14:simulated:tone:")
    assert done["finished_at"] == NOON + 780
    assert done["trained_tokens"] > 0
    assert len(done["result_files"]) == 1


@pytest.mark.parametrize("reason", [name for name, failure in FAILURES.items() if failure.code])
def test_a_failed_job_says_why_not_when(simulator: Simulator, http: Http, clock: Clock, reason: str) -> None:
    """Live failed jobs carry code and message, and null as finish time."""
    id = simulator.create(ending="failed", reason=reason, durations=DURATIONS)
    clock.advance(60)
    job = http.job(id)
    assert job["status"] == "failed"
    assert job["finished_at"] is None
    assert job["error"]["code"] == reason
    assert job["error"]["message"] == http.events(id)[0]["message"]


def test_the_reason_of_a_safety_failure_stands_in_the_events_only(
    simulator: Simulator, http: Http, clock: Clock
) -> None:
    """After training the job's error is empty; an event tells."""
    id = simulator.create(ending="failed", reason="safety_evaluation", durations=DURATIONS)
    clock.advance(780)
    job = http.job(id)
    last, before = http.events(id)[:2]
    assert (job["status"], job["error"]) == ("failed", {"code": None, "message": None, "param": None})
    assert (last["level"], "safety" in last["message"]) == ("error", True)
    assert (before["type"], before["data"]["blocked"]) == ("moderation_checks", True)


def test_hyperparameters_turn_from_auto_to_numbers(simulator: Simulator, http: Http, clock: Clock) -> None:
    """`auto` until training starts, numbers from then on."""
    id = simulator.create(durations=DURATIONS)
    assert set(http.job(id)["hyperparameters"].values()) == {"auto"}
    clock.advance(180)
    assert all(value > 0 for value in http.job(id)["hyperparameters"].values())


@pytest.mark.parametrize(("method", "shown"), [("dpo", {"hyperparameters": None}), ("reinforcement", {})])
def test_other_methods_leave_the_outer_hyperparameters_out(
    simulator: Simulator, http: Http, method: Method, shown: dict[str, object]
) -> None:
    """They are null for DPO and absent for reinforcement; those of the method are there."""
    job = http.job(simulator.create(method=method))
    assert {key: value for key, value in job.items() if key == "hyperparameters"} == shown
    assert job["method"][method]["hyperparameters"]["n_epochs"] == "auto"


def test_speed_shortens_lives_but_not_the_clock(clock: Clock, connect: Connect) -> None:
    """At speed 60 a training of ten minutes takes ten seconds, and its timestamps are those of the clock."""
    with Simulator(clock=clock, speed=60) as simulator:
        http, id = connect(simulator), simulator.create(durations=DURATIONS)
        clock.advance(13)
        assert (http.job(id)["status"], http.job(id)["finished_at"]) == ("succeeded", NOON + 13)


def test_a_life_without_durations_ends_at_once(simulator: Simulator, http: Http) -> None:
    """Durations of zero give an ended job, with all its events, on the spot."""
    id = simulator.create(durations=(0, 0, 0))
    assert http.job(id)["status"] == "succeeded"
    assert http.events(id)[0]["message"] == "The job has successfully completed"
    assert any(event["type"] == "metrics" for event in http.events(id))


@pytest.mark.parametrize("elapsed", [0, 100, 300])
def test_cancel_ends_unfinished_jobs(simulator: Simulator, http: Http, clock: Clock, elapsed: float) -> None:
    """From any unfinished status the job is cancelled at once, and stays so."""
    id = simulator.create(durations=DURATIONS)
    clock.advance(elapsed)
    assert http.post(f"/fine_tuning/jobs/{id}/cancel").json["status"] == "cancelled"
    clock.advance(5000)
    assert http.job(id)["status"] == "cancelled"


def test_a_paused_job_goes_on_where_it_stopped(simulator: Simulator, http: Http, clock: Clock) -> None:
    """Resumed, it queues again and then trains only what was left."""
    id = simulator.create(durations=DURATIONS)
    clock.advance(180 + 450)
    assert http.post(f"/fine_tuning/jobs/{id}/pause").json["status"] == "pausing"
    clock.advance(10_000)
    before = http.events(id)
    assert http.job(id)["status"] == "paused"
    assert http.post(f"/fine_tuning/jobs/{id}/resume").json["status"] == "queued"
    clock.advance(60 + 149)
    assert http.job(id)["status"] == "running"
    clock.advance(1)
    assert http.job(id)["status"] == "succeeded"
    events = http.events(id)
    steps = [event["data"]["step"] for event in events if event["type"] == "metrics"]
    assert events[-len(before) :] == before
    assert steps == sorted(set(steps), reverse=True)


@pytest.mark.parametrize(
    ("ending", "elapsed", "action"),
    [
        ("succeeded", 5000, "cancel"),
        ("succeeded", 5000, "pause"),
        ("succeeded", 0, "pause"),
        ("succeeded", 300, "resume"),
        ("paused", 790, "resume"),
    ],
)
def test_a_status_may_forbid_an_action(
    simulator: Simulator, http: Http, clock: Clock, ending: Ending, elapsed: float, action: str
) -> None:
    """Then the answer is 400 and the job stays as it is."""
    id = simulator.create(ending=ending, durations=DURATIONS)
    clock.advance(elapsed)
    before = http.job(id)
    answer = http.post(f"/fine_tuning/jobs/{id}/{action}")
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert http.job(id) == before


def test_a_reason_that_cannot_be_is_refused_at_once(simulator: Simulator) -> None:
    """A misspelt reason, or one for a job that does not fail, is a mistake of the caller."""
    with pytest.raises(ValueError, match="bad_luck"):
        simulator.create(ending="failed", reason="bad_luck")
    with pytest.raises(ValueError, match="exceeded_quota"):
        simulator.create(reason="exceeded_quota")


def test_odd_hyperparameters_do_no_harm(http: Http, clock: Clock) -> None:
    """Unknown names and impossible numbers are shown as they were given, and the training goes on."""
    odd = {"n_epochs": 0.5, "batch_size": -1, "mystery": "auto"}
    body = {"model": "m", "training_file": "f", "hyperparameters": odd}
    id = http.post("/fine_tuning/jobs", body).json["id"]
    clock.advance(20_000)
    shown = http.job(id)
    assert shown["status"] == "succeeded"
    assert {name: shown["hyperparameters"][name] for name in odd} == odd
    assert http.events(id)[0]["message"] == "The job has successfully completed"
