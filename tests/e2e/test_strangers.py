"""A provider that puts everything into its payloads: people, terminals, logs and machines get text."""

import json
import os
import pty
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from service import model
from service.demo import inboxes
from service.store import engine as engines
from service.store.record import Record
from tests import builders
from tests.e2e import servers
from tests.notifier import servers as receivers
from tests.notifier import strangers

pytestmark = pytest.mark.e2e

WIDTH = 80
CONFIG = """
[poll]
interval = "1s"
idle_interval = "1s"
[database]
url = "sqlite:///watch.db"
[[accounts]]
name = "main"
api_key = "sk-any"
base_url = "${BASE_URL}"
[[channels]]
name = "mail"
url = "${MAIL}"
group_wait = "0s"
"""
# What a terminal does without moving: ends of lines, colours and weights.
HARMLESS = re.compile(r"\x1b\[[0-9;]*m|\r?\n")


IDS = (
    "ftjob-\x1b[2J\x9b2J", "ftjob-\r\nmain: all is well", "ftjob-" + "x" * 300, "ftjob-東" + "京" * 100, "ftjob-@all",
    "$(id)",
)  # fmt: skip


def strange_jobs(status: str, prefix: str) -> list[dict[str, Any]]:
    """Jobs with all of it in every field, and in their ids as much as an id may hold."""
    texts = [" ".join(strangers.EVERYTHING[start:-11:6]) for start in range(6)] + [*strangers.SIZES]
    ids = [prefix + each for each in (*IDS, *(f"ftjob-{number}" for number in range(len(texts))))]
    return [
        {
            "id": job_id, "object": "fine_tuning.job", "created_at": int(time.time()), "status": status, "model": text,
            "user_provided_suffix": text, "fine_tuned_model": text[:200], "metadata": {text[:50]: text},
            "error": {"code": text, "message": text, "param": text}, "training_file": text,
            "hyperparameters": {"n_epochs": text}, "method": {"type": text},
        }
        for job_id, text in zip(ids, texts, strict=False)
    ]  # fmt: skip


def strange_events() -> list[dict[str, Any]]:
    return [
        {"id": text[:100], "created_at": int(time.time()), "level": text[:100], "type": text, "message": text}
        for text in strangers.EVERYTHING
    ]


