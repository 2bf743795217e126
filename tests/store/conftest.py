"""A second host beside the bench."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.store import engine as engines
from tests.conftest import Bench
from tests.store import hosts


@pytest.fixture
def other(bench: Bench, tmp_path: Path) -> Iterator[hosts.Host]:
    """A second host that watches the same account."""
    with hosts.host(bench, tmp_path / "other.db") as host:
        yield host


@pytest.fixture
def ours(url: str) -> Path:
    path = engines.file_of(url)
    assert path
    return path


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return tmp_path / "new.db"
