"""The commands that ask the history, as a person and as a program use them."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from service import errors
from service.store.reading import Reading
from tests.cli.conftest import Ask, Program
from tests.conftest import KEY, Bench
from tests.e2e import servers


@pytest.fixture
def lived(bench: Bench) -> Bench:
    """An account with a past, a success, a failure and a job that runs."""
    bench.simulator.populate(KEY, 20)
    bench.poll()
    bench.simulator.create(suffix="good", durations=(60, 60, 600), metadata={"team": "search"})
    bench.simulator.create(suffix="bad", ending="failed", reason="invalid_training_file", durations=(60, 0, 0))
    bench.simulator.create(suffix="busy", ending="endless", durations=(0, 0, 0))
    for _ in range(30):
        bench.clock.move(seconds=30)
        bench.poll()
    return bench


def _id(reading: Reading, suffix: str) -> str:
    return str(next(row["job_id"] for row in reading.jobs(limit=100) if row["suffix"] == suffix))


def _json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def _columns(text: str, names: Sequence[str]) -> bool:
    return all(name in text.splitlines()[0] for name in names)


def test_jobs_lists_the_newest_ten(lived: Bench, ask: Ask) -> None:
    result = ask("jobs")
    lines = result.stdout.splitlines()
    assert _columns(result.stdout, ["JOB", "STATE", "CREATED", "RAN", "NAME"])
    assert len(lines) == 11
    assert {line.split()[1] for line in lines[1:4]} == {"succeeded", "failed", "running"}
    assert "2026-11-22 21:00" in lines[1], "in the zone of the configuration"
    assert len(_json(ask("jobs", "--json"))) == 10
    assert len(_json(ask("jobs", "--json", "--limit", "100"))) == 23


def test_jobs_can_be_chosen_by_state_and_account(lived: Bench, ask: Ask) -> None:
    assert [row["suffix"] for row in _json(ask("jobs", "--state", "running", "--json"))] == ["busy"]
    assert _json(ask("jobs", "--account", "nobody", "--json")) == []
    assert "No such jobs" in ask("jobs", "--account", "nobody").stderr


def test_show_tells_everything_of_a_job(lived: Bench, ask: Ask) -> None:
    job = _id(lived.reading, "good")
    text = " ".join(ask("show", job).stdout.split())
    for words in (
        "State succeeded", "Tuned model ft:", "team search", "Queued 2 min", "Ran 10 min", "Checkpoints step",
        "Last events", "succeeded to channel-mail (label of mail): sent",
    ):  # fmt: skip
        assert words in text
    whole = _json(ask("show", job, "--json"))
    assert whole["raw"]["id"] == job
    assert [step["to_status"] for step in whole["history"]][-1] == "succeeded"
    assert whole["metadata"] == {"team": "search"}


def test_a_job_is_found_by_the_beginning_of_its_id_and_by_its_model(lived: Bench, ask: Ask) -> None:
    job = _id(lived.reading, "good")
    model = lived.reading.job(job)["fine_tuned_model"]
    assert _json(ask("show", job[:14], "--json"))["job_id"] == job
    assert _json(ask("show", model, "--json"))["job_id"] == job


def test_history_and_events_of_a_job(lived: Bench, ask: Ask) -> None:
    job = _id(lived.reading, "bad")
    steps = _json(ask("history", job, "--json"))
    assert [step["to_status"] for step in steps] == ["failed", "validating_files"]
    events = _json(ask("events", job, "--json"))
    assert [event["level"] for event in events].count("error") == 1
    assert events[0]["created_at"] <= events[-1]["created_at"]
    assert _columns(ask("history").stdout, ["OBSERVED", "JOB", "FROM", "TO"])
    assert _columns(ask("events", job).stdout, ["AT", "LEVEL", "EVENT"])


def test_deliveries_tell_what_went_where(lived: Bench, ask: Ask) -> None:
    rows = _json(ask("deliveries", "--json"))
    assert {row["state"] for row in rows} == {"sent"}
    assert len(rows) == 4
    assert _json(ask("deliveries", "--failed", "--json")) == []
    assert "No such deliveries" in ask("deliveries", "--waiting").stderr


def test_a_job_that_does_not_exist(lived: Bench, program: Program, url: str) -> None:
    result = program("show", "ftjob-nowhere", DATABASE_URL=url)
    assert (result.returncode, result.stdout) == (1, "")
    assert "No job 'ftjob-nowhere' is recorded" in result.stderr


def test_a_question_without_a_database(program: Program, tmp_path: Path) -> None:
    result = program("jobs", DATABASE_URL=f"sqlite:///{tmp_path}/none.db")
    assert result.returncode == 1
    assert f"{tmp_path}/none.db" in result.stderr
    assert "tunewatch run" in result.stderr
    assert not (tmp_path / "none.db").exists()


def test_health_without_a_daemon(lived: Bench, ask: Ask) -> None:
    result = ask("health")
    assert result.exit_code == 69
    assert "`tunewatch poll` looks" in result.stdout
    assert "overdue" in result.stdout, "the clock of the bench stood still long ago"


def test_reading_commands_import_neither_openai_nor_apprise(program: Program, tmp_path: Path) -> None:
    """They start fast."""
    code = (
        "import sys; from service import cli; from click.testing import CliRunner; "
        "CliRunner().invoke(cli.root, ['jobs']); "
        "print([name for name in ('openai', 'apprise', 'pydantic', 'alembic', 'apscheduler') if name in sys.modules])"
    )
    assert program(python=code).stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("UPDATE job SET created_at = '2026-11-2x'", ["stats"]),
        ("UPDATE job SET suffix = CAST(x'ff41' AS TEXT)", ["jobs"]),
        ("UPDATE job SET hyperparameters = '{'", ["jobs", "--json"]),
        ("DROP VIEW job_summary", ["jobs"]),
    ],
)
def test_what_somebody_else_wrote_into_the_database_is_no_traceback(
    bench: Bench, ask: Ask, url: str, broken: str, words: list[str]
) -> None:
    bench.poll()
    job = bench.simulator.create()
    bench.poll()
    words = [job if word == "JOB" else word for word in words]
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as database:
        database.execute(broken)
    with pytest.raises(errors.StoreTrouble, match="`tunewatch db check` says where"):
        ask(*words)


@pytest.mark.parametrize("words", [["jobs"], ["sql", "SELECT 1"], ["export", "--format", "jsonl", "-"]])
def test_a_closed_standard_output_is_said(bench: Bench, url: str, words: list[str]) -> None:
    bench.poll()
    bench.simulator.create()
    bench.poll()
    command = [sys.executable, "-m", "service", *words]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command], env=servers.environment({"DATABASE_URL": url}),
        stderr=subprocess.PIPE, text=True, timeout=servers.TIMEOUT, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "not writable" in done.stderr


def test_a_time_that_is_none_is_shown_as_it_is(bench: Bench, ask: Ask, url: str) -> None:
    bench.poll()
    job = bench.simulator.create()
    bench.poll()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as database:
        database.execute("UPDATE job SET created_at = '2026-11-2x'")
        database.execute("UPDATE status_change SET observed_at = '2026-13-25T00:00:00Z'")
    for words in (["show", job], ["history"]):
        assert "2026-13-25T00:00:00Z" in ask(*words).stdout
    assert "2026-11-2x" in ask("jobs").stdout


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"]])
def test_who_is_shown_a_part_unasked_is_told(bench: Bench, ask: Ask, form: list[str]) -> None:
    bench.poll()
    for _ in range(20):
        bench.simulator.create()
    bench.poll()
    assert ask("jobs", *form).stderr == "These are 10; there may be more: --limit shows them.\n"
    assert ask("history", *form).stderr == "These are 20; there may be more: --limit shows them.\n"
    assert ask("jobs", "--limit", "10", *form).stderr == ""
    assert ask("history", "--since", "2026-11-01", *form).stderr == ""


@pytest.mark.parametrize("command", ["show", "events", "metrics", "history"])
def test_an_empty_job_is_that_of_a_variable_that_was_not_set(bench: Bench, ask: Ask, command: str) -> None:
    result = ask(command, "")
    assert result.exit_code == 2
    assert "is empty: name a job" in result.stderr
