"""`python -m tests.torture.soak [--minutes N]`: a long, busy, quiet run; does the daemon grow?

The daemon against the simulator, several jobs a second, three healthy destinations. The last quarter of the time after
the warm-up is held against the first; exit code 1 when it grew, or when anything was lost.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from tests.torture import campaign, evidence, verdict, world
from tests.torture.facts import STOPPED
from tests.torture.processes import Process
from tests.torture.world import World

_SAMPLE_SECONDS = 5.0
_WARM_UP_SECONDS = 120.0
_MOST_GROWTH = 1.10
_MOST_DESCRIPTORS = 3
_PAST_JOBS = 300
_LINES = 24


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The daemon at one moment; memory and sizes in KiB. `anonymous` is the memory that stands for no file."""

    seconds: float
    rss: int
    pss: int
    anonymous: int
    descriptors: int
    threads: int
    database: int
    wal: int


def main() -> int:
    asked = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="tunewatch-soak-"))
    print(
        f"{asked.minutes:g} minutes, {asked.rate:g} jobs a second, seed {asked.seed}; evidence in {folder}", flush=True
    )
    with world.built(folder, seed=asked.seed, past=_PAST_JOBS, per_second=asked.rate) as here:
        here.receivers.luck.always = True
        samples = _watched(here, asked.minutes * 60)
        campaign.drain(here)
        found = evidence.gathered(here)
    jobs = len(here.maker.made)
    print(f"{jobs} jobs came and ended, {len(found.arrivals)} notices arrived")
    faults = [*growth(samples), *verdict.violations(found)]
    print("\n".join(faults) if faults else "It did not grow, and nothing was lost.")
    if faults:
        print(f"The evidence stays in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _watched(here: World, length: float) -> list[Sample]:
    """Samples of one daemon at work for so many seconds; a table of them is printed as they come."""
    process = here.start()
    assert process.await_passes(1)
    here.maker.start()
    began = time.monotonic()
    samples: list[Sample] = []
    # Some two dozen lines, however long it takes.
    every = max(1, round(length / _SAMPLE_SECONDS / _LINES))
    print(" ".join(f"{field.name:>11}" for field in fields(Sample)), flush=True)
    while process.alive and time.monotonic() - began < length:
        process.await_end(_SAMPLE_SECONDS)
        if process.alive:
            samples.append(sampled(process, here, time.monotonic() - began))
            if len(samples) % every == 0:
                print(" ".join(f"{value:11.0f}" for value in astuple(samples[-1])), flush=True)
    process.stop()
    here.over("stopped", expected_code=STOPPED)
    return samples


def sampled(process: Process, here: World, seconds: float) -> Sample:
    """As Linux tells it; the process may not have ended."""
    folder = Path(f"/proc/{process.pid}")
    memory = dict(_numbers(folder / "smaps_rollup"))
    return Sample(
        seconds=seconds,
        rss=memory["Rss"],
        pss=memory["Pss"],
        anonymous=memory["Anonymous"],
        descriptors=len(list((folder / "fd").iterdir())),
        threads=dict(_numbers(folder / "status"))["Threads"],
        database=_kib(here.database),
        wal=_kib(here.database.with_name(f"{here.database.name}-wal")),
    )


def _numbers(path: Path) -> Iterator[tuple[str, int]]:
    """The lines of the form `Name: 123 kB`."""
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if value.split() and value.split()[0].isdecimal():
            yield name, int(value.split()[0])


def _kib(path: Path) -> int:
    return path.stat().st_size // 1024 if path.exists() else 0


def growth(samples: Sequence[Sample]) -> list[str]:
    """What grew from the first to the last quarter of the time after the warm-up; printed as well."""
    if not samples:
        return ["the daemon did not live to be looked at"]
    warm = min(_WARM_UP_SECONDS, samples[-1].seconds / 4)
    later = [sample for sample in samples if sample.seconds >= warm]
    quarter = max(1, len(later) // 4)
    faults = []
    for name in ("rss", "pss", "anonymous", "descriptors", "threads"):
        first, last = (_mean(part, name) for part in (later[:quarter], later[-quarter:]))
        print(f"{name}: mean {first:.0f} in the first quarter, {last:.0f} in the last, ratio {last / first:.3f}")
        if name == "rss" and last > first * _MOST_GROWTH:
            faults.append(f"memory grew from {first:.0f} to {last:.0f} KiB")
        if name == "descriptors" and last > first + _MOST_DESCRIPTORS:
            faults.append(f"open file descriptors grew from {first:.0f} to {last:.0f}")
    return faults


def _mean(samples: Sequence[Sample], name: str) -> float:
    total: int = sum(getattr(sample, name) for sample in samples)
    return total / len(samples)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=4.0, help="jobs a second")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
