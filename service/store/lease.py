"""One daemon per database: a lock that dies with its holder."""

import contextlib
import fcntl
import os
import socket
import threading
from datetime import datetime
from pathlib import Path
from typing import IO

from service import clock, errors
from service.store import engine as engines
from service.store import vigil


class Lease:
    """The right to write, held from `take` to `release`.

    The operating system frees the lock when the holder dies, however it dies, so a crash never blocks the next
    start. Databases other than SQLite files are not locked. Thread-safe from `watch_over` on.
    """

    def __init__(self, url: str) -> None:
        database = engines.file_of(url)
        self._database = database.resolve() if database else None
        self._path = _lock_of(self._database) if self._database else None
        self._file: IO[str] | None = None
        self._holder = ""
        self._noted: str | None = None
        self._writing = threading.Lock()
        self._inode: int | None = None
        self._vigil: vigil.Vigil | None = None
        self.abandoned = False

    def take(self, now: datetime) -> None:
        """Raises errors.AlreadyRunning, which names the holder, or errors.DatabaseRefused."""
        if self._path is None:
            return
        try:
            self._file = _opened(self._path)
            if not _lock(self._file):
                holder = (self._file.readline()).strip() or "an unnamed process"
                self.release()
                raise errors.AlreadyRunning(
                    f"Another tunewatch holds {self._database}: {holder}. Stop it first, or give this one its own "
                    "database."
                )
            self._holder = f"process {os.getpid()} on {socket.gethostname()}, since {clock.to_text(now)}\n"
            self._write(self._holder)
        except OSError as error:
            self.release()
            raise errors.DatabaseRefused(
                f"{self._path} cannot be written ({error.strerror}). Check that the folder exists, that its disk has "
                "room and that this user may write there, or name another place with [database] url or DATABASE_URL."
            ) from error

    def note(self, problem: str | None) -> None:
        """Keep beside the database what cannot be kept in it, for `tunewatch health`; None when all is well again."""
        with self._writing:
            if self._file and problem != self._noted:
                # On a disk without room, or one that is read-only, the file can be as stubborn as the database.
                with contextlib.suppress(OSError):
                    self._write(self._holder + " ".join((problem or "").split()))
                    self._noted = problem

    def _write(self, text: str) -> None:
        """Over what is there: a file that is emptied first gives up the room that it has on a full disk."""
        assert self._file
        content = text.encode()
        os.pwrite(self._file.fileno(), content, 0)
        os.ftruncate(self._file.fileno(), len(content))

    def watch_over(self) -> None:
        """From now on `problem` tells what befalls the files."""
        if self._path and self._database:
            self._inode = vigil.inode(self._path)
            self._vigil = vigil.Vigil(self._database)

    def problem(self) -> str | None:
        """What somebody did to lock or database since `watch_over`: a sentence for the owner.

        Raises errors.Damaged (see vigil.Vigil.problem), and then the database is abandoned.
        """
        if self._path is None or self._vigil is None:
            return None
        if vigil.inode(self._path) != self._inode:
            return (
                f"{self._path} was deleted or replaced while in use: a second tunewatch could start beside this one. "
                "Start again, and leave that file alone."
            )
        try:
            return self._vigil.problem()
        except errors.Damaged:
            self.abandon()
            raise

    def abandon(self) -> None:
        """The database is damaged: from now on it is not even closed, which would write the log into what is left.

        The log that stays behind has the next start look before it writes.
        """
        self.abandoned = True

    def release(self) -> None:
        """Safe to call when nothing is held."""
        if self._vigil:
            self._vigil.leave()
            self._vigil = None
        if self._file:
            self._file.close()
            self._file = None


def held(url: str) -> bool:
    """Whether a living process has the lease; always True where there is no lock to ask.

    Raises errors.StoreTrouble when the lock file cannot be asked.
    """
    path = _lock_file(url)
    if path is None:
        return True
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError as error:
        raise errors.StoreTrouble(
            f"{path} cannot be read ({error.strerror}), so it cannot be told whether a daemon runs. Change its owner "
            "or mode, or ask as the user of the daemon."
        ) from error
    return False


def noted(url: str) -> str | None:
    """What the holder of the lease cannot do just now, by its own word."""
    path = _lock_file(url)
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path else []
    except OSError:
        return None
    return lines[1] if len(lines) > 1 else None


def _lock_file(url: str) -> Path | None:
    database = engines.file_of(url)
    return _lock_of(database.resolve()) if database else None


def _lock_of(database: Path) -> Path:
    return Path(f"{database}.lock")


def _opened(path: Path) -> IO[str]:
    # Neither emptied at its opening nor for appending only, which Python's own modes would have it.
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+", encoding="utf-8")


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