@contextmanager
def provider(jobs: list[dict[str, Any]]) -> Iterator[str]:
    """Lists what is in `jobs` at the time; gives its base_url."""

    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1

        def do_GET(self) -> None:
            part = self.path.partition("?")[0].rpartition("/")[2]
            listed = {"jobs": jobs, "events": strange_events()}.get(part, [])
            content = json.dumps({"object": "list", "data": listed, "has_more": False}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Evil:
    """A folder in which strange jobs were watched: what was logged, and what was sent."""

    folder: Path
    env: dict[str, str]
    logs: dict[str, str] = field(default_factory=dict)
    mails: list[inboxes.Arrival] = field(default_factory=list)


@pytest.fixture
def evil(tmp_path: Path) -> Iterator[Evil]:
    (tmp_path / "config.toml").write_text(CONFIG)
    jobs: list[dict[str, Any]] = []
    arrivals: queue.Queue[inboxes.Arrival] = queue.Queue()
    with provider(jobs) as url, inboxes.mailbox(arrivals.put) as mail:
        env = {"BASE_URL": url, "MAIL": mail, "SSL_CERT_FILE": receivers.CERTIFICATE}
        found = Evil(folder=tmp_path, env=env)
        words = ("run", "--log-level", "debug", "--log-format", "json")
        with servers.Program(*words, cwd=tmp_path, env=env) as daemon:
            daemon.await_log("first sight")
            jobs[:] = strange_jobs("failed", "")
            found.mails = servers.collect(arrivals, lambda arrived: len(arrived) >= len(jobs))
            assert daemon.stop() == 0
        found.logs["json"] = daemon.log
        # Statuses are the provider's words as well. Such jobs do not end.
        jobs[:] = [{**job, "status": job["model"][:300]} for job in strange_jobs("", "b")]
        found.logs["human"] = servers.run("poll", "--log-level", "debug", cwd=tmp_path, env=env).stderr
        yield found


def test_people_terminals_and_machines_get_text(evil: Evil) -> None:
    """One test, because it takes a while to get there."""
    mails_are_text(evil)
    log_lines_are_lines(evil)
    with ThreadPoolExecutor(2) as pool:
        checks = [pool.submit(a_table_stays_within_the_terminal, evil, *words) for words in TABLES]
        checks += [pool.submit(a_job_can_be_shown, evil, job) for job in ("ftjob-8", "ftjob-@all")]
        checks += [pool.submit(json_is_whole_and_holds_nothing_unseen, evil, *words) for words in LISTINGS]
        for check in checks:
            check.result()


def mails_are_text(evil: Evil) -> None:
    assert len(evil.mails) == len(strange_jobs("failed", ""))
    for mail in evil.mails:
        assert strangers.works(f"{mail.title}\n{mail.body}") == []
        assert len(mail.title) < 100
        assert mail.body.startswith("Fine-tuning job ")
        assert mail.body.splitlines()[1].startswith("Notice tw-")


def log_lines_are_lines(evil: Evil) -> None:
    for line in evil.logs["human"].splitlines():
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (DEBUG|INFO|WARNING) ", line)
        assert len(line) < 4100
        assert steering(line) == ""
    messages = [json.loads(line)["message"] for line in evil.logs["json"].splitlines()]
    assert any("failed" in message for message in messages)
    assert steering(evil.logs["json"]) == ""


TABLES = (
    ("jobs", "--limit", "99"),
    ("history", "--limit", "99"),
    ("events", "ftjob-7", "--limit", "99"),
    ("deliveries",),
)


def a_table_stays_within_the_terminal(evil: Evil, *words: str) -> None:
    shown = on_terminal(evil, *words)
    assert steering(shown) == ""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip("\r") for line in shown.splitlines()]
    assert [line for line in lines if cell_len(line) > WIDTH] == []
    lines = [line for line in lines if not line.startswith("Nobody watches now: ")]
    # Nobody's text makes a row of its own: below the heading, each begins with a time or with an id.
    assert len(lines) > 10
    assert [line for line in lines[1:] if not re.match(r"\d\d-\d\d \d\d:\d\d  |b?ftjob-|b?\$\(id\)", line)] == []


def a_job_can_be_shown(evil: Evil, job: str) -> None:
    shown = on_terminal(evil, "show", job)
    assert "Reason" in shown
    assert steering(shown) == ""


LISTINGS = (*TABLES, ("show", "ftjob-8"))


def json_is_whole_and_holds_nothing_unseen(evil: Evil, *words: str) -> None:
    done = servers.run(*words, "--json", cwd=evil.folder, env=evil.env)
    assert json.loads(done.stdout)
    assert steering(done.stdout) == ""
    assert done.stderr == ""


def steering(text: str) -> str:
    """What in it a terminal would obey, and what a reader could not see."""
    rest = HARMLESS.sub("", text)
    return "".join(char for char in rest if not char.isprintable() and char not in "\u200c\u200d\u200b")


def test_jobs_that_are_named_in_an_error_are_text_too(engine: engines.Engine, url: str, tmp_path: Path) -> None:
    updates = [model.Update(job=builders.job(job_id=job_id)) for job_id in IDS]
    Record(engine).record("main", updates, builders.NOON)
    done = servers.run("show", "ftjob-", cwd=tmp_path, env={"DATABASE_URL": url})
    assert "fits several jobs" in done.stderr
    assert steering(done.stderr) == ""
    # One for each that is named, between what is wrong and what to do.
    named = done.stderr.splitlines()[1:-1]
    assert 1 < len(named) <= 6
    assert all(line.startswith("  ") for line in named)


def on_terminal(evil: Evil, *words: str) -> str:
    """What the command writes to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    env = servers.environment({**evil.env, "TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": "24"})
    with subprocess.Popen(
        [sys.executable, "-m", "service", *words], cwd=evil.folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        shown = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""
