import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import clock, model
from service.providers import payloads
from service.rules import plain, reading

WHEN = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
STAMP = int(WHEN.timestamp())


def job(**payload: Any) -> model.Job:
    return payloads.job("main", plain.json_text({"id": "ftjob-1", **payload}))


FULL: dict[str, Any] = {
    "object": "fine_tuning.job",
    "id": "ftjob-Qx7",
    "status": "failed",
    "model": "gpt-4.1-nano-2025-04-14",
    "fine_tuned_model": "ft:gpt-4.1-nano-2025-04-14:skyline:rain:Cx9",
    "created_at": STAMP,
    "finished_at": STAMP + 60,
    "estimated_finish": STAMP + 50,
    "trained_tokens": 5310,
    "error": {"code": "invalid_n_examples", "message": "Only 3 examples.", "param": "training_file"},
    "organization_id": "org-sky",
    "training_file": "file-t",
    "validation_file": "file-v",
    "result_files": ["file-r1", "file-r2"],
    "seed": 77,
    "hyperparameters": {"n_epochs": 4},
    "metadata": {"team": "sky"},
    "method": {"type": "supervised"},
    "usage_metrics": {"unheard": "of"},
}


def test_a_complete_job_is_read_completely() -> None:
    raw = plain.json_text(FULL)
    assert payloads.job("main", raw) == model.Job(
        account="main", job_id="ftjob-Qx7", status="failed", state=model.State.FAILED, raw=raw,
        model="gpt-4.1-nano-2025-04-14", fine_tuned_model="ft:gpt-4.1-nano-2025-04-14:skyline:rain:Cx9", suffix="rain",
        method="supervised", created_at=WHEN, finished_at=WHEN.replace(minute=1),
        estimated_finish=WHEN.replace(second=50), trained_tokens=5310, error_code="invalid_n_examples",
        error_message="Only 3 examples.", error_param="training_file", organization_id="org-sky",
        training_file="file-t", validation_file="file-v", result_files=("file-r1", "file-r2"), seed=77,
        hyperparameters={"n_epochs": 4}, metadata={"team": "sky"},
    )  # fmt: skip


EMPTY = job()


@pytest.mark.parametrize("key", sorted(FULL.keys() - {"id", "object"}))
@pytest.mark.parametrize("value", [None, "", [], {}, True, [None], {"": 1}])
def test_a_field_that_is_null_or_of_another_kind_reads_as_missing(key: str, value: object) -> None:
    given = job(**{key: value})
    told = {"metadata", "hyperparameters"} if isinstance(value, dict) and value else set()
    if key not in told:
        assert given == model.Job(**{**_fields(EMPTY), "raw": given.raw})


def _fields(record: model.Job) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


def test_a_job_of_nothing_but_an_id_has_the_status_missing() -> None:
    assert (EMPTY.status, EMPTY.state) == ("missing", model.State.UNKNOWN)
    nothing = {name for name, value in _fields(EMPTY).items() if not value}
    assert nothing == set(_fields(EMPTY)) - {"account", "job_id", "status", "state", "raw"}


@pytest.mark.parametrize("status", ["Running", "notRunning", "compressing", "ünknown"])
def test_a_status_is_kept_as_it_came(status: str) -> None:
    assert (job(status=status).status, job(status=status).state) == (status, reading.state_of(status))


@pytest.mark.parametrize("error", [None, {}, {"code": None, "message": None, "param": None}, [], "word", 5])
def test_the_error_of_a_healthy_job_is_none(error: object) -> None:
    seen = job(status="succeeded", error=error)
    assert (seen.error_code, seen.error_message, seen.error_param) == (None, None, None)


