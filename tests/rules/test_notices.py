import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from service.model import Checkpoint, Event, Job, Kind, Metric, Notice
from service.rules import notices, shutdown, stalling
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


def test_a_start_is_told_once_and_every_resumption() -> None:
    """A job that was paused waits in the queue again and starts again; that is told as a resumption."""
    started = [of_job(job("running"), Kind.STARTED, minutes=minutes) for minutes in (0, 9)]
    resumed = [of_job(job("running"), Kind.RESUMED, minutes=minutes) for minutes in (0, 9)]
    assert len({notice.cause for notice in started}) == 1
    assert len({notice.cause for notice in resumed}) == 2


def test_an_id_is_the_same_in_every_process_and_short() -> None:
    """It stands in mails already sent: changing how it is made would make repeats look new."""
    assert of_job(job("failed")).notice_id == "tw-2neiefibai"


CHECKPOINT = Checkpoint(checkpoint_id="ck1", created_at=NOON, step=8, model="ft:m:ckpt", train_loss=0.5)
FACTS = notices.job_facts(job("running"), events=(), metrics=(), page_url=None, now=NOON)


def silence(minutes: float = 0) -> stalling.Silence:
    event = Event(event_id="e", created_at=at(minutes), level="info", type="message", message="Step 7")
    return stalling.Silence(since=at(minutes), length=timedelta(hours=7), last_event=event)


def shutting(**changes: Any) -> Notice:
    given: dict[str, Any] = {"job_id": "ftjob-1", "day": date(2027, 1, 14), "days_left": 40, "threshold": 60}
    expected = shutdown.Expected(**{**given, "base": False, **changes})
    return notices.of_shutdown(job("succeeded"), expected, facts=FACTS, now=NOON)


ABOUT: list[Callable[[], Notice]] = [
    lambda: of_job(job("queued"), Kind.CREATED),
    lambda: of_job(job("running"), Kind.STARTED),
    lambda: notices.of_checkpoint(job(), CHECKPOINT, facts=FACTS, now=NOON),
    lambda: notices.of_checkpoint(job(), replace(CHECKPOINT, checkpoint_id="ck2"), facts=FACTS, now=NOON),
    lambda: notices.of_stall(job(), silence(), level=0, facts=FACTS, now=NOON),
    lambda: notices.of_stall(job(), silence(), level=1, facts=FACTS, now=NOON),
    lambda: notices.of_stall(job(), silence(5), level=0, facts=FACTS, now=NOON),
    lambda: notices.of_stall(job("queued"), silence(), level=0, facts=FACTS, now=NOON),
    lambda: notices.of_model(job(), listed=True, answered=None, reason=None, facts=FACTS, now=NOON),
    lambda: shutting(),
    lambda: shutting(threshold=30),
    lambda: shutting(day=date(2027, 1, 15)),
    lambda: shutting(job_id="ftjob-2"),
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


def test_what_only_some_notices_tell_stands_beside_the_facts_of_the_job() -> None:
    checkpoint = notices.of_checkpoint(job(), CHECKPOINT, facts=FACTS, now=NOON)
    made = {"id": "ck1", "step": 8, "model": "ft:m:ckpt", "train_loss": 0.5, "valid_loss": None}
    assert checkpoint.facts == {**FACTS, "checkpoint": made}
    stalled = notices.of_stall(job(), silence(), level=0, facts=FACTS, now=NOON)
    assert stalled.facts == {**FACTS, "since": "2026-11-03T12:00:00Z", "idle_seconds": 25200, "last_event": "Step 7"}
    checked = notices.of_model(job(), listed=True, answered=False, reason="no", facts=FACTS, now=NOON)
    assert checked.facts == {**FACTS, "listed": True, "answered": False, "reason": "no"}
    assert shutting().facts == {**FACTS, "shutdown_date": "2027-01-14", "days_left": 40, "base": False}
