"""How the questions are answered: by an index, at any size."""

import re
from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa

from service import errors, model
from service.store import engine as engines
from service.store.past import Backlog
from service.store.queue import Queue
from service.store.reading import SORTS, Reading
from service.store.record import Record
from tests.conftest import START, destination

JOB = {"account": "main", "job_id": "ftjob-1"}


def _sorted(sort: str, reading: Reading) -> object:
    return reading.jobs(
        limit=10, sort=sort, account="main", states=["succeeded"], model="m", suffix="s*", since=START
    )  # fmt: skip


def _missing(reading: Reading) -> None:
    with pytest.raises(errors.NotFound):
        reading.job("ftjob-12")


QUESTIONS: dict[str, Callable[[Reading], object]] = {
    "the newest jobs": lambda reading: reading.jobs(limit=10),
    "a later page": lambda reading: reading.jobs(limit=10, page=3),
    "jobs of an account": lambda reading: reading.jobs(limit=10, account="main"),
    "jobs of a state": lambda reading: reading.jobs(limit=10, states=["failed"]),
    "jobs of some states": lambda reading: reading.jobs(limit=10, states=["failed", "running"]),
    "jobs on a model": lambda reading: reading.jobs(limit=10, model="gpt-4o"),
    "jobs on some models": lambda reading: reading.jobs(limit=10, model="gpt-4*"),
    "jobs of a suffix": lambda reading: reading.jobs(limit=10, suffix="bot"),
    "jobs of some metadata": lambda reading: reading.jobs(limit=10, metadata={"team": "search"}),
    "jobs of a time": lambda reading: reading.jobs(limit=10, since=START, until=START),
    "everything of one account and state": lambda reading: reading.jobs(
        limit=10, account="main", states=["failed"], model="m", suffix="s", since=START
    ),
    **{f"jobs by {sort}": partial(_sorted, sort) for sort in SORTS},
    "who is meant": _missing,
    "changes since a time": lambda reading: reading.history(limit=None, since=START),
    "changes of an account": lambda reading: reading.history(limit=10, account="main"),
    "changes of an account that is not there": lambda reading: reading.history(limit=10, account="nope"),
    "which accounts there are": lambda reading: reading.names("account"),
    "changes to come": lambda reading: reading.later(0),
    "its changes to come": lambda reading: reading.later(0, job=JOB),
    "the last change": lambda reading: reading.last_change(),
    "a job by its id": lambda reading: reading.job("ftjob-1"),
    "its raw object": lambda reading: reading.raw(JOB),
    "its history": lambda reading: reading.history(job=JOB, limit=10),
    "all history": lambda reading: reading.history(limit=10),
    "its events": lambda reading: reading.events(job=JOB, limit=10),
    "its metrics": lambda reading: reading.metrics(JOB),
    "its checkpoints": lambda reading: reading.checkpoints(JOB),
    "its deliveries": lambda reading: reading.deliveries(job=JOB, limit=10),
    "all deliveries": lambda reading: reading.deliveries(limit=10),
}
PASSES: dict[str, Callable[[engines.Engine], object]] = {
    "what is due": lambda engine: Queue(engine).due("mail", START, 100),
    "what is due of some kinds": lambda engine: Queue(engine).due("mail", START, 100, [model.Kind.FAILED]),
    "when more is due": lambda engine: Queue(engine).next_due("mail"),
    "when some kinds are due": lambda engine: Queue(engine).next_due("mail", [model.Kind.FAILED]),
    "what a fallback lacks": lambda engine: Queue(engine).fall_back("mail", [destination("chat")], START),
    "what a digest tells": lambda engine: Queue(engine).summary(START, START, START),
    "when the last digest was": lambda engine: Queue(engine).summarised("mail"),
    "the course of a job": lambda engine: Queue(engine).course("main", "ftjob-1"),
    "how destinations fare": lambda engine: Reading(engine).destinations("2026-01-01"),
    "what is unfinished": lambda engine: Record(engine).unfinished("main"),
    "what is known of a page": lambda engine: Record(engine).raws("main", ["ftjob-1", "ftjob-2"]),
    "whose course is due": lambda engine: Record(engine).course_due("main", START, 20),
    "whose model is due": lambda engine: Record(engine).models_due("main", START, START, 20),
    "what is unlisted": lambda engine: Record(engine).unlisted("main", ["ftjob-1"], START),
    "what of the past is next": lambda engine: Backlog(engine).newest("main", None, ["ftjob-1"]),
    "what of the past since then is next": lambda engine: Backlog(engine).newest("main", START, []),
    "how much of the past is left": lambda engine: Backlog(engine).left("main", None),
    "when jobs changed last": lambda engine: Record(engine).last_changes("main", ["ftjob-1", "ftjob-2"]),
    "what a job said last": lambda engine: Record(engine).last_heard("main", "ftjob-1"),
    "which checkpoints are known": lambda engine: Record(engine).known_checkpoints("main", "ftjob-1", ["ckpt-1"]),
    "what was told": lambda engine: Record(engine).told(["job/main/ftjob-1/failed"]),
    "which models came of jobs": lambda engine: Record(engine).tuned("main"),
}


