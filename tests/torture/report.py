"""What a campaign prints when it is over."""

from collections import Counter
from collections.abc import Iterator

from tests.torture import verdict
from tests.torture.campaign import Outcome

_SHOWN = 40


def lines(outcome: Outcome) -> Iterator[str]:
    """The figures, then the verdict."""
    yield from _kills(outcome)
    yield ""
    yield from _figures(outcome)
    yield ""
    if outcome.violations:
        yield f"{len(outcome.violations)} violations:"
        yield from (f"  {text}" for text in outcome.violations[:_SHOWN])
        if len(outcome.violations) > _SHOWN:
            yield "  …"
    else:
        yield "Nothing lost, nothing unexplained, nothing broken."


def _kills(outcome: Outcome) -> Iterator[str]:
    yield f"{sum(outcome.kills.values())} kills in {outcome.seconds:.0f} s, seed {outcome.seed}:"
    for name, count in sorted(outcome.kills.items()):
        yield f"  {count:4}  {name}"
    for name, count in sorted(outcome.missed.items()):
        yield f"  {count:4}  times the moment did not come: {name}"


def _figures(outcome: Outcome) -> Iterator[str]:
    jobs: Counter[str] = Counter()
    repeats: Counter[str] = Counter()
    arrived: Counter[str] = Counter()
    from_start: list[float] = []
    from_kill: list[float] = []
    events = deliveries = 0
    for found in outcome.evidence:
        jobs.update(job.fate for job in found.jobs)
        repeats.update(verdict.repeats(found))
        arrived.update(each.destination for each in found.arrivals)
        events += sum(len(job.event_ids) for job in found.jobs)
        deliveries += len(found.deliveries)
        one, other = verdict.recoveries(found.generations)
        from_start += one
        from_kill += other
    yield f"{jobs['told']} jobs ended and had to be told, {jobs['silent']} were past; {events} events held against"
    yield f"{deliveries} deliveries; arrivals: {_named(arrived)}"
    yield f"repeats, each explained by a kill unless it stands below: {_named(repeats)}"
    yield f"first pass after a kill: {_spread(from_start)} from the start, {_spread(from_kill)} from the kill"


def _named(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "never"
    ordered = sorted(seconds)
    return f"longest {ordered[-1]:.1f} s, median {ordered[len(ordered) // 2]:.1f} s"
