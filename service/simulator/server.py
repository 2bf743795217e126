"""HTTP/1.1 over a loopback socket: bytes to Request, Response to bytes. It knows nothing of fine-tuning."""

import sys
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, create_connection, socket
from socketserver import TCPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .wire import Request, Response


class HttpServer(ThreadingHTTPServer):
    """Serves from construction, in daemon threads, until `close`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, host: str, port: int, answer: Callable[[Request], Response]) -> None:
        self.answer = answer
        self._open: set[socket] = set()
        self._open_lock = Lock()
        super().__init__((host, port), _Handler)
        self._closing = False
        self._accepting = Thread(target=self._accept, name="simulator", daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        # Not serve_forever(): it looks up to half a second late whether it should stop, for every test anew.
        while not self._closing:
            self.handle_request()

    def server_bind(self) -> None:
        # HTTPServer's own would look the host's name up, which takes seconds where there is no name server.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def close(self) -> None:
        """Stop accepting and hang up: a client's kept connections must not outlive the server."""
        self._closing = True
        create_connection((self.server_name, self.server_port)).close()  # wakes the accepting thread
        self._accepting.join()
        self.server_close()
        with self._open_lock:
            for connection in self._open:
                with suppress(OSError):  # the client was faster
                    connection.shutdown(SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: HttpServer
    protocol_version = "HTTP/1.1"
    server_version = "simulator"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one packet

    def _serve(self) -> None:
        if "Transfer-Encoding" in self.headers:
            self.send_error(411)
            return
        url = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=unquote(url.path),
            query=dict(parse_qsl(url.query, keep_blank_values=True)),
            authorization=self.headers.get("Authorization", ""),
            content_type=self.headers.get("Content-Type", ""),
            body=self.rfile.read(int(self.headers.get("Content-Length", 0))),
        )
        self._send(self.server.answer(request))

    def _send(self, response: Response) -> None:
        self.send_response_only(response.status)
        headers = {"Content-Type": response.content_type, "Content-Length": str(len(response.body))}
        for name, value in (headers | dict(response.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    # The names are the base class's: one per HTTP method.
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: who wants to know what was asked reads `Simulator.requests`."""
