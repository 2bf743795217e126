"""Anybody's SQL, answered without a way to change anything: neither this database nor any other file."""

import contextlib
import difflib
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service import errors
from service.store import engine as engines
from service.store import trouble, views

Row = dict[str, Any]

_QUESTIONS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
# They say what there is to ask for, and can set nothing.
_PRAGMAS = {"table_info", "table_xinfo", "table_list"}
_FUNCTIONS = ("json_each('[]')", "json_tree('[]')", *(f"pragma_{pragma}('')" for pragma in sorted(_PRAGMAS)))
# So many steps of SQLite between two chances for Ctrl-C: a few milliseconds.
_STEPS = 100_000
_DOCUMENTED = (
    "docs/reading-the-database.md describes every column; `PRAGMA table_info(job_summary)` lists those of a view."
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`rows` are read while they are taken, and hold None, numbers and text."""

    columns: Sequence[str]
    rows: Iterator[Row]


@contextlib.contextmanager
def answer(url: str, statement: str) -> Iterator[Answer]:
    """What the database says to one statement, while the block lasts.

    Raises errors.WrongStatement, from taking rows as well, for one that is no question or that SQLite does not
    understand; errors.StoreTrouble; KeyboardInterrupt after Ctrl-C.
    """
    path = engines.file_of(url)
    if path is None:
        raise errors.DatabaseRefused("This database is no SQLite file: ask it with its own client.")
    # What came as bytes that are no text cannot be handed to SQLite.
    statement = statement.encode(errors="replace").decode()
    with _translated(path, statement):
        connection = engines.connect_read_only(path)
    with closing(connection):
        with _translated(path, statement):
            connection.execute("PRAGMA query_only = ON")
            connection.text_factory = lambda content: content.decode(errors="replace")
            # The first use of such a function in a connection declares a table in memory, which is no question.
            for function in _FUNCTIONS:
                connection.execute(f"SELECT 1 FROM {function}")
            connection.set_authorizer(_authorize)
            # An exception in it, and KeyboardInterrupt is one, makes SQLite break off; it also lets Python see the
            # signal at all, which it otherwise would at the next row.
            connection.set_progress_handler(lambda: 0, _STEPS)
            cursor = connection.execute(statement)
        if cursor.description is None:
            raise errors.WrongStatement(
                "There is no statement in it. Ask something, such as: SELECT * FROM job_summary"
            )
        columns = _told_apart([column[0] for column in cursor.description])
        yield Answer(columns=columns, rows=_rows(cursor, columns, path, statement))


def _rows(cursor: sqlite3.Cursor, columns: Sequence[str], path: Path, statement: str) -> Iterator[Row]:
    with _translated(path, statement):
        for row in cursor:
            yield dict(zip(columns, map(_value, row), strict=True))


def _authorize(action: int, first: str | None, second: str | None, _database: str | None, _by: str | None) -> int:
    allowed = (
        action in _QUESTIONS
        or (action == sqlite3.SQLITE_FUNCTION and second != "load_extension")
        or (action == sqlite3.SQLITE_PRAGMA and first in _PRAGMAS)
    )
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _value(value: Any) -> Any:
    """Bytes as SQL writes them."""
    return f"x'{value.hex()}'" if isinstance(value, bytes) else value


def _told_apart(names: Sequence[str]) -> list[str]:
    """A join with * brings some names twice; the second `job_id` becomes `job_id_2`."""
    found: dict[str, None] = {}
    counts: Counter[str] = Counter()
    for name in names:
        unique = name
        while unique in found:
            counts[name] += 1
            unique = f"{name}_{counts[name] + 1}"
        found[unique] = None
    return list(found)


@contextlib.contextmanager
def _translated(path: Path, statement: str) -> Iterator[None]:
    try:
        yield
    # Before Python 3.12 two statements are a Warning, which is no Error.
    except (sqlite3.Error, sqlite3.Warning) as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT:
            raise KeyboardInterrupt from error
        if code == sqlite3.SQLITE_AUTH or "because it is a view" in str(error):
            raise errors.WrongStatement(
                f"Questions alone are answered here, SELECT or WITH, and this is none ({error}). Nothing was changed."
            ) from error
        raise trouble.of(path, error) or _mistake(str(error), statement) from error


def _mistake(said: str, statement: str) -> errors.WrongStatement:
    """SQLite's words; for a name that is not there, those that are."""
    found = re.fullmatch(r"no such (table|column): (?:.*\.)?(.*)", said)
    if found is None:
        return errors.WrongStatement(f"SQLite: {said.rstrip('.')}.")
    columns = {view.name: [column.name for column in view.c] for view in views.ALL}
    if found[1] == "table":
        names = sorted(columns, key=lambda name: -difflib.SequenceMatcher(None, name, found[2]).ratio())
        return errors.WrongStatement(f"SQLite: {said}. The views are {', '.join(names)}. {_DOCUMENTED}")
    asked = [name for name in columns if re.search(rf"\b{name}\b", statement, re.IGNORECASE)]
    known = list(dict.fromkeys(column for name in asked or columns for column in columns[name]))
    near = difflib.get_close_matches(found[2].lower(), known, cutoff=0.5)
    hint = f" Near to it: {', '.join(near)}." if near else ""
    return errors.WrongStatement(f"SQLite: {said}.{hint} {_DOCUMENTED}")
