"""The command that asks the history by SQL."""

import itertools
import shutil
import sys
from collections.abc import Sequence

import click

from service.cli import common, output
from service.cli.output import Column
from service.rules import plain
from service.store import asking

# More rows than anybody reads; with --csv and --json all are written, one at a time.
_TABLE_ROWS = 1000
# With less room for each column of a table, rows are written as lines of their own.
_LEAST_WIDTH = 8


class _Sql(click.Command):
    """A statement may begin with a comment of SQL, which looks like an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f"\n{each}" if each.startswith("-- ") else each for each in args])


@click.command(cls=_Sql, epilog='Example:  tunewatch sql "SELECT state, count(*) FROM job_summary GROUP BY state"')
@click.argument("statement", required=False)
@common.config_option
@common.form_options
@click.option(
    "--limit", type=click.IntRange(1, common.MOST), metavar="ROWS",
    help=f"How many rows at the most.  [default: {_TABLE_ROWS} as text, all as JSON or CSV]",
)  # fmt: skip
def sql(statement: str | None, config: str | None, form: str | None, limit: int | None) -> None:
    """What the database answers to one SQL STATEMENT, or to that on standard input.

    It can only read. docs/reading-the-database.md describes the views and has queries to start from.
    """
    text = _given(statement)
    limit = limit or (None if form else _TABLE_ROWS)
    with common.desk(config) as desk, asking.answer(desk.url, text) as answer:
        rows = itertools.islice(answer.rows, limit)
        if form or not _is_crowded(answer.columns):
            columns = [Column(plain.line(name, 60), name) for name in answer.columns]
            output.listing(rows, columns, form=form, fields=answer.columns, empty="No rows.")
        else:
            for number, row in enumerate(rows):
                click.echo("" if number == 0 else "\n", nl=False)
                output.as_fields(row.items())
        more = next(answer.rows, None) is not None
    if more:
        remedy = "--limit shows more." if form else "--limit shows more, --csv and --json all."
        click.echo(f"These are the first {plain.count(limit or 0, 'row')} of more. {remedy}", err=True)


def _given(statement: str | None) -> str:
    if statement not in (None, "-"):
        return str(statement)
    if statement is None and sys.stdin.isatty():
        raise click.UsageError("Missing argument 'STATEMENT': write it between quotation marks, or pipe it in.")
    return sys.stdin.buffer.read().decode("utf-8-sig", errors="replace")


def _is_crowded(columns: Sequence[str]) -> bool:
    return sys.stdout.isatty() and len(columns) * _LEAST_WIDTH > shutil.get_terminal_size().columns
