"""The past of an account: read job by job, to its end, whatever happens meanwhile."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service import clock, errors, model
from service.providers.openai_api import OpenAIProvider
from service.rules import patience
from service.store import engine as engines
from service.store import schema
from service.store.past import Backlog
from service.store.shelf import Shelf
from service.watcher import past
from tests.conftest import KEY, START, Bench
from tests.watcher import told

LONG_AGO = (START - timedelta(days=40)).timestamp()
CSV = b"step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n1,2.5,0.5,,\n2,1.25,,0.75,0.25\n"


class Way:
    """The bench's provider; what is asked of a job in `troubles` raises, and `asked` remembers what was asked."""

    def __init__(self, provider: OpenAIProvider) -> None:
        self._provider = provider
        self.troubles: dict[str, Exception] = {}
        self.asked: Counter[tuple[str, str]] = Counter()
        self.meanwhile: Callable[[], object] = lambda: None

    def __getattr__(self, name: str) -> Any:
        asking = getattr(self._provider, name)

        def ask(what: str, *rest: Any) -> Any:
            self.asked[name, what] += 1
            self.meanwhile()
            for key in (what, name):
                if key in self.troubles:
                    raise self.troubles[key]
            return asking(what, *rest)

        return ask


@dataclass
class Study:
    """A bench with a past to read; `again` makes a new process of it."""

    bench: Bench
    way: Way
    one: past.Past = field(init=False)

    def __post_init__(self) -> None:
        self.again()

    def again(self, **changes: Any) -> None:
        bench = self.bench
        given: dict[str, Any] = {"provider": self.way, "pace": patience.GENTLE, **changes}
        backlog = Backlog(bench.record._engine)
        self.one = past.Past("main", record=bench.record, backlog=backlog, time=bench.clock, **given)

    def read(self) -> past.Report:
        """One pass; then the pause that it asks for goes by."""
        report = self.one.read(self.bench.clock.now())
        self.bench.clock.time += report.next_in
        return report

    def read_all(self, most: int = 1000) -> list[past.Report]:
        reports = [self.read()]
        while reports[-1].left:
            assert len(reports) < most
            reports.append(self.read())
        return reports

    def known(self, job_id: str) -> tuple[int, int, int]:
        """How many events, metrics and checkpoints."""
        reading = self.bench.reading
        job = reading.job(job_id)
        events = reading.events(job=job, limit=10_000)
        return len(events), len(reading.metrics(job)), len(reading.checkpoints(job))


@pytest.fixture
def study(bench: Bench) -> Study:
    return Study(bench, Way(bench.provider.unhurried()))


@pytest.fixture
def three(study: Study) -> tuple[str, str, str]:
    """Of a past of three jobs, the oldest first."""
    ids = [study.bench.simulator.create(created_at=LONG_AGO + day * 86_400, durations=(9, 9, 900)) for day in range(3)]
    study.bench.poll()
    return ids[0], ids[1], ids[2]


def test_the_first_look_leaves_the_courses_of_the_past_and_reading_the_past_completes_them(study: Study) -> None:
    bench = study.bench
    bench.simulator.populate(KEY, 40)
    bench.poll()
    states = bench.states()
    assert {study.known(job_id) for job_id in states} == {(0, 0, 0)}
    assert sum(report.read for report in study.read_all()) == 40
    for job_id, state in states.items():
        events, metrics, checkpoints = study.known(job_id)
        assert events > 0
        assert state != "succeeded" or (metrics > 10 and checkpoints > 0)
        assert bench.reading.job(job_id)["course_read_at"]
    assert told.notices_kept(bench) == 0


def test_the_newest_is_read_first(study: Study, three: tuple[str, str, str]) -> None:
    reports = study.read_all()
    assert [job for name, job in study.way.asked if name == "checkpoints"] == [*three[::-1]]
    assert [report.left for report in reports] == [2, 1, 0]


