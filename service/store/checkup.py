"""Whether a database is whole: everything that can be found out by reading it, beside a running daemon."""

import json
import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from service import errors, model
from service.rules import health, plain
from service.store import condition, identity, migrate, schema, trouble, views
from service.store import engine as engines

_SHOWN = 3
_TIME = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z"
_STATES = ", ".join(f"'{state}'" for state in model.State)
_OBJECTS = ("hyperparameters", "metadata")
_Look = Callable[[sqlite3.Connection], tuple[list[str], str]]


@dataclass(frozen=True, kw_only=True)
class Check:
    """What one part of the database is like: `problem` with what to do about it, or a `note`."""

    part: str
    problem: str | None
    note: str | None = None


def checks(url: str, path: Path) -> Iterator[Check]:
    """One after the other, as each is done; a big database takes seconds for each GB."""
    try:
        if not condition.exists(path):
            raise errors.NoDatabase(f"There is no database at {path.absolute()}.")
        migrate.check(url)
    except errors.DatabaseRefused as refusal:
        yield Check(part="file", problem=str(refusal))
        return
    yield Check(part="file", problem=None, note=str(path.absolute()))
    present = yield from _schema(path)
    yield _content(path, "integrity", _integrity)
    yield _content(path, "foreign keys", _foreign_keys)
    if present:
        for part, look in _ROWS.items():
            yield _content(path, part, look)
    found = condition.look(path)
    yield Check(
        part="write-ahead log", problem=health.wal_problem(found), note=plain.megabytes(found.wal_bytes)
    )  # fmt: skip


def rows_fault(path: Path) -> str | None:
    """What does not fit together in the rows of a database of the present schema, None when all of it does.

    Raises sqlite3.DatabaseError.
    """
    with closing(engines.connect_read_only(path)) as connection, engines.heard(connection):
        for look in (_foreign_keys, *_ROWS.values()):
            if faults := look(connection)[0]:
                return "; ".join(faults)
    return None


def _schema(path: Path) -> Generator[Check, None, bool]:
    """Whether it is that of this version, without which tables and views cannot be judged."""
    try:
        with closing(engines.connect_read_only(path)) as connection:
            [[revision]] = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except (sqlite3.DatabaseError, ValueError) as error:
        yield Check(part="schema", problem=_trouble(path, error))
        return False
    older = f"is {revision}, of an older version; `tunewatch db upgrade` brings it to {identity.REVISION}"
    present = bool(revision == identity.REVISION)
    yield Check(part="schema", problem=None if present else older, note=str(revision))
    return present


def _content(path: Path, part: str, look: _Look) -> Check:
    try:
        with closing(engines.connect_read_only(path)) as connection, engines.heard(connection):
            faults, note = look(connection)
    except sqlite3.DatabaseError as error:
        return Check(part=part, problem=_trouble(path, error))
    return Check(part=part, problem=str(trouble.damaged(path, "; ".join(faults))) if faults else None, note=note)


def _trouble(path: Path, error: Exception) -> str:
    return str(trouble.of(path, error) or trouble.damaged(path, str(error)))


def _integrity(connection: sqlite3.Connection) -> tuple[list[str], str]:
    said = [plain.line(row[0], 200) for row in connection.execute(f"PRAGMA integrity_check({_SHOWN})")]
    return [] if said == ["ok"] else said, "every page and index fits"


def _foreign_keys(connection: sqlite3.Connection) -> tuple[list[str], str]:
    lost: dict[tuple[str, str], int] = {}
    for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        lost[table, parent] = lost.get((table, parent), 0) + 1
    faults = [f"{plain.count(count, 'row')} of {table} without {parent}" for (table, parent), count in lost.items()]
    return faults, "every row has those it belongs to"


def _json(connection: sqlite3.Connection) -> tuple[list[str], str]:
    faults = []
    columns = [
        (table.name, column.name)
        for table in schema.metadata.sorted_tables for column in table.c if column.info.get(schema.JSON)
    ]  # fmt: skip
    for table, column in columns:
        # SQLite is stricter than those who read it: a payload may hold NaN, or be nested deeper than it goes along.
        odd = connection.execute(
            f"SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL AND NOT json_valid({column})"
        )
        wrong = [row for row, text in odd if not _is_json(text)]
        if wrong:
            ids = ", ".join(str(row) for row in wrong[:_SHOWN]) + (" …" if len(wrong) > _SHOWN else "")
            faults.append(f"{plain.count(len(wrong), 'row')} of {table} whose {column} is no JSON: id {ids}")
    return faults, f"in {len(columns)} columns"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _values(connection: sqlite3.Connection) -> tuple[list[str], str]:
    """What neither SQLite's types nor JSON say."""
    conditions = {("job", "state"): f"state NOT IN ({_STATES})"}
    conditions |= {("job", name): f"json_valid({name}) AND json_type({name}) <> 'object'" for name in _OBJECTS}
    for table in schema.metadata.sorted_tables:
        for column in table.c:
            if isinstance(column.type, schema.UtcText):
                name = column.name
                wrong = f"{name} IS NOT NULL AND ({name} NOT GLOB '{_TIME}' OR unixepoch({name}) IS NULL)"
                conditions[table.name, name] = wrong
    faults = []
    for (of_table, of_column), wrong in conditions.items():
        [[count]] = connection.execute(f"SELECT count(*) FROM {of_table} WHERE {wrong}")
        if count:
            faults.append(f"{plain.count(count, 'row')} of {of_table} with a {of_column} that cannot be")
    return faults, f"in {len(conditions)} columns"


def _views(connection: sqlite3.Connection) -> tuple[list[str], str]:
    rows = 0
    for view in views.ALL:
        # Every row, with all that is worked out for it.
        for _ in connection.execute(f"SELECT {', '.join(views.fields(view))} FROM {view.name}"):
            rows += 1
    return [], plain.count(rows, "row")


# What tells of rows, by the name of the part; it takes the present schema.
_ROWS: dict[str, _Look] = {"json": _json, "values": _values, "views": _views}
