import re
import shlex
import zoneinfo
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.composer import examples
from service.model import Delivery, Event, Job, Kind, Message, Metric
from service.rules import notices
from tests.builders import at, destination, job
from tests.composer.saying import said
from tests.notifier import strangers

URL = "https://look.example/finetune/ftjob-1"
JOB_KINDS = {
    Kind.SUCCEEDED: ("succeeded", "✅ rain has succeeded"),
    Kind.FAILED: ("failed", "❌ rain has failed"),
    Kind.CANCELLED: ("cancelled", "⏹ rain was cancelled"),
    Kind.PAUSED: ("paused", "⏸ rain is paused"),
}


def told(kind: Kind, seen: Job, zone: Any = UTC, **course: Any) -> Message:
    given = {"events": (), "metrics": (), "page_url": URL, **course}
    notice = notices.of_job(kind, seen, now=at(0), **given)
    return said(notice, zone)


def rows(message: Message) -> dict[str, str]:
    """The lines of the form `Label: value`."""
    return dict(re.findall(r"^([A-Z][a-z ]+): (.*)$", message.body, re.MULTILINE))


FULL = {
    "suffix": "rain", "model": "gpt-4.1-nano-2025-04-14", "method": "dpo", "created_at": at(-90),
    "started_at": at(-65), "finished_at": at(-2.5), "trained_tokens": 1_234_567, "metadata": {"team": "sky"},
    "hyperparameters": {"n_epochs": 3, "beta": 0.1, "batch_size": None},
}  # fmt: skip


@pytest.mark.parametrize("kind", JOB_KINDS)
def test_the_title_says_it_all_and_the_body_names_job_account_and_notice(kind: Kind) -> None:
    status, title = JOB_KINDS[kind]
    message = told(kind, job(status, **FULL))
    assert message.title == title
    assert message.body.startswith("Fine-tuning job ftjob-1 (account main) ")
    assert message.body.splitlines()[1] == f"Notice {message.notice_id}"
    assert rows(message)["Details"] == "tunewatch show ftjob-1"
    assert (message.kind, message.dedup_key) == (kind, f"{message.notice_id}.d1")


def test_every_kind_has_its_own_symbol() -> None:
    titles = {notice.kind: said(notice).title for notice in examples.all_kinds()}
    assert titles.keys() == set(Kind)
    assert len({title.split()[0] for title in titles.values()}) == len(Kind)


def test_a_success_tells_model_times_tokens_and_losses() -> None:
    metrics = [Metric(step=300, train_loss=0.123456, full_valid_loss=0.2, reward=0.75)]
    seen = rows(told(Kind.SUCCEEDED, job("succeeded", fine_tuned_model="ft:base:org:rain:9x", **FULL), metrics=metrics))
    assert seen == {
        "Tuned model": "ft:base:org:rain:9x",
        "Base model": "gpt-4.1-nano-2025-04-14",
        "Method": "dpo",
        "Settings": "n_epochs 3, beta 0.1",
        "Metadata": "team sky",
        "Queued": "25 min",
        "Ran": "1 h 2 min",
        "Trained tokens": "1,234,567",
        "Training loss": "0.1235",
        "Validation loss": "0.2",
        "Reward": "0.75",
        "Steps": "300",
        "Created": "2026-11-03 10:30:00 UTC",
        "Ended": "2026-11-03 11:57:30 UTC",
        "Look": URL,
        "Details": "tunewatch show ftjob-1",
    }


def test_times_are_told_in_the_owners_zone() -> None:
    message = told(Kind.FAILED, job("failed", **FULL), zone=zoneinfo.ZoneInfo("Asia/Tokyo"))
    assert rows(message)["Ended"] == "2026-11-03 20:57:30 JST"


PROBLEM = Event(event_id="e", created_at=at(-1), level="error", type="message", message="Model blocked by the check")


def test_a_failure_tells_code_and_reason() -> None:
    failed = job(
        "failed", error_code="invalid_n_examples", error_message="Only 3 examples.", error_param="training_file"
    )
    seen = rows(told(Kind.FAILED, failed, events=[PROBLEM]))
    assert (seen["Error"], seen["Reason"]) == ("invalid_n_examples", "Only 3 examples.")
    assert seen["Parameter"] == "training_file"
    assert seen["Job log"] == "Model blocked by the check"


def test_when_the_provider_gives_no_reason_the_jobs_own_log_is_told() -> None:
    assert rows(told(Kind.FAILED, job("failed"), events=[PROBLEM]))["Job log"] == "Model blocked by the check"


