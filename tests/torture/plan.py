"""Which kills are made, in which order: drawn from a seed, so that every point gets its share."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from tests.torture.points import COMMITS, NAMED, NAMED_RARE, PARTS, Kill

# A migration makes more statements than this; the last ones are near its end.
_STATEMENTS = 40
_PAGES = 7
PAST_JOBS = _PAGES * 100
# With so many kills, every named point has its turn.
KILLS_FOR_ALL = 100


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The kills of one world, in its chapters: the database is made, the past is read, it works, it gives up."""

    migration: tuple[Kill, ...]
    first_sight: tuple[Kill, ...]
    work: tuple[Kill, ...] = ()
    giving_up: tuple[Kill, ...] = ()

    @property
    def kills(self) -> int:
        return len(self.migration) + len(self.first_sight) + len(self.work) + len(self.giving_up)


def whole(kills: int, seed: int) -> list[Plan]:
    """The long form: one world that works for long, and others for the first days, which come once in a world."""
    rng = random.Random(seed)
    young = max(1, kills // 75)
    each = max(4, kills // 30)
    plans = [_young(rng, each) for _ in range(young)]
    giving_up = tuple(Kill(place=place, moment=moment) for place, moment in NAMED_RARE)
    left = max(0, kills - sum(plan.kills for plan in plans) - len(giving_up))
    return [replace(plans[0], work=tuple(_work(rng, left)), giving_up=giving_up), *plans[1:]]


def short(seed: int) -> Plan:
    """The form that every change must pass: one world, the moments that have cost notices elsewhere."""
    rng = random.Random(seed)
    work = [
        ("Record.record", "after"), ("Queue.sending", "after"), ("Queue.sent", "before"), ("mail", "accepting"),
        ("hook", "answered"), ("random", "starting"), ("random", "at work"),
    ]  # fmt: skip
    rng.shuffle(work)
    return Plan(
        migration=(_at(rng, "migration", rng.choice(("statement", "before"))), _at(rng, "migration", "daemon")),
        first_sight=(
            # In the middle of it: some pages are known, and the rest must not pass for news.
            Kill(place="Record.record", moment=rng.choice(("before", "after")), count=rng.randint(2, 4)),
            Kill(place="Record.end_pass", moment="before"),
        ),
        work=tuple(_at(rng, *point) for point in work),
    )


def _young(rng: random.Random, kills: int) -> Plan:
    """Half while the database is made, half while the past is read."""
    half = kills // 2
    making = _shuffled(rng, [("migration", moment) for moment in ("statement", "before", "child", "both")])
    reading = _shuffled(rng, [("page", "asked"), ("Record.record", "before"), ("Record.record", "after")])
    # After either of these there may be nothing left to migrate.
    migration = [*islice(making, half - 1), ("migration", rng.choice(("after", "daemon")))]
    middle = islice(reading, kills - half - 1)
    return Plan(
        migration=tuple(_at(rng, *point) for point in migration),
        # Pages that were read are not read again: the deeper ones come later.
        first_sight=(
            *sorted((_at(rng, *point) for point in middle), key=_depth),
            Kill(place="Record.end_pass", moment=rng.choice(("before", "after"))),
        ),
    )


def _depth(kill: Kill) -> int:
    return kill.count if kill.place == "page" else _PAGES // 2


def _work(rng: random.Random, kills: int) -> Iterator[Kill]:
    """Three named points to one random moment."""
    named, moments = _shuffled(rng, NAMED), _shuffled(rng, [("random", part) for part in PARTS])
    mixed = chain.from_iterable(([next(named) for _ in range(3)] + [next(moments)]) for _ in range(kills))
    return (_at(rng, *point) for point in islice(mixed, kills))


def _shuffled(rng: random.Random, points: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """All of them in some order, again and again."""
    while True:
        yield from rng.sample(points, len(points))


def _at(rng: random.Random, place: str, moment: str) -> Kill:
    if place == "migration":
        most = _STATEMENTS if moment == "statement" else 1
    elif place == "page":
        most = _PAGES
    elif place in COMMITS:
        most = COMMITS[place]
    else:
        most = 2
    return Kill(place=place, moment=moment, count=rng.randint(1, most), share=rng.random())
