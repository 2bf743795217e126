from collections.abc import Iterator

import pytest

from tests.notifier import servers


@pytest.fixture
def mailbox() -> Iterator[servers.Mailbox]:
    with servers.mailbox() as box:
        yield box


@pytest.fixture
def hook() -> Iterator[servers.Hook]:
    with servers.hook() as receiver:
        yield receiver
