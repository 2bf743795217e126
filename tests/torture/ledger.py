"""What arrived where, in whose time; and the trap that kills a daemon at one of its arrivals."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.torture.facts import Arrival

Moment = Literal["accepting", "answered"]


@dataclass(kw_only=True)
class Trap:
    """`kill` is called at the `left`-th notice: accepted and not yet answered, or answered."""

    destination: str
    moment: Moment
    left: int
    kill: Callable[[], None]
    sprung: bool = False


class Ledger:
    """Thread-safe. `generation` is the number of the daemon that runs now."""

    def __init__(self) -> None:
        self.generation = 0
        self.trap: Trap | None = None
        self._lock = threading.Lock()
        self._arrivals: list[Arrival] = []

    @property
    def arrivals(self) -> tuple[Arrival, ...]:
        """In the order in which they were accepted."""
        with self._lock:
            return tuple(self._arrivals)

    def accept(self, destination: str, notice_id: str, key: str) -> None:
        """A whole notice is here; the answer goes out when this returns."""
        arrival = Arrival(destination=destination, notice_id=notice_id, key=key, generation=self.generation)
        with self._lock:
            self._arrivals.append(arrival)
            if self.trap and self.trap.destination == destination:
                self.trap.left -= 1
        self._spring(destination, "accepting")

    def answered(self, destination: str) -> None:
        """The answer is on its way."""
        self._spring(destination, "answered")

    def _spring(self, destination: str, moment: Moment) -> None:
        with self._lock:
            trap = self.trap
            if not trap or (trap.destination, trap.moment) != (destination, moment) or trap.left > 0 or trap.sprung:
                return
            trap.sprung = True
        trap.kill()
