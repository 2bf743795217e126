"""Whether the watch works, in sentences. The health check must tell the truth: blind is not healthy."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.rules import plain

# A pass may take long (a first sight of many thousand jobs, the daily full reading); beyond this it hangs.
_LONGEST_PASS = timedelta(minutes=30)
# A notice that was given up is a trouble of today, not for ever; `tunewatch deliveries --failed` keeps it.
FAILURES_SHOWN_FOR = timedelta(days=1)
# Four times what the write-ahead log is cut back to; it gets there only while somebody reads without an end.
WAL_LIMIT_BYTES = 128 * 1024 * 1024
# SQLite takes room in small pieces: what is still free below this is gone at the next page of jobs.
_LEAST_FREE_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account, as its last pass left it."""

    last_good_at: datetime | None
    next_pass_at: datetime | None
    failing_since: datetime | None
    blind_at: datetime | None
    last_error: str | None


@dataclass(frozen=True, kw_only=True)
class Destination:
    """One destination, as its last delivery left it. `waiting` and lately `failed` count deliveries."""

    announced_at: datetime | None
    last_error: str | None
    waiting: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class Database:
    """The file as it looks from outside.

    `readers`: other processes that read just now, as far as the system tells. `free_bytes`: None when the disk cannot
    be asked. `read_only`: so is its file system. `trouble`: what the daemon has noted that it cannot do.
    """

    path: str
    wal_bytes: int
    readers: tuple[str, ...]
    free_bytes: int | None
    read_only: bool
    trouble: str | None = None


def database_problem(database: Database) -> str | None:
    """Why nothing can be written, or soon cannot be; None when all is well."""
    if database.trouble:
        return f"the daemon cannot use it: {database.trouble}"
    if database.read_only:
        return f"the file system of {database.path} is mounted read-only; mount it for writing"
    if database.free_bytes is not None and database.free_bytes < _LEAST_FREE_BYTES:
        return f"the disk of {database.path} is full; make room there"
    return wal_problem(database)


def wal_problem(database: Database) -> str | None:
    """Why the write-ahead log is as large as it is, None while it is small."""
    if database.wal_bytes <= WAL_LIMIT_BYTES:
        return None
    who = " or ".join(database.readers) or "some program"
    return (
        f"{database.path}-wal has grown to {database.wal_bytes / 1e6:.0f} MB, because {who} has been reading for long "
        "without an end; end it, and the file shrinks by itself"
    )


def backup_problem(
    folder: str, newest: datetime | None, *, every: timedelta, watching_since: datetime | None, now: datetime
) -> str | None:
    """Why the newest backup is older than it may be, None while it is not.

    A daemon that started lately (`watching_since`; None without one) is given the time to make one.
    """
    limit = 2 * every
    if newest and now - newest <= limit:
        return None
    if watching_since is not None and now - watching_since <= limit:
        return None
    if newest is None and watching_since is None:
        return None
    found = f"the newest is {plain.duration(now - newest)} old" if newest else "there is none"
    return (
        f"{found} in {folder}, and one is to be made every {plain.duration(every)}; the log of the daemon says what "
        f"keeps it from that, and so does `tunewatch db backup {folder}`"
    )


def daemon_problem(
    *, held: bool, started_at: datetime | None, stopped_at: datetime | None, polled: bool = False
) -> str | None:
    """Why nobody is watching, None when somebody is.

    The times are those of the daemon that ran last, if any; `polled`: without one, `tunewatch poll` has looked.
    Whether that was lately is what the accounts tell.
    """
    if held:
        return None
    if started_at is None:
        return None if polled else "nobody has watched yet; start with `tunewatch run`"
    if stopped_at:
        return "the daemon was stopped; start it with `tunewatch run`"
    return "no daemon is running (the last one did not end in an orderly way); start it with `tunewatch run`"


def account_problem(account: Account, *, started_at: datetime | None, now: datetime) -> str | None:
    """Why the account is not being seen, None when it is."""
    if account.blind_at or (account.failing_since and not account.last_good_at):
        return f"cannot be read: {account.last_error}"
    # After a restart, what the process before had planned does not count.
    due = max((moment for moment in (account.next_pass_at, started_at) if moment), default=None)
    if due and now - due > _LONGEST_PASS:
        return "its next look is overdue: the daemon hangs; restart it and please report this"
    return None


def destination_problem(destination: Destination) -> str | None:
    """Why notices do not arrive, None when they do."""
    if destination.announced_at:
        return f"cannot be reached, {plain.count(destination.waiting, 'notice')} waiting: {destination.last_error}"
    if destination.failed:
        return f"{plain.count(destination.failed, 'notice')} given up today; see `tunewatch deliveries --failed`"
    return None
