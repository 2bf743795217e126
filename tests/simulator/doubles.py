"""What the tests of the simulator stand on: a clock that only moves when told, and a bare HTTP client."""

import json
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from service.simulator import Simulator

NOON = 1_790_000_000.0
DURATIONS = (60.0, 120.0, 600.0)


class Clock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]


class Http:
    """One kept connection to a simulator, with one key."""

    def __init__(self, simulator: Simulator, key: str | None = "sim-key") -> None:
        url = urlsplit(simulator.url)
        self.connection = HTTPConnection(str(url.hostname), url.port, timeout=5)
        self.headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    def call(self, method: str, path: str, body: object = None, **query: object) -> Answer:
        url = f"/v1{path}?{urlencode(query)}" if query else f"/v1{path}"
        sent = None if body is None else json.dumps(body)
        self.connection.request(method, url, sent, self.headers)
        response = self.connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())

    def get(self, path: str, **query: object) -> Answer:
        return self.call("GET", path, **query)

    def post(self, path: str, body: object = None) -> Answer:
        return self.call("POST", path, body)

    def job(self, id: str) -> Any:
        return self.get(f"/fine_tuning/jobs/{id}").json

    def jobs(self, **query: object) -> Any:
        return self.get("/fine_tuning/jobs", **query).json

    def events(self, id: str) -> list[Any]:
        """All events, newest first, page by page."""
        found: list[Any] = []
        more = True
        while more:
            after = {"after": found[-1]["id"]} if found else {}
            page = self.get(f"/fine_tuning/jobs/{id}/events", limit=100, **after).json
            found += page["data"]
            more = page["has_more"]
        return found


Connect = Callable[..., Http]
