"""Whether the files of the database are still those that we write to."""

import contextlib
import os
from pathlib import Path

from service import errors
from service.store import condition, trouble

# A checkpoint writes to the database right after something was written to the write-ahead log. What comes later than
# that comes from somebody else.
_CHECKPOINT_SECONDS = 5


class Vigil:
    """Looks at the files, again and again, for what people do to them by mistake.

    By name, size and time only: whoever opened and closed the database past SQLite would free its locks.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._wal = self._named("-wal")
        self._seen = database.stat()
        # Those that SQLite makes beside the database are there once it was written to, and then for good.
        self._beside: dict[Path, int] = {}

    def problem(self) -> str | None:
        """What somebody did: a sentence for the owner.

        Raises errors.Damaged when the database is still the same file and does not hold the same any more.
        """
        try:
            found = self._database.stat()
        except OSError:
            return (
                f"{self._database} was deleted or moved while in use. Put it back before the next start, which "
                "otherwise begins a new one."
            )
        if found.st_ino != self._seen.st_ino:
            return f"{self._database} was replaced by another file while in use. The next start goes by that one."
        beside = {path: number for end in ("-wal", "-shm") if (number := inode(path := self._named(end))) is not None}
        if lost := [str(path) for path, number in self._beside.items() if beside.get(path) != number]:
            return (
                f"{' and '.join(lost)} was deleted while in use. What was in it is written to the database now. Start "
                "again, and leave that file alone."
            )
        if self._is_odd(found) and (fault := self._fault()):
            raise trouble.damaged(self._database, fault)
        self._seen, self._beside = found, beside
        return None

    def _named(self, end: str) -> Path:
        return Path(f"{self._database}{end}")

    def _is_odd(self, found: os.stat_result) -> bool:
        """Whether it was written to in a way that is not SQLite's."""
        if found.st_mtime_ns == self._seen.st_mtime_ns:
            return False
        try:
            logged = self._wal.stat().st_mtime
        except OSError:
            return True
        return found.st_size < self._seen.st_size or found.st_mtime - logged > _CHECKPOINT_SECONDS

    def _fault(self) -> str | None:
        try:
            return condition.unsound(self._database)
        except errors.StoreTrouble:
            # That is for those to tell who need the database.
            return None

    def leave(self) -> None:
        """Set a write-ahead log aside that lost its database: beside another file it would be taken for that one's."""
        ours = inode(self._wal) == self._beside.get(self._wal, -1)
        if ours and inode(self._database) != self._seen.st_ino:
            with contextlib.suppress(OSError):
                condition.set_wal_aside(self._database)


def inode(path: Path) -> int | None:
    """The number of the file behind a name, None when there is none or it cannot be seen."""
    try:
        return path.stat().st_ino
    except OSError:
        return None
