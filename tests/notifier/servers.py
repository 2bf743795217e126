"""A real mail server and a real webhook receiver on the loopback, with a memory."""

import asyncio
import email
import email.message
import email.policy
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """`refuses`: what to answer instead of accepting a recipient."""

    mails: list[tuple[list[str], email.message.EmailMessage]] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = email.message_from_bytes(bytes(envelope.original_content or b""), policy=email.policy.default)
        self.mails.append((envelope.rcpt_tos, mail))
        return "250 taken"

    def url(self, to: str = "you@example.com", more: str = "") -> str:
        return f"mailto://127.0.0.1:{self.port}?mode=insecure&from=tunewatch@example.com&to={to}{more}"


class _Controller(Controller):
    def _trigger_server(self) -> None:
        """The trial connection goes to the port that the system chose, not to 0."""
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    controller = _Controller(box, hostname="127.0.0.1", port=0)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


@dataclass
class Hook:
    """Takes every POST and answers `status` to it."""

    posts: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    status: int = 200
    port: int = 0

    def url(self, path: str = "/hook", schema: str = "json", login: str = "") -> str:
        return f"{schema}://{login}127.0.0.1:{self.port}{path}"


@contextmanager
def hook() -> Iterator[Hook]:
    receiver = Hook()

    class Posts(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.posts.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Posts) as server:
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
