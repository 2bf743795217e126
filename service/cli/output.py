"""What commands print: tables that fit the terminal, or JSON for machines."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from typing import Any

import click

from service import clock
from service.rules import plain

Row = dict[str, Any]

_STATE_STYLES = {
    "succeeded": "green", "sent": "green", "failed": "red", "cancelled": "yellow", "running": "cyan",
    "paused": "yellow", "pending": "dim", "sending": "cyan", "unknown": "magenta",
}  # fmt: skip
# Wide enough that nothing is cut where nobody looks at a screen: for grep and files.
_PIPE_WIDTH = 10_000


@dataclass(frozen=True, kw_only=True)
class Column:
    """A heading and the key of its value. Of a column with `share` 0 nothing is cut while others can shrink."""

    heading: str
    key: str
    share: int = 0


def as_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def as_table(rows: Iterable[Row], columns: Sequence[Column], *, empty: str) -> None:
    """One line per row; in a terminal long values are shortened to fit, in a pipe nothing is."""
    # Rich takes a third of a command's start, and --json does without it.
    from rich import box, console, table, text  # noqa: PLC0415

    rows = list(rows)
    if not rows:
        click.echo(empty, err=True)
        return
    wide = not sys.stdout.isatty()
    grid = table.Table(box=None if wide else box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(
            column.heading, no_wrap=True, overflow="ellipsis",
            ratio=column.share or None,
        )  # fmt: skip
    for row in rows:
        cells = [plain.text(row[column.key], 300) if row.get(column.key) is not None else "–" for column in columns]
        grid.add_row(*(text.Text(cell, style=_STATE_STYLES.get(cell, "")) for cell in cells))
    console.Console(width=_PIPE_WIDTH if wide else None, highlight=False).print(grid)


def as_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Names and values below each other; those without a value are left out."""
    present = [(name, value) for name, value in fields if value not in (None, "", "–")]
    width = max((len(name) for name, _ in present), default=0)
    for name, value in present:
        click.echo(f"{name:<{width}}  {plain.text(value, 2000)}")


def local(text: str | None, zone: tzinfo) -> str | None:
    """A time of the database in the owner's zone, to the minute."""
    return clock.from_text(text).astimezone(zone).strftime("%Y-%m-%d %H:%M") if text else None


def lasted(seconds: int | None) -> str | None:
    """A number of seconds as people read it."""
    return plain.duration(timedelta(seconds=seconds)) if seconds is not None else None
