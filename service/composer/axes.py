"""Axes of a picture: from where to where, straight or logarithmic, and round numbers along them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_TICKS = 5
_MOST_DECADES_TICKED = 6
_FLAT = 1e-6
_MARGIN = 0.06
# Up to here numbers are written out, to so many decimals.
_WRITTEN_OUT = 1_000_000
_DECIMALS = 5
_UNITS = ((1_000_000, "M"), (1_000, "k"))
_UNITS_FROM = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """From `low` to `high`, which are logarithms to the base of ten when `logarithmic`."""

    low: float
    high: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value lies: 0 at the beginning of the axis, 1 at its end."""
        return ((math.log10(value) if self.logarithmic else value) - self.low) / (self.high - self.low)


def of_steps(low: int, high: int) -> Axis:
    """From the first step to the last; from 0 when the first is near it."""
    if 0 <= low <= (high - low) / 5:
        low = 0
    return Axis(low=low, high=max(high, low + 1))


def of_values(low: float, high: float, *, logarithmic: bool = False) -> Axis:
    """Around the lowest and the highest value, with some air; never below 0 for the sake of air alone."""
    if logarithmic:
        low, high = math.log10(low), math.log10(high)
        air = (high - low) * _MARGIN
        return Axis(low=low - air, high=high + air, logarithmic=True)
    air = (high - low) * _MARGIN
    if high - low <= _FLAT * max(abs(low), abs(high)):
        air = max(abs(low), abs(high)) / 10 or 1
    return Axis(low=max(0, low - air) if low >= 0 else low - air, high=high + air)


def step_ticks(axis: Axis) -> list[tuple[float, str]]:
    """Whole numbers along an axis of steps, each with its place."""
    width = max(1, _round_width(axis.high - axis.low))
    return [(axis.place(value), _short(round(value))) for value in _multiples(axis, width)]


def value_ticks(axis: Axis) -> list[tuple[float, str]]:
    """Round numbers along an axis of values, each with its place."""
    if axis.logarithmic:
        return [(axis.place(value), _brief(f"{value:g}")) for value in _powers(axis)]
    width = _round_width(axis.high - axis.low)
    values = _multiples(axis, width)
    return [(axis.place(value), label) for value, label in zip(values, _labels(values, width), strict=True)]


def _round_width(length: float) -> float:
    """1, 2 or 5 times a power of ten, so that there are about _TICKS of them."""
    rough = length / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(times for times in (1, 2, 5, 10) if rough <= times * power * 1.0001)


def _multiples(axis: Axis, width: float) -> list[float]:
    first, last = math.ceil(axis.low / width - 1e-9), math.floor(axis.high / width + 1e-9)
    return [number * width for number in range(first, last + 1)]


def _powers(axis: Axis) -> list[float]:
    first, last = math.floor(axis.low), math.floor(axis.high)
    every = max(1, math.ceil((last - first) / _MOST_DECADES_TICKED))
    between = (1, 2, 5) if axis.high - axis.low <= 3 else (1,)
    values = [times * 10.0**power for power in range(first - first % every, last + 1, every) for times in between]
    return [value for value in values if axis.low <= math.log10(value) <= axis.high]


def _labels(values: Sequence[float], width: float) -> list[str]:
    decimals = max(0, -math.floor(math.log10(width) + 1e-9))
    largest = max(map(abs, values), default=0)
    if decimals <= _DECIMALS and largest < _WRITTEN_OUT:
        return [f"{value:.{decimals}f}" if value else "0" for value in values]
    digits = max(1, math.ceil(math.log10(largest / width)) + 1) if largest else 1
    return [_brief(f"{value:.{digits}g}") for value in values]


def _brief(number: str) -> str:
    """1e-8 instead of 1e-08."""
    return number.replace("e+", "e").replace("e0", "e").replace("e-0", "e-")


def _short(step: int) -> str:
    if abs(step) >= _UNITS_FROM:
        for size, name in _UNITS:
            if abs(step) >= size and step % (size // 10) == 0:
                return f"{step / size:.1f}".removesuffix(".0") + name
    return str(step)
