"""A provider on a real socket that can do everything wrong that a provider, or the way to it, can do."""

import contextlib
import gzip
import itertools
import json
import os
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

JOBS = "/v1/fine_tuning/jobs"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
_HALF = _HEAD + b'{"object": "list", "data": [{"id": "ftj'


class Handler(BaseHTTPRequestHandler):
    """One request; a fault is called with it and answers it, or does not."""

    server: "Faulty"
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two of them cost 40 ms of delayed acknowledgement

    def do_GET(self) -> None:
        server = self.server
        url = urlsplit(self.path)
        server.requests.append(url.path)
        with server.one_at_a_time:
            fault = server.fault if re.fullmatch(server.where, url.path) else None
        if fault:
            fault(self)
        else:
            self.reply(*server.answer(url.path, parse_qs(url.query)))

    def reply(self, status: int, body: object, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content_Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def raw(self, content: bytes) -> None:
        """Bytes as they are; then it hangs up."""
        self.wfile.write(content)
        self.wfile.flush()
        self.close_connection = True

    def silence(self) -> None:
        """Says nothing more until the server forgets its fault."""
        self.server.forgotten.wait(10)
        self.close_connection = True

    def reset(self) -> None:
        """Not a polite end: a connection closed like this answers RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Silent."""


Fault = Callable[[Handler], None]


class Faulty(ThreadingHTTPServer):
    """Lists `jobs` in their order, in pages, and gives each by its id, until a fault is told.

    `course`: what the calls for events, checkpoints and files answer. `requests`: the paths asked for.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.one_at_a_time = threading.Lock()
        self.requests: list[str] = []
        self.forgotten = threading.Event()
        self.clear()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def clear(self) -> None:
        """Healthy and empty."""
        self.jobs: list[Any] = []
        self.course: dict[str, object] = {}
        self.requests.clear()
        self.heal()

    def heal(self) -> None:
        self.forgotten.set()
        with self.one_at_a_time:
            self.fault: Fault | None = None
            self.where = ""

    def break_down(self, fault: Fault, where: str = ".*") -> None:
        """From now on `fault` answers where the path is like `where`."""
        self.forgotten = threading.Event()
        with self.one_at_a_time:
            self.fault, self.where = fault, where

    def asked(self) -> list[str]:
        """The paths asked for since the last call."""
        paths = list(self.requests)
        self.requests.clear()
        return paths

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, object]:
        if path == JOBS:
            return 200, self._page(query)
        found = [job for job in self.jobs if isinstance(job, dict) and path == f"{JOBS}/{job.get('id')}"]
        if found:
            return 200, found[0]
        kind = path.rsplit("/", 1)[-1]
        if kind in self.course:
            return 200, self.course[kind]
        if kind in ("events", "checkpoints"):
            return 200, {"object": "list", "data": [], "has_more": False}
        return 404, error("No such thing here", code="not_found")

    def _page(self, query: dict[str, list[str]]) -> object:
        size, after = int(query["limit"][0]), query.get("after")
        ids = [job.get("id") if isinstance(job, dict) else None for job in self.jobs]
        start = ids.index(after[0]) + 1 if after else 0
        return {"object": "list", "data": self.jobs[start : start + size], "has_more": start + size < len(ids)}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever is cut off, or cuts off, leaves an error here."""


@contextlib.contextmanager
def serving() -> Iterator[Faulty]:
    server = Faulty()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.heal()
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def closed_port() -> Iterator[str]:
    """An address that nobody else gets and where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/v1"


def error(message: str, *, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "some_error", "param": None, "code": code}}


_counter = itertools.count(1)


def says(status: int, message: str = "Something is wrong", *, code: str | None = None, **headers: str) -> Fault:
    """An error answer as real ones are: worded a little differently each time."""

    def fault(handler: Handler) -> None:
        count = next(_counter)
        words = f"{message} (request req_{count:08x}9). Please try again in {count}.{count}s, it is 12:{count % 60}:07"
        handler.reply(status, error(words, code=code), **headers)

    return fault


def answers(status: int, body: object, **headers: str) -> Fault:
    return lambda handler: handler.reply(status, body, **headers)


def endless(handler: Handler) -> None:
    """Page after page of jobs that nobody has seen before, all as new as the first."""
    ids = [f"ft-{next(_counter)}" for _ in range(3)]
    jobs = [{"id": each, "status": "running", "created_at": 1_790_000_000} for each in ids]
    handler.reply(200, {"object": "list", "data": jobs, "has_more": True})


def halfway(then: Callable[[Handler], None]) -> Fault:
    """Half an answer, and then that."""

    def fault(handler: Handler) -> None:
        handler.raw(_HALF)
        then(handler)

    return fault


def _on_and_on(handler: Handler) -> None:
    """An answer without an end, until nobody takes it any more. Past the buffer, which would be left with something."""
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            handler.connection.sendall(b" " * 1_000_000)


def _hang_up(handler: Handler) -> None:
    handler.close_connection = True


# By the name under which provider_faults.py has their rows; those of 429 and 5xx as a server sends them.
WAYS: dict[str, Fault] = {
    "silence": Handler.silence,
    "silence halfway": halfway(Handler.silence),
    "reset": Handler.reset,
    "reset halfway": halfway(Handler.reset),
    "hung up halfway": halfway(_hang_up),
    "no HTTP": lambda handler: handler.raw(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    "damaged gzip": answers(200, b"\x1f\x8b no gzip at all", Content_Encoding="gzip"),
    "on and on": _on_and_on,
    "packed": answers(200, gzip.compress(b" " * 40_000_000), Content_Encoding="gzip"),
    "circle": lambda handler: handler.reply(302, b"", Location=handler.path),
    "truncated": answers(200, b'{"object": "list", "data": [{"id": "ftjob-1", "stat'),
    "invalid": answers(200, b"{'object': 'list', 'data': []}"),
    "empty": answers(200, b""),
    "page": answers(200, b"<!doctype html><title>Please log in</title>", Content_Type="text/html"),
    "gateway": answers(502, b"<html><h1>502 Bad Gateway</h1></html>", Content_Type="text/html"),
    "no list": answers(200, {"object": "list", "data": None}),
    "no ids": answers(200, {"object": "list", "data": [{"status": "running"}, None], "has_more": True}),
    "bad request": says(400),
    "bad key": says(401, "Incorrect API key provided", code="invalid_api_key"),
    "no scope": says(401, "You have insufficient permissions. Missing scopes: api.fine_tuning.jobs.read"),
    "forbidden": says(403, "Your region is not served", code="unsupported_country_region_territory"),
    "no such path": says(404, "Invalid URL"),
    "timeout": says(408),
    "conflict": says(409),
    "rate": says(429, "Rate limit reached"),
    "rate, 7 s": says(429, "Rate limit reached", Retry_After="7"),
    "rate, 100 s": says(429, "Rate limit reached", Retry_After="100"),
    "rate, 1 h": says(429, "Rate limit reached", Retry_After="3600"),
    "quota": says(429, "You exceeded your current quota", code="insufficient_quota"),
    "broken": says(500),
    "overloaded": says(503, "Overloaded", code="server_is_overloaded"),
    "maintenance, 1 h": says(503, "Maintenance", Retry_After="3600"),
}
