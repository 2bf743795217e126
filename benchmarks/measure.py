"""Measuring on a noisy machine: both sides in turn, several times, and the median of the ratios."""

import gc
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one run took, seconds: by the clock on the wall, and of processor time (user and system)."""

    wall_seconds: float
    cpu_seconds: float


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """Medians of two sides measured in turn, and of what one was of the other in each turn.

    `low` and `high` are the quartiles of that ratio: half of all turns lay between them.
    """

    ours: float
    theirs: float
    times: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.times:.2f} × ({self.low:.2f} to {self.high:.2f})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """The ratio of two sides; the n-th figures of both belong to the same turn."""
    each = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    low, _, high = statistics.quantiles(each, n=4)
    return Ratio(
        ours=statistics.median(ours),
        theirs=statistics.median(theirs),
        times=statistics.median(each),
        low=low,
        high=high,
    )


def own_cpu_seconds(work: Callable[[], object], *, repeat: int) -> float:
    """Processor time of this process for one `work`, averaged over `repeat` in a row; garbage is collected before."""
    gc.collect()
    start = time.process_time()
    for _ in range(repeat):
        work()
    return (time.process_time() - start) / repeat


def own_cost(work: Callable[[], object], *, repeat: int) -> Cost:
    """What one `work` in this process takes, averaged over `repeat` in a row; garbage is collected before."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeat):
        work()
    return Cost(wall_seconds=(time.perf_counter() - wall) / repeat, cpu_seconds=(time.process_time() - cpu) / repeat)


def run(arguments: Sequence[str], *, environ: Mapping[str, str] | None = None, limit_seconds: float = 60) -> Cost:
    """Run a program to its end. Raises RuntimeError, with what it said, when it fails."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        arguments, env={**os.environ, **(environ or {})}, capture_output=True, timeout=limit_seconds, check=False
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{list(arguments)} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return Cost(wall_seconds=wall, cpu_seconds=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def output(arguments: Sequence[str], *, limit_seconds: float = 60) -> str:
    """What a program says. Raises subprocess.CalledProcessError when it fails."""
    return subprocess.run(arguments, capture_output=True, text=True, timeout=limit_seconds, check=True).stdout


def in_turn(sides: Mapping[str, Callable[[], Cost]], *, turns: int) -> dict[str, list[Cost]]:
    """What each side cost at each turn. One turn more goes before, uncounted: it warms the file caches."""
    costs: dict[str, list[Cost]] = {name: [] for name in sides}
    for turn in range(turns + 1):
        for name, side in sides.items():
            cost = side()
            if turn:
                costs[name].append(cost)
    return costs


def python(code: str) -> list[str]:
    """The command that runs a piece of Python like the benchmarks themselves."""
    return [sys.executable, "-c", code]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"
