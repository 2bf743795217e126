from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import machine, rig
from tests.faults.machine import World


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Stage]:
    with rig.stage(tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture
def watched(stage: rig.Stage, caplog: pytest.LogCaptureFixture) -> Iterator[rig.Rig]:
    """Two accounts and their outbox: `main` at a provider that can do everything wrong, `other` at a healthy one."""
    with rig.rig(stage, caplog) as made:
        yield made


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with machine.world(tmp_path) as world:
        yield world
