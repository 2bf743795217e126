"""Every fault of a listing that is one: what can be seen is seen, once, and what is odd is logged, once."""

import sqlite3
from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.store import engine as engines
from service.store.record import Record
from tests.conftest import START
from tests.faults import faulty
from tests.faults import provider_faults as faults
from tests.faults.rig import INTERVAL, Rig, job, looks


def test_an_account_that_lists_nothing_any_more(watched: Rig) -> None:
    watched.stage.server.jobs = [job("ft-a"), job("ft-b", "succeeded")]
    watched.look()
    watched.stage.server.break_down(faulty.answers(200, {"object": "list", "data": [], "has_more": False}), faulty.JOBS)
    watched.asked()
    assert looks(watched, 5) == []
    line = watched.logged(faults.NO_JOBS)
    assert "2 jobs are known" in line
    assert watched.asked() == ["", "/ft-a"] * 5
    watched.stage.server.jobs[0] = job("ft-a", "succeeded")
    assert looks(watched, 1) == ["✅ ft-a has succeeded"], "found by its id"


def test_an_account_that_never_had_jobs_is_not_wondered_at(watched: Rig) -> None:
    assert looks(watched, 3) == []
    assert watched.lines() == []


def test_a_page_that_repeats_is_read_twice_at_most(watched: Rig) -> None:
    watched.stage.server.jobs = [job("ft-a"), job("ft-b")]
    watched.look()
    watched.asked()
    first = watched.stage.server.jobs

    def repeating(handler: faulty.Handler) -> None:
        handler.reply(200, {"object": "list", "data": first, "has_more": True})

    watched.stage.server.break_down(repeating, faulty.JOBS)
    assert looks(watched, 5) == []
    first[0] = job("ft-a", "succeeded")
    assert looks(watched, 1) == ["✅ ft-a has succeeded"]
    assert watched.logged(faults.REPEATED)
    assert watched.asked().count("") == 2 * 6


def test_a_listing_without_an_end_is_left_somewhere(watched: Rig) -> None:
    """Ten thousand pages in earnest, five here."""
    watched.restart("patient", most_pages=5, course_budget=timedelta(0))
    watched.stage.server.break_down(faulty.endless, faulty.JOBS)
    assert looks(watched, 1) == []
    assert watched.asked().count("") == 5
    assert len(watched.states()) == 15
    assert watched.record.account("main").baseline_at, "this counts as all there is"
    looks(watched, 1)
    line = watched.logged(faults.ENDLESS)
    assert "5 pages" in line


def test_a_job_listed_twice_counts_where_it_stands_first(watched: Rig) -> None:
    """Also when its second appearance says something else: history must not go to and fro with every look."""
    others = [job(f"ft-{count}") for count in range(101)]
    watched.restart("patient", course_budget=timedelta(0))
    watched.stage.server.jobs = [job("ft-a"), job("ft-b"), job("ft-b"), *others]
    watched.look()
    page = watched.stage.server.jobs
    page[0] = job("ft-a", "succeeded")
    page[2] = job("ft-b", "succeeded")
    page.append(job("ft-a", "running"))
    for _ in range(3):
        watched.clock.time += INTERVAL
        watched.watcher.poll(watched.clock.now(), full=True)
    looks(watched, 1)
    steps = {name: len(watched.reading.history(job=watched.reading.job(name), limit=10)) for name in ("ft-a", "ft-b")}
    assert steps == {"ft-a": 2, "ft-b": 1}
    assert watched.logged_nothing(faults.TWICE)


@pytest.mark.parametrize("hours", [-20, -5, 5, 20, 24 * 400])
def test_a_provider_whose_clock_is_wrong(watched: Rig, hours: int) -> None:
    """Jobs from tomorrow, or from yesterday: all are seen, in their order, and none lasts less than nothing."""
    server, wrong = watched.stage.server, 60 * hours
    server.jobs = [job("ft-old", "succeeded", minutes=wrong - 60), job("ft-a", minutes=wrong - 61)]
    looks(watched, 1)
    heard = []
    for count in range(4):
        watched.clock.move(minutes=1)
        server.jobs.insert(0, job(f"ft-new{count}", minutes=wrong + count))
        heard += looks(watched, 1)
        ended = START.timestamp() + 60 * (wrong + count)
        server.jobs[0] = job(f"ft-new{count}", "succeeded", minutes=wrong + count, finished_at=int(ended))
        server.jobs.insert(0, job(f"ft-brief{count}", "failed", minutes=wrong + count, finished_at=int(ended)))
        heard += looks(watched, 1)
    expected = {f"✅ ft-new{count} has succeeded" for count in range(4)}
    assert sorted(heard) == sorted(expected | {f"❌ ft-brief{count} has failed" for count in range(4)})
    assert watched.logged_nothing(faults.CLOCK)
    assert watched.record.account("main").watermark <= watched.clock.now()  # type: ignore[operator]
    rows = [watched.reading.job(f"ft-new{count}") for count in range(4)]
    assert [row["running_seconds"] for row in rows if (row["running_seconds"] or 0) < 0] == []
    assert [row["queued_seconds"] for row in rows if (row["queued_seconds"] or 0) < 0] == []


def test_what_has_no_usable_id_is_kept_raw(watched: Rig) -> None:
    server = watched.stage.server
    server.jobs = [job("ft-a"), {"status": "running"}, None, "word", job(""), {**job("x"), "id": 7}]
    looks(watched, 5)
    assert watched.logged(faults.NO_ID)
    server.jobs[0] = job("ft-a", "succeeded")
    assert looks(watched, 1) == ["✅ ft-a has succeeded"]


def test_ever_new_payloads_without_an_id_do_not_fill_the_disk(watched: Rig) -> None:
    for start in range(0, 1500, 300):
        watched.record.keep_unreadable("main", [str(number) for number in range(start, start + 300)], START)
    with watched.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM unreadable").scalar() == 500


def test_a_status_that_nobody_knows(watched: Rig) -> None:
    server = watched.stage.server
    server.jobs = [job("ft-a", "Reticulating 7 splines\n" * 1000), job("ft-b", "Reticulating 8 splines\n" * 1000)]
    looks(watched, 5)
    line = watched.logged(faults.STATUS)
    assert len(line) < 200
    server.jobs[0] = job("ft-a", "succeeded")
    assert looks(watched, 1) == ["✅ ft-a has succeeded"]


def test_all_in_one_answer_is_taken(watched: Rig) -> None:
    """Some providers know no pages, and SQLite takes so many values in a statement and no more."""
    engine = engines.writing(str(watched.engine.url))
    sa.event.listen(engine, "connect", lambda driver, _: driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 1500))
    watched.record = Record(engine)
    watched.restart("patient")
    jobs = [job("ft-a"), *(job(f"ft-{count}", "succeeded") for count in range(2000))]
    events = [
        {"id": f"e{count}", "created_at": count, "data": {"step": count, "train_loss": 1}} for count in range(2000)
    ]
    watched.stage.server.course["events"] = {"data": events}
    watched.stage.server.break_down(faulty.answers(200, {"object": "list", "data": jobs}), faulty.JOBS)
    looks(watched, 1)
    watched.clock.move(minutes=10)
    looks(watched, 1)
    assert len(watched.states()) == 2001
    assert len(watched.reading.metrics(watched.reading.job("ft-a"))) == 2000
    engine.dispose()
