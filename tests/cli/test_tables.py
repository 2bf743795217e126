"""What a table shows where a person looks at it, and where a file or another program does."""

import pytest
import sqlalchemy as sa
from rich import console

from service.cli import output
from service.store import engine as engines
from tests.cli.conftest import Ask
from tests.conftest import Bench

COLUMNS = [output.Column("ID", "id"), output.Column("SAID", "said", flexible=True), output.Column("AT", "at")]


def test_in_a_pipe_nothing_is_shortened(bench: Bench, engine: engines.Engine, ask: Ask) -> None:
    bench.simulator.create(durations=(60, 60, 600))
    bench.poll()
    long = "so it went on " * 2000 + "and ended"
    with engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO event (job_pk, event_id, created_at, message) VALUES (1, 'e', '2026-11-22', :said)"),
            {"said": long},
        )
    lines = ask("events", bench.reading.jobs(limit=1)[0]["job_id"]).stdout.splitlines()
    assert [line for line in lines if line.endswith(long)]
    assert len(lines[0]) < 100, "one long value does not fill the lines of the others"


def test_in_a_pipe_columns_stand_below_their_headings(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[output.Row] = [{"id": "日本", "said": None, "at": 1}, {"id": "a\x1b", "said": "b", "at": None}]
    output.as_table(rows, COLUMNS, empty="")
    assert capsys.readouterr().out.splitlines() == ["ID    SAID  AT", "日本  –     1", "a     b     –"]


def test_a_terminal_has_the_beginning_of_what_is_too_long() -> None:
    screen = console.Console(width=40, highlight=False)
    with screen.capture() as shown:
        screen.print(output.table([{"id": "job", "said": "x" * 5000, "at": 1}], COLUMNS, 40))
    [_, line] = shown.get().splitlines()
    assert line.startswith("job  xxx")
    assert "…  1" in line
    assert len(line) <= 40
