import warnings
from collections.abc import Iterator

import pytest

with warnings.catch_warnings():
    # Apprise asks for imghdr, which Python 3.11 and 3.12 call deprecated; no business of these tests.
    warnings.filterwarnings("ignore", "'imghdr' is deprecated", DeprecationWarning)
    import apprise.plugins.email.base  # noqa: F401

from tests.notifier import servers


@pytest.fixture
def mailbox() -> Iterator[servers.Mailbox]:
    with servers.mailbox() as box:
        yield box


@pytest.fixture
def hook() -> Iterator[servers.Hook]:
    with servers.hook() as receiver:
        yield receiver
