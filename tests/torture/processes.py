"""tunewatch as a process with its log, to be killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from tests.e2e import servers

# A machine with much else to do is slow, and that is no fault of the program.
PATIENCE_SECONDS = 60.0
_PASS = "next look in"
_ROOT = Path(__file__).parents[2]


class Process:
    """`first_pass_at`: when it told of its first completed pass. Times are those of the steady clock."""

    def __init__(self, module: str, words: Sequence[str], *, folder: Path, log: Path) -> None:
        self.log = log
        self.started_at = time.monotonic()
        self.ended_at = 0.0
        self.first_pass_at: float | None = None
        self.killed_from_outside = False
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._over = False
        self._popen = subprocess.Popen(
            [sys.executable, "-m", module, *words], cwd=folder, env=servers.environment({"PYTHONPATH": str(_ROOT)}),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, name=f"reads {log.name}")
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def code(self) -> int | None:
        return self._popen.returncode

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def _read(self) -> None:
        assert self._popen.stderr
        with self.log.open("w", encoding="utf-8") as file, self._popen.stderr as lines:
            for line in lines:
                file.write(line)
                with self._news:
                    self._lines.append(line)
                    if _PASS in line and self.first_pass_at is None:
                        self.first_pass_at = time.monotonic()
                    self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()

    def await_log(self, *words: str, seconds: float = PATIENCE_SECONDS) -> bool:
        """Until a line holds all these words; False when it ended or took too long."""
        return self.await_passes(1, words, seconds)

    def await_passes(self, count: int, words: Iterable[str] = (_PASS,), seconds: float = PATIENCE_SECONDS) -> bool:
        """Until so many lines hold these words; False when it ended or took too long."""
        wanted = tuple(words)

        def found() -> bool:
            return sum(all(word in line for word in wanted) for line in self._lines) >= count

        with self._news:
            self._news.wait_for(lambda: found() or self._over, timeout=seconds)
            return found()

    def await_end(self, seconds: float = PATIENCE_SECONDS) -> bool:
        """Whether it is over; `code` then says how."""
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self.ended_at = self.ended_at or time.monotonic()
        self._reader.join(PATIENCE_SECONDS)
        return True

    def kill(self) -> None:
        """Now, and dead when this returns."""
        self.killed_from_outside = True
        self._popen.kill()
        self._popen.wait(PATIENCE_SECONDS)
        self.ended_at = self.ended_at or time.monotonic()

    def stop(self) -> None:
        """Ask it to end."""
        self._popen.send_signal(signal.SIGTERM)

    def children(self) -> list[int]:
        """The process ids of its children."""
        return [pid for pid, parent in _parents() if parent == self.pid]


def _parents() -> Iterator[tuple[int, int]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name of the program, in brackets, may hold anything.
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # gone meanwhile
            continue
        yield int(stat.parent.name), int(fields[1])


def kill_child(pid: int) -> bool:
    """Whether it was still there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def await_sight(happened: Callable[[], bool]) -> bool:
    """For what nobody tells of: looks often, until it has happened or took too long."""
    pause = threading.Event()
    limit = time.monotonic() + PATIENCE_SECONDS
    while not happened() and time.monotonic() < limit:
        pause.wait(0.005)
    return happened()


def complaints(text: str, *, cut: bool, allowed: str | None = None) -> list[str]:
    """What a log of JSON lines should not hold: tracebacks, the level critical, lines that are no JSON.

    `cut`: its writer was killed, perhaps in the middle of the last line. `allowed`: words of a fine line for people.
    """
    *lines, last = text.split("\n")
    if last and not cut:
        lines.append(last)
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            if not (allowed and allowed in line):
                found.append(line)
            continue
        if entry["level"] == "critical" or "exception" in entry:
            found.append(line)
    return found
