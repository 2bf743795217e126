"""In which condition the file of the database is: found out without writing to it."""

import logging
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from service import errors
from service.rules import health
from service.store import engine as engines
from service.store import holders, trouble

log = logging.getLogger(__name__)


def exists(path: Path) -> bool:
    """Whether there is a file that may hold a database. Raises errors.DatabaseRefused when there can be none.

    errors.NoDatabase is raised when even the folder is missing.
    """
    where = path.absolute()
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        if where.parent.is_dir():
            return False
        raise errors.NoDatabase(f"There is no folder {where.parent} for the database. Make it, or {_ELSE}") from None
    except OSError as error:
        raise errors.DatabaseRefused(
            f"{where} cannot be reached ({error.strerror}). Check the name, and that this user may enter its folders, "
            f"or {_ELSE}"
        ) from error
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
        raise errors.DatabaseRefused(f"{where} is {what}, and the database is a file. Name a file in it, or {_ELSE}")
    return found.st_size > 0


_ELSE = "name another place with [database] url or DATABASE_URL."


def unsound(path: Path) -> str | None:
    """What does not fit together in the file and its write-ahead log, None when all of it does.

    It reads everything: a second or two for each GB, more where the disk is slow. Raises errors.StoreTrouble when it
    cannot be read just now.
    """
    try:
        with closing(engines.connect_read_only(path)) as connection, engines.heard(connection):
            said = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        found = trouble.of(path, error)
        if found is None or isinstance(found, errors.Damaged):
            return str(error)
        raise found from error
    return None if said == "ok" else " ".join(str(said).split())[:200]


def set_wal_aside(path: Path) -> Path | None:
    """Keep a write-ahead log from being taken for that of another file, which it would spoil; where it is now."""
    if not engines.wal_bytes(path):
        return None
    wal = Path(f"{path}-wal")
    written = datetime.fromtimestamp(wal.stat().st_mtime, UTC)
    aside = Path(f"{wal}-of-{written:%Y%m%dT%H%M%SZ}")
    wal.rename(aside)
    log.warning(
        "%s was left behind without its database and is now %s: what the database did not hold yet. It belongs "
        "beside the file that was here before, under that file's name with -wal.", wal.absolute(), aside.name,
    )  # fmt: skip
    return aside


def look(path: Path, noted: str | None = None) -> health.Database:
    """What can be seen from outside; `noted` is the daemon's own word."""
    return health.Database(
        path=str(path.absolute()),
        wal_bytes=engines.wal_bytes(path),
        readers=holders.readers(path),
        free_bytes=trouble.free_bytes(path),
        read_only=trouble.mounted_read_only(path),
        trouble=noted,
    )
