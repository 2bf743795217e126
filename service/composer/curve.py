"""The curve of a training as a picture: what there is to show of it; a short-lived process draws it."""

import json
import logging
import math
import os
import subprocess
import sys
import threading
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from service import model
from service.composer import axes
from service.rules import causes, plain, training

log = logging.getLogger(__name__)

Points = Sequence[tuple[int, float]]

_MOST_POINTS = 400
# Of a line with more points than that, single ones say little.
_MANY = 100
_TREND_POINTS = 200
_TREND_STRETCHES = 24
# From the largest to the smallest value; of what falls further, a straight axis shows no end.
_LOGARITHMIC_FROM = 100
_MOST_RINGS = 20
_LONGEST_TITLE = 120
# Nobody trains for so many steps, and no loss is so large: what is beyond was not measured.
_LAST_STEP = 10**10
_LARGEST = 1e30
_SMALLEST = 1e-30
_PATIENCE_SECONDS = 20
_PNG = b"\x89PNG\r\n\x1a\n"
# With -P the folder that we happen to be in is not searched for a package called `service`.
_COMMAND = (sys.executable, "-P", "-m", "service.composer.draw")


class Renderer:
    """Draws in a process of its own, since the 15 MB of Pillow would stay in this one for weeks.

    One picture at a time, whoever asks: what goes to many destinations takes the memory of one such process.
    """

    def __init__(self, command: Sequence[str] = _COMMAND, *, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._command = command
        self._patience_seconds = patience_seconds
        self._told: set[str] = set()
        self._turn = threading.Lock()
        self._last: tuple[bytes, bytes | None] = (b"", None)

    def __call__(self, course: model.Course, title: str) -> bytes | None:
        """A PNG, or None when there is nothing to show or it cannot be drawn, which is logged once for each cause."""
        shown = figure(course, title)
        return self._picture(json.dumps(shown).encode()) if shown else None

    def _picture(self, shown: bytes) -> bytes | None:
        if not self._turn.acquire(timeout=self._patience_seconds):
            self._tell_once("other pictures take too long")
            return None
        try:
            drawn, picture = self._last
            # The next destination of the same notice asks for the same picture.
            if drawn != shown or picture is None:
                picture = self._drawn(shown)
                self._last = (shown, picture)
            return picture
        finally:
            self._turn.release()

    def _drawn(self, shown: bytes) -> bytes | None:
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        try:
            done = subprocess.run(
                self._command,
                input=shown,
                capture_output=True,
                timeout=self._patience_seconds,
                env=environ,
                # Ctrl-C on our terminal is for us: the notice that is being sent goes out with its picture.
                start_new_session=True,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            self._tell_once(str(error))
            return None
        if done.returncode or not done.stdout.startswith(_PNG):
            self._tell_once(_why(done))
            return None
        return done.stdout

    def _tell_once(self, trouble: str) -> None:
        cause = causes.reduced(trouble)
        if cause not in self._told and len(self._told) < causes.MOST:
            self._told.add(cause)
            log.warning("the curve cannot be drawn, notices go without it: %s", trouble)


def _why(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        return f"the process that draws was killed (signal {-done.returncode}); is there too little memory?"
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return plain.line((said or ["no reason given"])[-1], 200)


render = Renderer()


def figure(course: model.Course, title: str) -> dict[str, Any] | None:
    """What draw.draw() needs, with all places in a square from 0 to 1; None unless some line has two points."""
    name, lines = _lines(course.metrics)
    if not lines:
        return None
    trends = {which: trend(points) if len(points) > _MANY else points for which, points in lines.items()}
    across, up = _axes(lines, trends)

    def placed(points: Iterable[tuple[int, float]]) -> list[tuple[float, float]]:
        return [(across.place(step), up.place(value)) for step, value in points]

    rings, best = _rings(course, trends)
    return {
        "title": _without_symbols(plain.line(title, _LONGEST_TITLE)),
        "across": {"name": "step", "ticks": axes.step_ticks(across)},
        "up": {"name": name, "ticks": axes.value_ticks(up)},
        "lines": [
            {
                "name": which,
                "points": placed(trends[which]),
                "single": placed(thinned(points)) if len(points) > _MANY else [],
            }
            for which, points in lines.items()
        ],
        "rings": placed(rings),
        "best": {"step": best[0], "at": placed([best])[0]} if best else None,
    }


def _axes(lines: Mapping[str, Points], trends: Mapping[str, Points]) -> tuple[axes.Axis, axes.Axis]:
    steps = [points[end][0] for points in lines.values() for end in (0, -1)]
    low, high = _range(lines)
    # A single step that went very well must not stretch the axis; a course that did may.
    lowest, highest = _range(trends)
    logarithmic = low > 0 and highest / lowest > _LOGARITHMIC_FROM
    return axes.of_steps(min(steps), max(steps)), axes.of_values(low, high, logarithmic=logarithmic)


def _range(lines: Mapping[str, Points]) -> tuple[float, float]:
    values = [value for points in lines.values() for _, value in points]
    return min(values), max(values)


def _lines(metrics: Sequence[model.Metric]) -> tuple[str, dict[str, Points]]:
    """Rewards where there are any, else losses, of which there are two at least; and what they are."""
    whole = _series(metrics, lambda metric: metric.full_valid_loss)
    part = _series(metrics, lambda metric: metric.valid_loss)
    found = {
        "reward": {
            "training": _series(metrics, lambda metric: metric.reward),
            "validation": _series(metrics, lambda metric: metric.valid_reward),
        },
        "loss": {
            "training": _series(metrics, lambda metric: metric.train_loss),
            # The two do not make one line: a batch of the validation file is easier or harder than the whole.
            "validation": whole if len(whole) > 1 or not part else part,
        },
    }
    for name, lines in found.items():
        if any(len(points) > 1 for points in lines.values()):
            return name, {which: points for which, points in lines.items() if points}
    return "", {}


def _series(metrics: Iterable[model.Metric], measure: Callable[[model.Metric], float | None]) -> Points:
    """One value for each step at which there is one, in order."""
    found: dict[int, float] = {}
    for metric in metrics:
        value = measure(metric)
        if value is not None and _is_within(value, _LARGEST) and _is_within(metric.step, _LAST_STEP):
            found[metric.step] = 0.0 if _is_within(value, _SMALLEST) else float(value)
    return sorted(found.items())


def _is_within(value: float, limit: float) -> bool:
    # Comparing is safe for everything: nan lies nowhere, and an int may be too large to become a float.
    return -limit < value < limit


def thinned(points: Points) -> Points:
    """About _MOST_POINTS of them at the most: the lowest and the highest of each stretch, and both ends."""
    if len(points) <= _MOST_POINTS:
        return points
    stretch = math.ceil(2 * len(points) / _MOST_POINTS)
    kept = {points[0], points[-1]}
    for start in range(0, len(points), stretch):
        part = points[start : start + stretch]
        kept |= {min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])}
    return sorted(kept)


def trend(points: Points) -> Points:
    """The running mean, at about _TREND_POINTS of the steps and both ends."""
    reach = len(points) // _TREND_STRETCHES // 2
    values = [value for _, value in points]
    middles = {*range(0, len(points), math.ceil(len(points) / _TREND_POINTS)), len(points) - 1}
    return [(points[at][0], fmean(values[max(0, at - reach) : at + reach + 1])) for at in sorted(middles)]


def _rings(
    course: model.Course, lines: Mapping[str, Points]
) -> tuple[list[tuple[int, float]], tuple[int, float] | None]:
    """Where the checkpoints lie, the last ones of many; and the best of all."""
    best = training.best_checkpoint(course.checkpoints, course.metrics)
    steps = sorted({each.step for each in course.checkpoints if each.step is not None})
    places = {step: value for step in steps if (value := _height(lines, step)) is not None}
    chosen = (best["step"], places[best["step"]]) if best and best["step"] in places else None
    return [(step, value) for step, value in places.items() if not chosen or step != chosen[0]][-_MOST_RINGS:], chosen


def _height(lines: Mapping[str, Points], step: int) -> float | None:
    """Of the validation line at a step, else of the training line; between two points, between their values."""
    for points in (lines.get("validation", ()), lines.get("training", ())):
        if points and points[0][0] <= step <= points[-1][0]:
            place = bisect_left(points, step, key=lambda point: point[0])
            (before, low), (after, high) = points[max(0, place - 1)], points[place]
            return high if after == step else low + (high - low) * (step - before) / (after - before)
    return None


def _without_symbols(title: str) -> str:
    """Without the emoji before the first word: the font has none."""
    start = next((place for place, sign in enumerate(title) if unicodedata.category(sign)[0] in "LNP"), len(title))
    return title[start:]
