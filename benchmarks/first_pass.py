"""From the start of the daemon's process to the end of its first pass."""

import tempfile
from pathlib import Path

from benchmarks import daemon, memory, provider, watched
from benchmarks import measure as measuring
from benchmarks.report import Table

_TURNS = 5
_JOBS = 100


def measure() -> Table:
    """With no database yet, and with the one of the run before; no goal is set."""
    fresh, again, libraries = [], [], []
    with provider.running(jobs=_JOBS, now=watched.START.timestamp()) as far:
        for _ in range(_TURNS):
            with tempfile.TemporaryDirectory(prefix="tunewatch-bench-") as folder:
                fresh.append(_to_first_pass(Path(folder), far.url))
                again.append(_to_first_pass(Path(folder), far.url))
            libraries.append(measuring.run(measuring.python(memory.ALL_PLUGINS)).wall_seconds)
    return Table(
        headings=(f"first pass over {_JOBS} jobs ends after", "wall clock", "importing the libraries", "ratio"),
        rows=[
            ("with no database yet: makes it, takes the baseline", *_cells(fresh, libraries)),
            ("with its database", *_cells(again, libraries)),
        ],
    )


def _to_first_pass(folder: Path, url: str) -> float:
    with daemon.running(folder, url) as running:
        return running.seconds_to_pass(1)


def _cells(ours: list[float], theirs: list[float]) -> tuple[str, str, str]:
    found = measuring.ratio(ours, theirs)
    return measuring.milliseconds(found.ours), measuring.milliseconds(found.theirs), str(found)
