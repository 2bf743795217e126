from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from service.simulator import Simulator

from .doubles import Clock, Connect, Http


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def simulator(clock: Clock) -> Iterator[Simulator]:
    with Simulator(clock=clock, seed=7) as simulator:
        yield simulator


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Opens connections, with another key or to another simulator, and closes them in the end."""
    with ExitStack() as opened:

        def connect(simulator: Simulator, key: str | None = "sim-key") -> Http:
            http = Http(simulator, key)
            opened.callback(http.connection.close)
            return http

        yield connect


@pytest.fixture
def http(simulator: Simulator, connect: Connect) -> Http:
    return connect(simulator)
