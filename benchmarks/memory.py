"""What the idle daemon holds in memory."""

import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import daemon, provider, watched
from benchmarks import measure as measuring
from benchmarks.report import Goal, Table

_TURNS = 3
_JOBS = 1_000
_PASSES = 5
_GOAL = 1.2
_LIBRARIES = "import openai, sqlalchemy, apscheduler.schedulers.background, apprise"
# Using any URL makes Apprise load all of its plugins, as it does in the daemon.
ALL_PLUGINS = f"{_LIBRARIES}; apprise.Apprise().add('json://127.0.0.1:9/')"
ONE_PLUGIN = f"{_LIBRARIES}, apprise.plugins.custom_json"
_FIELDS = ("rss", "pss", "uss")
_WAIT = "; print('ready', flush=True); import sys; sys.stdin.read()"


@dataclass(frozen=True, kw_only=True)
class _Held:
    """Memory of a process, kB: resident, with shared pages divided by their users, and what is its alone."""

    rss: float
    pss: float
    uss: float


def measure() -> Table:
    """The daemon after some passes over an account, and processes that only import its libraries."""
    first, again, every, one = [], [], [], []
    with provider.running(jobs=_JOBS, now=watched.START.timestamp()) as far:
        for _ in range(_TURNS):
            with tempfile.TemporaryDirectory(prefix="tunewatch-bench-") as folder:
                first.append(_of_daemon(Path(folder), far.url))
                again.append(_of_daemon(Path(folder), far.url))
            every.append(_of_imports(ALL_PLUGINS))
            one.append(_of_imports(ONE_PLUGIN))
    return Table(
        headings=("process", "resident (RSS)", "proportional (PSS)", "its alone (USS)"),
        rows=[
            ("`tunewatch run`, which made its database", *_sizes(first)),
            ("`tunewatch run`, started again", *_sizes(again)),
            ("the libraries, all plugins of Apprise", *_sizes(every)),
            ("the libraries, one plugin", *_sizes(one)),
            ("made its database, against all plugins", *_ratios(first, every)),
            ("started again, against all plugins", *_ratios(again, every)),
            ("made its database, against one plugin", *_ratios(first, one)),
            ("started again, against one plugin", *_ratios(again, one)),
        ],
        goals=[
            _goal("started again", _ratio(again, every, "rss")),
            _goal("which made its database", _ratio(first, every, "rss")),
        ],
    )


def _goal(which: str, found: measuring.Ratio) -> Goal:
    text = f"daemon {which}: resident memory at most {_GOAL} × its libraries with all plugins"
    return Goal(text=text, found=str(found), met=found.times <= _GOAL)


def _of_daemon(folder: Path, url: str) -> _Held:
    with daemon.running(folder, url) as running:
        running.seconds_to_pass(_PASSES)
        return _held(running.process.pid)


def _of_imports(code: str) -> _Held:
    with subprocess.Popen(
        measuring.python(code + _WAIT), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"cannot run {code!r}")
        held = _held(process.pid)
        process.communicate(timeout=10)
        return held


def _held(pid: int) -> _Held:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    sizes = {line.split(":")[0]: float(line.split()[1]) for line in lines}
    return _Held(rss=sizes["Rss"], pss=sizes["Pss"], uss=sizes["Private_Clean"] + sizes["Private_Dirty"])


def _sizes(held: list[_Held]) -> list[str]:
    return [f"{statistics.median(getattr(each, field) for each in held) / 1024:.1f} MiB" for field in _FIELDS]


def _ratios(ours: list[_Held], theirs: list[_Held]) -> list[str]:
    return [str(_ratio(ours, theirs, field)) for field in _FIELDS]


def _ratio(ours: list[_Held], theirs: list[_Held], field: str) -> measuring.Ratio:
    return measuring.ratio([getattr(each, field) for each in ours], [getattr(each, field) for each in theirs])
