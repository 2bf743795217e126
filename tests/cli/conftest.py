"""The program as a process of its own, in an empty folder."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e import servers

Program = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    def run(*words: str, python: str | None = None, **environ: str) -> "subprocess.CompletedProcess[str]":
        command = ["-c", python] if python else ["-m", "service", *words]
        return subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=servers.environment(environ), capture_output=True, text=True,
            timeout=servers.TIMEOUT, check=False,
        )  # fmt: skip

    return run
