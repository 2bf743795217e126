"""The real daemon as a process, watching a simulated account."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import provider

_CONFIG = """
[poll]
interval = "1s"
idle_interval = "1s"
[database]
url = "sqlite:///{folder}/tunewatch.db"
[[accounts]]
name = "main"
api_key = "{key}"
base_url = "{url}"
[[channels]]
name = "default"
url = "json://127.0.0.1:9/"
group_wait = "0s"
"""
_PASS_DONE = "jobs read on"  # at the debug level each pass leaves a line
_LIMIT_SECONDS = 60.0


class Daemon:
    """A running `tunewatch run`."""

    def __init__(self, folder: Path, url: str) -> None:
        config = folder / "config.toml"
        config.write_text(_CONFIG.format(folder=folder, key=provider.KEY, url=url), encoding="utf-8")
        self._passes: list[float] = []
        self._passed = threading.Condition()
        self._tail: list[str] = []
        self._start = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service", "run", "--config", str(config), "--log-level", "debug"],
            stderr=subprocess.PIPE, env=dict(os.environ), text=True,
        )  # fmt: skip
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def seconds_to_pass(self, number: int) -> float:
        """From the start of the process to the end of its n-th pass. Raises RuntimeError when there is none."""
        with self._passed:
            if not self._passed.wait_for(lambda: len(self._passes) >= number, timeout=_LIMIT_SECONDS):
                raise RuntimeError(f"the daemon finished no {number} passes: {''.join(self._tail[-20:])}")
            return self._passes[number - 1] - self._start

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._passed:
                self._tail = [*self._tail[-50:], line]
                if _PASS_DONE in line:
                    self._passes.append(time.perf_counter())
                    self._passed.notify_all()


@contextlib.contextmanager
def running(folder: Path, url: str) -> Iterator[Daemon]:
    """The daemon with its configuration and database in `folder`, until the block is left."""
    daemon = Daemon(folder, url)
    try:
        yield daemon
    finally:
        daemon.process.terminate()
        try:
            daemon.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            daemon.process.kill()
            daemon.process.wait()
