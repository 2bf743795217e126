"""Reading courses: in pieces if need be, and each piece once."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from service import errors, model
from service.store import engine as engines
from service.store.record import Record
from service.watcher import course
from tests.conftest import START, HandClock

PAGE = 10
JOB = model.Job(account="main", job_id="job", status="running", state=model.State.RUNNING, raw="{}")


@dataclass
class Log:
    """A provider that has only events; `last` of them are there, one a second."""

    newest_first: bool = True
    last: int = 0
    asked: list[str | None] = field(default_factory=list)
    trouble: Exception | None = None
    clock: HandClock | None = None

    def events(self, _job_id: str, after: str | None) -> model.EventPage:
        self.asked.append(after)
        if self.trouble:
            raise self.trouble
        if self.clock:
            self.clock.move(seconds=2)
        numbers = list(range(1, self.last + 1))
        if self.newest_first:
            numbers.reverse()
        start = numbers.index(int(after)) + 1 if after else 0
        shown = numbers[start : start + PAGE]
        events = tuple(
            model.Event(
                event_id=str(number), created_at=START + timedelta(seconds=number), level="info", type="metrics",
                message=f"Step {number}",
            )
            for number in shown
        )  # fmt: skip
        metrics = tuple(model.Metric(step=number, train_loss=1 / number) for number in shown)
        more = start + PAGE < len(numbers)
        return model.EventPage(events=events, metrics=metrics, after=str(shown[-1]) if more else None)


@pytest.fixture
def record(engine: engines.Engine) -> Record:
    record = Record(engine)
    record.record("main", [model.Update(job=JOB)], START)
    return record


def _read(log: Log, record: Record, clock: HandClock, seconds: float = 5) -> model.Course:
    budget = course.Budget(clock, timedelta(seconds=seconds))
    read = course.Reading(log, record, JOB, budget).read()  # type: ignore[arg-type]
    record.record("main", [model.Update(job=JOB, course=read)], START)
    return read


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_course_too_long_for_one_pass_is_read_in_pieces(record: Record, clock: HandClock, newest_first: bool) -> None:
    log = Log(newest_first=newest_first, last=100, clock=clock)
    passes = 1
    while not _read(log, record, clock).complete:
        passes += 1
        log.last += 1
    assert passes < 12
    assert len(record.known_events("main", "job", [str(number) for number in range(1, log.last + 1)])) >= 100
    assert len(record.course("main", "job").metrics) >= 100


def test_once_known_only_news_is_read(record: Record, clock: HandClock) -> None:
    log = Log(last=100)
    assert _read(log, record, clock).complete
    log.asked.clear()
    log.last = 105
    assert _read(log, record, clock).complete
    assert log.asked == [None]
    assert len(record.course("main", "job").metrics) == 105


def test_trouble_ends_reading_for_the_whole_pass(record: Record, clock: HandClock) -> None:
    """A provider that asks us to slow down is not asked the same for the next job."""
    log = Log(last=5, trouble=errors.RateLimited("slow down"))
    budget = course.Budget(clock, timedelta(seconds=5))
    assert not course.Reading(log, record, JOB, budget).read().complete  # type: ignore[arg-type]
    assert not budget.left()


def test_what_we_are_not_let_read_counts_as_read(record: Record, clock: HandClock) -> None:
    assert _read(Log(trouble=errors.Refused("no scope")), record, clock).complete


def test_a_surprise_in_a_course_keeps_nothing_back(
    record: Record, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    assert _read(Log(trouble=KeyError("odd")), record, clock).complete
    assert "cannot be understood" in caplog.text


def test_measures_of_one_step_from_two_sources_are_kept_together(record: Record) -> None:
    both = (model.Metric(step=1, train_loss=2.0), model.Metric(step=1, train_loss=9.0, valid_loss=3.0))
    for metrics in (both, (model.Metric(step=1, valid_accuracy=0.5),)):
        record.record("main", [model.Update(job=JOB, course=model.Course(metrics=metrics))], START)
    assert record.course("main", "job").metrics == (
        model.Metric(step=1, train_loss=2.0, valid_loss=3.0, valid_accuracy=0.5),
    )
