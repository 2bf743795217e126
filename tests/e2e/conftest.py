"""A world for the daemon to watch: a provider, two inboxes, a folder with a configuration."""

import contextlib
import json
import queue
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service.demo import inboxes
from service.simulator import Simulator
from tests.e2e import servers

CONFIG = """
[poll]
interval = "1s"
idle_interval = "1s"
[database]
url = "sqlite:///watch.db"
[[accounts]]
name = "main"
api_key = "${KEY}"
base_url = "${BASE_URL}"
[[channels]]
name = "mail"
url = "${MAIL}"
group_wait = "0s"
on = ["succeeded", "failed", "cancelled", "paused", "watch_failing", "watch_recovered"]
[[channels]]
name = "chat"
url = "${CHAT}"
group_wait = "0s"
on = ["succeeded", "failed", "cancelled", "watch_failing", "watch_recovered"]
"""


@dataclass
class World:
    simulator: Simulator
    arrivals: "queue.Queue[inboxes.Arrival]"
    folder: Path
    env: dict[str, str]

    def daemon(self) -> servers.Program:
        return servers.Program("run", "--log-format", "json", cwd=self.folder, env=self.env)

    def ask(self, *words: str) -> Any:
        return json.loads(servers.run(*words, "--json", cwd=self.folder, env=self.env).stdout)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/watch.db?mode=ro", uri=True)) as database:
            return database.execute(sql).fetchall()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    arrivals: queue.Queue[inboxes.Arrival] = queue.Queue()
    (tmp_path / "config.toml").write_text(CONFIG)
    with (
        Simulator(speed=100.0) as simulator,
        inboxes.mailbox(arrivals.put) as mail,
        inboxes.chatroom(arrivals.put) as chat,
    ):
        env = {"KEY": "sim-key", "BASE_URL": simulator.url, "MAIL": mail, "CHAT": chat}
        yield World(simulator=simulator, arrivals=arrivals, folder=tmp_path, env=env)
