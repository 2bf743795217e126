"""Three real destinations on the loopback: a mail server, a webhook that works, one that fails half the time."""

import asyncio
import contextlib
import email
import email.policy
import json
import random
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.torture.ledger import Ledger

_HOST = "127.0.0.1"
_SETTLE_SECONDS = 30
_NOTICE = re.compile(r"^Notice (tw-\w+)", re.MULTILINE)


class Luck:
    """Says yes and no in shuffled pairs: half the time each, never more than twice in a row. Thread-safe.

    `always`: from now on this, whatever the pairs say.
    """

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._ahead: list[bool] = []
        self._lock = threading.Lock()
        self.always: bool | None = None

    def __call__(self) -> bool:
        with self._lock:
            if not self._ahead:
                self._ahead = self._rng.sample((True, False), 2)
            drawn = self._ahead.pop()
            return drawn if self.always is None else self.always


class Guests:
    """How many connections are open, for who wants to wait until there are none."""

    def __init__(self) -> None:
        self._open = 0
        self._changed = threading.Condition()

    def came(self) -> None:
        with self._changed:
            self._open += 1

    def left(self) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def await_none(self) -> None:
        """Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._open == 0, timeout=_SETTLE_SECONDS):
                raise TimeoutError("a receiver still has a guest")


class _Webhook(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name: str, ledger: Ledger, takes: Callable[[], bool]) -> None:
        self.name, self.ledger, self.takes = name, ledger, takes
        self.guests = Guests()
        super().__init__((_HOST, 0), _Posts)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.guests.came()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.guests.left()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a killed daemon takes no answer
            super().handle_error(request, client_address)


class _Posts(BaseHTTPRequestHandler):
    server: _Webhook

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if not length or len(body) < length:
            return  # its sender died on the way: this did not arrive
        if not self.server.takes():
            self._answer(500)
            return
        notice = _NOTICE.search(json.loads(body)["message"])
        assert notice, body
        self.server.ledger.accept(self.server.name, notice[1], self.headers["Idempotency-Key"])
        self._answer(200)
        self.server.ledger.answered(self.server.name)

    def do_GET(self) -> None:
        self._answer(200)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Silent."""


class _Mails:
    def __init__(self, name: str, ledger: Ledger) -> None:
        self._name, self._ledger = name, ledger

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = email.message_from_bytes(bytes(envelope.original_content or b""), policy=email.policy.default)
        part = mail.get_body(("plain",))
        notice = _NOTICE.search(part.get_content() if part else "")
        assert notice, mail
        self._ledger.accept(self._name, notice[1], mail["Message-ID"])
        # Runs when the answer, which goes out as this returns, has been written.
        asyncio.get_running_loop().call_soon(self._ledger.answered, self._name)
        return "250 taken"


class _MailServer(Controller):
    def __init__(self, handler: _Mails) -> None:
        self.guests = Guests()
        super().__init__(handler, hostname=_HOST, port=0)

    def factory(self) -> SMTP:
        guests = self.guests

        class Counted(SMTP):
            def connection_made(self, transport: Any) -> None:
                guests.came()
                super().connection_made(transport)

            def connection_lost(self, error: Any) -> None:
                super().connection_lost(error)
                guests.left()

        return Counted(self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        """The trial connection goes to the port that the system chose, not to 0."""
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class Receivers:
    """`urls` by name, as Apprise wants them."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self.luck = Luck(seed)
        self._mail = _MailServer(_Mails("mail", ledger))
        self._hooks = (_Webhook("hook", ledger, lambda: True), _Webhook("flaky", ledger, self.luck))

    @property
    def urls(self) -> dict[str, str]:
        mail = f"mailto://{_HOST}:{self._mail.port}?mode=insecure&from=tunewatch@example.com&to=you@example.com"
        return {"mail": mail} | {each.name: f"json://{_HOST}:{each.server_port}/{each.name}" for each in self._hooks}

    @contextlib.contextmanager
    def running(self) -> Iterator["Receivers"]:
        self._mail.start()
        threads = [threading.Thread(target=each.serve_forever, args=[0.05], name=each.name) for each in self._hooks]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._mail.stop()
            for each in self._hooks:
                each.shutdown()
                each.server_close()
            for thread in threads:
                thread.join()

    def settle(self) -> None:
        """Until nothing of a dead daemon is on its way: what arrives later is the next one's.

        Connections are taken up in the order in which they came, so those of the dead come before ours.
        """
        for port in (self._mail.port, *(each.server_port for each in self._hooks)):
            with socket.create_connection((_HOST, port), timeout=_SETTLE_SECONDS) as probe:
                if port != self._mail.port:
                    probe.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert probe.recv(1)
        for guests in (self._mail.guests, *(each.guests for each in self._hooks)):
            guests.await_none()
