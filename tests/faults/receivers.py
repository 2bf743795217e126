"""A webhook and a mail server on the loopback that misbehave as told, and remember what they accepted."""

import contextlib
import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """`mode`: "fine", an answer's status, or the name of a misbehaviour. `taken`: key and title of what it accepted."""

    def __init__(self) -> None:
        self.mode: str | int = "fine"
        self.taken: list[tuple[str, str]] = []
        self.attempts = 0
        self.port = 0
        self.go_on = threading.Event()

    def hook(self, path: str = "") -> str:
        return f"json://127.0.0.1:{self.port}/{path}"

    def mail(self, *names: str) -> str:
        to = ",".join(f"{name}@example.com" for name in names or ("you",))
        return f"mailto://user:s3kr1t@127.0.0.1:{self.port}?mode=insecure&from=me@example.com&to={to}"


@contextlib.contextmanager
def webhook(port: int = 0) -> Iterator[Receiver]:
    """Modes: a status; "late" accepts when told to go on; "dies" accepts and hangs up; "picky" refuses what is called
    poison; "nonsense"."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            title = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["title"]
            receiver.attempts += 1
            mode = receiver.mode
            if mode == "picky":
                mode = 413 if "poison" in title else "fine"
            if mode == "late":
                receiver.go_on.wait(30)
            if mode in ("fine", "late", "dies"):
                receiver.taken.append((self.headers["Idempotency-Key"], title))
            if mode == "dies":
                self.connection.close()
                return
            if mode == "nonsense":
                self.wfile.write(b"\x00what?\r\n\r\n")
                return
            self.send_response(mode if isinstance(mode, int) else 204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Silent."""

        def handle_one_request(self) -> None:
            with contextlib.suppress(OSError, ValueError):  # hung up, by one side or the other
                super().handle_one_request()

        def finish(self) -> None:
            with contextlib.suppress(OSError, ValueError):
                super().finish()

    with _serving(ThreadingHTTPServer(("127.0.0.1", port), Handler), receiver):
        yield receiver


class _Session(socketserver.StreamRequestHandler):
    """One SMTP conversation."""

    receiver: Receiver

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self.receiver.attempts += 1
            if self.receiver.mode == "silent":
                self.receiver.go_on.wait(30)
                return
            self._say("220 ready")
            while (line := self.rfile.readline().decode().strip()) and self._answer(line):
                pass

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def _answer(self, line: str) -> bool:
        verb, mode = line.split()[0].upper(), self.receiver.mode
        if verb == "DATA":
            return self._take()
        if verb == "RCPT" and ("nobody@" in line or mode == "recipient"):
            self._say("550 no such mailbox")
        elif (verb, mode) in _REFUSALS:
            self._say(_REFUSALS[verb, mode])
        else:
            self._say(_ANSWERS.get(verb, "250 fine"))
        return verb != "QUIT"

    def _take(self) -> bool:
        self._say("354 go on")
        lines = list(iter(self.rfile.readline, b".\r\n"))
        mail = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        self.receiver.taken.append((mail["Message-ID"].strip("<>"), mail["Subject"]))
        if self.receiver.mode != "dies":
            self._say("250 taken")
        return self.receiver.mode != "dies"


_ANSWERS = {"EHLO": "250-here\r\n250 AUTH PLAIN LOGIN", "AUTH": "235 come in", "QUIT": "221 bye"}
_REFUSALS: dict[tuple[str, str | int], str] = {
    ("AUTH", "login"): "535 wrong password",
    ("RCPT", "busy"): "451 come back later",
}


@contextlib.contextmanager
def mail_server() -> Iterator[Receiver]:
    """Modes: "silent" greets nobody; "login", "recipient", "busy" refuse; "dies" accepts the mail and hangs up.

    A recipient called `nobody` is always refused.
    """
    receiver = Receiver()
    session = type("Session", (_Session,), {"receiver": receiver})
    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), session), receiver):
        yield receiver


@contextlib.contextmanager
def _serving(server: socketserver.TCPServer, receiver: Receiver) -> Iterator[None]:
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        receiver.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()