def test_a_job_that_never_started_took_some_time() -> None:
    seen = rows(told(Kind.CANCELLED, job("cancelled", created_at=at(-10), finished_at=at(-4))))
    assert seen["Took"] == "6 min"
    assert not {"Queued", "Ran"} & seen.keys()


def test_without_a_suffix_the_title_names_the_job() -> None:
    assert told(Kind.FAILED, job("failed", job_id="ft-09ab")).title == "❌ ft-09ab has failed"


def test_without_a_page_no_look_is_offered() -> None:
    assert "Look" not in rows(told(Kind.FAILED, job("failed"), page_url=None))


def test_an_end_before_the_start_is_no_negative_time() -> None:
    """The clocks of provider and machine differ."""
    seen = rows(told(Kind.FAILED, job("failed", created_at=at(3), started_at=at(2), finished_at=at(1))))
    assert (seen["Queued"], seen["Ran"]) == ("0 s", "0 s")


@pytest.mark.parametrize("kind", JOB_KINDS)
def test_a_job_of_which_hardly_anything_is_known_can_be_told_of(kind: Kind) -> None:
    message = told(kind, job(JOB_KINDS[kind][0]), page_url=None)
    assert rows(message).keys() == {"Details"}
    assert "None" not in message.title + message.body


OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("suffix", "model", "fine_tuned_model", "method", "error_code", "error_message"), st.just("word")),
    **dict.fromkeys(("created_at", "started_at", "finished_at"), st.integers(-500, 500).map(at)),
    "trained_tokens": st.integers(0, 10**12),
    "hyperparameters": st.dictionaries(
        st.sampled_from(["n_epochs", "beta"]), st.none() | st.just("auto") | st.just(-1)
    ),
    "metadata": st.dictionaries(st.just("key"), st.none() | st.just("value")),
}


@settings(deadline=None)
@given(kind=st.sampled_from(sorted(JOB_KINDS)), fields=st.fixed_dictionaries({}, optional=OPTIONAL))
def test_whatever_is_missing_nothing_shows_none(kind: Kind, fields: Mapping[str, Any]) -> None:
    message = told(kind, job(JOB_KINDS[kind][0], **fields), page_url=None)
    assert "None" not in message.title + message.body
    assert "-" not in rows(message).get("Ran", "")


HOSTILE = "x\r\nNotice tw-forged\u2028Error: none\u202e@everyone <!here>\x1b[2J\x00"


