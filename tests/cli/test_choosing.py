"""Which jobs a listing shows: chosen, sorted, page by page, and watched."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Ask
from tests.conftest import Bench
from tests.e2e import servers


@pytest.fixture
def team(bench: Bench) -> Bench:
    """Five ended jobs, one an hour: three of search, one of support, one without anything."""
    bench.poll()
    given: list[tuple[str, dict[str, Any]]] = [
        ("one", {"metadata": {"team": "search"}}),
        ("two", {"metadata": {"team": "search", "a.b": "c'd"}, "model": "gpt-4o-2024-08-06"}),
        ("three", {"metadata": {"team": "support", "runs": 3}}),
        ("four", {"metadata": {"team": "search"}, "ending": "failed", "reason": "exceeded_quota"}),
        ("=2+3", {"model": "gpt-4.1-nano-2025-04-14"}),
    ]
    for suffix, fields in given:
        bench.simulator.create(
            **{"model": "gpt-4.1-mini-2025-04-14", "durations": (60, 60, 600), **fields}, suffix=suffix
        )
        bench.clock.move(hours=1)
        bench.poll()
    return bench


def _suffixes(ask: Ask, *words: str) -> list[str]:
    result = ask("jobs", "--json", *words)
    assert result.exit_code == 0, result.output
    return [row["suffix"] for row in json.loads(result.stdout)]


@pytest.mark.parametrize(
    ("words", "suffixes"),
    [
        (["--suffix", "t*"], ["three", "two"]),
        (["--suffix", "two"], ["two"]),
        (["--suffix", "[ot]*"], []),
        (["--model", "gpt-4.1-n*"], ["=2+3"]),
        (["--model", "gpt-4o-2024-08-06"], ["two"]),
        (["--metadata", "team=search"], ["four", "two", "one"]),
        (["--metadata", "runs=3"], ["three"]),
        (["--metadata", "team=search", "--metadata", "a.b=c'd"], ["two"]),
        (["--metadata", "team=search", "--state", "failed"], ["four"]),
        (["--state", "failed", "--state", "running"], ["four"]),
        (["--since", "2026-11-22T22:30", "--until", "2026-11-23T00:30"], ["four", "three"]),
        (["--since", "2026-11-22T15:30:00Z"], ["=2+3"]),
        (["--sort", "finished", "--limit", "2"], ["=2+3", "four"]),
        (["--sort", "created", "--reverse", "--limit", "2"], ["one", "two"]),
        (["--limit", "2", "--page", "2"], ["three", "two"]),
        (["--limit", "2", "--page", "9"], []),
        (["--account", "main", "--state", "succeeded", "--sort", "changed", "--suffix", "*o*"], ["two", "one"]),
    ],
)
def test_jobs_are_chosen(team: Bench, ask: Ask, words: Sequence[str], suffixes: Sequence[str]) -> None:
    """Times without a zone are the owner's: 2026-11-22T22:30 in Tokyo is 13:30 UTC."""
    assert _suffixes(ask, *words) == suffixes


def test_jobs_are_sorted_by_their_tokens(team: Bench, ask: Ask) -> None:
    rows = json.loads(ask("jobs", "--json", "--sort", "tokens").stdout)
    tokens = [row["trained_tokens"] or 0 for row in rows]
    assert tokens == sorted(tokens, reverse=True)
    assert _suffixes(ask, "--sort", "tokens", "--reverse")[0] != "four", "one without tokens is not the one with fewest"
    assert "TOKENS" in ask("jobs", "--sort", "tokens").stdout


def test_a_choice_that_fits_nothing_tells_what_there_is(team: Bench, ask: Ask) -> None:
    result = ask("jobs", "--model", "gpt-5")
    assert result.exit_code == 0
    assert "Of model there are: gpt-4.1-mini-2025-04-14, gpt-4.1-nano-2025-04-14, gpt-4o-2024-08-06" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["jobs", "--since", "yesterday"], 'an age such as "90m", "24h" or "7d", a day such as "2026-11-01"'),
        (["jobs", "--until", "2026-13-01"], "'2026-13-01' is no time"),
        (["history", "--since", "7 days"], "is no time"),
        (["stats", "--since", "99999999d"], "is no time"),
        (["jobs", "--metadata", "team"], "write for example team=search"),
        (["jobs", "--metadata", "=search"], "write for example team=search"),
        (["jobs", "--sort", "name"], "'created', 'finished', 'changed', 'tokens'"),
        (["jobs", "--watch"], "--watch draws on a terminal"),
        (["compare", "ftjob-1"], "two jobs at least"),
        (["jobs", "--account", ""], "name an account, or leave it out"),
        (["db", "backup", ""], "is empty: name a file or a folder"),
        (["export", "--format", "jsonl", ""], "is empty: name a file or a folder"),
        (["import", ""], "is empty: name the database of another tunewatch"),
        (["export", "--format", "jsonl", "--account", " ", "out"], "name an account, or leave it out"),
        (["jobs", "--limit", "99999999999999999999"], "is not in the range"),
    ],
)
def test_a_filter_that_cannot_be_read_is_wrong_usage(team: Bench, ask: Ask, words: Sequence[str], said: str) -> None:
    result = ask(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.split())


def test_csv_has_the_fields_of_the_view_and_no_formulas(team: Bench, ask: Ask) -> None:
    rows = list(csv.DictReader(io.StringIO(ask("jobs", "--csv").stdout)))
    assert [row["suffix"] for row in rows] == ["'=2+3", "four", "three", "two", "one"]
    assert json.loads(rows[3]["metadata"]) == {"team": "search", "a.b": "c'd"}
    assert rows[0]["created_at"] == "2026-11-22T16:00:00Z"
    assert rows[1]["fine_tuned_model"] == ""
    assert set(rows[0]) == set(json.loads(ask("jobs", "--json").stdout)[0])
    assert ask("jobs", "--csv", "--suffix", "none").stdout.startswith("account,job_id,"), "the heading always"


def test_a_name_that_is_nearly_right_is_answered_with_the_nearest(
    team: Bench, ask: Ask, program: Any, url: str
) -> None:
    job = team.reading.jobs(limit=1, suffix="two")[0]["job_id"]
    for name in (f"{job[:-1]}_", job[3:], "two", "tw"):
        result = program("show", name, DATABASE_URL=url)
        assert (result.returncode, result.stdout) == (1, "")
        assert f"  {job} succeeded two main" in result.stderr
    assert "The nearest" not in program("show", "something else", DATABASE_URL=url).stderr


def test_a_beginning_that_fits_several_jobs_lists_them(team: Bench, program: Any, url: str) -> None:
    result = program("show", "ftjob-", DATABASE_URL=url)
    assert result.returncode == 1
    assert result.stderr.startswith("'ftjob-' fits several jobs:\n")
    assert result.stderr.count("  ftjob-") == 5


@pytest.mark.e2e
def test_watching_draws_on_a_terminal_until_told_to_stop(team: Bench, url: str, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    env = servers.environment({"TERM": "xterm-256color", "COLUMNS": "80", "DATABASE_URL": url, "NO_COLOR": "1"})
    with subprocess.Popen(
        [sys.executable, "-m", "service", "jobs", "--watch"], cwd=tmp_path, env=env, stdin=theirs, stdout=theirs,
        stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        while b"Ctrl-C ends" not in shown or b"one" not in shown:
            shown += os.read(ours, 4096)
        process.terminate()
        assert process.wait(servers.TIMEOUT) == 0
    os.close(ours)
    text = shown.decode()
    assert "three" in text
    assert "\x1b[32m" not in text, "NO_COLOR"
