"""A real mail server and a real webhook receiver on the loopback, with a memory."""

import asyncio
import email
import email.message
import email.policy
import importlib.resources
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Mailbox:
    """`refuses`: what to answer instead of accepting a recipient. `logins`: who logged in, over a secured line only."""

    mails: list[tuple[list[str], email.message.EmailMessage]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
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
        self.raw.append(bytes(envelope.original_content or b""))
        mail = email.message_from_bytes(self.raw[-1], policy=email.policy.default)
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


MAIL_LOGIN = ("post@example.com", "s3cret-mail-pass")


@contextmanager
def mailbox(certificate: tuple[str, str] | None = None) -> Iterator[Mailbox]:
    """With a certificate and its key, it takes mail over a secured line only, and from whoever knows MAIL_LOGIN."""
    box = Mailbox()

    def login(_server: SMTP, _session: Session, _envelope: Envelope, _method: str, data: LoginPassword) -> AuthResult:
        given = (data.login.decode(), data.password.decode())
        box.logins.append(given[0])
        return AuthResult(success=given == MAIL_LOGIN, handled=False)

    secure: dict[str, Any] = {}
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*certificate)
        secure = {"tls_context": tls, "require_starttls": True, "auth_required": True, "authenticator": login}
    controller = _Controller(box, hostname="127.0.0.1", port=0, **secure)
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

    with _serving(Posts) as receiver.port:
        yield receiver


# Of the mail server's own tests. When it is the only one trusted, nobody has to read the world's for each request.
CERTIFICATE, _KEY = (
    str(importlib.resources.files("aiosmtpd.tests.certs") / name) for name in ("server.crt", "server.key")
)


def self_signed(folder: Path) -> tuple[str, str]:
    """A certificate for the loopback, and its key."""
    certificate, key = str(folder / "server.crt"), str(folder / "server.key")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=loopback"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    return certificate, key


PROXY_LOGIN = "somebody:s3cret-proxy-pass"


@dataclass(frozen=True, kw_only=True)
class Request:
    """As it came."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def everything(self) -> str:
        """All that a server could repeat of it."""
        return "\n".join([self.path, *map(": ".join, self.headers), self.body.decode("utf-8", "replace")])


@dataclass
class Parrot:
    """Takes everything, and answers as most services do when they are content; with a `status` of failure, repeats all.

    `fails_once_given`: only to requests that hold this.
    """

    requests: list[Request] = field(default_factory=list)
    status: int = 200
    fails_once_given: str = ""
    port: int = 0

    def tame(self, plugin: Any) -> None:
        """Let it send without pauses, and trust whom it reaches through us."""
        plugin.request_rate_per_sec = 0
        plugin.verify_certificate = False


# One answer that many services would give: each takes from it what it knows.
_CONTENT = {
    "ok": True, "status": "success", "code": 0, "errcode": 0, "success": True, "id": "1", "result": [], "error": "",
    "user_id": "@me:home", "room_id": "!room:home", "home_server": "home", "joined_rooms": ["!room:home"],
    "access_token": "s3cret-given-at-login", "token": "s3cret-given-at-login",
    "data": {"userId": "me", "authToken": "s3cret-given-at-login"},
    "channel": "C1", "upload_url": "https://files.example/1", "file_id": "F1", "content_uri": "mxc://home/1",
    "file_infos": [{"id": "F1"}],
}  # fmt: skip


@contextmanager
def parrot() -> Iterator[Parrot]:
    """Also a proxy, behind which it stands in for every host."""
    bird = Parrot()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE, _KEY)

    class Anything(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_CONNECT(self) -> None:
            """As if we were whoever is asked for."""
            self.send_response(200)
            self.end_headers()
            self.wfile.flush()
            secure = tls.wrap_socket(self.connection, server_side=True)
            for file in (self.rfile, self.wfile):
                file.close()
            self.connection, self.rfile, self.wfile = secure, secure.makefile("rb"), secure.makefile("wb")
            self.close_connection = False

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            request = Request(method=self.command, path=self.path, headers=tuple(self.headers.items()), body=body)
            bird.requests.append(request)
            said = request.everything()
            status = bird.status if bird.fails_once_given in said else 200
            failure = {"message": said, "error": said, "description": said, "errors": [said], "detail": said}
            answer = json.dumps(_CONTENT if status < 300 else failure).encode()
            self.send_response(status, None if status < 300 else f"I do not like {self.path}")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - http.server's names

        def log_message(self, *_: Any) -> None:
            """Silent."""

    with _serving(Anything) as bird.port:
        yield bird


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def closed_port() -> int:
    """A port where nobody listens: not one that was free a moment ago, which another test may get meanwhile."""
    return 1
