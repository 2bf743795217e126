"""The simulator as the rest of the project and the tests use it."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from itertools import count
from types import TracebackType
from typing import Any, Final

from . import api, draws, wire
from .api import Quirks
from .failures import FAILURES
from .ids import derived, drawn
from .jobs import Job
from .lives import Durations, Ending, Method
from .project import Account, Project
from .server import HttpServer
from .wire import Refusal, Request, Response

_HOUR: Final = 3_600.0
_DAY: Final = 24 * _HOUR
# Longer than any drawn life: what was created so long ago has ended.
_LONGEST_LIFE: Final = 4 * _HOUR
_DOWN: Final = {
    429: ("Rate limit reached for requests. Please try again later.", "requests", "rate_limit_exceeded"),
    503: ("The server is overloaded. Please try again later.", "server_error", "server_is_overloaded"),
}


class Simulator:
    """A local server that speaks the OpenAI fine-tuning API. A context manager; thread-safe.

    `keys` are the accepted bearer keys; each has jobs and files of its own. All that happens follows from
    `seed`, from the calls made and from what `clock` (Unix seconds) says at each of them. `speed` divides
    every duration in a job's life, while timestamps stay those of the clock. With `history`, each key has so
    many jobs that ended in the six weeks before. With `arrivals_every`, each key gets a new job about every
    so many seconds, divided by `speed`.

    Settable at any time: `quirks`; `down`, an HTTP status that answers every call; `retry_after`, the seconds
    in the Retry-After header of those answers. `requests` holds the (method, path) of the last 100 000
    requests, oldest first, the path without its query.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        keys: Mapping[str, Account] | Sequence[str] = ("sim-key",),
        seed: int = 0,
        speed: float = 1.0,
        clock: Callable[[], float] = time.time,
        history: int = 0,
        arrivals_every: float | None = None,
    ) -> None:
        self.quirks = Quirks()
        self.down: int | None = None
        self.retry_after: float | None = None
        self.requests: deque[tuple[str, str]] = deque(maxlen=100_000)
        self._host, self._port = host, port
        self._seed, self._clock = seed, clock
        self._http: HttpServer | None = None
        self._request_numbers = count(1)
        self._revoked: set[str] = set()
        self._settled = _LONGEST_LIFE / speed
        now = clock()
        accounts = keys if isinstance(keys, Mapping) else {key: Account() for key in keys}
        self._projects = {
            key: Project(account, f"{seed}/{key}", speed, now, arrivals_every)
            for key, account in accounts.items()  # each draws from a generator of its own
        }
        for project in self._projects.values():
            project.fill(history, since=now - 42 * _DAY, until=now - self._settled)

    def start(self) -> "Simulator":
        """Bind and serve. Started again after a stop, it keeps its port and its jobs."""
        if self._http is None:
            self._http = HttpServer(self._host, self._port, self._answer)
            self._port = self._http.server_port
        return self

    def stop(self) -> None:
        """Stop serving and drop open connections."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def __enter__(self) -> "Simulator":
        return self.start()

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base address for clients; with port 0 known only after the start."""
        return f"http://{self._host}:{self._port}/v1"

    def create(
        self,
        *,
        key: str | None = None,
        ending: Ending = "succeeded",
        reason: str | None = None,
        suffix: str | None = None,
        model: str | None = None,
        method: Method = "supervised",
        created_at: float | None = None,
        durations: Durations | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Place one job, in the first key if none is named, and return its id.

        `ending`: "paused" stays so until somebody resumes it, "resumed" goes on by itself and succeeds,
        "stuck" waits in the queue for ever, "endless" runs for ever. `reason`, for "failed" only, is a key of
        `FAILURES`. `created_at` may lie in the past, or ahead: the job then appears when its time has come.
        `durations` are the seconds of validating, of waiting in the queue, and of running until the ending,
        before `speed` divides them. Raises ValueError for a reason that cannot be.
        """
        if reason is not None and (ending != "failed" or reason not in FAILURES):
            raise ValueError(f"{reason!r} is no reason for the ending {ending!r}")
        with self._project(key) as (project, now):
            spec = draws.spec(project.rng, model=model, method=method, suffix=suffix, metadata=metadata)
            at = now if created_at is None else created_at
            return project.create(spec, at, ending=ending, reason=reason, durations=durations)

    def populate(self, key: str | None, count: int, unfinished: int = 0) -> None:
        """Place many jobs, created evenly over the past year; `unfinished` of them, evenly, run for ever."""
        with self._project(key) as (project, now):
            project.fill(count, since=now - 365 * _DAY, until=now - self._settled, unfinished=unfinished)

    def add_raw(self, key: str | None, payload: dict[str, Any]) -> str:
        """Place a job that shows exactly this payload, and return the id under which it can be retrieved.

        It is listed by its `created_at` if that is a number, else as created now. It has no events.
        """
        with self._project(key) as (project, now):
            created_at = payload.get("created_at")
            at = created_at if isinstance(created_at, (int, float)) else now
            id = str(payload.get("id") or drawn(project.rng, "ftjob-"))
            project.jobs.add(id, at, Job(raw=dict(payload)))
            return id

    def remove(self, key: str | None, id: str) -> None:
        """Forget a job, as Azure does with one that its owner deleted."""
        with self._project(key) as (project, _now):
            project.jobs.remove(id)

    def set_raw(self, key: str | None, id: str, **changes: Any) -> None:
        """Show these keys from now on, whatever the job's life says. Its place in lists stays."""
        with self._project(key) as (project, now):
            job = project.jobs.get(id, now)
            job.raw = job.raw | changes

    def shut_down(self, model: str, day: str | None) -> None:
        """Announce the day (`YYYY-MM-DD`) on which a model is shut down, a base model's also for what was tuned on
        it; None takes it back. Only a date is shown: the model goes on answering."""
        for key in self._projects:
            with self._project(key) as (project, _now):
                project.shutdowns[model] = day

    def revoke(self, key: str) -> None:
        """Refuse the key like an unknown one. Its jobs live on."""
        self._revoked.add(key)

    def restore(self, key: str) -> None:
        self._revoked.discard(key)

    @contextmanager
    def _project(self, key: str | None) -> Iterator[tuple[Project, float]]:
        """The project of a key, locked and up to date, and the time."""
        project = self._projects[next(iter(self._projects)) if key is None else key]
        with project.lock:
            now = self._clock()
            project.arrive(now)
            yield project, now

    def _answer(self, request: Request) -> Response:
        self.requests.append((request.method, request.path))
        try:
            response = self._answer_or_refuse(request)
        except Refusal as refusal:
            response = refusal.response()
        return self._stamped(response)

    def _answer_or_refuse(self, request: Request) -> Response:
        if self.down is not None:
            raise self._outage(self.down)
        with self._project(self._key(request)) as (project, now):
            return api.answer(api.Call(project=project, request=request, now=now, quirks=self.quirks))

    def _outage(self, status: int) -> Refusal:
        default = ("The server had an error while processing your request.", "server_error", None)
        message, type, code = _DOWN.get(status, default)
        headers = {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}
        return Refusal(status, message, type=type, code=code, headers=headers)

    def _key(self, request: Request) -> str:
        """The key of the request if it is accepted."""
        scheme, _, key = request.authorization.partition(" ")
        if scheme.lower() != "bearer" or not key:
            message = "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'."
            raise Refusal(401, message, code="invalid_api_key")
        if key not in self._projects or key in self._revoked:
            masked = f"{key[:3]}***{key[-4:]}" if len(key) > 12 else "***"
            raise Refusal(401, f"Incorrect API key provided: {masked}.", code="invalid_api_key")
        return key

    def _stamped(self, response: Response) -> Response:
        number = next(self._request_numbers)
        headers = {
            "Date": formatdate(self._clock(), usegmt=True),
            "x-request-id": derived("req_", self._seed, number),
        }
        return wire.with_headers(response, headers)
