from datetime import datetime

import pytest

from service.model import Course, Event, Job, Kind, Source
from service.rules import compare
from tests.builders import NOON, at, job


def merged(known: Job | None, seen: Job, *, now: datetime = NOON, baseline: bool = False) -> Job:
    return compare.merge(known, seen, now=now, baseline=baseline)


class TestMerge:
    @pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled", "canceled"])
    def test_an_end_without_a_time_is_stamped_with_the_moment_it_was_seen(self, status: str) -> None:
        """Failed jobs come with `finished_at: null`."""
        assert merged(job("running"), job(status)).finished_at == NOON

    def test_a_time_that_the_provider_tells_wins(self) -> None:
        assert merged(job("running"), job("failed", finished_at=at(-9))).finished_at == at(-9)

    def test_at_first_sight_an_unknown_end_stays_unknown(self) -> None:
        assert merged(None, job("failed"), baseline=True).finished_at is None

    def test_it_stays_unknown_at_every_later_look(self) -> None:
        known = merged(None, job("failed"), baseline=True)
        assert merged(known, job("failed", error_code="told_later"), now=at(5)).finished_at is None

    def test_a_stamp_is_not_moved_by_later_looks(self) -> None:
        known = merged(job("running"), job("failed"))
        assert merged(known, job("failed"), now=at(60)).finished_at == NOON

    def test_a_job_that_ended_unseen_after_the_first_sight_is_stamped(self) -> None:
        assert merged(None, job("failed")).finished_at == NOON

    @pytest.mark.parametrize("status", ["queued", "running", "paused", "brand_new"])
    def test_an_unfinished_job_has_no_end(self, status: str) -> None:
        assert merged(job("queued"), job(status)).finished_at is None

    def test_a_job_first_seen_running_started_now(self) -> None:
        assert merged(job("queued"), job("running")).started_at == NOON

    def test_at_first_sight_an_unknown_start_stays_unknown(self) -> None:
        assert merged(None, job("running"), baseline=True).started_at is None

    @pytest.mark.parametrize("status", ["running", "paused", "pausing", "succeeded", "failed"])
    def test_a_known_start_is_kept(self, status: str) -> None:
        assert merged(job("running", started_at=at(-30)), job(status)).started_at == at(-30)

    def test_a_job_that_waits_has_not_started(self) -> None:
        assert merged(None, job("queued")).started_at is None

    @pytest.mark.parametrize("status", ["canceling", "pausing"])
    def test_a_queued_job_that_is_called_off_never_started(self, status: str) -> None:
        assert merged(job("queued"), job(status)).started_at is None


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, "queued", (None, "queued")),
        ("queued", "running", ("queued", "running")),
        ("running", "running", None),
        ("canceling", "canceled", ("canceling", "canceled")),
        ("succeeded", "deleted", ("succeeded", "deleted")),
        ("pausing", "paused", ("pausing", "paused")),
        # Two words for one state are still a change of the provider's own status.
        ("cancelled", "canceled", ("cancelled", "canceled")),
    ],
)
def test_a_change_is_a_change_of_the_providers_own_word(
    before: str | None, after: str, expected: tuple[str | None, str] | None
) -> None:
    change = compare.change(job(before) if before else None, job(after), now=NOON, source=Source.RETRIEVE)
    assert (change and (change.from_status, change.to_status)) == expected
    if change:
        assert (change.observed_at, change.source) == (NOON, Source.RETRIEVE)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        # The plain course.
        (None, "queued", Kind.CREATED),
        (None, "compressing", Kind.CREATED),
        ("queued", "running", Kind.STARTED),
        ("compressing", "running", Kind.STARTED),
        # One thing is told at a time: that it runs says that it is there.
        (None, "running", Kind.STARTED),
        (None, "paused", Kind.PAUSED),
        ("running", "queued", None),
        ("running", "succeeded", Kind.SUCCEEDED),
        ("running", "failed", Kind.FAILED),
        ("queued", "failed", Kind.FAILED),
        # Met when it had already ended: it ran between two passes.
        (None, "succeeded", Kind.SUCCEEDED),
        (None, "failed", Kind.FAILED),
        (None, "cancelled", Kind.CANCELLED),
        # Called off.
        ("running", "canceling", None),
        ("queued", "canceling", None),
        ("paused", "canceling", None),
        (None, "canceling", Kind.CREATED),
        ("canceling", "canceled", Kind.CANCELLED),
        ("canceling", "succeeded", Kind.SUCCEEDED),
        ("cancelled", "canceled", None),
        # Paused.
        ("running", "pausing", None),
        ("pausing", "paused", Kind.PAUSED),
        ("paused", "running", Kind.RESUMED),
        ("paused", "queued", Kind.RESUMED),
        ("queued", "pausing", None),
        ("paused", "paused", None),
        # Tidied up after its end: no news.
        ("succeeded", "deleted", None),
        ("failed", "deleted", None),
        ("cancelled", "deleted", None),
        ("running", "deleted", Kind.CANCELLED),
        # It turns out otherwise after all.
        ("failed", "succeeded", Kind.SUCCEEDED),
        ("succeeded", "failed", Kind.FAILED),
        ("cancelled", "succeeded", Kind.SUCCEEDED),
        # Flapping, and words nobody knows.
        ("succeeded", "succeeded", None),
        ("succeeded", "running", None),
        ("succeeded", "paused", None),
        ("running", "compressing", None),
        ("compressing", "succeeded", Kind.SUCCEEDED),
        ("compressing", "uploading", None),
    ],
)
def test_what_a_step_deserves(before: str | None, after: str, kind: Kind | None) -> None:
    assert compare.announcement(job(before) if before else None, job(after)) is kind


@pytest.mark.parametrize(
    ("finished", "created", "recent"),
    [
        (-30, -600, True),
        (-60, -600, True),
        (-61, -600, False),
        (None, -59, True),
        (None, -61, False),
        (None, None, False),
        # It ended long ago; that it was created later is nonsense, and its end decides.
        (-600, -30, False),
    ],
)
def test_recent_is_what_ended_within_the_window(finished: int | None, created: int | None, recent: bool) -> None:
    finished_at = at(finished) if finished is not None else None
    created_at = at(created) if created is not None else None
    seen = job("failed", finished_at=finished_at, created_at=created_at)
    assert compare.is_recent(seen, at(-60)) is recent
    assert not compare.is_recent(seen, None)


def event(message: str, minutes: float | None = 0) -> Event:
    created_at = at(minutes) if minutes is not None else None
    return Event(event_id=message, created_at=created_at, level="info", type="message", message=message)


@pytest.mark.parametrize("message", ["Fine-tuning job started", "Job started.", "Fine-tuning job started."])
def test_the_providers_own_event_dates_the_start(message: str) -> None:
    course = Course(events=(event("Waiting in line", -9), event(message, -5)))
    assert compare.with_course(job(started_at=NOON), course).started_at == at(-5)


def test_the_first_of_several_starts_counts() -> None:
    """A job that was paused starts again."""
    course = Course(events=(event("Fine-tuning job started", 40), event("Job started.", 10)))
    assert compare.with_course(job(), course).started_at == at(10)


@pytest.mark.parametrize(
    "told", [event("The job has not started"), event("Job started.", None), event("Step 1: training loss=0.1")]
)
def test_other_events_do_not_touch_the_start(told: Event) -> None:
    assert compare.with_course(job(started_at=at(3)), Course(events=(told,))).started_at == at(3)
