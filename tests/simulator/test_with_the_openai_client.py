"""The simulator, driven by the real OpenAI client and held against its types."""

from base64 import b64decode
from collections.abc import Iterator
from itertools import islice
from typing import Any

import openai
import pytest
from openai.types import FileObject, Model
from openai.types.chat import ChatCompletion
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint
from pydantic import BaseModel, ValidationError

from service.simulator import FAILURES, Quirks, Simulator
from service.simulator.lives import Ending, Method

from .doubles import DURATIONS, Clock, Http

MODEL = "gpt-4.1-mini-2025-04-14"


@pytest.fixture
def client(simulator: Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=simulator.url, api_key="sim-key", max_retries=0, timeout=5) as client:
        yield client


def test_a_job_from_upload_to_result(client: openai.OpenAI, clock: Clock) -> None:
    """The whole way a user goes: files in, job created, watched, result file and model read."""
    file = client.files.create(file=("train.jsonl", b'{"a": 1}\r\n\x00\xff\n'), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model=MODEL,
        training_file=file.id,
        suffix="tone",
        seed=5,
        metadata={"team": "a"},
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}},
    )
    clock.advance(20_000)
    done = client.fine_tuning.jobs.retrieve(job.id)
    events = list(client.fine_tuning.jobs.list_events(job.id))
    checkpoints = client.fine_tuning.jobs.checkpoints.list(job.id)
    result = b64decode(client.files.content(done.result_files[0]).content).decode().splitlines()
    assert (job.status, job.seed, job.hyperparameters.n_epochs) == ("validating_files", 5, 2)
    assert client.files.content(file.id).content == b'{"a": 1}\r\n\x00\xff\n'
    assert (done.status, done.metadata) == ("succeeded", {"team": "a"})
    assert events[0].message == "The job has successfully completed"
    assert checkpoints.data[0].step_number == len(result) - 1
    assert result[0] == "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy"
    assert result[1].endswith(",,")
    assert client.models.retrieve(str(done.fine_tuned_model)).shutdown_date == "2027-01-14"


def test_cancel_pause_and_resume(client: openai.OpenAI, simulator: Simulator, clock: Clock) -> None:
    """The calls return the job as it then is; a forbidden one is a BadRequestError."""
    id = simulator.create(durations=DURATIONS)
    with pytest.raises(openai.BadRequestError):
        client.fine_tuning.jobs.resume(id)
    clock.advance(200)
    assert str(client.fine_tuning.jobs.pause(id).status) == "pausing"
    clock.advance(60)
    assert client.fine_tuning.jobs.resume(id).status == "queued"
    assert client.fine_tuning.jobs.cancel(id).status == "cancelled"


def test_the_client_pages_through_everything(client: openai.OpenAI, simulator: Simulator) -> None:
    """It stops at has_more=false, having seen each job once."""
    simulator.populate(None, 45)
    ids = [job.id for job in client.fine_tuning.jobs.list(limit=10)]
    assert len(set(ids)) == len(ids) == 45
    assert len(simulator.requests) == 5


def test_a_repeated_page_keeps_the_client_going(client: openai.OpenAI, simulator: Simulator) -> None:
    """The quirk that a watcher must guard against: the client alone would never stop."""
    id = simulator.create()
    simulator.quirks = Quirks(repeat_page=True)
    assert [job.id for job in islice(client.fine_tuning.jobs.list(), 50)] == [id] * 50


def test_files_are_listed_and_deleted(client: openai.OpenAI, simulator: Simulator, clock: Clock) -> None:
    """Uploads and result files, newest first; what is deleted is not found any more."""
    upload = client.files.create(file=("valid.jsonl", b"{}"), purpose="fine-tune")
    clock.advance(1)
    result = client.fine_tuning.jobs.retrieve(simulator.create(durations=(0, 0, 0))).result_files[0]
    assert [file.id for file in client.files.list()] == [result, upload.id]
    assert [file.id for file in client.files.list(purpose="fine-tune-results")] == [result]
    client.files.delete(result)
    for read in (client.files.content, client.files.retrieve):
        with pytest.raises(openai.NotFoundError):
            read(result)


def test_models_are_the_base_ones_and_those_tuned(client: openai.OpenAI, simulator: Simulator) -> None:
    """A tuned model appears with success and shuts down with its base."""
    base = {model.id for model in client.models.list()}
    job = client.fine_tuning.jobs.retrieve(simulator.create(model="o4-mini-2025-04-16", durations=(0, 0, 0)))
    assert {model.id for model in client.models.list()} - base == {job.fine_tuned_model}
    assert client.models.retrieve(str(job.fine_tuned_model)).shutdown_date is None
    with pytest.raises(openai.NotFoundError) as missing:
        client.models.retrieve("gpt-none")
    assert missing.value.code == "model_not_found"


