"""What a picture of the curve costs: the process that draws it, and the one that asks for it."""

import statistics
from collections.abc import Sequence

from benchmarks import measure as measuring
from benchmarks.report import Goal, Table
from service.composer import curve, examples

_TURNS = 7
_STEPS = 10_000
_GOAL = 1.1
# Run in a process of its own, so that the memory is not that of the benchmarks.
_ASKING = f"""
import time
from service import model
from service.composer import curve, examples
def resident():
    return next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1]
long = model.Course(metrics=tuple(model.Metric(step=n, train_loss=1 + n % 7 / n) for n in range(1, {_STEPS} + 1)))
print(resident())
for course in (examples.course(), long):
    start = time.perf_counter()
    png = curve.render(course, "support-bot succeeded")
    print(time.perf_counter() - start, len(png))
print(resident())
"""
# The most that was ever resident of the program itself; getrusage counts what started it, too.
_TELL = "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
_DRAWING = "from service.composer import draw; draw.draw({figure!r}); "


def measure() -> Table:
    """In turn: a process that asks for two pictures, one that draws, and a Python that does nothing."""
    figure = curve.figure(examples.course(), "support-bot succeeded")
    asking, drawing, bare, nothing = [], [], [], []
    for _ in range(_TURNS):
        asking.append(_numbers(_ASKING))
        drawing.append(_numbers(_DRAWING.format(figure=figure) + _TELL)[0])
        bare.append(_numbers(_TELL)[0])
        nothing.append(measuring.run(measuring.python("pass")).wall_seconds)
    before, usual, usual_bytes, long, long_bytes, after = zip(*asking, strict=True)
    kept = measuring.ratio(after, before)
    return Table(
        headings=("what", "measured", "against", "ratio"),
        rows=[
            (f"a picture of 240 steps, {_kilobytes(usual_bytes)}", *_times(usual, nothing)),
            (f"a picture of {_STEPS:,} steps, {_kilobytes(long_bytes)}", *_times(long, nothing)),
            ("peak memory of drawing", *_sizes(drawing, bare, "`python -c pass`")),
            ("resident where both were asked for", *_sizes(after, before, "before")),
        ],
        goals=[
            Goal(
                text=f"resident memory of who asked at most {_GOAL} × what it was before",
                found=str(kept),
                met=kept.times <= _GOAL,
            )
        ],
    )


def _numbers(code: str) -> list[float]:
    return [float(each) for each in measuring.output(measuring.python(code)).split()]


def _times(ours: Sequence[float], theirs: Sequence[float]) -> tuple[str, str, str]:
    found = measuring.ratio(ours, theirs)
    return measuring.milliseconds(found.ours), f"{measuring.milliseconds(found.theirs)} (`python -c pass`)", str(found)


def _sizes(ours: Sequence[float], theirs: Sequence[float], whose: str) -> tuple[str, str, str]:
    found = measuring.ratio(ours, theirs)
    return f"{found.ours / 1024:.1f} MiB", f"{found.theirs / 1024:.1f} MiB ({whose})", str(found)


def _kilobytes(sizes: Sequence[float]) -> str:
    return f"{statistics.median(sizes) / 1000:.0f} kB"