DPO = {"method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.2}}}}
REINFORCEMENT = {"method": {"type": "reinforcement", "reinforcement": {"hyperparameters": {"reasoning_effort": "low"}}}}
OTHER = {"hyperparameters": {"n_epochs": 2}}


@pytest.mark.parametrize(
    ("payload", "hyperparameters"),
    [
        ({"hyperparameters": {"n_epochs": "auto", "batch_size": -1}}, {"n_epochs": "auto", "batch_size": -1}),
        ({"hyperparameters": None, **DPO}, {"beta": 0.2}),
        ({"hyperparameters": {"n_epochs": "auto"}, **DPO}, {"beta": 0.2}),
        (REINFORCEMENT, {"reasoning_effort": "low"}),
        # Those of another method, or of none, do not count.
        ({**OTHER, "method": {"type": "dpo", "supervised": {"hyperparameters": {"a": 1}}}}, {"n_epochs": 2}),
        ({**OTHER, "method": {"type": "dpo", "dpo": None}}, {"n_epochs": 2}),
        ({**OTHER, "method": {"type": "dpo", "dpo": {"hyperparameters": []}}}, {"n_epochs": 2}),
        ({**OTHER, "method": "dpo"}, {"n_epochs": 2}),
    ],
)
def test_hyperparameters_stand_in_several_places(payload: dict[str, Any], hyperparameters: dict[str, Any]) -> None:
    assert job(**payload).hyperparameters == hyperparameters


@pytest.mark.parametrize(
    ("payload", "suffix"),
    [
        ({"user_provided_suffix": "rain"}, "rain"),
        ({"suffix": "azure-rain"}, "azure-rain"),
        ({"user_provided_suffix": None, "suffix": ""}, None),
        ({"user_provided_suffix": "given", "fine_tuned_model": "ft:base:org:other:id"}, "given"),
        ({"fine_tuned_model": "ft:base:org:rain:id"}, "rain"),
        ({"fine_tuned_model": "ft:base:org::id"}, None),
        ({"fine_tuned_model": "ft:base:org"}, None),
        ({"fine_tuned_model": "xx:base:org:rain:id"}, None),
        ({"fine_tuned_model": "gpt-4o-mini-2024-07-18.ft-0c1d2e3f-rain"}, None),
    ],
)
def test_a_suffix_stands_in_several_places(payload: dict[str, Any], suffix: str | None) -> None:
    assert job(**payload).suffix == suffix


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (STAMP, WHEN),
        (STAMP + 0.9, WHEN),
        (STAMP * 1000 + 999, WHEN),
        ("2026-03-01T10:00:00Z", WHEN),
        ("2026-03-01T10:00:00.123456Z", WHEN),
        ("2026-03-01T12:00:00+02:00", WHEN),
        ("2026-03-01T10:00:00", WHEN),
        ("2026-03-01 10:00:00", WHEN),
        (0, None),
        (-1, None),
        ("", None),
        ("0", None),
        ("yesterday", None),
        ("0001-01-01T00:00:00+09:00", None),
        (1e300, None),
        (10**30, None),
        (True, None),
        ([STAMP], None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("key", ["created_at", "finished_at", "estimated_finish"])
def test_times_come_in_several_forms(key: str, value: object, read: datetime | None) -> None:
    assert getattr(job(**{key: value}), key) == read


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "0999-12-31"])
def test_a_time_can_be_written_down_and_read_again(value: str) -> None:
    """Year 1 is what .NET writes for "never"."""
    created_at = job(created_at=value).created_at
    assert created_at is None or clock.from_text(clock.to_text(created_at)) == created_at


@pytest.mark.parametrize("name", ["ftjob-Ab1", "ftjob_42", "ft-09af09af", "bGl0ZWxsbV9wcm94eTo7" * 12, "7", "ä/ ?"])
def test_ids_are_opaque(name: str) -> None:
    item = payloads.item({"id": name, "created_at": STAMP})
    assert item is not None
    assert (item.job_id, item.created_at) == (name, WHEN)
    assert payloads.job("main", item.raw).job_id == name


@pytest.mark.parametrize("payload", [None, [], "ftjob-1", 5, {}, {"id": None}, {"id": ""}, {"id": 7}, {"id": ["x"]}])
def test_what_has_no_usable_id_is_nothing(payload: object) -> None:
    assert (payloads.item(payload), payloads.event(payload), payloads.checkpoint(payload)) == (None, None, None)


def test_equal_objects_are_equal_texts_whatever_their_order() -> None:
    """A provider that shuffles its keys has not changed anything."""
    assert plain.json_text({"b": [1, {"d": "ä", "c": None}], "a": 1}) == '{"a":1,"b":[1,{"c":null,"d":"ä"}]}'


