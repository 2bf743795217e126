from collections.abc import Iterator

import pytest

from tests.faults import rig


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Stage]:
    with rig.stage(tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture
def watched(stage: rig.Stage, caplog: pytest.LogCaptureFixture) -> Iterator[rig.Rig]:
    """Two accounts and their outbox: `main` at a provider that can do everything wrong, `other` at a healthy one."""
    with rig.rig(stage, caplog) as made:
        yield made