def test_a_job_costs_a_request_for_each_hundred_events_one_for_checkpoints_and_one_for_each_file(study: Study) -> None:
    bench = study.bench
    done = bench.simulator.create(created_at=LONG_AGO, durations=(9, 9, 900))
    failed = bench.simulator.create(created_at=LONG_AGO + 1, durations=(9, 9, 0), ending="failed")
    bench.poll()
    bench.requests()
    study.read_all()
    asked = Counter(path.removeprefix("/v1/") for path in bench.requests())
    jobs = "fine_tuning/jobs"
    [file] = bench.provider.read(bench.provider.retrieve(done)).result_files
    assert asked == {
        f"{jobs}/{done}/events": -(-study.known(done)[0] // 100), f"{jobs}/{done}/checkpoints": 1,
        f"files/{file}/content": 1, f"{jobs}/{failed}/events": 1, f"{jobs}/{failed}/checkpoints": 1,
    }  # fmt: skip


def test_killed_in_the_middle_it_goes_on_and_reads_no_finished_job_twice(study: Study) -> None:
    bench = study.bench
    bench.simulator.populate(KEY, 12)
    bench.poll()
    for _ in range(5):
        study.read()
    for kill in range(3):
        study.way.meanwhile = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            study.read()
        study.way.meanwhile = lambda: None
        study.again()
        assert study.read().left == 6 - kill
    study.read_all()
    assert {job for name, job in study.way.asked if name == "checkpoints"} == bench.states().keys()
    assert max(count for (name, _), count in study.way.asked.items() if name == "checkpoints") == 1


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_a_course_cut_short_is_gone_on_with_where_it_was(study: Study, cut: int) -> None:
    """After so many requests the provider has trouble: for events, for checkpoints, for the file."""
    done = study.bench.simulator.create(created_at=LONG_AGO, durations=(9, 9, 9_000))
    study.bench.poll()
    study.way.troubles = {("events", "checkpoints", "results")[cut]: errors.Transient("no")}
    report = study.read()
    assert (report.read, report.left, report.trouble) == (0, 1, "no")
    assert (study.known(done)[0] > 0) == (cut > 0)
    study.way.troubles.clear()
    study.bench.clock.move(minutes=2)
    assert study.read().left == 0
    assert min(study.known(done)) > 0


def test_result_files_may_be_plain_and_several(study: Study) -> None:
    bench = study.bench
    files = [bench.provider._client.files.create(file=("r.csv", part), purpose="fine-tune").id for part in _parts()]
    bench.simulator.add_raw(KEY, bench.payload("ft-1", status="succeeded", created_at=LONG_AGO, result_files=files))
    bench.poll()
    study.read_all()
    assert [row["step"] for row in bench.reading.metrics(bench.reading.job("ft-1"))] == [1, 2]


def _parts() -> list[bytes]:
    head, *rows = CSV.splitlines(keepends=True)
    return [head + row for row in rows]


def test_a_result_file_that_was_deleted_is_noted_and_what_is_known_stays(
    study: Study, three: tuple[str, str, str]
) -> None:
    bench = study.bench
    for job_id in three[:2]:
        [file] = bench.provider.read(bench.provider.retrieve(job_id)).result_files
        bench.provider._client.files.delete(file)
    study.read_all()
    gone = [bench.reading.job(job_id)["results_gone_at"] for job_id in three]
    assert [at and clock.to_text(clock.from_text(at)) == at for at in gone] == [True, True, None]
    # Those that came with the events.
    assert all(study.known(job_id)[1] > 10 for job_id in three)


def test_a_look_that_finds_no_result_file_notes_it_as_well(bench: Bench) -> None:
    bench.poll()
    bench.simulator.add_raw(KEY, bench.payload("ft-1", status="succeeded", result_files=["file-nowhere"]))
    bench.poll()
    assert bench.reading.job("ft-1")["results_gone_at"]


def test_a_job_that_was_deleted_is_gone_and_the_others_are_read(study: Study, three: tuple[str, str, str]) -> None:
    bench = study.bench
    bench.simulator.remove(KEY, three[1])
    reports = study.read_all()
    assert [(report.read, report.gone) for report in reports] == [(1, 0), (0, 1), (1, 0)]
    assert [bool(bench.reading.job(job_id)["gone_at"]) for job_id in three] == [False, True, False]
    assert told.notices_kept(bench) == 0


def test_a_gateway_without_events_has_its_jobs_all_the_same(study: Study, three: tuple[str, str, str]) -> None:
    """LiteLLM answers 404 for events and checkpoints."""
    study.way.troubles = {"events": errors.NotFound("no"), "checkpoints": errors.NotFound("no")}
    assert sum(report.read for report in study.read_all()) == 3
    assert not any(study.bench.reading.job(job_id)["gone_at"] for job_id in three)
    assert all(study.known(job_id)[1] > 10 for job_id in three)


def test_nothing_is_read_before_the_account_was_seen_nor_while_it_cannot_be(study: Study) -> None:
    """With a wrong address every job would pass for gone."""
    bench = study.bench
    bench.simulator.populate(KEY, 3)
    assert study.read().next_in == patience.PAST_NOT_YET
    bench.poll()
    bench.simulator.down = 503
    bench.poll()
    report = study.read()
    assert report.trouble
    assert "503" in report.trouble
    assert not study.way.asked
    bench.simulator.down = None
    bench.poll()
    assert study.read().left == 2


def test_a_rate_limit_is_respected_and_the_same_job_comes_next(study: Study, three: tuple[str, str, str]) -> None:
    study.bench.simulator.down, study.bench.simulator.retry_after = 429, 90.0
    assert study.read().next_in == timedelta(seconds=90)
    study.bench.simulator.down = None
    study.read()
    assert study.known(three[2])[0] > 0


def test_pauses_grow_while_the_provider_has_trouble(study: Study, three: tuple[str, str, str]) -> None:
    study.bench.simulator.down = 503
    pauses = [study.read().next_in for _ in range(3)]
    assert pauses == [patience.pause(failures, 0.5) for failures in (1, 2, 3)]
    study.bench.simulator.down = None
    assert study.read_all()[0].next_in == patience.GENTLE.least


def test_a_job_that_stays_unreadable_blocks_no_other(
    study: Study, three: tuple[str, str, str], caplog: pytest.LogCaptureFixture
) -> None:
    study.way.troubles = {three[2]: errors.Transient("trouble (500)")}
    reports = [study.read() for _ in range(6)]
    assert sum(report.read for report in reports) == 2
    assert (reports[-1].left, reports[-1].trouble) == (1, "trouble (500)")
    assert caplog.text.count("trouble (500)") == 1
    study.way.troubles.clear()
    study.bench.clock.move(days=1)
    assert study.read().left == 0


class Long(Way):
    """Every course has so many pages of one event each, the newest first; one takes 20 s."""

    def __init__(self, study: Study, pages: int) -> None:
        super().__init__(study.bench.provider)
        self._study = study
        self._pages = pages
        self.pages_asked: list[int] = []

    def events(self, _job_id: str, after: str | None) -> model.EventPage:
        self._study.bench.clock.move(seconds=20)
        number = int(after or 0) + 1
        self.pages_asked.append(number)
        at = START - timedelta(days=40, minutes=number)
        event = model.Event(event_id=str(number), created_at=at, level="info", type="message", message="on")
        return model.EventPage(events=(event,), metrics=(), after=str(number) if number < self._pages else None)


def test_a_course_without_an_end_blocks_no_other(study: Study, three: tuple[str, str, str]) -> None:
    study.again(provider=Long(study, 1_000_000))
    reports = [study.read() for _ in range(60)]
    assert {report.left for report in reports} == {3}
    assert all(study.known(job_id)[0] for job_id in three)
    assert "have no end so far" in (reports[-1].trouble or "")


def test_a_long_course_is_no_trouble_and_housekeeping_does_not_undo_it(study: Study) -> None:
    """Its events are older than is kept; they go when all of it was read."""
    long = study.bench.simulator.create(created_at=LONG_AGO, durations=(9, 9, 9_000))
    study.bench.poll()
    way = Long(study, 12)
    study.again(provider=way)
    shelf = Shelf(study.bench.record._engine)
    reports = [study.read()]
    while reports[-1].left:
        assert shelf.forget_events(study.bench.clock.now() - timedelta(days=30)) == 0
        reports.append(study.read())
    # The first page is looked at anew each time, in case something happened meanwhile.
    assert [number for number in way.pages_asked if number > 1] == list(range(2, 13))
    assert {report.trouble for report in reports} == {None}
    assert max(report.next_in for report in reports[:-1]) < timedelta(minutes=15)
    assert study.known(long)[0] == 12
    assert shelf.forget_events(study.bench.clock.now() - timedelta(days=30)) == 12


def test_a_key_that_is_refused_makes_nothing_read_or_gone(study: Study, three: tuple[str, str, str]) -> None:
    study.bench.simulator.revoke(KEY)
    assert [study.read().left for _ in range(4)] == [3, 3, 3, 3]
    study.bench.simulator.restore(KEY)
    study.bench.clock.move(days=1)
    study.read_all()
    assert all(min(study.known(job_id)) for job_id in three)


def test_a_single_refusal_of_a_file_is_no_answer(study: Study, three: tuple[str, str, str]) -> None:
    study.way.troubles = {"results": errors.Refused("refused (403)")}
    assert study.read().trouble == "refused (403)"
    study.way.troubles.clear()
    study.bench.clock.move(minutes=2)
    study.read_all()
    assert study.way.asked["events", three[2]] == 2


def test_what_the_key_may_not_read_counts_as_read_and_is_said(
    study: Study, three: tuple[str, str, str], caplog: pytest.LogCaptureFixture
) -> None:
    study.way.troubles = {"results": errors.Refused("missing scopes (401)")}
    reports = study.read_all()
    assert sum(report.read for report in reports) == 3
    assert sum(report.denied is not None for report in reports) == 3
    assert caplog.text.count("counts as read: missing scopes (401)") == 1


def test_it_says_when_it_begins_and_when_all_is_read(
    study: Study, three: tuple[str, str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="service")
    caplog.clear()
    study.read_all()
    assert [study.read().next_in for _ in range(2)] == [patience.PAST_EVERY] * 2
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["main: the past is read, little by little: 3 jobs", "main: all of the past is read"]


def test_only_what_was_created_since_then_is_read(study: Study, three: tuple[str, str, str]) -> None:
    since = START - timedelta(days=39, minutes=1)
    report = study.one.read(START, since)
    assert (report.read, report.left) == (1, 1)
    study.one.read(START, since)
    assert study.one.read(START, since).next_in == patience.PAST_EVERY
    assert study.one.left() == 1
    assert study.known(three[0]) == (0, 0, 0)


def test_an_event_dates_the_start_and_nothing_else_of_the_job_is_written(study: Study) -> None:
    bench = study.bench
    done = bench.simulator.create(created_at=LONG_AGO, durations=(60, 120, 900))
    bench.poll()
    before = bench.reading.job(done)
    study.read_all()
    after = bench.reading.job(done)
    assert (before["started_at"], after["queued_seconds"], after["running_seconds"]) == (None, 180, 900)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {
        "started_at", "queued_seconds", "running_seconds", "train_loss", "valid_loss", "course_read_at",
    }  # fmt: skip


def test_the_last_event_dates_the_end_where_the_provider_does_not(study: Study) -> None:
    """So it is with failed jobs; while a part of the events is missing, it is not known which one is the last."""
    bench = study.bench
    failed = bench.simulator.create(created_at=LONG_AGO, ending="failed", durations=(60, 120, 900))
    bench.poll()
    assert bench.reading.job(failed)["finished_at"] is None
    study.way.troubles = {"checkpoints": errors.Transient("no")}
    study.read()
    assert bench.reading.job(failed)["finished_at"] is None
    study.way.troubles.clear()
    study.bench.clock.move(minutes=2)
    study.read_all()
    row = bench.reading.job(failed)
    assert row["finished_at"] == max(event["created_at"] for event in bench.reading.events(job=row, limit=99))
    bench.clock.move(days=2)
    bench.watcher.poll(bench.clock.now(), full=True)
    assert bench.reading.job(failed)["finished_at"] == row["finished_at"]


def test_two_that_read_the_same_job_lose_nothing_and_double_nothing(
    study: Study, three: tuple[str, str, str], url: str
) -> None:
    """The daemon and the command choose the same one: the newest."""
    bench = study.bench
    other = engines.writing(url)
    second = past.Past(
        "main", provider=bench.provider, record=bench.record, backlog=Backlog(other), time=bench.clock
    )  # fmt: skip
    nested: list[past.Report] = []

    def meanwhile() -> None:
        study.way.meanwhile = lambda: None
        nested.append(second.read(bench.clock.now()))

    study.way.meanwhile = meanwhile
    first = study.read()
    assert (nested[0].read, first.read, first.left) == (1, 1, 2)
    events, metrics, checkpoints = study.known(three[2])
    study.read_all()
    assert study.known(three[2]) == (events, metrics, checkpoints)
    assert min(study.known(three[1])) > 0
    other.dispose()


def test_a_piece_written_late_does_not_undo_what_another_process_finished(
    study: Study, three: tuple[str, str, str], engine: engines.Engine
) -> None:
    backlog = Backlog(engine)
    backlog.keep("main", three[0], model.Course(complete=True), START)
    backlog.keep("main", three[0], model.Course(cursor="ftevent-1"), START)
    assert _state(study.bench, three[0]) == (True, None)
    backlog.keep("main", three[1], model.Course(cursor="ftevent-1"), START)
    assert _state(study.bench, three[1]) == (False, "ftevent-1")
    assert study.one.left() == 2


def _state(bench: Bench, job_id: str) -> tuple[bool, str | None]:
    return bench.record.course_state("main", job_id)


def test_a_look_that_changes_the_job_meanwhile_keeps_its_own(study: Study, three: tuple[str, str, str]) -> None:
    bench = study.bench

    def meanwhile() -> None:
        study.way.meanwhile = lambda: None
        bench.simulator.set_raw(KEY, three[2], metadata={"team": "search"})
        bench.poll()

    study.way.meanwhile = meanwhile
    study.read()
    job = bench.reading.job(three[2])
    assert job["metadata"] == {"team": "search"}
    assert job["course_read_at"]
    assert min(study.known(three[2])) > 0


def test_ended_jobs_that_a_whole_listing_did_not_have_are_gone_without_a_word(study: Study) -> None:
    bench = study.bench
    bench.simulator.populate(KEY, 250)
    bench.poll()
    removed = list(bench.states())[100:200]
    for job_id in removed:
        bench.simulator.remove(KEY, job_id)
    bench.clock.move(hours=1)
    bench.poll()
    assert study.one.left() == 250  # not read to its end
    bench.clock.move(days=1)
    bench.poll()
    assert _gone(bench) == set(removed)
    assert study.one.left() == 150
    assert told.notices_kept(bench) == 0


def test_a_job_that_is_listed_again_is_no_longer_gone(study: Study, three: tuple[str, str, str]) -> None:
    bench = study.bench
    bench.record.unlisted("main", three[1:], bench.clock.now())
    assert _gone(bench) == {three[0]}
    bench.poll()
    assert _gone(bench) == set()
    assert sum(report.read for report in study.read_all()) == 3


@pytest.mark.parametrize("fault", ["empty", "repeated", "endless", "unreadable"])
def test_a_listing_that_cannot_be_trusted_makes_nothing_gone(bench: Bench, fault: str) -> None:
    bench.simulator.populate(KEY, 150)
    bench.poll()
    bench.simulator.remove(KEY, next(iter(bench.states())))
    bench.watcher = bench.make_watcher(most_pages=1 if fault == "endless" else 10)
    quirks = {"empty": {"empty_list": True}, "repeated": {"repeat_page": True}}.get(fault, {})
    bench.simulator.quirks = type(bench.simulator.quirks)(**quirks)
    if fault == "unreadable":
        bench.simulator.add_raw(KEY, {"status": "succeeded", "id": None})
    bench.watcher.poll(bench.clock.now(), full=True)
    assert _gone(bench) == set()


def test_an_unfinished_job_that_is_not_listed_but_there_is_not_gone(bench: Bench) -> None:
    """It ended while the listing was wrong about it."""

    class Forgetful(OpenAIProvider):
        def jobs(self, after: str | None) -> model.Page:
            page = super().jobs(after)
            return model.Page(items=page.items[1:], after=page.after)

    bench.simulator.create(durations=(0, 0, 0))
    hidden = bench.simulator.create(durations=(9, 9, 9), created_at=START.timestamp())
    bench.poll()
    bench.clock.move(minutes=5)
    way = Forgetful(account="main", api_key=KEY, base_url=bench.simulator.url, request_timeout=timedelta(seconds=5))
    bench.make_watcher(way=way).poll(bench.clock.now(), full=True)
    way.close()
    assert (bench.states()[hidden], _gone(bench)) == ("succeeded", set())


def _gone(bench: Bench) -> set[str]:
    query = sa.select(schema.job.c.job_id).where(schema.job.c.gone_at.is_not(None))
    with bench.record._engine.connect() as connection:
        return set(connection.execute(query).scalars())


def test_a_look_costs_one_request_when_the_past_is_read(study: Study, three: tuple[str, str, str]) -> None:
    study.read_all()
    study.bench.requests()
    for _ in range(5):
        study.bench.clock.move(minutes=5)
        study.bench.poll()
        study.read()
    assert study.bench.requests() == ["/v1/fine_tuning/jobs"] * 5
