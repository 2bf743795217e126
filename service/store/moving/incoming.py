"""Importing the database of another tunewatch."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from service import errors
from service.store import backup, checkup, condition, identity, landing, migrate, trouble
from service.store import engine as engines
from service.store.moving import merging

# Pages of our database that are kept at hand: with the little that a daemon needs, indexes would be read again and
# again.
_CACHE_KB = 32 * 1024
STEPS = len(merging.STEPS)


def check(url: str, file: Path) -> None:
    """Refuse a file that cannot be imported into the database; neither of the two is changed.

    Raises errors.DatabaseRefused.
    """
    ours = engines.file_of(url)
    if ours is None:
        raise errors.DatabaseRefused("The configured database is not a SQLite file, so nothing can be imported.")
    if not file.exists():
        raise errors.DatabaseRefused(f"There is no file {file}.")
    if file.is_dir():
        raise errors.DatabaseRefused(f"{file} is a folder. Name the database file in it.")
    if ours.exists() and file.samefile(ours):
        raise errors.DatabaseRefused(f"{file} is the configured database itself.")
    if migrate.revision_of(file) is None:
        raise errors.DatabaseRefused(f"{file} holds no history of tunewatch.")
    if fault := condition.unsound(file):
        raise _damaged(file, fault)


def take(url: str, file: Path, moved: Callable[[int], None]) -> dict[str, int]:
    """Import the file into a database of the present schema, all of it or nothing; how many rows of each kind came.

    Whoever calls holds the lease. `moved` is called after each of STEPS. Raises errors.StoreTrouble.
    """
    ours = engines.file_of(url)
    assert ours
    with _present(file, ours) as theirs:
        _refuse_damaged(file, theirs)
        try:
            with closing(engines.connect_writing(ours)) as db, engines.heard(db):
                db.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
                db.execute("ATTACH DATABASE ? AS other", (engines.read_only_address(theirs),))
                return _merge(db, moved)
        except sqlite3.DatabaseError as error:
            if fault := condition.unsound(theirs):
                raise _damaged(file, fault) from error
            raise trouble.of(ours, error) or errors.StoreTrouble(
                f"{file} cannot be imported: {error}. Nothing was changed. Please report this."
            ) from error


def _refuse_damaged(file: Path, theirs: Path) -> None:
    """Rows without those they belong to would be left out in silence, and what cannot be read would be ours as well."""
    try:
        fault = checkup.rows_fault(theirs)
    except sqlite3.DatabaseError as error:
        fault = str(error)
    if fault:
        raise _damaged(file, fault)


def _damaged(file: Path, fault: str) -> errors.DatabaseRefused:
    return errors.DatabaseRefused(
        f"{file} is damaged ({fault}), so nothing was imported. docs/faults.md says how to save what can be read."
    )


@contextlib.contextmanager
def _present(file: Path, ours: Path) -> Iterator[Path]:
    """The file, or a copy of it that was brought to the present schema: what is imported is not changed."""
    # Beside our database, where there is room for both. Also for one that needs no copy: what a killed import has left
    # goes away.
    with landing.workshop(Path(f"{ours.absolute()}.import.part")) as folder:
        if migrate.revision_of(file) == identity.REVISION:
            yield file
            return
        copy = folder / "copy.db"
        backup.copy(file, copy)
        migrate.upgrade(f"sqlite:///{copy}", keep=False)
        yield copy


def _merge(db: sqlite3.Connection, moved: Callable[[int], None]) -> dict[str, int]:
    counts: dict[str, int] = {}
    db.execute("BEGIN IMMEDIATE")
    # What still waits there is told by nobody, unless it is told there.
    waiting = "SELECT count(*) FROM other.delivery WHERE state IN ('pending', 'sending')"
    counts["waiting"] = db.execute(waiting).fetchone()[0]
    for step in merging.STEPS:
        counts |= step(db)
        moved(1)
    broken = db.execute("PRAGMA main.foreign_key_check").fetchall()
    if broken:
        raise errors.StoreTrouble(
            f"The import would leave {len(broken)} rows without their parents and was taken back; the database is as "
            "it was. Please report this."
        )
    db.execute("COMMIT")
    return counts
