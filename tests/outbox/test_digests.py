"""The daily summary: what it tells, when, and that nothing falls between two of them."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from service import model
from service.outbox.digests import Digests
from service.rules import reading as states
from service.store.queue import Queue
from service.store.record import Record
from tests.conftest import Bench, destination
from tests.outbox.conftest import ZONE, office
from tests.store import hosts

DAILY = destination("mail", digest_at=time(9), group_wait=timedelta(seconds=10))
# Nine o'clock in Berlin.
NINE = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def configured(bench: Bench) -> None:
    bench.record.configured(["main", "other"])
    office(bench, DAILY)


def digests(bench: Bench, *to: model.Destination) -> Digests:
    """Of a process that starts now."""
    return Digests(queue=bench.queue, destinations=to or (DAILY,), zone=ZONE, stalled_after=timedelta(hours=6))


def seen(
    bench: Bench, name: str, status: str, at: datetime, *, source: model.Source = model.Source.LIST,
    account: str = "main", **fields: Any,
) -> None:  # fmt: skip
    """At this time, the job was seen to have this status."""
    job = model.Job(
        account=account, job_id=name, status=status, state=states.state_of(status), raw=f"{status} {at}", **fields
    )
    change = model.StatusChange(from_status=None, to_status=status, observed_at=at, source=source)
    bench.record.record(account, [model.Update(job=job, change=change)], at)


def told(bench: Bench, until: datetime = NINE) -> dict[str, Any]:
    """The facts of the digest that reaches until then."""
    [digest] = [
        each.notice
        for each in bench.queue.due("mail", until + 30 * DAY, 100)
        if each.notice.facts["until"] == until.strftime("%Y-%m-%dT%H:%M:%SZ")
    ]
    assert digest.kind is model.Kind.DIGEST
    return dict(digest.facts)


def names(jobs: list[dict[str, Any]]) -> list[str]:
    return [job["job_id"] for job in jobs]


def test_it_tells_what_ended_the_failed_ones_first_and_what_has_not(bench: Bench) -> None:
    seen(bench, "good", "succeeded", NINE - timedelta(hours=5), fine_tuned_model="ft:x", trained_tokens=7)
    seen(bench, "bad", "failed", NINE - timedelta(hours=2), error_code="x", error_message="y", suffix="s")
    seen(bench, "young", "running", NINE - timedelta(hours=1))
    seen(bench, "old", "queued", NINE - timedelta(hours=7))
    assert digests(bench).keep(NINE) == 1
    facts = told(bench)
    assert names(facts["ended"]) == ["bad", "good"]
    assert names(facts["running"]) == ["young"]
    assert names(facts["stuck"]) == ["old"]
    assert facts["counts"] == {"failed": 1, "succeeded": 1, "running": 1, "pending": 1}
    assert (facts["since"], facts["until"]) == ("2026-11-22T08:00:00Z", "2026-11-23T08:00:00Z")
    bad, good = facts["ended"]
    assert (bad["error_code"], bad["error_message"], bad["suffix"]) == ("x", "y", "s")
    assert (good["fine_tuned_model"], good["trained_tokens"]) == ("ft:x", 7)
    assert facts["stuck"][0]["since"] == "2026-11-23T01:00:00Z"


def test_it_goes_out_once_a_day_at_its_time(bench: Bench) -> None:
    seen(bench, "good", "succeeded", NINE - timedelta(hours=5))
    seen(bench, "later", "succeeded", NINE + timedelta(hours=5))
    keeper = digests(bench)
    assert keeper.keep(NINE - MINUTE) == 0
    assert [keeper.keep(NINE + minute * MINUTE) for minute in range(3)] == [1, 0, 0]
    assert digests(bench).keep(NINE + timedelta(hours=2)) == 0, "a restart repeats nothing"
    assert keeper.keep(NINE + DAY) == 1
    assert names(told(bench, NINE + DAY)["ended"]) == ["later"]


def test_where_nothing_ended_and_nothing_runs_there_is_silence(bench: Bench) -> None:
    seen(bench, "long ago", "succeeded", NINE - 3 * DAY)
    assert digests(bench).keep(NINE) == 0
    assert bench.reading.deliveries(limit=9) == []


def test_what_was_over_before_anybody_watched_is_not_told(bench: Bench) -> None:
    installed = NINE - timedelta(hours=3)
    for name, hours in (("past", 30), ("last night", 10)):
        seen(
            bench, name, "succeeded", installed, source=model.Source.BASELINE, finished_at=NINE - timedelta(hours=hours)
        )
    seen(bench, "undated", "cancelled", installed, source=model.Source.BASELINE)
    digests(bench).keep(NINE)
    assert names(told(bench)["ended"]) == ["last night"]


def test_what_ended_while_nobody_watched_is_in_the_next_one(bench: Bench) -> None:
    """Off from Sunday evening to Tuesday noon; Monday's has nobody to send it."""
    digests(bench).keep(NINE - DAY)
    seen(bench, "sunday", "succeeded", NINE - timedelta(hours=12))
    seen(bench, "found", "failed", NINE + DAY + timedelta(hours=3), finished_at=NINE)
    keeper = digests(bench)
    assert keeper.keep(NINE + DAY + timedelta(hours=4)) == 0
    assert keeper.keep(NINE + 2 * DAY) == 1
    facts = told(bench, NINE + 2 * DAY)
    assert names(facts["ended"]) == ["found"]


