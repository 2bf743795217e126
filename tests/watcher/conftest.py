"""A past to read."""

import pytest

from tests.conftest import Bench
from tests.watcher.study import LONG_AGO, Study, Way


@pytest.fixture
def study(bench: Bench) -> Study:
    return Study(bench, Way(bench.provider.unhurried()))


@pytest.fixture
def three(study: Study) -> tuple[str, str, str]:
    """Of a past of three jobs, the oldest first."""
    ids = [study.bench.simulator.create(created_at=LONG_AGO + day * 86_400, durations=(9, 9, 900)) for day in range(3)]
    study.bench.poll()
    return ids[0], ids[1], ids[2]
