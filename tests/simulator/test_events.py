"""Events, checkpoints and the numbers in them."""

from itertools import pairwise

import pytest

from service.simulator import Simulator

from .doubles import DURATIONS, Clock, Http


def test_the_course_of_a_job_is_told_in_order(simulator: Simulator, http: Http, clock: Clock) -> None:
    """From creation to completion, in the words and the order of live jobs."""
    id = simulator.create(durations=DURATIONS)
    clock.advance(800)
    job, events = http.job(id), http.events(id)[::-1]
    said = [event["message"] for event in events]
    assert said[:4] == [
        f"Created fine-tuning job: {id}",
        f"Validating training file: {job['training_file']}, {job['validation_file']}",
        "Files validated, moving job to queued state",
        "Fine-tuning job started",
    ]
    assert said[4].startswith("Step 1/")
    assert "full validation loss=" in said[-3]
    assert said[-2:] == [
        f"New fine-tuned model created: {job['fine_tuned_model']}",
        "The job has successfully completed",
    ]
    assert all(a["created_at"] <= b["created_at"] for a, b in pairwise(events))


def test_an_event_once_shown_never_changes(simulator: Simulator, http: Http, clock: Clock) -> None:
    """Later events are only added before the earlier ones; ids are unique."""
    id = simulator.create(ending="resumed", durations=DURATIONS)
    before = http.events(id)
    for _ in range(40):
        clock.advance(47)
        now = http.events(id)
        assert now[len(now) - len(before) :] == before
        before = now
    assert len({event["id"] for event in before}) == len(before)


def test_every_training_reports_its_last_step(simulator: Simulator, http: Http, clock: Clock) -> None:
    """Whatever the fractions of a second, the last step of a succeeded job is never missing."""
    lengths = [(n / 3, n / 9, 77.7 + n) for n in range(30)]
    ids = [simulator.create(created_at=clock.now + n / 7, durations=lengths[n]) for n in range(30)]
    clock.advance(1000)
    for id in ids:
        last = next(event["data"] for event in http.events(id) if event["type"] == "metrics")
        assert last["step"] == last["total_steps"]


def test_losses_fall(simulator: Simulator, http: Http, clock: Clock) -> None:
    """A curve looks like one: it ends well below its beginning, is not smooth, and validation has gaps."""
    id = simulator.create(durations=DURATIONS)
    clock.advance(800)
    metrics = [event["data"] for event in http.events(id)[::-1] if event["type"] == "metrics"]
    train = [data["train_loss"] for data in metrics]
    assert train[-1] < 0.7 * train[0]
    assert any(later > earlier for earlier, later in pairwise(train))
    assert 1 < sum("valid_loss" in data for data in metrics) < len(metrics)


def test_some_trainings_overfit(simulator: Simulator, http: Http) -> None:
    """Of many jobs a few end with a validation loss above their best by far."""
    ids = [simulator.create(durations=(0, 0, 0)) for _ in range(20)]
    overfitted = 0
    for id in ids:
        losses = [e["data"]["valid_loss"] for e in http.events(id) if "valid_loss" in e["data"]]
        overfitted += losses[0] > 1.3 * min(losses)
    assert 0 < overfitted < len(ids)


def test_reinforcement_jobs_report_rewards(simulator: Simulator, http: Http, clock: Clock) -> None:
    """They have rewards and nested details in place of losses."""
    id = simulator.create(method="reinforcement", durations=DURATIONS)
    clock.advance(800)
    last = next(event for event in http.events(id) if event["type"] == "metrics")
    assert " , train mean reward=" in last["message"]
    assert {"train_mean_reward", "usage", "errors", "scores", "timing"} <= last["data"].keys()


def test_events_come_in_pages(simulator: Simulator, http: Http, clock: Clock) -> None:
    """Twenty by default, newest first; the cursor leads on; has_more tells the end."""
    id = simulator.create(durations=DURATIONS)
    clock.advance(800)
    path, everything = f"/fine_tuning/jobs/{id}/events", http.events(id)
    first = http.get(path).json
    second = http.get(path, after=first["data"][-1]["id"], limit=5).json
    last = http.get(path, after=everything[-2]["id"]).json
    assert first["data"] == everything[:20]
    assert second["data"] == everything[20:25]
    assert (last["data"], last["has_more"]) == (everything[-1:], False)
    assert (first["has_more"], second["has_more"]) == (True, True)


@pytest.mark.parametrize("sublist", ["events", "checkpoints"])
def test_an_unknown_job_or_cursor_is_not_found(simulator: Simulator, http: Http, sublist: str) -> None:
    """404 in OpenAI's shape for both."""
    id = simulator.create()
    assert http.get(f"/fine_tuning/jobs/ftjob-none/{sublist}").error["code"] == "fine_tune_not_found"
    assert http.get(f"/fine_tuning/jobs/{id}/{sublist}", after="none").status == 404


def test_only_the_last_three_checkpoints_are_kept(http: Http, clock: Clock) -> None:
    """One an epoch, made while training; of many epochs the newest three are shown, newest first."""
    body = {"model": "gpt-4.1-mini-2025-04-14", "training_file": "file-1", "hyperparameters": {"n_epochs": 5}}
    id = http.post("/fine_tuning/jobs", body).json["id"]
    path = f"/fine_tuning/jobs/{id}/checkpoints"
    before = http.get(path).json
    clock.advance(20_000)
    page = http.get(path).json
    steps = [checkpoint["step_number"] for checkpoint in page["data"]]
    assert (before["data"], before["first_id"], before["last_id"]) == ([], None, None)
    assert [step * 5 / steps[0] for step in steps] == [5, 4, 3]
    assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
    assert page["data"][0]["fine_tuned_model_checkpoint"].endswith(f":ckpt-step-{steps[0]}")
