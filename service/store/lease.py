"""One daemon per database: a lock that dies with its holder."""

import fcntl
import os
import socket
import threading
from datetime import datetime
from pathlib import Path
from typing import IO

from service import clock, errors
from service.store import engine as engines


class Lease:
    """The right to write, held from `take` to `release`.

    The operating system frees the lock when the holder dies, however it dies, so a crash never blocks the next
    start. Databases other than SQLite files are not locked.
    """

    def __init__(self, url: str) -> None:
        database = engines.file_of(url)
        self._path = Path(f"{database.resolve()}.lock") if database else None
        self._file: IO[str] | None = None
        self._inodes: list[int | None] = []

    def take(self, now: datetime) -> None:
        """Raises errors.AlreadyRunning, which names the holder, or errors.DatabaseRefused."""
        if self._path is None:
            return
        try:
            self._file = self._path.open("a+")
        except OSError as error:
            raise errors.DatabaseRefused(
                f"{self._path.absolute()} cannot be written ({error.strerror}). Check that the folder exists and that "
                "this user may write there, or name another place with [database] url or DATABASE_URL."
            ) from error
        if not _lock(self._file):
            self._file.seek(0)
            holder = self._file.read().strip() or "an unnamed process"
            self.release()
            raise errors.AlreadyRunning(
                f"Another tunewatch holds the database: {holder}. Stop it first, or give this one its own database."
            )
        self._file.truncate(0)
        self._file.write(f"process {os.getpid()} on {socket.gethostname()}, since {clock.to_text(now)}\n")
        self._file.flush()

    def watch_over(self) -> None:
        """From now on `intact` tells whether the database file is still this one."""
        self._inodes = self._present()

    def intact(self) -> bool:
        """Whether lock and database are still the files they were; somebody may have deleted or replaced them."""
        return self._path is None or self._present() == self._inodes

    def _present(self) -> list[int | None]:
        if self._path is None:
            return []
        return [_inode(path) for path in (self._path, self._path.with_suffix(""))]

    def release(self) -> None:
        """Safe to call when nothing is held."""
        if self._file:
            self._file.close()
            self._file = None


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def held(url: str) -> bool:
    """Whether a living process has the lease; always True where there is no lock to ask."""
    database = engines.file_of(url)
    if database is None:
        return True
    try:
        with Path(f"{database.resolve()}.lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _lock(file: IO[str]) -> bool:
    """Try for a second: whoever asks `held` has the lock for a moment."""
    pause = threading.Event()
    for _ in range(10):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pause.wait(0.1)
        else:
            return True
    return False
