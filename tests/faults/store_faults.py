"""The faults that test_store.py and test_store_running.py try."""

from tests.faults.table import Fault

# Words that the document explains above its table.
NOT_STARTED = "at the next start"
BY_HEALTH = "by `tunewatch health` alone"
BLIND = "after `blind_after`, past the database; once more when it is over"
AT_ONCE = "at once, past the database"

# -- at the start ----------------------------------------------------------------------------------------------------


def _refused(name: str, logged: str) -> Fault:
    return Fault(name=name, logged=logged, again=NOT_STARTED, told=BY_HEALTH)


FOLDER_MISSING = _refused("the folder is missing", "There is no folder")
IS_FOLDER = _refused("the path is a folder, or a pipe", "and the database is a file")
OTHER_PROGRAM = _refused("a database of another program", "belongs to another program; nothing was changed")
NO_DATABASE = _refused("a file that is no database", "is no database, or its beginning was overwritten")
NEWER = _refused("a newer schema", "was written by a newer tunewatch")
CUT_SHORT = _refused("a file that was cut short", "is damaged")
FILE_READ_ONLY = _refused("the file is read-only", "the file is read-only for this user")
FOLDER_READ_ONLY = _refused("the folder is read-only", "may not make files in")
LOCK_READ_ONLY = _refused("the lock file is read-only", "watch.db.lock cannot be written (Permission denied)")
DISK_READ_ONLY = _refused("the file system is read-only", "cannot be written (Read-only file system)")
NO_PERMISSION = _refused("the file may not be read", "may not read it")
NO_ENTRY = _refused("the folder may not be entered", "cannot be reached (Permission denied)")
FULL_AT_START = _refused("the disk is full at the start", "cannot be written: the disk is full")
MIGRATION_FULL = _refused("the disk fills up during a migration: it is taken back", "the disk is full")
MIGRATION_KILLED = _refused("a migration is interrupted: it is taken back", "was killed (signal 9)")
COPY_FULL = _refused(
    "there is no room for the copy that is kept before a migration", "Without this copy nothing is upgraded"
)
CLASH = _refused("a migration cannot be done: it is taken back", "could not be brought up to date and is as it was")
SECOND = Fault(
    name="a second tunewatch on the same database",
    logged="Another tunewatch holds",
    again="no: it ends with 75 and names the first",
    told="nobody: the first goes on",
)
STALE_WAL = _refused("a backup was put back beside the -wal of what was there before", "is damaged")
EMPTIED = Fault(
    name="the file was deleted, or emptied, and its -wal is still there",
    logged="was left behind without its database",
    again="a new database is begun; the -wal is kept under another name",
    told="nobody",
)
CRASHED = Fault(
    name="-wal and -shm left behind by a crash",
    logged="was not closed in an orderly way; checking it",
    again="at once: what they hold is taken over",
    told="as if there had been no crash",
)

# -- under a running daemon ------------------------------------------------------------------------------------------

FULL = Fault(
    name="the disk is full",
    logged="cannot be written: the disk is full",
    again="at every look",
    told=BLIND,
)
SHORT_LOCK = Fault(
    name="locked by another program for less than 10 s", logged="nothing", again="it is waited for", told="nothing"
)
LONG_LOCK = Fault(
    name="locked by another program for longer", logged="is kept locked by process", again="at every look", told=BLIND
)
LOCK_AT_RECEIPT = Fault(
    name="locked after a notice was accepted, before that is written down",
    logged="is kept locked by process",
    again="the receipt alone: the notice is not sent twice",
    told=BLIND,
)
IO_ERROR = Fault(name="an I/O error", logged="the disk failed (SQLITE_IOERR", again="at every look", told=BLIND)
LONG_READER = Fault(
    name="a reader holds a transaction open: the -wal grows beyond 128 MB",
    logged="has been reading for long without an end",
    again="every ten minutes; said again each time that the -wal has doubled",
    told=BY_HEALTH,
)
BACKUP_NO_FOLDER = Fault(
    name="the folder for backups is missing, read-only or without room",
    logged="backup: ",
    again="every ten minutes",
    told="by `tunewatch health` alone; what it cannot see from outside, after twice `backup_every`",
)


def _ending(name: str, logged: str, again: str) -> Fault:
    return Fault(name=name, logged=logged, again=f"no: it ends with 1; {again}", told=AT_ONCE)


DELETED = _ending(
    "the file is deleted", "was deleted or moved while in use", "the next start begins a new one and keeps the -wal"
)
MOVED = _ending(
    "the file is moved away", "was deleted or moved while in use", "its last changes are in the -wal, kept beside it"
)
REPLACED = _ending(
    "another file is moved into its place",
    "was replaced by another file while in use",
    "the next start goes by that file, which nobody has written to",
)
WAL_DELETED = _ending("its -wal is deleted", "was deleted while in use", "what was in it is saved before")
LOCK_DELETED = _ending("its lock file is deleted", "a second tunewatch could start", "nothing is lost")
TRUNCATED = _ending("the file is cut short", "is damaged", "the next start refuses it")
OVERWRITTEN = _ending("the file is overwritten", "is damaged", "the next start refuses it")

FAULTS: tuple[Fault, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Fault))
