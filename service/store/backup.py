"""A copy of the database that is as good as the database itself: whole, verified, and there at once or not at all."""

import contextlib
import itertools
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from service import errors
from service.rules import backups, plain
from service.store import condition, landing, trouble
from service.store import engine as engines

# How many steps of SQLite's machine lie between two questions whether to go on: some hundredths of a second.
_STEPS = 100_000
_BESIDE = ("", "-wal", "-shm", "-journal", ".lock")


def _always() -> bool:
    """Also being asked is of use: it is when Ctrl-C is heard."""
    return True


def copy(source: Path, target: Path, go_on: Callable[[], bool] = _always) -> backups.Backup:
    """Copy the database to a file that is not there yet; others read and write it meanwhile, and nobody waits.

    Under its name it appears when it is complete, verified and on the disk; until then it is in `target`.part.
    `go_on` is asked several times a second; when it says no, errors.Stopped is raised and nothing is left.
    Raises errors.DatabaseRefused when the names are wrong, errors.StoreTrouble when disk or database do not let us.
    """
    source, target = source.absolute(), target.absolute()
    _check_names(source, target)
    with landing.place(target) as part:
        expected = _fill(source, part, target, go_on)
        # Who may read the database may read its copy. Some file systems know no modes.
        with contextlib.suppress(OSError):
            part.chmod(source.stat().st_mode & 0o777 | stat.S_IRUSR | stat.S_IWUSR)
        _verify(source, part, expected, go_on)
    return backups.Backup(path=target, size_bytes=target.stat().st_size)


def same(one: Path, other: Path) -> bool:
    """Whether two databases hold the same tables, row for row; False when one of them cannot be read."""
    tables = "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name"
    try:
        with closing(engines.connect_read_only(one)) as ours, closing(engines.connect_read_only(other)) as theirs:
            # Text that is none is compared as well.
            ours.text_factory = theirs.text_factory = bytes
            found = ours.execute(tables).fetchall()
            return found == theirs.execute(tables).fetchall() and all(
                row == its_row
                for name, _ in found
                for row, its_row in itertools.zip_longest(
                    *(each.execute(f'SELECT * FROM "{name.decode()}"') for each in (ours, theirs))
                )
            )
    except sqlite3.DatabaseError:
        return False


def is_folder(path: Path) -> bool:
    """Whether it is one, as far as we can see."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return False


def names(folder: Path) -> list[str]:
    """Of the files in a folder. Raises errors.DatabaseRefused when it is not there, errors.StoreTrouble."""
    try:
        return [each.name for each in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        raise errors.DatabaseRefused(
            f"There is no folder {folder.absolute()} for the backup. Make it, or name another."
        ) from None
    except OSError as error:
        raise errors.StoreTrouble(
            f"The folder {folder.absolute()} cannot be read ({error.strerror}). Change its owner or mode."
        ) from error


class Attic:
    """See ports.Attic."""

    def __init__(self, database: Path, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def names(self) -> list[str]:
        return names(self._folder)

    def make(self, name: str, go_on: Callable[[], bool] = _always) -> backups.Backup:
        self._sweep()
        return copy(self._database, self._folder / name, go_on)

    def remove(self, name: str) -> None:
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise errors.StoreTrouble(
                f"The old backup {self._folder / name} cannot be removed ({error.strerror}). Change the owner or the "
                "mode of the folder."
            ) from error

    def _sweep(self) -> None:
        """Throw away what a crash left half done: under the same name nobody will ever replace it."""
        for name in self.names():
            if name.endswith(".part") and backups.made_at(name.removesuffix(".part")):
                # One that is being written, or that we may not touch, is left alone.
                with contextlib.suppress(errors.TunewatchError), landing.workshop(self._folder / name):
                    pass


@dataclass(frozen=True)
class _Facts:
    """What is compared between the database and its copy."""

    application: int
    revision: str
    jobs: int
    changes: int


def _facts(connection: sqlite3.Connection) -> _Facts:
    questions = (
        "PRAGMA application_id",
        "SELECT version_num FROM alembic_version",
        "SELECT count(*) FROM job",
        "SELECT count(*) FROM status_change",
    )
    return _Facts(*(connection.execute(each).fetchone()[0] for each in questions))


def _check_names(source: Path, target: Path) -> None:
    if not condition.exists(source):
        raise errors.NoDatabase(f"There is no database at {source}, so there is nothing to copy.")
    if target.resolve() in {Path(f"{source.resolve()}{end}") for end in _BESIDE}:
        raise errors.DatabaseRefused(f"{target} belongs to the database itself. Name another file for the copy.")


def _fill(source: Path, part: Path, target: Path, go_on: Callable[[], bool]) -> _Facts:
    """Write the copy that will be `target`; what the database held at least when that began."""
    with _translated(source), closing(engines.connect_read_only(source)) as connection:
        connection.set_progress_handler(lambda: not go_on(), _STEPS)
        expected = _facts(connection)
        _check_room(connection, target)
        with _translated(source, target):
            # One reading transaction from beginning to end, and what was deleted is left out.
            connection.execute("VACUUM INTO ?", (str(part),))
    return expected


def _check_room(connection: sqlite3.Connection, target: Path) -> None:
    pages, unused, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    needed, free = (pages - unused) * size, trouble.free_bytes(target)
    if free is not None and free < needed:
        raise errors.StoreTrouble(
            f"There is no room in {target.parent} for the copy: it needs about {plain.megabytes(needed)}, and "
            f"{plain.megabytes(free)} are free. Make room there, or name another place."
        )


def _verify(source: Path, part: Path, expected: _Facts, go_on: Callable[[], bool]) -> None:
    try:
        with _translated(part), closing(engines.connect_read_only(part)) as connection:
            connection.set_progress_handler(lambda: not go_on(), _STEPS)
            said = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            orphan = connection.execute("PRAGMA foreign_key_check").fetchone()
            found = _facts(connection)
    except errors.Damaged as error:
        # Of the copy: a disk for backups that is bad must not pass for the end of the database.
        raise errors.StoreTrouble(f"The copy of {source} cannot be read back and was thrown away: {error}") from error
    fault = None
    if said != "ok":
        fault = plain.line(said, 200)
    elif orphan:
        fault = f"a row of {orphan[0]} lacks its {orphan[2]}"
    elif (found.application, found.revision) != (expected.application, expected.revision):
        fault = "it is not marked as the database is"
    elif found.jobs < expected.jobs or found.changes < expected.changes:
        fault = f"it holds {found.jobs} jobs and {found.changes} status changes, fewer than the database"
    if fault:
        raise errors.StoreTrouble(
            f"The copy of {source} does not hold together ({fault}) and was thrown away. `tunewatch db check` tells "
            "whether the database does."
        )


# While it is copied, these are of the database that is read; all others, such as a full disk, of the copy.
_OF_SOURCE = (
    sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL,
)  # fmt: skip


@contextlib.contextmanager
def _translated(path: Path, target: Path | None = None) -> Iterator[None]:
    """SQLite's errors as ours, about `path`, or about the `target` that is written to."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0)
        if code & 0xFF == sqlite3.SQLITE_INTERRUPT:
            raise errors.Stopped("The copy was broken off; nothing is left of it.") from error
        of_source = code & 0xFF in _OF_SOURCE or code == sqlite3.SQLITE_IOERR_READ
        where = path if target is None or of_source else target
        raise trouble.of(where, error) or errors.StoreTrouble(f"{path} cannot be copied: {error}.") from error
