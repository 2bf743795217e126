"""What commands print: tables that fit the terminal, or JSON for machines."""

import contextlib
import csv
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import click

from service import clock
from service.rules import plain

if TYPE_CHECKING:
    from rich.table import Table

Row = dict[Any, Any]

_STATE_STYLES = {
    "succeeded": "green", "sent": "green", "failed": "red", "cancelled": "yellow", "running": "cyan",
    "paused": "yellow", "pending": "dim", "sending": "cyan", "unknown": "magenta", "≠": "yellow",
}  # fmt: skip
_DATE = re.compile(r"^\d{4}-\d\d-\d\d(?= \d\d:\d\d$)")
# More than a column of a terminal shows.
_LONGEST = 300


@dataclass(frozen=True)
class Column:
    """A heading, and the key of its value or how to find it.

    Columns that are `flexible` share what the others leave of the width; where that is nothing, all give way.
    """

    heading: str
    value: str | Callable[[Row], object]
    flexible: bool = field(default=False, kw_only=True)

    def of(self, row: Row) -> object:
        """The value in a row."""
        return self.value(row) if callable(self.value) else row.get(self.value)


def listing(
    rows: Iterable[Row], columns: Sequence[Column], *, form: str | None, fields: Sequence[str], empty: str
) -> None:
    """Rows as people or programs want them: `columns` are those of the table, `fields` those of the CSV.

    `empty` is said, on standard error, in the place of an empty table.
    """
    if form == "json":
        as_json_rows(rows)
    elif form == "csv":
        as_csv(rows, fields)
    else:
        as_table(rows, columns, empty=empty)


def as_csv(rows: Iterable[Row], fields: Sequence[object], *, headings: Sequence[str] | None = None) -> None:
    """A heading and one line per row, streaming. `headings`: those of the fields, where they differ from the names."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([plain.cell(name) for name in headings or fields])
    writer.writerows([plain.cell(row[name]) for name in fields] for row in rows)


def lines(form: str | None, fields: Sequence[str], shown: Callable[[Row], str]) -> Callable[[Row], None]:
    """What says one row after the other at once: as JSON each on its line, as CSV, or as `shown` has it."""
    if form == "csv":
        as_csv([], fields)

    def say(row: Row) -> None:
        if form == "csv":
            csv.writer(sys.stdout, lineterminator="\n").writerow([plain.cell(row[name]) for name in fields])
        else:
            click.echo(plain.printable_json(row) if form == "json" else shown(row))
        sys.stdout.flush()

    return say


def as_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(plain.printable_json(value, indent=2))


def as_json_rows(rows: Iterable[Row]) -> None:
    """What `as_json` says of a list, streaming."""
    begin = "[\n  "
    for row in rows:
        # No line within a text: in JSON it is an escape.
        sys.stdout.write(begin + plain.printable_json(row, indent=2).replace("\n", "\n  "))
        begin = ",\n  "
    sys.stdout.write("[]\n" if begin.startswith("[") else "\n]\n")


def as_table(rows: Iterable[Row], columns: Sequence[Column], *, empty: str) -> None:
    """One line per row; on a terminal long values are shortened to fit, in a pipe nothing is."""
    found = list(rows)
    if not found:
        click.echo(empty, err=True)
    elif sys.stdout.isatty():
        # Rich takes a third of a command's start, and pipes do without it.
        from rich import console  # noqa: PLC0415

        screen = console.Console(highlight=False)
        screen.print(table(found, columns, screen.width))
    else:
        _print_whole(found, columns)


def _print_whole(rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """For grep and files. Rich would fill every line to the width of the longest, be that a megabyte."""
    from rich import cells  # noqa: PLC0415 - as above

    grid = [[column.heading for column in columns], *([_cell(column.of(row)) for column in columns] for row in rows)]
    widths = [max(cells.cell_len(row[place]) for row in grid) for place in range(len(columns))]
    for row in grid:
        padded = (cell + " " * (width - cells.cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def table(rows: Sequence[Row], columns: Sequence[Column], width: int) -> "Table":
    """For a terminal of so many columns."""
    from rich import table, text  # noqa: PLC0415 - as above

    this_year = f"{datetime.now().astimezone().year}-"
    cells = [
        [_DATE.sub(lambda date: date[0].removeprefix(this_year), _cell(column.of(row), _LONGEST)) for column in columns]
        for row in rows
    ]
    grid = table.Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column, wide in zip(columns, _widths(columns, cells, width), strict=True):
        grid.add_column(text.Text(column.heading), no_wrap=True, overflow="ellipsis", width=wide)
    for row in cells:
        grid.add_row(*(text.Text(cell, style=_STATE_STYLES.get(cell, "")) for cell in row))
    return grid


def _cell(value: object, limit: int = sys.maxsize) -> str:
    return plain.line(value, limit) if value is not None else "–"


def _widths(columns: Sequence[Column], cells: Sequence[Sequence[str]], total: int) -> list[int]:
    """What each column needs, but for the flexible ones what is left, shared by need."""
    from rich import cells as measuring  # noqa: PLC0415 - as above; letters of some scripts are two places wide

    needs = [
        max(len(column.heading), *(measuring.cell_len(row[place]) for row in cells), 0)
        for place, column in enumerate(columns)
    ]
    room = total - 2 * len(columns)
    rigid = sum(need for need, column in zip(needs, columns, strict=True) if not column.flexible)
    if rigid + sum(len(column.heading) for column in columns if column.flexible) > room:
        return _capped(needs, room)
    wanted = sum(needs) - rigid
    share = min(1.0, (room - rigid) / wanted) if wanted else 1.0
    return [
        max(len(column.heading), int(need * share)) if column.flexible else need
        for need, column in zip(needs, columns, strict=True)
    ]


def _capped(needs: Sequence[int], room: int) -> list[int]:
    """No column wider than all together have room for: some providers have ids as long as a line."""
    cap = next((cap for cap in range(room, 1, -1) if sum(min(need, cap) for need in needs) <= room), 1)
    return [min(need, cap) for need in needs]


def as_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Names and values below each other; those without a value are left out."""
    present = [(name, value) for name, value in fields if value not in (None, "", "–")]
    width = max((len(name) for name, _ in present), default=0)
    for name, value in present:
        click.echo(f"{name:<{width}}  {plain.line(value, 2000)}")


def local(text: str | None, zone: tzinfo) -> str | None:
    """A time of the database in the owner's zone, to the minute; what is none, in a foreign database, as it is."""
    try:
        return clock.from_text(text).astimezone(zone).strftime("%Y-%m-%d %H:%M") if text else None
    except (ValueError, OverflowError):
        return plain.line(text, 40)


def lasted(seconds: int | None) -> str | None:
    """A number of seconds as people read it."""
    return plain.duration(timedelta(seconds=seconds)) if seconds is not None else None


def number(value: int | None) -> str | None:
    """A whole number as people read it."""
    return f"{value:,}" if value is not None else None


def measure(value: float | None) -> str | None:
    """A measured value to four digits."""
    return f"{value:.4g}" if value is not None else None


@contextlib.contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, on a terminal only, while the block runs; the function given moves it on by so much."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    # As above: only where there is somebody to look.
    from rich import console, progress  # noqa: PLC0415

    with progress.Progress(
        progress.TextColumn("{task.description}"), progress.BarColumn(), progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(), console=console.Console(stderr=True), transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
