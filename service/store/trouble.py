"""What SQLite's result codes mean for the owner: what happened, where, and what to do about it."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from service import errors
from service.store import holders

# Less than this is as good as nothing: SQLite takes room in pieces of 32 KB.
_NO_ROOM_BYTES = 64 * 1024


def of(path: Path, error: BaseException) -> errors.StoreTrouble | None:
    """The trouble with the file that an error of SQLite stands for; None when it is a mistake in a statement."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    kind, where = code & 0xFF, path.absolute()
    if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(where, str(error))
    say = _KINDS.get(kind)
    return errors.StoreTrouble(f"{where} {say(where, error)}") if say else None


def damaged(path: Path, found: str) -> errors.Damaged:
    """For a file that no longer holds what was written."""
    return errors.Damaged(
        f"{path.absolute()} is damaged ({found}): a part of it is missing or was overwritten. Stop tunewatch and copy "
        f"{path.name} and {path.name}-wal to a safe place. Then put a backup in their place, with no -wal and no -shm "
        f"beside it, or save what can be read: `sqlite3 {path.name} .dump` (docs/faults.md)."
    )


def free_bytes(path: Path) -> int | None:
    """Room for this user on the disk of the file; None when it cannot be asked."""
    try:
        found = os.statvfs(path.absolute().parent)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def mounted_read_only(path: Path) -> bool:
    """Whether nobody can write to the file system of the file."""
    try:
        return bool(os.statvfs(path.absolute().parent).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _locked(path: Path, _error: BaseException) -> str:
    who = " and ".join(holders.writers(path)) or "another program"
    return f"is kept locked by {who}. End it, or wait until it is done."


def _full(path: Path, _error: BaseException) -> str:
    return f"cannot be written: the disk is full. Make room in {path.parent}."


def _read_only(path: Path, error: BaseException) -> str:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY_DBMOVED:
        return "was deleted or replaced while in use. Put it back, and start again."
    if mounted_read_only(path):
        return "cannot be written: its file system is mounted read-only. Mount it for writing."
    if not os.access(path, os.W_OK):
        return f"cannot be written: the file is read-only for this user ({os.geteuid()}). Change its owner or mode."
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return _closed_folder(path)
    return f"cannot be written ({error}). Check the owner and the mode of the file, its -wal and its -shm."


def _closed_folder(path: Path) -> str:
    return (
        f"cannot be used: this user ({os.geteuid()}) may not make files in {path.parent}, and SQLite needs two beside "
        "the database. Change the owner or the mode of the folder."
    )


def _unopened(path: Path, error: BaseException) -> str:
    if not path.parent.is_dir():
        return "cannot be opened: its folder is not there. Make it, or name another place."
    if not os.path.lexists(path):
        return "cannot be opened: it is not there. Put it back."
    if not os.access(path, os.R_OK):
        return f"cannot be opened: this user ({os.geteuid()}) may not read it. Change its owner or mode."
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return _closed_folder(path)
    return f"cannot be opened ({error}). Check the file, its -wal and its -shm, and how many files may be open."


def _failed(path: Path, error: BaseException) -> str:
    room = free_bytes(path)
    if room is not None and room < _NO_ROOM_BYTES:
        return _full(path, error)
    name = getattr(error, "sqlite_errorname", "")
    return (
        f"cannot be read or written: the disk failed ({name}). Look into the system's log, and copy the file "
        "elsewhere while it can be read."
    )


def _no_locking(_path: Path, error: BaseException) -> str:
    return f"cannot be locked ({error}). SQLite needs a local disk: put the file on one."


_KINDS: dict[int, Callable[[Path, BaseException], str]] = {
    sqlite3.SQLITE_BUSY: _locked,
    sqlite3.SQLITE_LOCKED: _locked,
    sqlite3.SQLITE_FULL: _full,
    sqlite3.SQLITE_READONLY: _read_only,
    sqlite3.SQLITE_CANTOPEN: _unopened,
    sqlite3.SQLITE_IOERR: _failed,
    sqlite3.SQLITE_PERM: _read_only,
    sqlite3.SQLITE_PROTOCOL: _no_locking,
}