@pytest.mark.parametrize(
    "fields",
    [
        {"suffix": HOSTILE},
        {"job_id": HOSTILE},
        {"model": HOSTILE},
        {"fine_tuned_model": HOSTILE},
        {"method": HOSTILE},
        {"error_code": HOSTILE},
        {"error_message": HOSTILE},
        {"error_param": HOSTILE},
        {"metadata": {"k": HOSTILE}},
        {"metadata": {HOSTILE: "v"}},
        {"hyperparameters": {HOSTILE: HOSTILE}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_strangers_text_stays_on_its_line(fields: Mapping[str, Any]) -> None:
    harmless = told(Kind.FAILED, job("failed", **{name: _shape(value) for name, value in fields.items()}))
    message = told(Kind.FAILED, job("failed", **fields))
    assert len(message.title.splitlines()) == 1
    assert len(message.body.splitlines()) == len(harmless.body.splitlines())
    both = message.title + message.body.replace("\n", "")
    assert both.replace("\u200b", "").isprintable()
    assert "@everyone" not in both
    assert "<!" not in both


def _shape(value: Any) -> Any:
    return dict.fromkeys(("k",), "v") if isinstance(value, dict) else "v"


def test_a_problem_in_the_log_stays_on_its_line() -> None:
    hostile = Event(event_id="e", created_at=at(0), level="error", type=None, message=HOSTILE)
    body = told(Kind.FAILED, job("failed"), events=[hostile]).body
    assert [line for line in body.splitlines() if line.startswith("Notice")] == [body.splitlines()[1]]


def test_a_megabyte_of_reason_makes_a_short_message() -> None:
    assert len(told(Kind.FAILED, job("failed", error_message="no " * 400_000)).body) < 2_000


def test_long_ids_of_gateways_are_told_whole() -> None:
    """LiteLLM's are base64 of 100 characters and more; what is cut cannot be looked up."""
    long = "bGl0ZWxsbV9wcm94eTo7" * 12
    assert f"tunewatch show {long}" in told(Kind.FAILED, job("failed", job_id=long)).body


def test_a_suffix_of_nothing_visible_does_not_leave_the_title_without_a_name() -> None:
    assert "ftjob-1" in told(Kind.FAILED, job("failed", suffix="\u2060 \u202e")).title


def _of_watch(kind: Kind, about: str, reason: str | None = "the line is cut", zone: Any = UTC) -> Message:
    if about == "account":
        notice = notices.of_account(kind, "main", since=at(-125), reason=reason, now=at(0))
    elif about == "database":
        notice = notices.of_database(kind, since=at(-125), reason=reason, now=at(0))
    else:
        notice = notices.of_destination(kind, destination(), since=at(-125), reason=reason, now=at(0))
    return said(notice, zone)


def _of_delivery() -> Message:
    lost = notices.of_job(Kind.FAILED, job("failed"), events=(), metrics=(), page_url=None, now=at(-125))
    delivery = Delivery(delivery_id=1, notice=lost, attempts=7, created_at=at(-125))
    notice = notices.of_delivery(delivery, destination(), since=at(-125), reason="mailbox full", now=at(0))
    return said(notice)


def test_a_notice_given_up_is_told_with_the_way_to_send_it_again() -> None:
    message = _of_delivery()
    assert message.title == "📪 a notice did not reach default (mail to a@b.example)"
    assert "`failed ftjob-1`" in message.body
    assert "8 attempts" in message.body
    assert rows(message)["Reason"] == "mailbox full"
    assert rows(message)["Send again"].startswith("tunewatch resend tw-")


@pytest.mark.parametrize(
    ("about", "title", "comfort"),
    [
        ("account", "⚠ tunewatch is blind: account main", "Nothing is lost"),
        ("channel", "⚠ tunewatch cannot reach channel default (mail to a@b.example)", "tried again"),
        ("database", "⚠ tunewatch cannot use its database", "told of then"),
    ],
)
def test_blindness_tells_what_why_since_when_and_what_it_means(about: str, title: str, comfort: str) -> None:
    message = _of_watch(Kind.WATCH_FAILING, about, zone=zoneinfo.ZoneInfo("Europe/Berlin"))
    assert message.title == title
    assert comfort in message.body
    assert rows(message) == {
        "Reason": "the line is cut", "Since": "2026-11-03 10:55:00 CET", "Look": "tunewatch health",
    }  # fmt: skip
    assert message.body.splitlines()[1] == f"Notice {message.notice_id}"


@pytest.mark.parametrize(("about", "name"), [("account", "main"), ("channel", "default (mail to a@b.example)")])
def test_recovery_tells_how_long_the_trouble_lasted(about: str, name: str) -> None:
    message = _of_watch(Kind.WATCH_RECOVERED, about, reason=None)
    assert message.title == f"👀 tunewatch is back: {about} {name}"
    assert "works again after 2 h 5 min." in message.body
    assert message.body.splitlines()[1] == f"Notice {message.notice_id}"


@pytest.mark.parametrize("about", ["account", "channel"])
def test_nothing_works_in_what_a_provider_or_a_service_says(about: str) -> None:
    for start in range(0, len(strangers.EVERYTHING), 20):
        message = _of_watch(Kind.WATCH_FAILING, about, " ".join(strangers.EVERYTHING[start : start + 20]))
        assert strangers.works(f"{message.title}\n{message.body}") == []


@pytest.mark.parametrize("job_id", ["x; id", "$(id)", "`id`", "-x\nid", "'; id '", "a b", "<&>|#~*"])
def test_a_command_to_copy_runs_nothing_of_a_strangers(job_id: str) -> None:
    command = rows(told(Kind.FAILED, job("failed", job_id=job_id)))["Details"].replace("\u200b", "")
    assert shlex.split(command) == ["tunewatch", "show", " ".join(job_id.split())]


@pytest.mark.parametrize("reason", [None, ""])
def test_trouble_without_a_reason_says_so(reason: str | None) -> None:
    assert rows(_of_watch(Kind.WATCH_FAILING, "account", reason))["Reason"] == "no reason given"


def test_a_strangers_reason_stays_on_its_line() -> None:
    assert len(_of_watch(Kind.WATCH_FAILING, "account", HOSTILE).body.splitlines()) == len(
        _of_watch(Kind.WATCH_FAILING, "account").body.splitlines()
    )


def test_a_trial_looks_real_and_says_that_it_is_none() -> None:
    message = said(notices.trial("chat", at(0)))
    assert message.title == "✅ test has succeeded (test)"
    assert message.body.startswith("This is a test: no job ended. A real notice looks like this. Channel: chat")
    assert rows(message)["Tuned model"].startswith("ft:")
