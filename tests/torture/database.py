"""Reading the daemon's database from outside, while it runs and when it is over."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

_BUSY_SECONDS = 30


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Read-only; the answer of one query."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)) as connection:
        return connection.execute(sql).fetchall()


def is_empty(path: Path) -> bool:
    """No table is there, nor half of one."""
    return not path.exists() or rows(path, "SELECT count(*) FROM sqlite_master") == [(0,)]


def saw_everything(path: Path) -> bool:
    """The first sight is over."""
    return bool(rows(path, "SELECT 1 FROM account WHERE baseline_at IS NOT NULL"))


def ended_jobs(path: Path) -> set[str]:
    return {job_id for (job_id,) in rows(path, f"SELECT job_id FROM job_summary WHERE state IN {_ENDED}")}


def unfinished_work(path: Path) -> int:
    """Deliveries that wait, and courses of ended jobs that were not read to their end."""
    [(deliveries,)] = rows(path, "SELECT count(*) FROM notice_log WHERE state NOT IN ('sent', 'failed')")
    [(courses,)] = rows(path, f"SELECT count(*) FROM job WHERE course_due_at IS NOT NULL AND state IN {_ENDED}")
    return int(deliveries + courses)


def failing(path: Path, channel: str) -> bool:
    """Something failed there and waits to be tried again."""
    sql = f"SELECT 1 FROM notice_log WHERE channel = '{channel}' AND state = 'pending' AND attempts > 0"
    return bool(rows(path, sql))


def grow_old(path: Path) -> None:
    """Whatever waits has waited for long, and has been tried all but once; no daemon may run."""
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as connection, connection:
        waits = "state IN ('pending', 'sending')"
        connection.execute(f"UPDATE delivery SET attempts = 7, created_at = '2026-01-01T00:00:00Z' WHERE {waits}")


def damage(path: Path) -> tuple[str, ...]:
    """What SQLite's own checks find."""
    integrity = [f"integrity_check: {text}" for (text,) in rows(path, "PRAGMA integrity_check") if text != "ok"]
    keys = [f"foreign_key_check: {row}" for row in rows(path, "PRAGMA foreign_key_check")]
    return tuple(integrity + keys)


_ENDED = "('succeeded', 'failed', 'cancelled')"
