"""`tunewatch sql`, as a person and as a program use it."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from service import cli
from tests.cli.conftest import Ask, Program
from tests.conftest import Bench
from tests.store.test_asking import FOREVER


@pytest.fixture(autouse=True)
def _history(bench: Bench) -> None:
    bench.poll()
    bench.simulator.create(suffix="good", durations=(0, 0, 60))
    bench.simulator.create(ending="endless", durations=(0, 0, 0))
    bench.clock.move(minutes=5)
    bench.poll()


STATES = "SELECT state, suffix FROM job_summary ORDER BY state"


def test_an_answer_is_a_table(ask: Ask) -> None:
    assert [line.split() for line in ask("sql", STATES).stdout.splitlines()] == [
        ["state", "suffix"],
        ["running", "–"],
        ["succeeded", "good"],
    ]
    assert ask("sql", "SELECT 1 AS a WHERE 0").stderr == "No rows.\n"


def test_a_statement_may_begin_with_a_comment(ask: Ask) -> None:
    assert ask("sql", "-- What runs\nSELECT 1 AS x", "--csv").stdout == "x\n1\n"


def test_a_heading_is_shown_as_it_is(ask: Ask) -> None:
    """Not as markup, nor as orders to the terminal."""
    assert ask("sql", "SELECT 1 AS '[bold]x[/y]'").stdout.split()[0] == "[bold]x[/y]"
    assert "\x1b" not in ask("sql", "SELECT 1 AS '\x1b[31mred'").stdout


def test_an_answer_for_programs(ask: Ask) -> None:
    expected = [{"state": "running", "suffix": None}, {"state": "succeeded", "suffix": "good"}]
    answer = ask("sql", "--json", STATES).stdout
    assert answer == json.dumps(expected, indent=2) + "\n"
    assert json.loads(ask("sql", "--json", "SELECT 1 AS a WHERE 0").stdout) == []
    assert list(csv.reader(ask("sql", "--csv", STATES).stdout.splitlines())) == [
        ["state", "suffix"],
        ["running", ""],
        ["succeeded", "good"],
    ]
    assert ask("sql", "--csv", "SELECT 1 AS a WHERE 0").stdout == "a\n"


def test_a_table_has_an_end(ask: Ask) -> None:
    """Also where the answer has none."""
    result = ask("sql", f"{FOREVER} SELECT x FROM n")
    assert len(result.stdout.splitlines()) == 1001
    assert "first 1,000 rows of more. --limit shows more" in result.stderr
    assert ask("sql", "--csv", "--limit", "2", f"{FOREVER} SELECT x FROM n").stdout == "x\n1\n2\n"
    many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 1001) SELECT x FROM n"
    result = ask("sql", "--csv", many)
    assert (len(result.stdout.splitlines()), result.stderr) == (1002, "")
    assert ask("sql", "--limit", "1001", many).stderr == ""


def test_a_statement_comes_on_standard_input(url: str) -> None:
    runner = CliRunner(catch_exceptions=False, env={"DATABASE_URL": url})
    for words in ([], ["-"]):
        result = runner.invoke(cli.root, ["sql", "--csv", *words], input=f"\ufeff-- how they are\n{STATES};\n")
        assert result.stdout == "state,suffix\nrunning,\nsucceeded,good\n"


def test_a_mistake_is_wrong_usage(url: str, program: Program) -> None:
    result = program("sql", "SELECT stat FROM job_summary", DATABASE_URL=url)
    assert (result.returncode, result.stdout) == (2, "")
    assert "no such column: stat. Near to it: state, status" in result.stderr
    assert program("sql", "DELETE FROM job", DATABASE_URL=url).returncode == 2


def test_a_question_without_a_database(program: Program, tmp_path: Path) -> None:
    result = program("sql", "SELECT 1", DATABASE_URL=f"sqlite:///{tmp_path}/none.db")
    assert (result.returncode, "There is no database" in result.stderr) == (1, True)
