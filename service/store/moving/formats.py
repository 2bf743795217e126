"""The forms in which a view is exported. Each writes portion after portion, so that memory does not grow with them."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any, BinaryIO

import sqlalchemy as sa

from service import errors
from service.rules import plain

# As in pyproject.toml, which a test holds it against.
PYARROW = "pyarrow>=22,<27"
# Rows that readers of Parquet take or leave together; of jobs, some MB before they are compressed.
_GROUP = 5000

Portions = Iterable[Sequence[dict[str, Any]]]
Write = Callable[[BinaryIO, sa.TableClause, Portions], None]


def write_jsonl(file: BinaryIO, view: sa.TableClause, portions: Portions) -> None:
    """One object per line, with the name of the view first; columns that hold JSON are objects and lists."""
    for rows in portions:
        lines = (plain.printable_json({"view": view.name, **row}) for row in rows)
        file.write("".join(f"{line}\n" for line in lines).encode())


def write_csv(file: BinaryIO, view: sa.TableClause, portions: Portions) -> None:
    """A heading and a line per row, for spreadsheets. JSON is given as text."""
    names = list(view.c.keys())
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for rows in portions:
        writer.writerows([plain.cell(row[name]) for name in names] for row in rows)
    text.detach()


def write_parquet(file: BinaryIO, view: sa.TableClause, portions: Portions) -> None:
    """Typed columns, in groups of rows. JSON is given as text. Raises errors.Permanent without pyarrow."""
    pyarrow, parquet = _pyarrow()
    types = {sa.Integer: pyarrow.int64(), sa.REAL: pyarrow.float64()}
    schema = pyarrow.schema([(column.name, types.get(type(column.type), pyarrow.string())) for column in view.c])
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for rows in _regrouped(portions, _GROUP):
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))


def _regrouped(portions: Portions, size: int) -> Iterable[list[dict[str, Any]]]:
    """At least `size` rows at a time, but for the last."""
    waiting: list[dict[str, Any]] = []
    for rows in portions:
        waiting += rows
        if len(waiting) >= size:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def require_parquet() -> None:
    """Raises errors.Permanent when Parquet cannot be written here."""
    _pyarrow()


def _pyarrow() -> Any:
    try:
        # An extra of 150 MB that most people do without.
        import pyarrow  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise errors.Permanent(
            f"Parquet needs a library that is not installed. Install it, then try again: pip install '{PYARROW}'"
        ) from error
    return pyarrow, parquet
