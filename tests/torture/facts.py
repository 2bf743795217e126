"""What a campaign has seen, as plain records; the verdict is drawn from these alone."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# told: must be announced everywhere; silent: must not be; either: it ended during the first sight, or was removed.
Fate = Literal["told", "silent", "either"]
KILLED = -int(signal.SIGKILL)
STOPPED = 0


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A notice that a destination accepted. `key`: Message-ID or Idempotency-Key, as it came."""

    destination: str
    notice_id: str
    key: str
    generation: int


@dataclass(frozen=True, kw_only=True)
class Generation:
    """One process from its start to its end; times are seconds of the steady clock.

    `end`: what ended it. `complaints`: what its log should not hold.
    """

    number: int
    end: str
    code: int | None
    expected_code: int
    started_at: float
    ended_at: float
    first_pass_at: float | None = None
    complaints: tuple[str, ...] = ()

    @property
    def killed(self) -> bool:
        return self.expected_code == KILLED


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job at the provider, when all is over. `course`: every status it went through, None when not known."""

    job_id: str
    fate: Fate
    status: str | None
    course: tuple[str, ...] | None = None
    event_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A row of notice_log."""

    notice_id: str
    destination: str
    job_id: str | None
    kind: str
    state: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """A row of job_history."""

    before: str | None
    after: str
    observed_at: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that is known when the last daemon has ended. `damage`: what SQLite's own checks say."""

    destinations: tuple[str, ...]
    generations: tuple[Generation, ...]
    arrivals: tuple[Arrival, ...]
    jobs: tuple[Job, ...]
    deliveries: tuple[Delivery, ...]
    history: Mapping[str, tuple[Step, ...]]
    event_ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    damage: tuple[str, ...] = ()