def test_a_model_shuts_down_when_that_is_announced(client: openai.OpenAI, simulator: Simulator) -> None:
    """A base model with what was tuned on it, or a tuned one by itself; what is announced can be taken back."""
    base = "gpt-4.1-nano-2025-04-14"
    tuned = [
        str(client.fine_tuning.jobs.retrieve(simulator.create(model=base, durations=(0, 0, 0))).fine_tuned_model)
        for _ in range(2)
    ]
    simulator.shut_down(base, "2027-03-01")
    simulator.shut_down(tuned[0], "2027-02-01")
    days = {model.id: model.shutdown_date for model in client.models.list()}
    assert [days[name] for name in (base, *tuned)] == ["2027-03-01", "2027-02-01", "2027-03-01"]
    simulator.shut_down(base, None)
    assert [client.models.retrieve(name).shutdown_date for name in (base, tuned[1])] == [None, None]


def test_a_tuned_model_answers(client: openai.OpenAI, simulator: Simulator, http: Http) -> None:
    """With as many words as it may, once its job has succeeded."""
    job = client.fine_tuning.jobs.retrieve(simulator.create(durations=(0, 0, 0)))
    name, said = str(job.fine_tuned_model), {"role": "user", "content": "Is there news?"}
    short = client.chat.completions.create(model=name, messages=[said], max_completion_tokens=1)  # type: ignore[list-item]
    long = client.chat.completions.create(model=name, messages=[said], max_tokens=100)  # type: ignore[list-item]
    assert (short.choices[0].finish_reason, short.usage and short.usage.completion_tokens) == ("length", 1)
    assert (long.choices[0].finish_reason, long.model) == ("stop", name)
    answer = http.post("/chat/completions", {"model": name, "messages": [said]})
    assert wrong(ChatCompletion, answer.json) == set()
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="ft:none", messages=[said])  # type: ignore[list-item]
    assert missing.value.code == "model_not_found"
    assert http.post("/chat/completions", {"model": name}).error["param"] == "messages"


def test_a_refused_key_is_an_authentication_error(client: openai.OpenAI, simulator: Simulator) -> None:
    """With the code and the request id where the client looks for them."""
    simulator.revoke("sim-key")
    with pytest.raises(openai.AuthenticationError) as refused:
        client.fine_tuning.jobs.list()
    assert refused.value.code == "invalid_api_key"
    assert refused.value.request_id


def wrong(type: type[BaseModel], payload: dict[str, Any]) -> set[tuple[str | int, ...]]:
    """Where the payload breaks the type, checked without any coercion."""
    try:
        type.model_validate(payload, strict=True)
    except ValidationError as invalid:
        return {error["loc"][:2] for error in invalid.errors()}
    return set()


def known_deviations(job: dict[str, Any]) -> set[tuple[str | int, ...]]:
    """Where live payloads are known to break the client's own type.

    `error` may be `{}` or an object of nulls, which the type forbids; it knows neither `pausing` nor
    `paused`; it demands hyperparameters, which are null for DPO and absent for reinforcement.
    """
    known: set[tuple[str | int, ...]] = set()
    if not job["error"].get("code"):
        known |= {("error", "code"), ("error", "message")}
    if job["status"] in ("pausing", "paused"):
        known.add(("status",))
    if job["method"]["type"] != "supervised":
        known.add(("hyperparameters",))
    return known


@pytest.mark.parametrize("method", ["supervised", "dpo", "reinforcement"])
@pytest.mark.parametrize("ending", ["succeeded", "failed", "cancelled", "resumed", "stuck"])
def test_every_answer_fits_the_clients_types(
    simulator: Simulator, http: Http, clock: Clock, method: Method, ending: Ending
) -> None:
    """Over a whole life, strictly, save for the deviations known of live responses."""
    id = simulator.create(method=method, ending=ending, durations=DURATIONS)
    for _ in range(20):
        clock.advance(97)
        job = http.job(id)
        assert wrong(FineTuningJob, job) == known_deviations(job)
    for event in http.events(id):
        # The client's type does not know the type moderation_checks.
        expected = {("type",)} if event["type"] == "moderation_checks" else set()
        assert wrong(FineTuningJobEvent, event) == expected
    for checkpoint in http.get(f"/fine_tuning/jobs/{id}/checkpoints").json["data"]:
        assert wrong(FineTuningJobCheckpoint, checkpoint) == set()
    for file in http.get("/files").json["data"]:
        assert wrong(FileObject, file) == set()
    for model in http.get("/models").json["data"]:
        assert wrong(Model, model) == set()


@pytest.mark.parametrize("reason", FAILURES)
def test_failed_jobs_fit_the_types(simulator: Simulator, http: Http, clock: Clock, reason: str) -> None:
    """Each reason; only the one that stands in the events alone leaves the error empty."""
    id = simulator.create(ending="failed", reason=reason, durations=DURATIONS)
    clock.advance(1000)
    job = http.job(id)
    assert wrong(FineTuningJob, job) == known_deviations(job)
    assert bool(wrong(FineTuningJob, job)) == (FAILURES[reason].code is None)
