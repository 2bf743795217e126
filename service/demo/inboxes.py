"""Where the demo's notices arrive: a real SMTP server and a real HTTP receiver, on loopback."""

import asyncio
import contextlib
import email
import email.policy
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_HOST = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A notice as its receiver got it. `via` is `e-mail` or `chat`."""

    via: str
    title: str
    body: str


@contextlib.contextmanager
def mailbox(arrived: Callable[[Arrival], None]) -> Iterator[str]:
    """An SMTP server; gives the Apprise URL that reaches it."""
    controller = _Controller(_Mails(arrived), hostname=_HOST, port=0)
    controller.start()
    try:
        yield f"mailto://{_HOST}:{controller.port}?mode=insecure&from=tunewatch@example.com&to=you@example.com"
    finally:
        controller.stop()


class _Controller(Controller):
    def _trigger_server(self) -> None:
        """The trial connection by which aiosmtpd finds out that it is up: to the port the system chose, not to 0."""
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class _Mails:
    def __init__(self, arrived: Callable[[Arrival], None]) -> None:
        self._arrived = arrived

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        message = email.message_from_bytes(bytes(envelope.original_content or b""), policy=email.policy.default)
        part = message.get_body(("plain",))
        self._arrived(Arrival(via="e-mail", title=message["Subject"], body=part.get_content() if part else ""))
        return "250 taken"


@contextlib.contextmanager
def chatroom(arrived: Callable[[Arrival], None]) -> Iterator[str]:
    """An HTTP server that takes posts as a chat's incoming webhook does; gives the Apprise URL that reaches it."""

    class Posts(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            title, _, body = payload["text"].partition("\n")
            arrived(Arrival(via="chat", title=title.strip("#* \r"), body=body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Not a word on standard error, which belongs to the demo."""

    with ThreadingHTTPServer((_HOST, 0), Posts) as server:
        thread = threading.Thread(target=server.serve_forever, name="chatroom")
        thread.start()
        try:
            # The form of a Mattermost webhook; the token is as good as any.
            yield f"mmost://{_HOST}:{server.server_port}/0123456789abcdef0123456789"
        finally:
            server.shutdown()
            thread.join()