def test_days_without_any_are_made_up_for(bench: Bench) -> None:
    seen(bench, "first", "succeeded", NINE - timedelta(hours=12))
    assert digests(bench).keep(NINE) == 1
    seen(bench, "before the power went", "failed", NINE + timedelta(hours=1))
    assert digests(bench).keep(NINE + 3 * DAY + timedelta(hours=2)) == 1
    facts = told(bench, NINE + 3 * DAY)
    assert names(facts["ended"]) == ["before the power went"]
    assert facts["since"] == "2026-11-23T08:00:00Z", "it says how far back it reaches"


def test_silent_days_do_not_make_the_next_one_reach_further_back(bench: Bench) -> None:
    seen(bench, "first", "succeeded", NINE - timedelta(hours=12))
    seen(bench, "second", "succeeded", NINE + 3 * DAY - timedelta(hours=12))
    keeper = digests(bench)
    assert [keeper.keep(NINE + days * DAY) for days in range(4)] == [1, 0, 0, 1]
    assert told(bench, NINE + 3 * DAY)["since"] == "2026-11-25T08:00:00Z"


def test_a_job_with_news_in_its_log_is_not_stuck(bench: Bench) -> None:
    seen(bench, "old", "running", NINE - timedelta(hours=9))
    job = bench.record.known("main", ["old"])["old"]
    event = model.Event(
        event_id="e", created_at=NINE - timedelta(hours=1), level="info", type="message", message="Step"
    )
    bench.record.record("main", [model.Update(job=job, course=model.Course(events=(event,)))], NINE)
    digests(bench).keep(NINE)
    assert names(told(bench)["running"]) == ["old"]


def test_what_cannot_be_seen_is_told_too(bench: Bench) -> None:
    bench.record.end_pass(
        model.AccountRecord(name="main", failing_since=NINE - DAY, blind_at=NINE - DAY, last_error="refused (401)")
    )
    assert digests(bench).keep(NINE) == 1
    assert told(bench)["blind"] == [{"name": "main", "since": "2026-11-22T08:00:00Z", "reason": "refused (401)"}]


def test_a_channel_hears_of_what_concerns_it(bench: Bench) -> None:
    """Its filters keep one team's jobs from another's."""
    mine = destination("mail", digest_at=time(9), accounts=("ma*",), models=("gpt-4*",), metadata={"team": "a"})
    for name, account, tuned, team in (
        ("mine", "main", "gpt-4o", "a"),
        ("another account", "other", "gpt-4o", "a"),
        ("another model", "main", "llama", "a"),
        ("another team", "main", "gpt-4o", "b"),
    ):
        seen(bench, name, "succeeded", NINE - MINUTE, account=account, model=tuned, metadata={"team": team})
    bench.record.end_pass(model.AccountRecord(name="other", failing_since=NINE, blind_at=NINE))
    digests(bench, mine).keep(NINE)
    facts = told(bench)
    assert (names(facts["ended"]), facts["counts"], facts["blind"]) == (["mine"], {"succeeded": 1}, [])


def test_of_very_many_it_names_two_hundred_and_counts_all(bench: Bench) -> None:
    for number in range(230):
        seen(bench, f"job-{number}", "failed" if number == 229 else "succeeded", NINE - MINUTE)
    digests(bench).keep(NINE)
    facts = told(bench)
    assert (len(facts["ended"]), facts["counts"]) == (200, {"failed": 1, "succeeded": 229})
    assert facts["ended"][0]["job_id"] == "job-229"


def test_it_is_a_message_of_its_own_and_does_not_wait(bench: Bench) -> None:
    """Also where it came as a fallback, among others."""
    seen(bench, "good", "succeeded", NINE - timedelta(hours=5))
    bench.clock.time = NINE
    digests(bench).keep(NINE)
    pager = destination("pager", group_wait=timedelta(seconds=10))
    outbox = office(bench, DAILY, pager)
    bench.queue.fall_back("mail", [pager], NINE)
    job = bench.record.known("main", ["good"])["good"]
    for each in (DAILY, pager):
        assert outbox.deliver(each, NINE).sent == 1, job
    assert [message.kind for _, message in bench.notifier.sent] == [model.Kind.DIGEST] * 2


def test_each_channel_has_its_own_time(bench: Bench) -> None:
    evening = destination("chat", digest_at=time(18))
    seen(bench, "good", "succeeded", NINE + timedelta(hours=1))
    keeper = digests(bench, DAILY, evening)
    assert keeper.keep(NINE + timedelta(hours=9)) == 1
    assert keeper.keep(NINE + DAY) == 1


def test_the_digest_of_another_host_does_not_pass_for_ours(bench: Bench, url: str, tmp_path: Path) -> None:
    """Nor are jobs of accounts summed up that came by an import and are not watched here."""
    with hosts.host(bench, tmp_path / "other.db") as other:
        theirs = Digests(queue=Queue(other.engine), destinations=(DAILY,), zone=ZONE, stalled_after=timedelta(hours=6))
        ended = model.Job(
            account="foreign", job_id="far", status="failed", state=model.State.FAILED, raw="{}",
        )  # fmt: skip
        change = model.StatusChange(
            from_status=None, to_status="failed", observed_at=NINE - DAY - MINUTE, source=model.Source.LIST
        )
        Record(other.engine).configured(["foreign"])
        Record(other.engine).record("foreign", [model.Update(job=ended, change=change)], NINE - DAY - MINUTE)
        assert theirs.keep(NINE - DAY) == 1
        hosts.change(other.path, "UPDATE delivery SET state = 'sent', sent_at = created_at")
    for _ in range(2):
        hosts.take(url, tmp_path / "other.db")
        assert bench.reading.deliveries(limit=9) == []
    seen(bench, "near", "failed", NINE - DAY - MINUTE)
    assert digests(bench).keep(NINE - DAY) == 1
    assert names(told(bench, NINE - DAY)["ended"]) == ["near"]
