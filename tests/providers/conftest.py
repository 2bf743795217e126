from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest

from service.providers.openai_api import OpenAIProvider
from tests.providers.server import Script, serving

KEY = "sk-planted-5ecret-0123456789"
Connect = Callable[..., OpenAIProvider]


def make(base_url: str, seconds: float = 5, **more: Any) -> OpenAIProvider:
    given: dict[str, Any] = {"account": "main", "api_key": KEY, **more}
    return OpenAIProvider(**given, base_url=base_url, request_timeout=timedelta(seconds=seconds))


@pytest.fixture(scope="module")
def running() -> Iterator[Script]:
    with serving() as script:
        yield script


@pytest.fixture
def server(running: Script) -> Script:
    running.requests.clear()
    running.bodies.clear()
    return running


@pytest.fixture
def connect(server: Script) -> Iterator[Connect]:
    """Makes providers, of the server unless told otherwise, and closes them in the end."""
    with ExitStack() as opened:

        def connect(base_url: str = "", seconds: float = 5, **more: str) -> OpenAIProvider:
            provider = make(base_url or server.url, seconds, **more)
            opened.callback(provider.close)
            return provider

        yield connect


@pytest.fixture(scope="module")
def provider(running: Script) -> Iterator[OpenAIProvider]:
    """Shared, because making one takes longer than asking it."""
    provider = make(running.url)
    yield provider
    provider.close()
