"""What goes over the wire, and how answers become pages."""

from urllib.parse import parse_qs, urlsplit

import pytest

from service import errors
from service.providers.openai_api import OpenAIProvider
from tests.providers.conftest import KEY, Connect
from tests.providers.server import Answer, Script


def asked(server: Script) -> tuple[str, dict[str, list[str]]]:
    """Path and query of the only request."""
    ((target, _),) = server.requests
    return urlsplit(target).path, parse_qs(urlsplit(target).query)


def test_the_first_page_is_asked_for_without_a_cursor(server: Script, provider: OpenAIProvider) -> None:
    server.says(Answer(200, {"data": []}))
    page = provider.jobs(None)
    assert asked(server) == ("/v1/fine_tuning/jobs", {"limit": ["100"]})
    assert (page.items, page.after, page.unreadable) == ((), None, ())


def test_the_next_page_is_asked_for_behind_the_last_job(server: Script, provider: OpenAIProvider) -> None:
    server.says(Answer(200, {"data": [{"id": "ftjob-2"}, {"id": "ftjob-1"}], "has_more": True}))
    assert provider.jobs("ftjob-3").after == "ftjob-1"
    assert asked(server)[1]["after"] == ["ftjob-3"]


@pytest.mark.parametrize("more", [False, None, "true", 1])
def test_only_a_plain_yes_means_more(server: Script, provider: OpenAIProvider, more: object) -> None:
    server.says(Answer(200, {"data": [{"id": "x"}], "has_more": more}))
    assert provider.jobs(None).after is None


def test_what_has_no_id_is_kept_apart_and_raw(server: Script, provider: OpenAIProvider) -> None:
    entries = [{"id": "ftjob-2"}, {"status": "queued"}, None, "word", {"id": 5}, {"id": "ftjob-1"}, {"object": "x"}]
    server.says(Answer(200, {"data": entries, "has_more": True}))
    page = provider.jobs(None)
    assert [item.job_id for item in page.items] == ["ftjob-2", "ftjob-1"]
    assert page.unreadable == ('{"status":"queued"}', "null", '"word"', '{"id":5}', '{"object":"x"}')
    assert page.after == "ftjob-1"


def test_a_page_of_unreadable_entries_does_not_look_like_the_end(server: Script, provider: OpenAIProvider) -> None:
    """The pass would pass for complete, and the jobs behind would not be read."""
    server.says(Answer(200, {"data": [{"status": "queued"}], "has_more": True}))
    with pytest.raises(errors.Transient, match="none has a usable id"):
        provider.jobs(None)


def test_a_job_retrieved_is_the_same_item_as_in_a_listing(server: Script, provider: OpenAIProvider) -> None:
    """Otherwise looking at it in the other way would look like a change."""
    server.says(Answer(200, {"data": [{"id": "ftjob-1", "status": "queued", "seed": 3}]}))
    (listed,) = provider.jobs(None).items
    server.says(Answer(200, {"seed": 3, "status": "queued", "id": "ftjob-1"}))
    assert provider.retrieve("ftjob-1") == listed
    assert provider.read(listed).account == "main"


def test_events_come_with_their_metrics_and_a_cursor(server: Script, provider: OpenAIProvider) -> None:
    entries = [
        {"id": "e2", "message": "Step 2", "data": {"step": 2, "train_loss": 0.5}},
        {"id": "e1"},
        {"message": "?"},
    ]
    server.says(Answer(200, {"data": entries, "has_more": True}))
    page = provider.events("ftjob-1", "e3")
    assert asked(server) == ("/v1/fine_tuning/jobs/ftjob-1/events", {"limit": ["100"], "after": ["e3"]})
    assert [event.event_id for event in page.events] == ["e2", "e1"]
    assert [(metric.step, metric.train_loss) for metric in page.metrics] == [(2, 0.5)]
    assert page.after == "e1"


def test_checkpoints_are_read(server: Script, provider: OpenAIProvider) -> None:
    server.says(Answer(200, {"data": [{"id": "ftckpt_1", "step_number": 8}, {"step_number": 4}], "first_id": None}))
    assert [(each.checkpoint_id, each.step) for each in provider.checkpoints("ftjob-1")] == [("ftckpt_1", 8)]
    assert asked(server)[0] == "/v1/fine_tuning/jobs/ftjob-1/checkpoints"


def test_a_result_file_is_read(server: Script, provider: OpenAIProvider) -> None:
    server.says(Answer(200, b"step,train_loss\n1,0.5\n", {"Content-Type": "text/csv"}))
    assert [(metric.step, metric.train_loss) for metric in provider.results("file-1")] == [(1, 0.5)]
    assert asked(server)[0] == "/v1/files/file-1/content"


def test_key_organization_and_project_are_sent_along(server: Script, connect: Connect) -> None:
    server.says(Answer(200, {"data": []}))
    connect(organization="org-1", project="proj-1").jobs(None)
    ((_, headers),) = server.requests
    sent = {name.lower(): value for name, value in headers.items()}
    assert sent["authorization"] == f"Bearer {KEY}"
    assert (sent["openai-organization"], sent["openai-project"]) == ("org-1", "proj-1")


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://api.openai.com/v1", "https://platform.openai.com/finetune/ftjob-1"),
        ("https://eu.api.openai.com/v1", "https://platform.openai.com/finetune/ftjob-1"),
        ("https://api.studio.example/v1", None),
        ("https://api.openai.com.example/v1", None),
    ],
)
def test_a_page_to_look_at_is_known_of_openai_only(connect: Connect, base_url: str, url: str | None) -> None:
    assert connect(base_url).page_url("ftjob-1") == url


def test_half_a_character_does_not_keep_a_job_from_being_stored(server: Script, provider: OpenAIProvider) -> None:
    """A message cut in the middle of an emoji; SQLite takes only what can be encoded."""
    server.says(Answer(200, b'{"data": [{"id": "ftjob-1", "error": {"message": "cut \\uD83D"}}]}'))
    (item,) = provider.jobs(None).items
    item.raw.encode()
    assert str(provider.read(item).error_message).startswith("cut ")


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999", b"9" * 10_000, b"-" + b"9" * 2_000_000])
def test_what_is_no_number_does_not_cost_the_others(server: Script, provider: OpenAIProvider, number: bytes) -> None:
    """And what is kept of it can be read by any reader of JSON."""
    server.says(Answer(200, b'{"data": [{"id": "ftjob-1", "seed": ' + number + b', "created_at": 1790000000}]}'))
    (item,) = provider.jobs(None).items
    assert item.raw == '{"created_at":1790000000,"id":"ftjob-1","seed":null}'
