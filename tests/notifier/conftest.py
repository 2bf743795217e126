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


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch) -> Iterator[servers.Parrot]:
    """Everybody that a plugin may ask, by way of a proxy."""
    with servers.parrot() as bird:
        _through(monkeypatch, f"http://{servers.PROXY_LOGIN}@127.0.0.1:{bird.port}")
        monkeypatch.setenv("SSL_CERT_FILE", servers.CERTIFICATE)
        yield bird


@pytest.fixture
def off_the_net(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that nobody runs keeps all but the loopback away."""
    _through(monkeypatch, f"http://{servers.PROXY_LOGIN}@127.0.0.1:{servers.closed_port()}")


def _through(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
