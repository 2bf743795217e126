"""Every field of a payload in every wrong form, over real HTTP into a real database: nothing is lost or held up."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.composer.saying import said
from tests.conftest import START
from tests.faults import faulty
from tests.faults import provider_faults as faults
from tests.faults.rig import Rig, job

STAMP = int(START.timestamp())
# All that provider-facts.md has seen in a job, and something nobody has seen.
FULL: dict[str, Any] = {
    "object": "fine_tuning.job", "created_at": STAMP, "finished_at": STAMP + 60, "estimated_finish": STAMP + 50,
    "model": "gpt-4o-mini", "fine_tuned_model": "ft:gpt-4o-mini:org:rain:9x", "organization_id": "org-1",
    "training_file": "file-t", "validation_file": "file-v", "result_files": ["file-r"], "seed": 7,
    "trained_tokens": 5310, "error": {"code": "odd", "message": "Odd.", "param": "training_file"},
    "hyperparameters": {"n_epochs": "auto", "batch_size": -1}, "metadata": {"team": "sky"},
    "method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.1}}}, "integrations": [],
    "user_provided_suffix": "rain", "suffix": "rain", "usage_metrics": {}, "shared_with_openai": False,
    "eval_id": "eval-1", "updated_at": STAMP, "trainingType": 1, "trained_steps": 3, "total_steps": 9,
    "never_heard_of": {"deep": [{"er": 1}]},
}  # fmt: skip
EVENT: dict[str, Any] = {
    "object": "fine_tuning.job.event", "created_at": STAMP, "level": "info", "type": "metrics", "message": "Step 1/9",
    "data": {"step": 1, "train_loss": 0.5, "scores": {"train_mean_reward": 0.5}},
}  # fmt: skip
CHECKPOINT: dict[str, Any] = {
    "object": "fine_tuning.job.checkpoint", "created_at": STAMP, "step_number": 1, "fine_tuning_job_id": "ft-a",
    "fine_tuned_model_checkpoint": "ft:ckpt", "metrics": {"train_loss": 0.5, "full_valid_loss": 0.5},
}  # fmt: skip
MISSING = object()
WRONG: dict[str, Any] = {
    "missing": MISSING, "null": None, "zero": 0, "number": 7, "negative": -1, "fraction": 1.5, "word": "word",
    "no text": "", "number as text": "7", "list": ["x"], "list of null": [None], "no list": [], "object": {"x": 1},
    "no object": {}, "nameless": {"": 1}, "yes": True, "no": False, "huge": 10**300, "larger": -(10**18) - 1,
    "a very long text": "ä" * 100_000, "control signs": "a\x00b\r\n\x1b[2J\u202e", "half a sign": "a\ud83d",
    "deep": json.loads("[" * 200 + "]" * 200), "time without end": "9999-12-31T23:59:59.999999+23:59",
}  # fmt: skip
# What no encoder writes and some servers send nevertheless.
BARE = {"not a number": "NaN", "infinity": "-Infinity", "ten thousand digits": "9" * 10_000, "1e999": "1e999"}


def places(payload: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Every field, and every field of an object in it."""
    for key, value in payload.items():
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, *below) for below in places(value))


def changed(payload: dict[str, Any], place: tuple[str, ...], value: Any) -> dict[str, Any]:
    key, *below = place
    if below:
        return {**payload, key: changed(payload[key], tuple(below), value)}
    rest = {name: each for name, each in payload.items() if name != key}
    return rest if value is MISSING else {**rest, key: value}


def encoded(payloads: list[Any]) -> bytes:
    """As a listing; a text such as `bare:NaN` stands there without its quotes."""
    text = json.dumps({"object": "list", "data": payloads, "has_more": False})
    for word in BARE.values():
        text = text.replace(f'"bare:{word}"', word)
    return text.encode()


