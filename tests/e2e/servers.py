"""Real servers for the daemon to talk to, on loopback, and the daemon itself as a process."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from service.demo.inboxes import Arrival

TIMEOUT = 30.0


class Program:
    """`python -m service …` as a process of its own, ended when the block is left. `log` is its standard error."""

    def __init__(self, *words: str, cwd: Path, env: dict[str, str]) -> None:
        self.log = ""
        self._lines: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service", *words], cwd=cwd, env=environment(env), stderr=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.log += line
            self._lines.put(line)

    def await_log(self, words: str) -> None:
        """Until it logs a line with these words. Raises queue.Empty when it never does."""
        while words not in self._lines.get(timeout=TIMEOUT):
            pass

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(TIMEOUT)
        self._reader.join()
        return code

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stderr
        self.process.stderr.close()


def run(*words: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "service", *words], cwd=cwd, env=environment(env or {}), capture_output=True, text=True,
        timeout=TIMEOUT, check=False,
    )  # fmt: skip


def environment(extra: dict[str, str]) -> dict[str, str]:
    """This process's, without what would configure tunewatch."""
    ours = ("OPENAI_", "TUNEWATCH_", "NOTIFY_", "DATABASE_", "POLL_", "TIMEZONE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    root = str(Path(__file__).parents[2])
    return {**kept, "PYTHONPATH": root, "COLUMNS": "80", **extra}


def collect(arrivals: "queue.Queue[Arrival]", enough: Callable[[list[Arrival]], bool]) -> list[Arrival]:
    """What arrives until it is enough. Raises queue.Empty when it never is."""
    found: list[Arrival] = []
    end = time.monotonic() + TIMEOUT
    while not enough(found):
        found.append(arrivals.get(timeout=max(0.01, end - time.monotonic())))
    return found