@pytest.mark.parametrize("question", [*QUESTIONS, *PASSES])
def test_no_question_walks_over_a_whole_table(engine: engines.Engine, question: str) -> None:
    plans: list[str] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def explain(_conn: object, cursor: object, statement: str, parameters: object, *_: object) -> None:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[attr-defined]
        plans.extend(row[3] for row in cursor.fetchall())  # type: ignore[attr-defined]

    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO account (id, name, active) VALUES (1, 'main', 1)")
        connection.exec_driver_sql(
            "INSERT INTO job (id, account_pk, job_id, status, state, raw, first_seen_at, last_changed_at) "
            "VALUES (1, 1, 'ftjob-1', 'running', 'running', '{}', '2026', '2026')"
        )
    plans.clear()
    if question in QUESTIONS:
        QUESTIONS[question](Reading(engine))
    else:
        PASSES[question](engine)
    assert plans
    # What belongs to one job is little and may be sorted.
    assert (
        question not in QUESTIONS
        or "its" in question
        or not [plan for plan in plans if "TEMP B-TREE FOR ORDER BY" in plan]
    )
    if "of the past" in question:
        assert [plan for plan in plans if "ix_job_past" in plan]
        assert not [plan for plan in plans if "TEMP B-TREE" in plan]
    # Whether an account is there is no question to its jobs.
    assert "not there" not in question or not [plan for plan in plans if re.search(r"\bj\b|\bjob\b", plan)]
    # Changes (c) and deliveries (d) are walked from their newest row until the page is full; accounts (a) and
    # destinations (t) are few, and so is what stands in one job's metadata (entry).
    assert not [plan for plan in plans if re.match(r"SCAN (?!([acdt]|entry)\b)", plan) and "USING" not in plan]


@pytest.mark.parametrize("sort", SORTS)
def test_pages_of_jobs_that_sort_alike_have_each_job_once(engine: engines.Engine, sort: str) -> None:
    ids = [f"ftjob-{number * 7 % 50:02}" for number in range(50)]
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO account (id, name, active) VALUES (1, 'main', 1)")
        connection.exec_driver_sql(
            "INSERT INTO job (account_pk, job_id, status, state, raw, first_seen_at, last_changed_at, created_at, "
            "finished_at, trained_tokens) VALUES (1, ?, 'failed', 'failed', '{}', '2026', '2026', '2026', '2026', 5)",
            [(job_id,) for job_id in ids],
        )
    reading = Reading(engine)
    for chosen in ({}, {"account": "main"}, {"states": ["failed", "running"]}):
        pages = [reading.jobs(limit=8, page=page, sort=sort, **chosen) for page in range(1, 8)]
        assert sorted(row["job_id"] for page in pages for row in page) == sorted(ids)


def test_a_view_does_not_look_at_accounts_when_only_other_columns_are_asked_for(engine: engines.Engine) -> None:
    with engine.begin() as connection:
        plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN SELECT DISTINCT model FROM job_summary").all()
    assert [row[3] for row in plan] == ["SCAN j USING INDEX ix_job_model_created_at"]


def test_statistics_of_a_sample_do_not_make_pages_read_everything(engine: engines.Engine) -> None:
    """Such as `PRAGMA optimize` leaves, which other programs may call; without them the planner does better."""
    page = "EXPLAIN QUERY PLAN SELECT account, job_id FROM job_summary ORDER BY created_at DESC LIMIT 10"
    statistics = (
        ("account", "sqlite_autoindex_account_1", "3 1"), ("job", "ix_job_created_at", "89376 1"),
        ("job", "ix_job_account_pk_created_at", "96138 401 1"),
    )  # fmt: skip
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.exec_driver_sql("DELETE FROM sqlite_stat1")
        for row in statistics:
            connection.exec_driver_sql("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", row)
    engine.dispose()  # statistics are read when the file is opened
    with engine.begin() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(page)]
    assert plan[0] == "SCAN j USING INDEX ix_job_created_at"
