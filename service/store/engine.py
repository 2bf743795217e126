"""Connections to the database, with what SQLite needs told to every one of them."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from service import errors
from service.store import trouble

# For the wiring, which hands engines around without knowing SQLAlchemy.
Engine = sa.Engine
# A writer waits this long for another one; a backup or a curious shell holds the file for less.
_BUSY_SECONDS = 10
# Beyond this the write-ahead log is cut back at the next checkpoint instead of kept for reuse.
_WAL_LIMIT_BYTES = 32 * 1024 * 1024
# How many steps of SQLite's machine lie between two chances to hear Ctrl-C: some hundredths of a second.
_STEPS = 100_000


def fault(url: str) -> str | None:
    """Why this cannot be the URL of a database, None when it can. It may hold a password and is not shown."""
    try:
        sa.make_url(url).get_dialect().import_dbapi()
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
            return "names no file, so that all would be forgotten"
        if parsed.get_backend_name() == "sqlite" and (parsed.host or parsed.username or parsed.query):
            return "holds more than the path of a file"
    except sa.exc.NoSuchModuleError:
        return "is that of an unknown kind of database"
    except sa.exc.ArgumentError:
        return "is not a URL"
    except ImportError:
        return "is that of a database for which no driver is installed"
    return None


def file_of(url: str) -> Path | None:
    """The file of a SQLite URL; None for another database or one in memory.

    Raises errors.DatabaseRefused for something that is no database URL at all.
    """
    if problem := fault(url):
        raise errors.DatabaseRefused(
            f"The address of the database {problem}. Write sqlite:///file.db (relative) or sqlite:////path/file.db."
        )
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database))


def writing(url: str) -> sa.Engine:
    """An engine whose every transaction takes the write lock at its start.

    A deferred transaction that turns from reading to writing fails at once when another has written since,
    whatever the busy timeout says; one that starts as a writer waits its turn.
    """
    engine = sa.create_engine(url)
    sa.event.listen(engine, "handle_error", _translator(file_of(url)))
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare)
        sa.event.listen(engine, "begin", _begin_immediate)
    return engine


def for_reads(engine: sa.Engine) -> sa.Engine:
    """The same engine for transactions that only read: they take no lock and wait for nobody."""
    return engine.execution_options(reads=True)


def reading(url: str) -> sa.Engine:
    """An engine that cannot write, whatever it is told; works beside a running daemon.

    Raises errors.NoDatabase when there is no file yet, and never makes one.
    """
    path = file_of(url)
    if path is None:
        return sa.create_engine(url)
    if not path.exists():  # for permissions, see migrate.reading, which looks first
        raise errors.NoDatabase(
            f"There is no database at {path.absolute()}. If tunewatch runs already, call this in its folder, or with "
            "the same --config or DATABASE_URL; otherwise start it with `tunewatch run`."
        )

    def connect() -> sqlite3.Connection:
        connection = connect_read_only(path)
        connection.execute("PRAGMA query_only = ON")
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)
    sa.event.listen(engine, "handle_error", _translator(path))
    sa.event.listen(engine, "handle_error", _unreadable(path))
    sa.event.listen(engine, "begin", _begin_deferred)
    return engine


def connect_read_only(path: Path) -> sqlite3.Connection:
    """A bare connection that cannot write. Raises sqlite3.DatabaseError."""
    return _opened(read_only_address(path))


@contextlib.contextmanager
def heard(connection: sqlite3.Connection) -> Iterator[None]:
    """Ctrl-C ends the statements of the block, which may read everything; else it is heard between two of them."""
    connection.set_progress_handler(lambda: 0, _STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        # Text that is none has an error without a code.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_INTERRUPT:
            raise KeyboardInterrupt from error
        raise


def connect_writing(path: Path) -> sqlite3.Connection:
    """A bare connection like those of `writing`, for what SQLAlchemy does not know: a second database attached."""
    connection = _opened(path.absolute().as_uri())
    _prepare(connection, None)
    return connection


def read_only_address(path: Path) -> str:
    """The URI under which SQLite can read the file and cannot write it. Raises sqlite3.DatabaseError."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(_opened(address)) as connection:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        unopened = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
        if not unopened or wal_bytes(path):
            raise
        # A reader that may not write to the folder cannot make the -shm file that WAL wants. With nothing in a -wal
        # there is no writer and nothing that is not in the file itself, so it can be read as it stands.
        return f"{address}&immutable=1"
    return address


def _opened(address: str) -> sqlite3.Connection:
    return sqlite3.connect(
        address, uri=True, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False
    )  # fmt: skip


def path_of(engine: sa.Engine) -> Path | None:
    """The file behind an engine of `writing`, None for another database."""
    return file_of(engine.url.render_as_string(hide_password=False))


def wal_bytes(path: Path) -> int:
    """How large the write-ahead log of a database is; 0 when there is none."""
    try:
        return Path(f"{path}-wal").stat().st_size
    except OSError:
        return 0


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (
        # First of all, because the next one may have to wait already.
        f"busy_timeout = {_BUSY_SECONDS * 1000}",
        "journal_mode = WAL",
        # With WAL, NORMAL may lose the last commits when the power fails: a notice sent twice, or a receipt.
        "synchronous = FULL",
        "foreign_keys = ON",
        f"journal_size_limit = {_WAL_LIMIT_BYTES}",
        # A quarter MB for each connection instead of two: a pass hardly ever reads the same page twice.
        "cache_size = -256",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reads") else "BEGIN IMMEDIATE")


def _begin_deferred(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _translator(path: Path | None) -> Callable[[sa.ExceptionContext], None]:
    """Trouble of the disk or the server becomes ours; a mistake in a statement stays what it is."""

    def translate(context: sa.ExceptionContext) -> None:
        cause = context.original_exception
        found = trouble.of(path, cause) if path else None
        if path is None and isinstance(context.sqlalchemy_exception, sa.exc.OperationalError):
            found = errors.StoreTrouble(f"The database cannot be used just now: {cause}. Check that it can be reached.")
        if found:
            raise found from cause

    return translate


def _unreadable(path: Path) -> Callable[[sa.ExceptionContext], None]:
    """Our questions are right, so it is the answer that cannot be read: somebody has changed what the file holds."""

    def translate(context: sa.ExceptionContext) -> None:
        if isinstance(context.original_exception, sqlite3.DatabaseError):
            raise unreadable(path, context.original_exception) from context.original_exception

    return translate


def unreadable(path: Path, error: Exception) -> errors.StoreTrouble:
    """For rows that we would not have written."""
    return errors.StoreTrouble(
        f"{path.absolute()} holds something that tunewatch cannot have written ({error}). `tunewatch db check` says "
        "where."
    )
