"""Forgetting more than housekeeping does, when the owner asks for it, and giving the room back."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from service import errors, model
from service.rules import plain
from service.store import engine as engines
from service.store import holders, schema, trouble

# A transaction over so many ids takes some hundredths of a second; after it, others have their turn for as long.
_IDS = 2000
_TURN_SECONDS = 0.05
_NOTHING = "null"
_ENDED = [state for state in model.State if state.ended]


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """Rows whose raw payload was emptied, and rows removed."""

    changes: int
    checkpoints: int
    unreadable: int


def take_turns() -> None:
    """Let others write, between two transactions of a long work; SQLite's own way of waiting knows no queue."""
    threading.Event().wait(_TURN_SECONDS)


def forget_raws(engine: sa.Engine, before: datetime) -> Forgotten:
    """Empty the provider's objects of status changes seen before, and of checkpoints of jobs that ended before.

    What could not be read and was first seen before is removed. Jobs keep theirs: every look compares with them.
    Raises errors.StoreTrouble; what was done by then is done.
    """
    change, checkpoint, unreadable, job = schema.status_change, schema.checkpoint, schema.unreadable, schema.job
    # Asked of each checkpoint of the range. Put as a list of jobs, SQLite goes through all of these for each range.
    ended = (
        sa.select(job.c.id)
        .where(
            job.c.id == checkpoint.c.job_pk, job.c.state.in_(_ENDED),
            sa.func.coalesce(job.c.finished_at, job.c.last_changed_at) < before,
        )
        .exists()
    )  # fmt: skip
    return Forgotten(
        changes=_by_ids(
            engine, change,
            change.update().values(raw=_NOTHING).where(change.c.observed_at < before, change.c.raw != _NOTHING),
        ),
        checkpoints=_by_ids(
            engine, checkpoint,
            checkpoint.update().values(raw=_NOTHING).where(ended, checkpoint.c.raw != _NOTHING),
        ),
        unreadable=_by_ids(engine, unreadable, unreadable.delete().where(unreadable.c.first_seen_at < before)),
    )  # fmt: skip


def _by_ids(engine: sa.Engine, table: sa.Table, work: sa.Update | sa.Delete) -> int:
    """Do it to one range of ids after the other, each in a transaction of its own; to how many rows in all."""
    with engines.for_reads(engine).connect() as connection:
        last = connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
    done = 0
    for start in range(0, last, _IDS):
        with engine.begin() as connection:
            done += connection.execute(work.where(table.c.id > start, table.c.id <= start + _IDS)).rowcount
        take_turns()
    return done


def size_bytes(path: Path) -> int:
    """Of the file with its write-ahead log."""
    return path.stat().st_size + engines.wal_bytes(path)


def unused_bytes(path: Path) -> int:
    """Room inside the file that the next rows will take. Raises errors.StoreTrouble."""
    with _translated(path), closing(engines.connect_read_only(path)) as connection:
        return _number(connection, "freelist_count") * _number(connection, "page_size")


def give_back(path: Path, wait_seconds: float = 10) -> None:
    """Make the file as small as what it holds; nobody else may write meanwhile, so hold the lease.

    Raises errors.StoreTrouble when there is no room for the copy that this takes, or somebody else writes or reads.
    Whatever happens, the database is whole.
    """
    with _translated(path), closing(sqlite3.connect(path, timeout=wait_seconds, isolation_level=None)) as connection:
        used = _number(connection, "page_count") - _number(connection, "freelist_count")
        # Once as a temporary file, and once in the write-ahead log.
        needed, free = 2 * used * _number(connection, "page_size"), trouble.free_bytes(path)
        if free is not None and free < needed:
            raise errors.StoreTrouble(
                f"To make the file smaller takes {plain.megabytes(needed)} for the time of the work, and "
                f"{plain.megabytes(free)} are free in {path.absolute().parent}. Make room there and prune again."
            )
        # /tmp may be small, or memory.
        folder = str(path.absolute().parent).replace("'", "''")
        connection.execute(f"PRAGMA temp_store_directory = '{folder}'")
        # So that Ctrl-C is heard while it works.
        connection.set_progress_handler(lambda: 0, 100_000)
        connection.execute("VACUUM")
        [[busy, *_]] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if busy:
        who = " and ".join(holders.readers(path)) or "another program"
        raise errors.StoreTrouble(
            f"{path.absolute()} is not smaller yet, because {who} reads it: for so long what is new stands beside it, "
            f"in {path.name}-wal. Call this again when it is done."
        )


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_INTERRUPT:
            raise errors.Stopped("Broken off; the database is whole, and as large as it was.") from error
        raise trouble.of(path, error) or errors.StoreTrouble(
            f"{path.absolute()} cannot be made smaller: {error}."
        ) from error
