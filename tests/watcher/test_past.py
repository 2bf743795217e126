"""The past of an account: read job by job, to its end, whatever happens meanwhile."""

import logging
from collections import Counter
from datetime import timedelta

import pytest

from service import clock, errors, model
from service.rules import patience
from service.store import engine as engines
from service.store.past import Backlog
from service.watcher import past
from tests.conftest import KEY, START, Bench
from tests.watcher import told
from tests.watcher.study import CSV, LONG_AGO, Study


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


def test_a_look_costs_one_request_when_the_past_is_read(study: Study, three: tuple[str, str, str]) -> None:
    study.read_all()
    study.bench.requests()
    for _ in range(5):
        study.bench.clock.move(minutes=5)
        study.bench.poll()
        study.read()
    assert study.bench.requests() == ["/v1/fine_tuning/jobs"] * 5
