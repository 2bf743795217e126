import json
from collections.abc import Callable

import pytest

from service.model import Event, Job, Kind, Metric, Notice
from service.rules import notices
from tests.builders import NOON, at, destination, job

ENDS = {"succeeded": Kind.SUCCEEDED, "failed": Kind.FAILED, "cancelled": Kind.CANCELLED}


def of_job(seen: Job, kind: Kind = Kind.FAILED, minutes: float = 0, **course: object) -> Notice:
    given = {"events": (), "metrics": (), "page_url": None, **course}
    return notices.of_job(kind, seen, now=at(minutes), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(("status", "kind"), ENDS.items())
def test_an_end_is_told_once_however_often_it_is_seen(status: str, kind: Kind) -> None:
    """Same cause and same id, from which the store knows that it was told already."""
    first, again = of_job(job(status), kind), of_job(job(status, trained_tokens=9), kind, minutes=99)
    assert (first.cause, first.notice_id) == (again.cause, again.notice_id)


def test_a_pause_is_told_each_time_it_happens() -> None:
    first, again = of_job(job("paused"), Kind.PAUSED), of_job(job("paused"), Kind.PAUSED, minutes=1)
    assert first.cause != again.cause
    assert first.notice_id != again.notice_id


def test_an_id_is_the_same_in_every_process_and_short() -> None:
    """It stands in mails already sent: changing how it is made would make repeats look new."""
    assert of_job(job("failed")).notice_id == "tw-2neiefibai"


ABOUT: list[Callable[[], Notice]] = [
    lambda: of_job(job("failed")),
    lambda: of_job(job("succeeded"), Kind.SUCCEEDED),
    lambda: of_job(job("failed", job_id="ftjob-2")),
    lambda: of_job(job("failed", account="other")),
    lambda: of_job(job("paused"), Kind.PAUSED),
    lambda: notices.of_account(Kind.WATCH_FAILING, "main", since=NOON, reason=None, now=NOON),
    lambda: notices.of_account(Kind.WATCH_RECOVERED, "main", since=NOON, reason=None, now=at(1)),
    lambda: notices.of_account(Kind.WATCH_FAILING, "other", since=NOON, reason=None, now=NOON),
    lambda: notices.of_account(Kind.WATCH_FAILING, "main", since=at(60), reason=None, now=at(60)),
    lambda: notices.of_destination(Kind.WATCH_FAILING, destination("d1"), since=NOON, reason=None, now=NOON),
    lambda: notices.of_destination(Kind.WATCH_FAILING, destination("d2"), since=NOON, reason=None, now=NOON),
    lambda: notices.of_destination(Kind.WATCH_RECOVERED, destination("d1"), since=NOON, reason=None, now=NOON),
    lambda: notices.trial("default", NOON),
    lambda: notices.trial("default", at(1)),
    lambda: notices.trial("chat", NOON),
]


def test_different_causes_have_different_ids() -> None:
    made = [make() for make in ABOUT]
    assert len({notice.cause for notice in made}) == len({notice.notice_id for notice in made}) == len(ABOUT)


@pytest.mark.parametrize("make", ABOUT)
def test_the_facts_are_plain_json(make: Callable[[], Notice]) -> None:
    """The outbox keeps them as text until the notice was sent."""
    facts = make().facts
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_a_notice_carries_what_the_provider_told() -> None:
    seen = job(
        "failed", model="gpt-4.1-nano-2025-04-14", suffix="rain", method="dpo", created_at=at(-90), started_at=at(-60),
        finished_at=at(-1), trained_tokens=1700, error_code="c", error_message="m", error_param="p",
        metadata={"team": "sky"}, hyperparameters={"beta": 0.1},
    )  # fmt: skip
    notice = of_job(seen, page_url="https://look.example/1")
    assert (notice.kind, notice.account, notice.job_id, notice.created_at) == (Kind.FAILED, "main", "ftjob-1", NOON)
    told = {
        "status": "failed", "model": "gpt-4.1-nano-2025-04-14", "suffix": "rain", "method": "dpo",
        "created_at": "2026-11-03T10:30:00Z", "started_at": "2026-11-03T11:00:00Z",
        "finished_at": "2026-11-03T11:59:00Z", "observed_at": "2026-11-03T12:00:00Z", "trained_tokens": 1700,
        "error_code": "c", "error_message": "m", "error_param": "p", "metadata": {"team": "sky"},
        "hyperparameters": {"beta": 0.1}, "page_url": "https://look.example/1",
    }  # fmt: skip
    assert told.items() <= notice.facts.items()
    assert notice.facts["fine_tuned_model"] is None


def event(name: str, level: str | None, minutes: float | None) -> Event:
    created_at = None if minutes is None else at(minutes)
    return Event(event_id=name, created_at=created_at, level=level, type="message", message=name)


def test_the_last_three_problems_of_the_log_are_told_oldest_first() -> None:
    events = [
        event("fifth", "error", 5), event("fine", "info", 9), event("fourth", "warn", 4), event("first", "error", 1),
        event("third", "warning", 3), event("second", "error", 2), event("silent", None, 8),
        event("when", "error", None),
    ]  # fmt: skip
    assert of_job(job("failed"), events=events).facts["problems"] == ["third", "fourth", "fifth"]


def test_the_last_value_of_each_measure_is_told() -> None:
    """Validation is not measured at every step, and steps come in any order."""
    metrics = [
        Metric(step=30, train_loss=0.5), Metric(step=10, train_loss=0.9, valid_loss=1.2),
        Metric(step=20, train_loss=0.7, valid_loss=1.1, full_valid_loss=1.05, reward=0.25),
    ]  # fmt: skip
    facts = of_job(job("succeeded"), metrics=metrics).facts
    assert [facts[name] for name in ("step", "train_loss", "valid_loss", "reward")] == [30, 0.5, 1.05, 0.25]


def test_a_loss_of_zero_is_a_loss() -> None:
    metrics = [Metric(step=1, train_loss=0.4, full_valid_loss=0.3), Metric(step=2, train_loss=0.0, full_valid_loss=0.0)]
    facts = of_job(job("succeeded"), metrics=metrics).facts
    assert (facts["train_loss"], facts["valid_loss"]) == (0.0, 0.0)
