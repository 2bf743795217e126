"""Which other processes have the database under a lock, as far as the system tells: Linux lists them in /proc/locks."""

import os
from collections.abc import Iterator
from pathlib import Path

_LOCKS = Path("/proc/locks")
# Bytes of the -shm file that stand for the roles of the write-ahead log (https://sqlite.org/walformat.html).
_WRITER = (120, 122)
_READERS = (123, 127)
# Bytes of the database file itself: of a program that wants it all for its own.
_WHOLE = (0x40000000, 0x40000000 + 511)


def writers(database: Path) -> tuple[str, ...]:
    """Who may keep us from writing, such as `process 4711 (sqlite3)`; empty when the system does not tell."""
    return _named({*_pids(Path(f"{database}-shm"), _WRITER), *_pids(database, _WHOLE, exclusive=True)})


def readers(database: Path) -> tuple[str, ...]:
    """Who reads at this moment, other than this process itself."""
    return _named(set(_pids(Path(f"{database}-shm"), _READERS)))


def _named(pids: set[int]) -> tuple[str, ...]:
    return tuple(f"process {pid}{_name(pid)}" for pid in sorted(pids))


def _name(pid: int) -> str:
    # Not its arguments, which may hold secrets.
    try:
        return f" ({Path(f'/proc/{pid}/comm').read_text(encoding='utf-8', errors='replace').strip()})"
    except OSError:
        return ""


def _pids(file: Path, span: tuple[int, int], *, exclusive: bool = False) -> Iterator[int]:
    """Other processes with a lock within the span of the file's bytes."""
    try:
        inode = file.stat().st_ino
        lines = _LOCKS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        # 1: POSIX  ADVISORY  WRITE 4711 fe:00:1234567 120 120; a lock that is waited for has an arrow before POSIX.
        fields = line.split()[1:]
        if len(fields) != 7 or fields[0] != "POSIX" or (exclusive and fields[2] != "WRITE"):
            continue
        pid, place, first, last = fields[3:]
        within = int(first) <= span[1] and (last == "EOF" or int(last) >= span[0])
        if within and place.rpartition(":")[2] == str(inode) and int(pid) not in (os.getpid(), 0, -1):
            yield int(pid)
