"""Servers on the loopback that refuse everything, and repeat in every way what they were sent."""

import base64
import contextlib
import json
import queue
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, unquote


def repetitions(secret: str) -> dict[str, str]:
    """How a server may spell what it repeats."""
    raw = secret.encode()
    return {
        "plain": secret,
        "quoted": quote(secret, safe=""),
        "json": json.dumps(json.dumps(secret)),
        "repr": repr(repr(secret)),
        "base64": base64.b64encode(raw).decode(),
        "login": base64.b64encode(b"user:" + raw).decode(),
        "capitals": secret.upper(),
    }


class _Provider(BaseHTTPRequestHandler):
    """The first part of the path says how to fail: `/401-plain/v1/fine_tuning/jobs`."""

    wbufsize = -1

    def do_GET(self) -> None:
        how, _, spelling = self.path.split("/")[1].partition("-")
        key = self.headers["Authorization"].removeprefix("Bearer ")
        said = f"not with {repetitions(key)[spelling]}!" if spelling else "no"
        answers: dict[str, Callable[[], tuple[int, Any]]] = {
            "page": lambda: (200, f"<p>{said}"),
            "jobs": lambda: (200, {"object": "list", "data": [_job(said)], "has_more": False}),
            "events": lambda: (200, {"object": "list", "data": [_event(said)], "has_more": False}),
        }
        part = "events" if self.path.partition("?")[0].endswith("/events") else how
        status, body = answers.get(part, lambda: (int(how), {"error": {"message": said, "code": said}}))()
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status, None if status == 200 else said)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("x-should-retry", "false")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Silent."""


def _job(said: str) -> dict[str, Any]:
    return {
        "id": "ftjob-repeats", "object": "fine_tuning.job", "status": "failed", "created_at": int(time.time()),
        "finished_at": int(time.time()), "model": said, "error": {"code": said, "message": said, "param": said},
        "metadata": {"note": said}, "user_provided_suffix": said,
    }  # fmt: skip


def _event(said: str) -> dict[str, Any]:
    return {"id": "ftevent-1", "created_at": int(time.time()), "level": "error", "message": said, "data": {"a": said}}


class _Receiver(BaseHTTPRequestHandler):
    """Refuses each post with all that was in it; below `/broken` with headers that no library can read.

    But for what comes to `/good`, which is kept.
    """

    wbufsize = -1
    kept: "queue.Queue[str]"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode("utf-8", "replace")
        if self.path == "/good":
            self.kept.put(body)
            self.send_response(204)
            self.end_headers()
            return
        said = f"{self.path} {unquote(self.path)} {self.headers} {body}"
        content = json.dumps({"message": said, "error": said, "ok": False}).encode()
        self.send_response(403, f"not {quote(self.path)}")
        if self.path.startswith("/broken"):
            self.flush_headers()
            self.wfile.write(b"a line without a colon\r\n\r\n")
            return
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET = do_PUT = _answer  # noqa: N815 - http.server's names

    def log_message(self, *_: Any) -> None:
        """Silent."""


class _Proxy(BaseHTTPRequestHandler):
    """Wants another login than the one it got, which it repeats."""

    def do_CONNECT(self) -> None:
        self.send_response(407, f"not with {self.headers['Proxy-Authorization']}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Silent."""


class _MailServer(socketserver.StreamRequestHandler):
    """Refuses the login and repeats it, as it came and decoded."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            words = line.decode().split()
            answer = "250-here\r\n250 AUTH PLAIN"
            if words[0].lower() == "auth":
                answer = f"535 5.7.8 not with {words[-1]}, that is {base64.b64decode(words[-1])!r}"
            self.wfile.write(f"{answer}\r\n".encode())


@contextlib.contextmanager
def world(kept: "queue.Queue[str]") -> Iterator[dict[str, int]]:
    """The ports of `provider`, `receiver`, `proxy` and `mail`. What comes to the receiver's `/good` is `kept`."""
    receiver = type("Receiver", (_Receiver,), {"kept": kept})
    with contextlib.ExitStack() as stack:
        ports = {}
        for name, handler in (("provider", _Provider), ("receiver", receiver), ("proxy", _Proxy)):
            ports[name] = _serve(stack, ThreadingHTTPServer(("127.0.0.1", 0), handler))
        ports["mail"] = _serve(stack, socketserver.ThreadingTCPServer(("127.0.0.1", 0), _MailServer))
        yield ports


def _serve(stack: contextlib.ExitStack, server: ThreadingHTTPServer | socketserver.ThreadingTCPServer) -> int:
    server.daemon_threads = True
    stack.callback(server.server_close)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    stack.callback(thread.join)
    stack.callback(server.shutdown)
    return int(server.server_address[1])
