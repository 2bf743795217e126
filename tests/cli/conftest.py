"""The program as a process of its own, in an empty folder; and its commands on the bench's database."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service import cli
from tests.e2e import servers

Program = Callable[..., "subprocess.CompletedProcess[str]"]
Ask = Callable[..., Result]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    def run(*words: str, python: str | None = None, **environ: str) -> "subprocess.CompletedProcess[str]":
        command = ["-c", python] if python else ["-m", "service", *words]
        return subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=servers.environment(environ), capture_output=True, text=True,
            timeout=servers.TIMEOUT, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def ask(url: str, tmp_path: Path) -> Ask:
    """A command on the bench's database; the configuration names nothing else."""
    config = tmp_path / "config.toml"
    config.write_text(f'[database]\nurl = "{url}"\n[notices]\ntimezone = "Asia/Tokyo"\n')

    def run(*words: str) -> Result:
        return CliRunner(catch_exceptions=False).invoke(cli.root, [*words, "--config", str(config)])

    return run
