"""What is said where nothing is found: what is true, and what there is instead."""

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from service.store import engine as engines
from tests.cli.conftest import Ask
from tests.conftest import Bench


@pytest.fixture
def running(bench: Bench) -> Bench:
    """One account with one job, which has not ended."""
    bench.poll()
    bench.simulator.create(suffix="busy", ending="endless", durations=(0, 0, 0), model="gpt-4o-2024-08-06")
    bench.poll()
    return bench


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["jobs", "--sort", "finished"], "None of these jobs has an end that is known; --sort created shows them all."),
        (["jobs", "--state", "running", "--sort", "finished"], "--sort created shows them all."),
        (["jobs", "--sort", "tokens"], "None of these jobs has tokens that are known; --sort created shows them all."),
        (["jobs", "--page", "2"], "Page 2 is empty: there are fewer of these jobs."),
        (["jobs", "--page", "2", "--sort", "tokens"], "None of these jobs has tokens that are known"),
        (["jobs", "--account", "nope"], "No such jobs are recorded.\nOf account there are: main"),
        (["jobs", "--model", "gpt-5"], "No such jobs are recorded.\nOf model there are: gpt-4o-2024-08-06"),
        (["stats", "--account", "nope"], "No such jobs are recorded.\nOf account there are: main"),
        (["history", "--account", "nope"], "No such status changes are recorded.\nOf account there are: main"),
    ],
)
def test_it_is_said_why_nothing_is_there(running: Bench, ask: Ask, words: Sequence[str], said: str) -> None:
    result = ask(*words)
    assert (result.exit_code, result.stdout) == (0, "")
    assert said in result.stderr


@pytest.mark.parametrize("command", ["jobs", "stats", "history"])
def test_an_account_that_is_there_is_no_reason(running: Bench, ask: Ask, command: str) -> None:
    result = ask(command, "--account", "main", "--since", "2036-01-01")
    assert result.stderr.startswith("No such")
    assert "Of account" not in result.stderr


@pytest.mark.parametrize("command", ["jobs", "stats", "history"])
def test_only_an_empty_history_has_nothing_yet(bench: Bench, ask: Ask, command: str) -> None:
    assert "recorded yet." in ask(command).stderr
    assert "recorded yet." not in ask(command, "--since", "1d").stderr


def test_events_before_the_time_asked_for_are_not_denied(running: Bench, engine: engines.Engine, ask: Ask) -> None:
    job = running.reading.jobs(limit=1)[0]["job_id"]
    assert "No events of this job since then are recorded." in ask("events", job, "--since", "2036-01-01").stderr
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM event"))
    assert "No events of this job are recorded." in ask("events", job).stderr
