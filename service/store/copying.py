"""A copy of the whole database, taken while others use it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from service import errors
from service.store import engine as engines
from service.store import landing, trouble

# Of the copy rather than of what is copied, as far as anybody can tell.
_TARGETS_FAULT = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)


def copy(source: Path, target: Path) -> None:
    """Copy the database to a file that is not there yet: whole and of one moment, or not at all.

    Raises errors.Permanent when the target cannot be written, errors.StoreTrouble when the source cannot be read.
    """
    with landing.place(target) as part:
        try:
            with closing(engines.connect_read_only(source)) as connection:
                connection.execute("VACUUM INTO ?", (str(part),))
        except sqlite3.DatabaseError as error:
            Path(f"{part}-journal").unlink(missing_ok=True)
            if error.sqlite_errorcode & 0xFF in _TARGETS_FAULT:
                raise errors.Permanent(
                    f"{target} cannot be written ({error}). Check that its folder is there, that its disk has room for "
                    "as much as the database, and that this user may write there."
                ) from error
            raise trouble.of(source, error) or error from error
