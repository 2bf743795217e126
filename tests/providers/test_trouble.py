"""Whatever goes wrong on the way becomes the right kind of error, in a sentence for the owner."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from service import errors
from service.providers.openai_api import OpenAIProvider
from tests.faults import faulty, machine
from tests.providers.conftest import KEY, Connect
from tests.providers.server import AT_ONCE, Answer, Script

Call = Callable[[OpenAIProvider], object]
CALLS: dict[str, Call] = {
    "jobs": lambda provider: provider.jobs(None),
    "retrieve": lambda provider: provider.retrieve("ftjob-1"),
    "events": lambda provider: provider.events("ftjob-1", None),
    "checkpoints": lambda provider: provider.checkpoints("ftjob-1"),
    "results": lambda provider: provider.results("file-1"),
    "models": lambda provider: provider.models(),
    "model": lambda provider: provider.model("ft:gpt-4o:org::1"),
    "ask": lambda provider: provider.ask("ft:gpt-4o:org::1"),
}


def trouble(provider: OpenAIProvider, call: Call = CALLS["jobs"]) -> errors.TunewatchError:
    """The error of a call: of our kinds, naming the host, with its cause, and never with the key."""
    with pytest.raises(errors.TunewatchError) as caught:
        call(provider)
    assert "127.0.0.1" in str(caught.value)
    assert "planted" not in str(caught.value)
    return caught.value


def said(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "some_error", "param": None, "code": None, **fields}}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, said("Incorrect key given: " + KEY, code="invalid_api_key"), errors.Refused, ["api_key", "restart"]),
        (
            401,
            said("Not enough rights. Missing scopes: api.fine_tuning.jobs.read"),
            errors.Refused,
            ["the right to read"],
        ),
        (403, said("Your country is not served", code="unsupported_country"), errors.Refused, ["rights", "region"]),
        (408, said("Too slow"), errors.Transient, ["trouble (408)"]),
        (409, said("Locked"), errors.Transient, ["trouble (409)"]),
        (429, said("Slow down"), errors.RateLimited, ["slow down"]),
        (429, said("Nothing left", code="insufficient_quota"), errors.Refused, ["billing"]),
        (429, said("Nothing left", type="insufficient_quota"), errors.Refused, ["billing"]),
        (500, said("Oh dear"), errors.Transient, ["trouble (500): Oh dear."]),
        (503, said("Overloaded", code="server_is_overloaded"), errors.Transient, ["trouble (503)"]),
        (529, said("Full"), errors.Transient, ["trouble (529)"]),
        (400, said("What is this?"), errors.Permanent, ["base_url"]),
        (422, said("What is this?"), errors.Permanent, ["base_url"]),
    ],
)
def test_a_refusal_becomes_an_error_of_the_right_kind(
    server: Script,
    provider: OpenAIProvider,
    call: Call,
    status: int,
    body: object,
    kind: type[Exception],
    words: list[str],
) -> None:
    server.says(Answer(status, body, AT_ONCE))
    error = trouble(provider, call)
    assert type(error) is kind
    assert [word for word in words if word not in str(error)] == []
    assert error.__cause__ is not None


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"retry-after": "7"}, timedelta(seconds=7)),
        ({"retry-after": "0.5"}, timedelta(seconds=0.5)),
        ({"retry-after": "-3"}, timedelta(0)),
        ({"retry-after": "9999999999"}, timedelta(hours=1)),
        ({"retry-after": "inf"}, timedelta(hours=1)),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
        # An HTTP date, by the server's own clock when it tells it: ours may be hours away from it.
        (
            {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT", "date": "Wed, 21 Oct 2015 07:26:00 GMT"},
            timedelta(minutes=2),
        ),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT", "date": "Wed, 21 Oct 2015 07:29:00 GMT"}, timedelta(0)),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, timedelta(0)),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({"retry-after": "Wed, 77 Oct 2015 07:28:00 GMT"}, None),
    ],
)
def test_the_pause_asked_for_is_handed_on(
    server: Script, provider: OpenAIProvider, headers: dict[str, str], pause: timedelta | None
) -> None:
    server.says(Answer(429, said("Slow down"), AT_ONCE | headers))
    error = trouble(provider)
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after == pause


@pytest.mark.parametrize("status", [408, 409, 500, 503])
def test_also_trouble_may_ask_for_a_pause(server: Script, provider: OpenAIProvider, status: int) -> None:
    server.says(Answer(status, said("Maintenance"), AT_ONCE | {"retry-after": "600"}))
    error = trouble(provider)
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after == timedelta(minutes=10)
    assert f"has trouble ({status})" in str(error)


def test_a_long_pause_is_not_waited_for_within_the_pass(server: Script, provider: OpenAIProvider) -> None:
    server.says(Answer(429, said("Come back in an hour"), {"retry-after": "3600"}))
    error = trouble(provider)
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after == timedelta(hours=1)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_a_blip_is_nobodys_business(server: Script, provider: OpenAIProvider, status: int) -> None:
    blip = Answer(status, said("Hiccup"), {"retry-after-ms": "1"})
    server.says(blip, blip, Answer(200, {"data": [{"id": "ftjob-1"}]}))
    assert [item.job_id for item in provider.jobs(None).items] == ["ftjob-1"]
    assert len(server.requests) == 3


def test_what_is_no_blip_is_told_after_the_third_attempt(server: Script, provider: OpenAIProvider) -> None:
    server.says(Answer(503, said("Hiccup"), {"retry-after-ms": "1"}))
    assert isinstance(trouble(provider), errors.Transient)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html><h1>Bad gateway</h1></html>", "text/html"),
        (b"", "text/plain"),
        ({"error": "a word"}, "application/json"),
        ({"error": {"message": None}}, "application/json"),
        ({"error": {"message": ["a", "list"]}}, "application/json"),
        ([], "application/json"),
    ],
)
def test_a_failure_without_an_explanation_is_told_as_such(
    server: Script, provider: OpenAIProvider, body: object, content_type: str
) -> None:
    server.says(Answer(502, body, {**AT_ONCE, "Content-Type": content_type}))
    assert f"no explanation ({content_type})" in str(trouble(provider))


def test_a_long_explanation_is_cut_and_stays_on_one_line(server: Script, provider: OpenAIProvider) -> None:
    server.says(Answer(400, said("no\r\n" * 100_000), AT_ONCE))
    text = str(trouble(provider))
    assert len(text) < 700
    assert "\n" not in text


UNUSABLE: dict[str, tuple[object, str]] = {
    "a page of a proxy": (b"<!doctype html><title>Please log in</title>", "'<!doctype html>"),
    "nothing": (b"", "not JSON"),
    "half an answer": (b'{"object": "list", "data": [{"id": "ftj', "not JSON"),
    "bytes": (b"\xff\xfe\x00", "not JSON"),
    "a list": ([], "not an object"),
    "a word": ("fine", "not an object"),
    "null": (None, "not an object"),
}


@pytest.mark.parametrize("name", ["jobs", "retrieve", "events", "checkpoints"])
@pytest.mark.parametrize("unusable", UNUSABLE)
def test_an_answer_that_is_none_points_to_the_address(
    server: Script, provider: OpenAIProvider, name: str, unusable: str
) -> None:
    body, words = UNUSABLE[unusable]
    server.says(Answer(200, body))
    error = trouble(provider, CALLS[name])
    assert type(error) is errors.Transient
    assert words in str(error)
    assert "base_url" in str(error)


@pytest.mark.parametrize("name", ["jobs", "events", "checkpoints"])
@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}, {"error": "in a 200"}])
def test_a_listing_without_a_list_points_to_the_address(
    server: Script, provider: OpenAIProvider, name: str, body: object
) -> None:
    server.says(Answer(200, body))
    error = trouble(provider, CALLS[name])
    assert type(error) is errors.Transient
    assert "base_url" in str(error)


@pytest.mark.parametrize("body", [{}, {"id": None}, {"id": ""}, {"id": 7}])
def test_a_job_without_an_id_is_not_taken_for_a_job(server: Script, provider: OpenAIProvider, body: object) -> None:
    server.says(Answer(200, body))
    assert type(trouble(provider, CALLS["retrieve"])) is errors.Permanent


def test_another_job_is_not_taken_for_the_one_asked_for(server: Script, provider: OpenAIProvider) -> None:
    server.says(Answer(200, {"id": "ftjob-2", "status": "succeeded"}))
    error = trouble(provider, CALLS["retrieve"])
    assert type(error) is errors.Permanent
    assert "ftjob-2" in str(error)


def test_a_closed_port_is_told_with_its_reason(connect: Connect) -> None:
    with faulty.closed_port() as address:
        error = trouble(connect(address))
    assert type(error) is errors.Transient
    assert "refused" in str(error)
    assert "base_url" in str(error)


def test_silence_is_told_with_the_setting_that_bounds_it(server: Script, connect: Connect) -> None:
    server.says(None)
    error = trouble(connect(seconds=0.05))
    assert type(error) is errors.Transient
    assert "request_timeout" in str(error)


def test_a_closed_provider_says_that_we_ourselves_stopped(server: Script, connect: Connect) -> None:
    """Otherwise every end of the program would count as trouble of the account."""
    server.says(Answer(200, {"data": []}))
    provider = connect()
    provider.jobs(None)
    provider.close()
    for call in CALLS.values():
        for each in (provider, provider.unhurried()):
            with pytest.raises(errors.Stopped):
                call(each)


def test_closing_cuts_off_what_the_reading_of_the_past_waits_for(server: Script, connect: Connect) -> None:
    server.says(None)
    provider = connect(seconds=20)
    stopped: list[type[Exception]] = []

    def ask() -> None:
        try:
            unhurried.events("ftjob-1", None)
        except errors.TunewatchError as error:
            stopped.append(type(error))

    unhurried = provider.unhurried()
    asking = threading.Thread(target=ask)
    asking.start()
    machine.until(lambda: bool(server.requests))
    provider.close()
    asking.join(5)
    assert stopped == [errors.Stopped]


def test_the_past_may_take_the_time_that_a_request_is_given(server: Script, connect: Connect) -> None:
    """While an end is announced, a course that takes longer than its few seconds is left for later."""
    provider = connect(seconds=30)
    assert (provider._brief.timeout, provider.unhurried()._brief.timeout) == (5, 30)
    assert provider.unhurried()._brief.max_retries == 0


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f"<p>{KEY} is not welcome".encode(), id="in a page"),
        pytest.param(f'{{"error": "{KEY}'.encode(), id="in half an answer"),
    ],
)
def test_the_key_is_cut_out_of_an_answer_that_is_no_json(server: Script, provider: OpenAIProvider, body: bytes) -> None:
    server.says(Answer(200, body))
    trouble(provider)


def test_the_key_is_cut_out_where_the_explanation_is_cut(server: Script, provider: OpenAIProvider) -> None:
    server.says(Answer(401, said("x" * 480 + KEY), AT_ONCE))
    trouble(provider)


@pytest.mark.parametrize("job_id", ["a/b", "a?b=c", "a b", "ä", "%2e%2e", "a#b", "bGl0ZWxsbQ==", "-"])
def test_an_id_of_any_letters_stays_one_piece_of_the_path(
    server: Script, provider: OpenAIProvider, job_id: str
) -> None:
    server.says(Answer(200, {"id": job_id}))
    assert provider.retrieve(job_id).job_id == job_id
    ((path, _),) = server.requests
    assert path.count("/") == "/v1/fine_tuning/jobs/x".count("/")
    assert not {"?", "#"} & set(path)


@pytest.mark.parametrize("job_id", [".", ".."])
def test_an_id_that_the_sdk_cannot_ask_for_does_not_break_the_pass(
    server: Script, provider: OpenAIProvider, job_id: str
) -> None:
    with pytest.raises(errors.TunewatchError):
        provider.retrieve(job_id)


def test_a_key_that_no_header_can_hold_does_not_break_the_pass(connect: Connect) -> None:
    """A typographic dash, copied from a document."""
    with pytest.raises(errors.TunewatchError):
        connect(api_key="sk–planted").jobs(None)


def test_an_answer_nested_without_end_does_not_break_the_pass(server: Script, provider: OpenAIProvider) -> None:
    server.says(Answer(200, b'{"data": ' + b"[" * 100_000))
    trouble(provider)


@pytest.mark.parametrize("name", CALLS)
def test_what_is_not_there_is_told_apart_from_an_address_that_leads_elsewhere(
    server: Script, provider: OpenAIProvider, name: str
) -> None:
    """One job may be gone; a missing list means that base_url is wrong."""
    server.says(Answer(404, said("No such page"), AT_ONCE))
    error = trouble(provider, CALLS[name])
    assert "No such page" in str(error)
    assert type(error) is (errors.Permanent if name == "jobs" else errors.NotFound)
    assert ("check base_url" in str(error)) == (name == "jobs")
