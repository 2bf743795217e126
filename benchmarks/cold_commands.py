"""How long reading commands take in a new process."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import generate
from benchmarks import measure as measuring
from benchmarks.report import Goal, Table

_TURNS = 9
_GOAL = 2.0
_IMPORTS = "import click, sqlalchemy"
_COMMAND = "from service import cli; cli.main()"


@dataclass(frozen=True, kw_only=True)
class _Size:
    jobs: int
    changes: int
    metrics: int

    @property
    def name(self) -> str:
        return f"{self.jobs:,} jobs"

    @property
    def described(self) -> str:
        return f"{self.name}, {self.changes:,} status changes and {self.metrics:,} metrics"


_SIZES = (
    _Size(jobs=1_000, changes=10_000, metrics=100_000),
    _Size(jobs=100_000, changes=1_000_000, metrics=10_000_000),
)
# What is measured: the name of a line, and its words, of which JOB stands for an id and BEGINNING for that of one.
_LINES = (
    ("jobs", "jobs"),
    ("jobs --json", "jobs --json"),
    ("jobs --state failed", "jobs --state failed"),
    ("show JOB", "show JOB"),
    ("show JOB --json", "show JOB --json"),
    ("show (beginning of an id)", "show BEGINNING"),
    ("history", "history"),
    ("history JOB", "history JOB"),
    ("events JOB", "events JOB"),
    ("metrics JOB", "metrics JOB"),
    ("deliveries", "deliveries"),
    ("deliveries --waiting", "deliveries --waiting"),
)
# Shown for the small database too; there the other lines would tell nothing more.
_ON_ALL_SIZES = ("jobs", "show JOB")
# Each of these stands in a goal; the last one for all the lines that there are.
_JUDGED = {"jobs": "every form of `jobs`", "show": "every form of `show`", "": "every command"}


def measure() -> Table:
    """Each command on a small and on a big database, the bare imports before each of them."""
    with tempfile.TemporaryDirectory(prefix="tunewatch-bench-") as folder:
        config = Path(folder, "config.toml")
        config.write_text('[database]\nurl = "${DATABASE_URL}"\n', encoding="utf-8")
        sides: dict[str, list[str]] = {}
        environs: dict[str, dict[str, str]] = {}
        for size in _SIZES:
            database = Path(folder, f"{size.jobs}.db")
            generate.database(database, jobs=size.jobs, changes=size.changes, metrics=size.metrics)
            environ = {"DATABASE_URL": f"sqlite:///{database}", "TUNEWATCH_CONFIG": str(config)}
            sides |= (lines := _commands(size))
            environs |= dict.fromkeys(lines, environ)
        found = {name: _against_imports(line, environs[name]) for name, line in sides.items()}
    walls = {name: wall for name, (wall, _) in found.items()}
    return Table(
        headings=("command", "wall clock", f'`python -c "{_IMPORTS}"`', "ratio", "ratio of CPU"),
        rows=[
            (name, measuring.milliseconds(wall.ours), measuring.milliseconds(wall.theirs), str(wall), str(cpu))
            for name, (wall, cpu) in found.items()
        ],
        goals=[_goal(command, walls) for command in _JUDGED],
        notes=[f"The databases: {'; '.join(size.described for size in _SIZES)}."],
    )


def _commands(size: _Size) -> dict[str, list[str]]:
    job = generate.job_id(size.jobs // 2)
    words = {"JOB": job, "BEGINNING": job[:14]}
    return {
        f"`{name}`, {size.name}": [words.get(word, word) for word in line.split()]
        for name, line in _LINES
        if size is _SIZES[-1] or name in _ON_ALL_SIZES
    }


def _against_imports(line: list[str], environ: Mapping[str, str]) -> tuple[measuring.Ratio, measuring.Ratio]:
    """Ratios of the wall clock and of processor time."""
    costs = measuring.in_turn({
        "bare": lambda: measuring.run(measuring.python(_IMPORTS)),
        "ours": lambda: measuring.run([*measuring.python(_COMMAND), *line], environ=environ),
    }, turns=_TURNS)  # fmt: skip
    bare, ours = costs["bare"], costs["ours"]
    return (
        measuring.ratio([each.wall_seconds for each in ours], [each.wall_seconds for each in bare]),
        measuring.ratio([each.cpu_seconds for each in ours], [each.cpu_seconds for each in bare]),
    )


def _goal(command: str, walls: Mapping[str, measuring.Ratio]) -> Goal:
    """The worst of a command's forms on the big database."""
    big = _SIZES[-1].name
    worst = max(
        (wall for name, wall in walls.items() if name.startswith(f"`{command}") and name.endswith(big)),
        key=lambda wall: wall.times,
    )
    return Goal(
        text=f"{_JUDGED[command]} on the big database at most {_GOAL:g} × the bare imports, wall clock",
        found=str(worst),
        met=worst.times <= _GOAL,
    )
