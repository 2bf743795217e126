"""One daemon's whole world: a provider, three destinations, a folder with its database."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from service.simulator import Simulator
from service.simulator.lives import Ending
from tests.torture import client
from tests.torture.facts import KILLED, STOPPED, Fate, Generation
from tests.torture.ledger import Ledger
from tests.torture.maker import SPEED, Maker
from tests.torture.processes import Process, complaints
from tests.torture.receivers import Receivers

_DAEMON = ("run", "--log-format", "json", "--log-level", "debug")
_ONCE = {
    "poll": ("poll", "--log-format", "json", "--log-level", "debug"),
    "upgrade": ("db", "upgrade"),
    "resend": ("resend", "--failed"),
}
_PAST_SECONDS = 20 * 3600.0
_EVERYTHING = """[
    "succeeded", "failed", "cancelled", "paused", "model_check", "watch_failing", "watch_recovered", "delivery_failed",
]"""


class World:
    """`generations` are the processes that are over; `fates` are those of jobs that the maker did not make."""

    def __init__(self, folder: Path, simulator: Simulator, receivers: Receivers, ledger: Ledger, maker: Maker) -> None:
        self.folder = folder
        self.simulator = simulator
        self.receivers = receivers
        self.ledger = ledger
        self.maker = maker
        self.generations: list[Generation] = []
        self.fates: dict[str, Fate] = {}
        self._running: Process | None = None
        (folder / "config.toml").write_text(_configuration(simulator.url, receivers.urls))

    @property
    def database(self) -> Path:
        return self.folder / "watch.db"

    @property
    def running(self) -> Process:
        """The process that was started last and is not over."""
        assert self._running is not None
        return self._running

    def start(self, command: str = "run", trap: Sequence[str] = ()) -> Process:
        """The next process: "run", or a command that comes to an end. `trap`: for the victim, where it kills itself."""
        assert self._running is None, "one at a time"
        self.receivers.settle()
        self.ledger.generation += 1
        words = (*trap, "--", *_ONCE.get(command, _DAEMON)) if trap else _ONCE.get(command, _DAEMON)
        log = self.folder / f"{self.ledger.generation:04}-{command}.log"
        module = "tests.torture.victim" if trap else "service"
        self._running = Process(module, words, folder=self.folder, log=log)
        return self._running

    def over(self, how: str, *, expected_code: int = KILLED, allowed: str | None = None) -> Generation:
        """Note the end of the running process, which comes now or has come."""
        process = self.running
        if not process.await_end():
            process.kill()
            process.await_end()
            how = f"{how}; it did not end and was killed"
            expected_code = STOPPED
        self._running = None
        text = process.log.read_text(encoding="utf-8")
        one = Generation(
            number=self.ledger.generation, end=how, code=process.code, expected_code=expected_code,
            started_at=process.started_at, first_pass_at=process.first_pass_at, ended_at=process.ended_at,
            complaints=tuple(complaints(text, cut=expected_code == KILLED, allowed=allowed)),
        )  # fmt: skip
        self.generations.append(one)
        return one

    def leave(self) -> None:
        """Whatever still runs is ended."""
        if self._running is not None:
            self._running.kill()
            self._running.await_end()

    def told(self) -> set[str]:
        """Every job whose end must be announced."""
        return {made.job_id for made in self.maker.made} | {id for id, fate in self.fates.items() if fate == "told"}

    def unfinished_past(self) -> list[str]:
        """Jobs that were running before the first daemon, and are still."""
        jobs = client.jobs(self.simulator.url)
        return [job["id"] for job in jobs if job["status"] == "running" and self.fates.get(job["id"]) == "either"]

    def look_at_the_past(self) -> None:
        """Before the first daemon: what has ended by now must never be announced."""
        for job in client.jobs(self.simulator.url):
            self.fates[job["id"]] = "silent" if job["status"] in ("succeeded", "failed", "cancelled") else "either"


@contextlib.contextmanager
def built(folder: Path, *, seed: int, past: int, unfinished: int = 0, per_second: float = 3.0) -> Iterator[World]:
    """A world with so many jobs of the past, some of them still running. The maker has not started."""
    folder.mkdir(parents=True, exist_ok=True)
    ledger = Ledger()
    with contextlib.ExitStack() as stack:
        simulator = stack.enter_context(Simulator(seed=seed, speed=SPEED))
        _fill(simulator, past, unfinished)
        receivers = stack.enter_context(Receivers(ledger, seed).running())
        maker = Maker(simulator, seed=seed, per_second=per_second)
        stack.callback(maker.end)
        world = World(folder, simulator, receivers, ledger, maker)
        stack.callback(world.leave)
        world.look_at_the_past()
        yield world


def _fill(simulator: Simulator, past: int, unfinished: int) -> None:
    """Jobs of the last hours: what ended days before the first sight is past however that went."""
    endings: tuple[Ending, ...] = ("succeeded", "failed", "cancelled", "succeeded")
    now = time.time()
    for number in range(past):
        ending = (
            "endless" if unfinished and (number + 1) % (past // unfinished) == 0 else endings[number % len(endings)]
        )
        created_at = now - _PAST_SECONDS * (1 - number / (past + 1))
        simulator.create(ending=ending, created_at=created_at, durations=(1, 1, 1))


def _configuration(base_url: str, urls: dict[str, str]) -> str:
    channels = [
        f'[[channels]]\nname = "{name}"\nurl = "{url}"\non = {_EVERYTHING}\ngroup_wait = "0s"\n'
        for name, url in urls.items()
    ]
    return "\n".join((
        '[poll]\ninterval = "1s"\nidle_interval = "1s"\n',
        '[database]\nurl = "sqlite:///watch.db"\n',
        f'[[accounts]]\nname = "main"\napi_key = "sim-key"\nbase_url = "{base_url}"\n',
        *channels,
    ))  # fmt: skip
