"""The machine that the daemon runs on, and what can befall it: disks, rights, locks, other programs."""

import contextlib
import os
import queue
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from service.demo import inboxes
from service.simulator import Simulator
from service.store import migrate
from tests.e2e import servers

CONFIG = """
[poll]
interval = "1s"
idle_interval = "1s"
blind_after = "${BLIND_AFTER:-15m}"
[database]
url = "${DB}"
[[accounts]]
name = "main"
api_key = "sim-key"
base_url = "${BASE_URL}"
[[channels]]
name = "mail"
url = "${MAIL}"
group_wait = "0s"
on = ["succeeded", "failed", "cancelled", "watch_failing", "watch_recovered", "delivery_failed"]
[[channels]]
name = "chat"
url = "${CHAT}"
group_wait = "0s"
on = ["succeeded", "failed", "cancelled", "watch_failing", "watch_recovered", "delivery_failed"]
"""
# Root may do anything until these two are taken from it.
_CONFINED = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")


class Daemon(servers.Program):
    """`tunewatch run` on a world."""

    def __enter__(self) -> "Daemon":
        return self

    def said(self, words: str) -> list[str]:
        """The lines of its log with these words, without those meant for debugging."""
        return [line for line in self.log.splitlines() if words in line and " DEBUG " not in line]

    def ended(self) -> int:
        """Its exit code when it ends by itself."""
        code = self.process.wait(servers.TIMEOUT)
        self._reader.join()
        return code


@dataclass
class World:
    """A provider, two inboxes, and a place for the database."""

    folder: Path
    database: Path
    simulator: Simulator
    arrivals: "queue.Queue[inboxes.Arrival]"
    env: dict[str, str] = field(default_factory=dict)

    @property
    def wal(self) -> Path:
        return Path(f"{self.database}-wal")

    @property
    def lock(self) -> Path:
        return Path(f"{self.database}.lock")

    def daemon(self, level: str = "info") -> Daemon:
        return Daemon("run", "--log-level", level, cwd=self.folder, env=self._environment())

    def run(self, *words: str, confined: bool = False) -> "subprocess.CompletedProcess[str]":
        """A command to its end. However it ends, it ends with words and not with a traceback."""
        command = [*(_CONFINED if confined and os.geteuid() == 0 else ()), sys.executable, "-m", "service", *words]
        done = subprocess.run(
            command, cwd=self.folder, env=servers.environment(self._environment()), capture_output=True, text=True,
            timeout=servers.TIMEOUT, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return done

    def _environment(self) -> dict[str, str]:
        return {**self.env, "DB": f"sqlite:///{self.database}"}

    def make(self) -> None:
        """A database of ours, cleanly closed, and the lock file that goes with it."""
        self.lock.touch()
        migrate.upgrade(f"sqlite:///{self.database}")

    def told(self, count: int) -> list[str]:
        """So many notices, once they are there: the way and the title of each."""
        found = servers.collect(self.arrivals, lambda arrivals: len(arrivals) >= count)
        return sorted(f"{each.via} {each.title}" for each in found)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            return database.execute(sql).fetchall()

    def contents(self) -> dict[str, bytes]:
        """Every file in the folder of the database that holds something, but for the lock and the index of the log."""
        return {
            path.name: path.read_bytes()
            for path in self.database.parent.iterdir()
            if path.is_file() and not path.name.endswith((".lock", "-shm")) and path.stat().st_size
        }


@contextlib.contextmanager
def world(folder: Path, arrived: Callable[[inboxes.Arrival], None] | None = None) -> Iterator[World]:
    """All of it, ended when the block is left. `arrived` is told of what arrives, before its sender has an answer."""
    arrivals: queue.Queue[inboxes.Arrival] = queue.Queue()
    arrived = arrived or arrivals.put
    (folder / "config.toml").write_text(CONFIG)
    (folder / "data").mkdir()
    with Simulator() as simulator, inboxes.mailbox(arrived) as mail, inboxes.chatroom(arrived) as chat:
        yield World(
            folder=folder, database=folder / "data" / "watch.db", simulator=simulator, arrivals=arrivals,
            env={"BASE_URL": simulator.url, "MAIL": mail, "CHAT": chat},
        )  # fmt: skip


class Disk:
    """A small file system of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """To the last byte."""
        with self._ballast.open("wb") as file, contextlib.suppress(OSError):
            while True:
                os.write(file.fileno(), bytes(4096))

    def clear(self) -> None:
        self._ballast.unlink()

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self._folder], check=True, timeout=servers.TIMEOUT)


@contextlib.contextmanager
def disk(folder: Path, size: str) -> Iterator[Disk]:
    """A real one, mounted at `folder`."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True, timeout=servers.TIMEOUT)


def until(true: Callable[[], object]) -> None:
    """Wait for what nobody logs."""
    pause, end = threading.Event(), time.monotonic() + servers.TIMEOUT
    while not true():
        assert time.monotonic() < end
        pause.wait(0.02)


def needs_permissions() -> None:
    """Skip where permissions do not hold, nor can be made to."""
    if os.geteuid() == 0 and (
        not shutil.which("setpriv") or subprocess.run([*_CONFINED, "true"], check=False).returncode
    ):
        pytest.skip("root's rights cannot be taken from it here")


@contextlib.contextmanager
def connected(database: Path) -> Iterator[sqlite3.Connection]:
    """Another program that has the database open; whatever it holds, it lets go of at the end."""
    with contextlib.closing(
        sqlite3.connect(database, isolation_level=None, timeout=20, check_same_thread=False)
    ) as connection:
        yield connection
