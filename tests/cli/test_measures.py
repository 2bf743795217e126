"""What was measured of jobs: shown, compared, summed up."""

import csv
import io
import json
from pathlib import Path
from typing import Any, Literal

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from service import cli
from service.store import engine as engines
from tests.cli.conftest import Ask, Program
from tests.conftest import Bench

METHODS: tuple[Literal["supervised", "reinforcement"], ...] = ("supervised", "reinforcement")


@pytest.fixture
def trained(bench: Bench) -> dict[str, str]:
    """The id of one job of each method, ended, by the method; and of one that failed before any training."""
    bench.poll()
    ids: dict[str, str] = {
        method: bench.simulator.create(suffix=method, method=method, durations=(60, 60, 1200)) for method in METHODS
    }
    ids["failed"] = bench.simulator.create(suffix="bad", ending="failed", reason="invalid_training_file")
    for _ in range(30):
        bench.clock.move(minutes=1)
        bench.poll()
    return ids


@pytest.fixture
def priced(url: str, tmp_path: Path) -> Ask:
    """Asking with a configuration that has prices, and nothing that needs a key."""
    config = tmp_path / "priced.toml"
    config.write_text(f'[database]\nurl = "{url}"\n[prices."gpt*"]\nper_million_tokens = 10\n')

    def run(*words: str) -> Result:
        return CliRunner(catch_exceptions=False).invoke(cli.root, [*words, "--config", str(config)])

    return run


def test_show_draws_the_curve_and_tells_how_long_each_status_lasted(trained: dict[str, str], ask: Ask) -> None:
    text = ask("show", trained["supervised"]).stdout
    assert "training loss, ● validation loss" in text
    assert "┤" in text
    lines = [line.split() for line in text.partition("Time line")[2].splitlines()]
    assert ["queued", "1", "min"] in [line[2:] for line in lines]
    assert ["running", "20", "min"] in [line[2:] for line in lines]
    assert "validation loss of the whole set" in text
    assert "training reward" in ask("show", trained["reinforcement"]).stdout
    assert "Training\n" not in ask("show", trained["failed"]).stdout


def test_show_and_compare_estimate_the_cost_by_the_owners_prices(
    trained: dict[str, str], ask: Ask, priced: Ask
) -> None:
    job = trained["supervised"]
    row = json.loads(priced("show", job, "--json").stdout)
    assert row["cost"] == {"USD": round(row["trained_tokens"] / 100_000, 2)}
    assert "(an estimate)" in priced("show", job).stdout
    assert json.loads(ask("show", job, "--json").stdout)["cost"] is None
    fields = json.loads(priced("compare", job, trained["failed"], "--json").stdout)["fields"]
    assert {"field": "cost", "differs": True, "values": [f"{row['cost']['USD']:.2f} USD", None]} in fields


def test_metrics_are_told_step_by_step(trained: dict[str, str], ask: Ask) -> None:
    job = trained["supervised"]
    rows = json.loads(ask("metrics", job, "--json").stdout)
    assert len(rows) > 20
    assert [row["step"] for row in rows] == sorted(row["step"] for row in rows)
    table = list(csv.DictReader(io.StringIO(ask("metrics", job, "--csv").stdout)))
    assert [float(row["train_loss"]) for row in table] == [row["train_loss"] for row in rows]
    shown = ask("metrics", job)
    assert shown.stdout.splitlines()[-1].startswith(str(rows[-1]["step"]))
    assert f"{len(rows) - 20} steps before" in shown.stderr
    assert len(json.loads(ask("metrics", job, "--json", "--limit", "3").stdout)) == 3
    assert "Nothing was measured" in ask("metrics", trained["failed"]).stderr


def test_an_infinity_in_a_foreign_database_is_null_in_json(bench: Bench, engine: engines.Engine, ask: Ask) -> None:
    """Standard JSON has none, and many programs refuse a document with one."""
    job = bench.simulator.create(ending="endless")
    bench.poll()
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO metric (job_pk, step, train_loss) VALUES (1, 1, 9e999)"))

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    for words in (["metrics", job], ["show", job], ["jobs"], ["sql", "SELECT 9e999 AS loss"]):
        assert json.loads(ask(*words, "--json").stdout, parse_constant=refuse)
    assert json.loads(ask("metrics", job, "--json").stdout)[0]["train_loss"] is None
    lines = ask("export", "--format", "jsonl", "--view", "job_metrics", "-").stdout.splitlines()
    assert json.loads(lines[0], parse_constant=refuse)["train_loss"] is None
    assert ",inf," in ask("metrics", job, "--csv").stdout


def test_compare_marks_what_differs(trained: dict[str, str], ask: Ask) -> None:
    both = (trained["supervised"], trained["reinforcement"])
    found = json.loads(ask("compare", *both, "--json").stdout)
    assert [job["job_id"] for job in found["jobs"]] == list(both)
    fields = {row["field"]: row for row in found["fields"]}
    assert fields["account"] == {"field": "account", "differs": False, "values": ["main", "main"]}
    assert fields["method"]["differs"]
    assert fields["reward"]["values"][0] is None
    order = list(fields)
    assert order.index("method") < order.index("hyperparameters.n_epochs") < order.index("trained_tokens")
    [line] = [line for line in ask("compare", *both).stdout.splitlines() if " method " in line]
    assert line.split() == ["≠", "method", *METHODS]
    table = list(csv.reader(io.StringIO(ask("compare", *both, "--csv").stdout)))
    assert table[0] == ["field", "differs", *both]