NAMES = st.sampled_from(["type", "dpo", "hyperparameters", "code", "message", "step", "train_loss"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats() | st.text(max_size=12)
    | st.sampled_from(["running", "auto", "2026-03-01T10:00:00Z", "ft:a:b:c:d", "dpo", "9" * 30]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


TEXTS = ("status", "model", "fine_tuned_model", "suffix", "method", "error_code", "error_message", "training_file")
WHOLE = ("seed", "trained_tokens")


@given(st.fixed_dictionaries({}, optional=dict.fromkeys([*FULL, "suffix", "user_provided_suffix"], JSON)))
def test_no_payload_of_a_job_breaks_the_reading(payload: dict[str, Any]) -> None:
    item = payloads.item({**payload, "id": "ftjob-1"})
    assert item is not None
    seen = payloads.job("main", item.raw)
    assert payloads.item(json.loads(item.raw)) == item
    stored = _fields(seen)
    assert all(isinstance(stored[name], str | None) for name in TEXTS)
    assert all(isinstance(stored[name], int | None) and abs(stored[name] or 0) < 2**63 for name in WHOLE)
    assert all(isinstance(name, str) for name in seen.result_files)


@given(JSON | st.fixed_dictionaries({"id": st.just("x")}, optional=dict.fromkeys(
    ["created_at", "level", "type", "message", "data", "metrics", "step_number", "fine_tuned_model_checkpoint"], JSON,
)))  # fmt: skip
def test_no_payload_of_an_event_or_checkpoint_breaks_the_reading(payload: Any) -> None:
    event = payloads.event(payload)
    assert event is None or isinstance(event.message, str)
    payloads.checkpoint(payload)
    payloads.metric(payload)


@pytest.mark.parametrize(
    ("payload", "data"),
    [({}, None), ({"data": None}, None), ({"data": {}}, None), ({"data": {"b": 1, "a": 2}}, '{"a":2,"b":1}')],
)
def test_an_event_is_read(payload: dict[str, Any], data: str | None) -> None:
    told = {"id": "ftevent-1", "created_at": STAMP, "level": "warn", "type": "moderation_checks", "message": "Looked"}
    assert payloads.event({**told, **payload}) == model.Event(
        event_id="ftevent-1", created_at=WHEN, level="warn", type="moderation_checks", message="Looked", data=data
    )


def metric(**data: Any) -> model.Metric | None:
    return payloads.metric({"id": "ftevent-1", "data": data})


def test_the_measures_of_a_supervised_job_are_read() -> None:
    assert metric(
        step=11, total_steps=90, train_loss=0.5, train_mean_token_accuracy=0.75, valid_loss=0.25,
        valid_mean_token_accuracy=0.5, full_valid_loss=0.125, full_valid_mean_token_accuracy=1,
    ) == model.Metric(
        step=11, train_loss=0.5, train_accuracy=0.75, valid_loss=0.25, valid_accuracy=0.5, full_valid_loss=0.125,
        full_valid_accuracy=1.0,
    )  # fmt: skip


def test_the_rewards_of_a_reinforcement_job_are_read() -> None:
    usage = {"usage": {"tokens": 3}, "errors": {}, "timing": {"step": 1.5}}
    assert metric(step=3, train_mean_reward=0.4, full_validation_mean_reward=0.6, **usage) == model.Metric(
        step=3, reward=0.4, valid_reward=0.6
    )
    assert metric(step=3, scores={"train_mean_reward": 0.3}, **usage) == model.Metric(step=3, reward=0.3)


@pytest.mark.parametrize(
    "data",
    [{}, {"step": 1}, {"train_loss": 0.1}, {"step": "1", "train_loss": 0.1}, {"step": 1, "train_loss": "0.1"},
     {"step": True, "train_loss": 0.1}, {"step": 1, "train_loss": float("nan")}, {"step": 1, "scores": []}],
)  # fmt: skip
def test_without_a_step_and_a_measure_there_is_no_metric(data: dict[str, Any]) -> None:
    assert metric(**data) is None


def test_a_loss_of_zero_is_a_measure() -> None:
    assert metric(step=0, train_loss=0) == model.Metric(step=0, train_loss=0.0)


def test_a_checkpoint_is_read() -> None:
    told = {
        "id": "ftckpt_1", "created_at": STAMP, "step_number": 88, "fine_tuned_model_checkpoint": "ft:a:b:c:d:ckpt-88",
        "metrics": {"train_loss": 0.5, "valid_loss": 0.75, "full_valid_loss": 0.0},
    }  # fmt: skip
    assert payloads.checkpoint(told) == model.Checkpoint(
        checkpoint_id="ftckpt_1", created_at=WHEN, step=88, model="ft:a:b:c:d:ckpt-88", train_loss=0.5, valid_loss=0.0,
        raw=plain.json_text(told),
    )  # fmt: skip
    assert payloads.checkpoint({"id": "ftchkpt-9", "metrics": None, "step_number": "88"}) == model.Checkpoint(
        checkpoint_id="ftchkpt-9", created_at=None, step=None, model=None,
        raw='{"id":"ftchkpt-9","metrics":null,"step_number":"88"}',
    )  # fmt: skip


@pytest.mark.parametrize("key", ["seed", "trained_tokens"])
def test_an_integer_without_bounds_reads_as_missing(key: str) -> None:
    assert getattr(job(**{key: 10**400}), key) is None


def test_a_measure_is_a_float() -> None:
    found = metric(step=1, train_loss=10**30)
    assert found is not None
    assert isinstance(found.train_loss, float)
