"""The demo's course: the stage is set, jobs live and end, notices arrive, and a summary closes it."""

import contextlib
import queue
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from service import wiring
from service.config import schema
from service.daemon import daemon
from service.demo import inboxes, screen
from service.simulator import Simulator
from service.simulator.lives import Ending, Method
from service.store import migrate
from service.store.reading import Reading

_KEY = "demo-key"
# The lives, as fractions of the demo's length: when it is created, and how long it validates, queues and runs.
_CAST: tuple[tuple[str, Ending, str | None, Method, float, tuple[float, float, float]], ...] = (
    ("support-bot", "succeeded", None, "supervised", 0.02, (0.03, 0.06, 0.22)),
    ("sql-helper", "failed", "invalid_training_file", "supervised", 0.05, (0.08, 0.0, 0.0)),
    ("invoice-fields", "succeeded", None, "dpo", 0.08, (0.04, 0.10, 0.36)),
    ("house-style", "cancelled", None, "supervised", 0.16, (0.04, 0.08, 0.16)),
    ("math-tutor", "succeeded", None, "reinforcement", 0.20, (0.04, 0.06, 0.40)),
    ("sharp-tongue", "failed", "safety_evaluation", "supervised", 0.28, (0.04, 0.06, 0.24)),
    ("night-run", "resumed", None, "supervised", 0.34, (0.03, 0.05, 0.30)),
)
_PAST_JOBS = 6
# When the cast has played, new jobs keep coming about every so many seconds.
_ENCORE_SECONDS = 20.0
_ENCORE_SPEED = 90.0
_LONGEST_ACT = timedelta(minutes=1)
_FIRST_PASS_SECONDS = 15


@dataclass(frozen=True, kw_only=True)
class _Stage:
    app: wiring.App
    provider: Simulator
    reading: Reading
    arrivals: "queue.Queue[inboxes.Arrival]"


def play(length: timedelta, *, keep: Path | None, stop: threading.Event) -> None:
    """Run for `length`, or until `stop` is set. The database is left at `keep`, if given.

    Raises daemon.MemberDied when the daemon fails.
    """
    shown = screen.suited(length)
    with _stage(length, keep) as stage:
        passes = threading.Semaphore(0)
        watch = _Watch(daemon.Daemon(stage.app, on_pass=lambda _: passes.release()))
        try:
            passes.acquire(timeout=_FIRST_PASS_SECONDS)
            _raise_curtain(stage.provider, length)
            _follow(stage, shown, passes, time.monotonic() + length.total_seconds(), stop, watch)
        finally:
            watch.end()
        _show_news(stage, shown)
        shown.close(stage.reading.jobs(limit=1000), stage.reading.deliveries(limit=1000), keep)
    watch.check()


class _Watch:
    """The daemon in a thread of its own: the main thread draws."""

    def __init__(self, runner: daemon.Daemon) -> None:
        self._stop = threading.Event()
        self._runner = runner
        self._death: daemon.MemberDied | None = None
        self._thread = threading.Thread(target=self._run, name="daemon")
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def end(self) -> None:
        self._stop.set()
        self._thread.join()

    def check(self) -> None:
        if self._death:
            raise self._death

    def _run(self) -> None:
        try:
            self._runner.run(self._stop)
        except daemon.MemberDied as death:
            self._death = death


def _follow(
    stage: _Stage, shown: screen.Screen, passes: threading.Semaphore, end: float, stop: threading.Event, watch: _Watch
) -> None:
    """Show what each pass brought until the time is over."""
    while not stop.is_set() and watch.alive and (left := end - time.monotonic()) > 0:
        passes.acquire(timeout=min(left, 0.25))
        _show_news(stage, shown)


def _show_news(stage: _Stage, shown: screen.Screen) -> None:
    # The history first: every job in it is then among the jobs.
    history = stage.reading.history(limit=50)
    shown.jobs(stage.reading.jobs(limit=screen.JOBS_SHOWN), history)
    with contextlib.suppress(queue.Empty):
        while True:
            shown.arrived(stage.arrivals.get_nowait())


@contextlib.contextmanager
def _stage(length: timedelta, keep: Path | None) -> Iterator[_Stage]:
    arrivals: queue.Queue[inboxes.Arrival] = queue.Queue()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tunewatch-demo-")))
        database = f"sqlite:///{(keep or folder / 'demo.db').absolute()}"
        provider = stack.enter_context(_provider(length))
        mail = stack.enter_context(inboxes.mailbox(arrivals.put))
        chat = stack.enter_context(inboxes.chatroom(arrivals.put))
        settings = _settings(provider.url, database, mail, chat)
        app = stack.enter_context(wiring.opened(settings, daemon=True))
        engine = migrate.reading(database)
        stack.callback(engine.dispose)
        yield _Stage(app=app, provider=provider, reading=Reading(engine), arrivals=arrivals)


def _provider(length: timedelta) -> Simulator:
    # A long demo plays its cast in the first minute and goes on with jobs that arrive by themselves.
    encore = _ENCORE_SECONDS * _ENCORE_SPEED if length > _LONGEST_ACT else None
    return Simulator(
        keys=(_KEY,), seed=int(time.time()), speed=_ENCORE_SPEED, history=_PAST_JOBS, arrivals_every=encore
    )


def _raise_curtain(provider: Simulator, length: timedelta) -> None:
    """Not before the first pass: what ends before it is the past, of which nobody is told."""
    act, now = min(length, _LONGEST_ACT).total_seconds(), time.time()
    for name, ending, reason, method, created, durations in _CAST:
        validating, queued, running = (part * act * _ENCORE_SPEED for part in durations)
        provider.create(
            ending=ending, reason=reason, suffix=name, method=method, created_at=now + created * act,
            durations=(validating, queued, running),
        )  # fmt: skip


def _settings(base_url: str, database: str, mail: str, chat: str) -> schema.Settings:
    everything = ["succeeded", "failed", "cancelled", "paused", "watch_failing", "watch_recovered"]
    return schema.Settings.model_validate({
        "poll": {"interval": "1s", "idle_interval": "1s", "request_timeout": "5s"},
        "database": {"url": database},
        "accounts": [{"name": "demo", "api_key": _KEY, "base_url": base_url}],
        "channels": [
            {"name": "mail", "url": mail, "on": everything, "group_wait": "0s"},
            {"name": "chat", "url": chat, "on": ["succeeded", "failed"], "group_wait": "0s"},
        ],
    })  # fmt: skip