def test_compare_tells_which_run_was_better(trained: dict[str, str], bench: Bench, ask: Ask) -> None:
    other = bench.simulator.create(durations=(60, 60, 1200))
    for _ in range(30):
        bench.clock.move(minutes=1)
        bench.poll()
    both = trained["supervised"], other
    found = json.loads(ask("compare", *both, "--json").stdout)
    fields = {row["field"]: row["values"] for row in found["fields"]}
    for place, job in enumerate(both):
        row = json.loads(ask("show", job, "--json").stdout)
        assert fields["valid_loss"][place] == row["valid_loss"]
        rows = json.loads(ask("metrics", job, "--json").stdout)
        losses = [
            (loss, row["step"])
            for row in rows
            if (loss := row["valid_loss"] if row["full_valid_loss"] is None else row["full_valid_loss"]) is not None
        ]
        assert (fields["best_valid_loss"][place], fields["best_step"][place]) == min(losses)
    assert "full_valid_loss" not in fields
    assert "best valid loss" in ask("compare", *both).stdout


def test_a_job_is_not_compared_with_itself(trained: dict[str, str], ask: Ask) -> None:
    result = ask("compare", trained["supervised"], trained["supervised"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "named twice" in result.stderr


def test_show_names_the_checkpoint_with_the_lowest_loss(trained: dict[str, str], ask: Ask) -> None:
    job = trained["supervised"]
    rows = json.loads(ask("show", job, "--json").stdout)["checkpoints"]
    lowest = min(rows, key=lambda row: float(row["valid_loss"]))
    [marked] = [line for line in ask("show", job).stdout.splitlines() if line.endswith(", the best")]
    assert f"step {lowest['step']}: " in marked


def test_show_finds_the_reason_in_the_events_where_it_stands_nowhere_else(bench: Bench, ask: Ask) -> None:
    bench.poll()
    blocked = bench.simulator.create(ending="failed", reason="safety_evaluation", durations=(0, 0, 60))
    for _ in range(10):
        bench.clock.move(minutes=1)
        bench.poll()
    assert json.loads(ask("show", blocked, "--json").stdout)["error_message"] is None
    [line] = [line for line in ask("show", blocked).stdout.splitlines() if line.startswith("Reason")]
    assert "safety evaluations" in line


def test_stats_of_a_span_and_of_what_no_price_fits(trained: dict[str, str], ask: Ask, priced: Ask) -> None:
    assert "No such jobs" in ask("stats", "--until", "2026-11-01").stderr
    assert json.loads(ask("stats", "--by", "account", "--until", "2027-01-01", "--json").stdout)[0]["jobs"] == 3
    assert "No price fits 1 job that succeeded" in priced("stats").stderr


def test_stats_sum_up_by_what_was_asked_for(trained: dict[str, str], ask: Ask, priced: Ask) -> None:
    [row] = json.loads(ask("stats", "--by", "account", "--json").stdout)
    assert {name: row[name] for name in ("account", "jobs", "succeeded", "failed", "success_rate", "cost")} == {
        "account": "main", "jobs": 3, "succeeded": 2, "failed": 1, "success_rate": 0.6667, "cost": None,
    }  # fmt: skip
    assert row["median_running_seconds"] == 1200
    months = json.loads(ask("stats", "--json").stdout)
    assert {row["month"] for row in months} == {"2026-11"}
    assert sum(row["jobs"] for row in months) == 3
    assert "67%" in ask("stats", "--by", "month").stdout
    assert "COST" not in ask("stats").stdout
    assert "USD" in priced("stats").stdout
    assert json.loads(ask("stats", "--since", "1h", "--json").stdout) == [], "the bench lives in the past"


@pytest.mark.parametrize("words", [["show"], ["compare"], ["metrics"], ["events"], ["history"]])
def test_every_question_about_a_job_knows_when_there_is_none(
    trained: dict[str, str], program: Program, url: str, words: list[str]
) -> None:
    jobs = ["ftjob-nowhere", "ftjob-x"] if words == ["compare"] else ["ftjob-nowhere"]
    result = program(*words, *jobs, DATABASE_URL=url)
    assert (result.returncode, result.stdout) == (1, "")
    assert "No job 'ftjob-nowhere' is recorded" in result.stderr


def test_prices_that_cannot_be_read_are_refused_in_words(
    program: Program, url: str, tmp_path: Path, bench: Any
) -> None:
    (tmp_path / "config.toml").write_text(f'[database]\nurl = "{url}"\n[prices."gpt*"]\nper_hour = "much"\n')
    result = program("stats")
    assert result.returncode == 78
    assert "prices.gpt*.per_hour" in result.stderr


def test_where_only_ascii_is_known_everything_is_still_drawn(
    trained: dict[str, str], program: Program, url: str
) -> None:
    result = program("show", trained["supervised"], DATABASE_URL=url, PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert result.stdout.isascii()
    assert "training loss, o validation loss" in result.stdout
    assert "|**" in result.stdout