def in_all_forms(payload: dict[str, Any], *fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """The payload with each of these fields in each of the wrong forms; its id tells which."""
    forms = {**WRONG, **{name: f"bare:{word}" for name, word in BARE.items()}}
    return [
        {**changed(payload, place, value), "id": f"{'.'.join(place)}, {name}"}
        for place in fields
        for name, value in forms.items()
    ]


def show(watched: Rig, jobs: list[Any]) -> None:
    """A look at this listing, without deliveries: they would take most of the time."""
    watched.stage.server.break_down(faulty.answers(200, encoded(jobs)), faulty.JOBS)
    watched.clock.move(minutes=1)
    assert watched.watcher.poll(watched.clock.now()).problem is None


def waiting(watched: Rig) -> list[str]:
    """The titles of what will be sent."""
    due = watched.queue.due("mail", watched.clock.now(), 1000)
    return [said(each.notice).title for each in due]


@pytest.mark.parametrize("portion", range(4))
def test_a_field_in_any_form_keeps_no_job_from_being_told_of(watched: Rig, portion: int) -> None:
    """Its status is what counts; a job beside it goes on as always."""
    watched.restart("patient", course_budget=timedelta(0))
    running, ended = ({**FULL, "status": status} for status in ("running", "failed"))
    fields = list(places(FULL))[portion::4]
    odd = in_all_forms(running, *fields)
    show(watched, [job("ft-fine"), *odd])
    assert set(watched.states().values()) == {"running"}
    show(watched, [job("ft-fine", "succeeded"), *in_all_forms(ended, *fields)])
    assert watched.states() == {"ft-fine": "succeeded"} | {each["id"]: "failed" for each in odd}
    titles = waiting(watched)
    assert len(titles) == 1 + len(odd)
    assert "✅ ft-fine has succeeded" in titles
    assert watched.logged_nothing(faults.FIELDS)
    for row in watched.reading.jobs(limit=1000):
        json.dumps(row, allow_nan=False)
    with watched.engine.connect() as connection:
        for raw in connection.exec_driver_sql("SELECT raw FROM job").scalars():
            json.dumps(json.loads(raw), allow_nan=False)


def test_a_status_in_any_form_leaves_the_job_unfinished(watched: Rig) -> None:
    watched.restart("patient", course_budget=timedelta(0))
    odd = in_all_forms({**FULL, "status": "running"}, ("status",))
    for _ in range(3):
        show(watched, [job("ft-fine"), *odd])
    states = watched.states()
    assert {states[each["id"]] for each in odd} == {"unknown"}
    lines = watched.lines()
    assert all(faults.STATUS.logged in line for line in lines)
    assert max(map(len, lines)) < 200
    show(watched, [job("ft-fine", "succeeded"), *(job(each["id"], "succeeded") for each in odd)])
    assert len(waiting(watched)) == 1 + len(odd)


def test_an_id_in_any_form_keeps_no_other_job_away(watched: Rig) -> None:
    watched.restart("patient", course_budget=timedelta(0))
    forms = [{"id": value, "status": "running"} for value in WRONG.values() if value is not MISSING]
    for _ in range(3):
        show(watched, [job("ft-fine"), {"status": "running"}, *forms])
    assert len(watched.lines()) <= 2
    show(watched, [job("ft-fine", "succeeded"), {"status": "running"}, *forms])
    assert waiting(watched) == ["✅ ft-fine has succeeded"]


def test_what_says_that_there_is_more_may_have_any_form(watched: Rig) -> None:
    """Only a plain yes counts."""
    for count, value in enumerate([value for form, value in WRONG.items() if form != "yes"]):
        around = {"object": "list", "has_more": False, "data": [job(f"ft-{count}", "succeeded")]}
        watched.stage.server.break_down(faulty.answers(200, changed(around, ("has_more",), value)), faulty.JOBS)
        assert watched.watcher.poll(watched.clock.now()).problem is None
        assert len(watched.states()) == count + 1
    assert watched.logged_nothing(faults.FIELDS)


@pytest.mark.parametrize(("what", "payload"), [("events", EVENT), ("checkpoints", CHECKPOINT)])
def test_a_field_of_a_course_in_any_form_holds_nothing_back(watched: Rig, what: str, payload: dict[str, Any]) -> None:
    show(watched, [])
    odd = in_all_forms(payload, *places(payload))

    def answer(handler: faulty.Handler) -> None:
        listing = [job("ft-a", "succeeded")] if handler.path.startswith(f"{faulty.JOBS}?") else []
        handler.reply(200, encoded(odd if f"/{what}" in handler.path else listing))

    watched.stage.server.break_down(answer)
    watched.clock.move(minutes=1)
    watched.watcher.poll(watched.clock.now())
    assert waiting(watched) == ["✅ ft-a has succeeded"]
    found = watched.reading.job("ft-a")
    rows = watched.reading.events(job=found, limit=999) if what == "events" else watched.reading.checkpoints(found)
    assert {row[f"{what[:-1]}_id"] for row in rows} == {each["id"] for each in odd}
    assert watched.logged_nothing(faults.FIELDS)
