"""The models of an account: what goes over the wire, and how answers are read."""

import json
from datetime import date

import pytest

from service import errors
from service.model import ListedModel
from service.providers.openai_api import OpenAIProvider
from tests.providers.server import AT_ONCE, Answer, Script

NAME = "ft:gpt-4o-mini-2024-07-18:org:sky:1"


def refusal(message: str) -> Answer:
    return Answer(400, {"error": {"message": message, "type": "invalid_request_error"}}, AT_ONCE)


def test_models_are_listed_with_the_day_of_their_end(server: Script, provider: OpenAIProvider) -> None:
    entries = [
        {"id": NAME, "object": "model", "shutdown_date": "2027-01-14"},
        {"id": "b", "shutdown_date": None},
        {"id": "c"},
    ]
    server.says(Answer(200, {"object": "list", "data": entries}))
    assert provider.models() == (
        ListedModel(name=NAME, shutdown_date=date(2027, 1, 14)), ListedModel(name="b"), ListedModel(name="c"),
    )  # fmt: skip
    assert [path for path, _ in server.requests] == ["/v1/models"]


@pytest.mark.parametrize("entry", [None, [], "gpt", 5, {}, {"id": None}, {"id": 7}])
def test_what_has_no_name_is_no_model(server: Script, provider: OpenAIProvider, entry: object) -> None:
    server.says(Answer(200, {"data": [entry, {"id": "a"}]}))
    assert provider.models() == (ListedModel(name="a"),)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2027-01-14", date(2027, 1, 14)),
        ("2027-01-14T23:00:00Z", date(2027, 1, 14)),
        (1799884800, date(2027, 1, 14)),
        ("", None),
        ("soon", None),
        ("0001-01-01", None),
        ("2027-13-45", None),
        (0, None),
        (True, None),
        (["2027-01-14"], None),
        ({}, None),
    ],
)
def test_a_day_comes_in_several_forms(
    server: Script, provider: OpenAIProvider, value: object, day: date | None
) -> None:
    server.says(Answer(200, {"data": [{"id": "a", "shutdown_date": value}]}))
    assert provider.models() == (ListedModel(name="a", shutdown_date=day),)


@pytest.mark.parametrize("answer", [{"id": NAME, "shutdown_date": "2027-01-14"}, {"shutdown_date": "2027-01-14"}])
def test_one_model_is_asked_for_by_its_name(server: Script, provider: OpenAIProvider, answer: object) -> None:
    server.says(Answer(200, answer))
    assert provider.model(NAME) == ListedModel(name=NAME, shutdown_date=date(2027, 1, 14))
    assert [path for path, _ in server.requests] == [f"/v1/models/{NAME}"]


def test_a_model_that_is_not_there_is_not_found(server: Script, provider: OpenAIProvider) -> None:
    server.says(Answer(404, {"error": {"message": f"The model '{NAME}' does not exist"}}, AT_ONCE))
    with pytest.raises(errors.NotFound, match="does not exist"):
        provider.model(NAME)


def test_a_question_costs_one_token(server: Script, provider: OpenAIProvider) -> None:
    server.says(Answer(200, {"id": "chatcmpl-1", "choices": []}))
    provider.ask(NAME)
    [body] = map(json.loads, server.bodies)
    assert (body["model"], body["max_completion_tokens"]) == (NAME, 1)
    assert "max_tokens" not in body
    assert [path for path, _ in server.requests] == ["/v1/chat/completions"]


def test_a_server_that_does_not_know_the_newer_word_is_asked_with_the_older_one(
    server: Script, provider: OpenAIProvider
) -> None:
    server.says(refusal("Unrecognized request argument supplied: max_completion_tokens"), Answer(200, {"choices": []}))
    provider.ask(NAME)
    assert [json.loads(body).get("max_tokens") for body in server.bodies] == [None, 1]


def test_a_model_that_is_cut_off_while_it_thinks_has_answered(server: Script, provider: OpenAIProvider) -> None:
    server.says(
        refusal("Could not finish the message because max_tokens or model output limit was reached. Please try again.")
    )
    provider.ask(NAME)
    assert len(server.bodies) == 1


def test_a_model_that_refuses_has_not_answered(server: Script, provider: OpenAIProvider) -> None:
    server.says(refusal("This is not a chat model"))
    with pytest.raises(errors.Permanent, match="not a chat model"):
        provider.ask(NAME)
    server.says(Answer(200, b"<html>welcome</html>"))
    with pytest.raises(errors.Transient, match="not JSON"):
        provider.ask(NAME)
