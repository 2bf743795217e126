"""The first thing a newcomer runs, in a pipe and on a terminal."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e import servers

pytestmark = pytest.mark.e2e


def test_the_demo_in_a_pipe_shows_changes_notices_and_a_summary(tmp_path: Path) -> None:
    result = servers.run("demo", "--for", "8s", "--keep", "kept.db", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout
    assert "e-mail  ❌ sql-helper has failed" in result.stdout
    assert "chat    ❌ sql-helper has failed" in result.stdout
    assert re.search(r"job     sql-helper: .* -> failed", result.stdout)
    assert "none lost, none twice" in result.stdout
    listed = servers.run("jobs", "--json", cwd=tmp_path, env={"DATABASE_URL": "sqlite:///kept.db"})
    assert "sql-helper" in listed.stdout


def test_the_demo_on_a_terminal_stays_within_its_width(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    env = servers.environment({"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"})
    with subprocess.Popen(
        [sys.executable, "-m", "service", "demo", "--for", "5s"], cwd=tmp_path, env=env, stdin=theirs, stdout=theirs,
        stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
    os.close(ours)
    assert process.returncode == 0
    text = shown.decode()
    assert "tunewatch demo" in text
    assert "has failed" in text
    assert "none lost, none twice" in text
    assert "Traceback" not in text


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""
