"""The campaign: worlds, kills, the last daemon that brings everything to its end, the verdict."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture import client, database, evidence, giving_up, verdict, work, world, youth
from tests.torture.facts import STOPPED, Evidence
from tests.torture.plan import PAST_JOBS, Plan
from tests.torture.points import NAMED, NAMED_RARE, Kill
from tests.torture.world import World

# The last daemon may take as long as it gets on.
_STANDSTILL_SECONDS = 90.0
_LOOK_EVERY_SECONDS = 0.5
_PAST_UNFINISHED = 5
_RETRIES = 3


@dataclass(kw_only=True)
class Outcome:
    """`kills` counts them by their names, `missed` the times when a moment did not come."""

    seed: int
    evidence: list[Evidence] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Campaign:
    """Plays plans, each in a world of its own, in folders below `folder`. `say` is told of the progress."""

    def __init__(self, folder: Path, seed: int, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._rng = random.Random(seed)
        self._began = time.monotonic()
        self._total = 0
        self._reached = 0
        self.outcome = Outcome(seed=seed)

    def play(self, plans: Sequence[Plan]) -> Outcome:
        """All of them, and the verdict."""
        self._total = sum(plan.kills for plan in plans)
        for number, plan in enumerate(plans, 1):
            self._play(plan, f"world-{number}")
        self.outcome.seconds = time.monotonic() - self._began
        return self.outcome

    def _play(self, plan: Plan, name: str) -> None:
        seed = self._rng.getrandbits(31)
        with world.built(self._folder / name, seed=seed, past=PAST_JOBS, unfinished=_PAST_UNFINISHED) as here:
            for kill in plan.migration:
                self._count(here, kill, youth.migration(here, kill))
            for number, kill in enumerate(plan.first_sight):
                self._count(here, kill, youth.first_sight(here, kill))
                if number == 0:
                    self._end_one_early(here)
            youth.grow_up(here)
            self._work(here, plan.work)
            self._give_up(here, plan.giving_up)
            self._say(f"{name}: the last daemon brings everything to its end")
            drain(here)
            found = evidence.gathered(here)
        self.outcome.evidence.append(found)
        self.outcome.kills.update(each.end for each in found.generations if each.expected_code != STOPPED)
        self.outcome.violations += [f"{name}: {text}" for text in verdict.violations(found)]

    def _end_one_early(self, here: World) -> None:
        """A job that ends while the first sight is under way may be told, or not."""
        client.cancel(here.simulator.url, here.unfinished_past()[0])

    def _work(self, here: World, kills: Sequence[Kill]) -> None:
        """Those whose moment did not come get another chance."""
        for _ in range(1 + _RETRIES):
            missed = []
            for kill in kills:
                reached = work.strike(here, kill)
                self._count(here, kill, reached)
                if not reached:
                    missed.append(kill)
            kills = missed

    def _give_up(self, here: World, kills: Sequence[Kill]) -> None:
        if kills:
            giving_up.prepare(here)
        for kill in kills:
            self._count(here, kill, giving_up.strike(here, kill))

    def _count(self, here: World, kill: Kill, reached: bool) -> None:
        last = here.generations[-1]
        if last.code != last.expected_code:
            self._say(f"daemon {last.number} ({last.end}) ended with {last.code}, not {last.expected_code}")
        if not reached:
            self.outcome.missed[kill.name] += 1
            return
        self._reached += 1
        if self._reached % 20 == 0:
            seconds = time.monotonic() - self._began
            self._say(
                f"{self._reached} of {self._total} kills after {seconds:.0f} s: {len(here.told())} jobs, "
                f"{len(here.ledger.arrivals)} arrivals"
            )


def not_hit(outcome: Outcome) -> list[str]:
    """The named points that no daemon was killed at."""
    names = [Kill(place=place, moment=moment).name for place, moment in (*NAMED, *NAMED_RARE)]
    return [f"points: no daemon was killed at {name}" for name in names if not outcome.kills[name]]


def drain(here: World) -> None:
    """The provider comes to rest, the destinations are well: a last daemon has all it needs to get done."""
    here.maker.end()
    assert here.maker.trouble is None, here.maker.trouble
    here.receivers.luck.always = True
    process = here.start()
    told = here.told()
    limit, before = 0.0, -1
    while process.alive:
        left = len(told - database.ended_jobs(here.database)) + database.unfinished_work(here.database)
        now = time.monotonic()
        if left != before:
            limit, before = now + _STANDSTILL_SECONDS, left
        if left == 0 or now > limit:
            break
        process.await_end(_LOOK_EVERY_SECONDS)
    process.stop()
    here.over("stopped", expected_code=STOPPED)
