"""A curve drawn with characters: of training as a line of dots, of validation as points on it."""

from collections.abc import Sequence
from itertools import pairwise

from service.cli.output import Row

_HEIGHT = 8
_WIDEST = 64
# There may be infinities, and numbers whose difference is one; nobody's loss is so large.
_LARGEST = 1e100
_POINT = "●"
# Eight dots of a cell, two columns of four, each with its bit (Unicode's Braille patterns).
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BLANK = 0x2800
_Points = Sequence[tuple[int, float]]


def of_metrics(metrics: Sequence[Row], width: int) -> list[str]:
    """The lines of the loss curve, or for reinforcement of the rewards; none when fewer than two steps have a value."""
    losses = _points(metrics, "train_loss"), _points(metrics, "full_valid_loss") or _points(metrics, "valid_loss")
    rewards = _points(metrics, "reward"), _points(metrics, "valid_reward")
    for name, (trained, validated) in (("loss", losses), ("reward", rewards)):
        if len(trained) > 1:
            legend = f"training {name}" + (f", {_POINT} validation {name}" if validated else "")
            return [legend, *_drawn(trained, validated, width)]
    return []


def _points(metrics: Sequence[Row], name: str) -> list[tuple[int, float]]:
    return [(row["step"], row[name]) for row in metrics if row[name] is not None and abs(row[name]) < _LARGEST]


def _drawn(trained: _Points, validated: _Points, width: int) -> list[str]:
    values = [value for _, value in (*trained, *validated)]
    low, high = min(values), max(values)
    labels = [f"{value:.4g}" for value in (high, (high + low) / 2, low)]
    margin = max(map(len, labels))
    columns = max(2, min(width - margin - 3, _WIDEST))
    first, last = trained[0][0], max(trained[-1][0], trained[0][0] + 1)

    def place(step: float, value: float) -> tuple[int, int]:
        """Column and row in dots, from the upper left."""
        right = min(max((step - first) / (last - first), 0), 1)
        down = (high - value) / (high - low) if high > low else 0.5
        return round(right * (columns * 2 - 1)), round(down * (_HEIGHT * 4 - 1))

    cells = [[_BLANK] * columns for _ in range(_HEIGHT)]
    for x, y in _line([place(*point) for point in trained]):
        cells[y // 4][x // 2] |= _DOTS[x % 2][y % 4]
    rows = [[chr(cell) if cell != _BLANK else " " for cell in row] for row in cells]
    for point in validated:
        x, y = place(*point)
        rows[y // 4][x // 2] = _POINT
    marks = dict(zip((0, _HEIGHT // 2, _HEIGHT - 1), labels, strict=True))
    lines = [
        f"{marks.get(number, ''):>{margin}} {'┤' if number in marks else '│'}{''.join(row)}"
        for number, row in enumerate(rows)
    ]
    steps = f"{first}{last:>{columns - len(str(first))}}"
    return [
        *(line.rstrip() for line in lines),
        f"{'':>{margin}} └{'─' * columns}",
        f"{'':>{margin}}  {steps}",
    ]


def _line(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The places with those between them; of several in one column their mean, so that a long curve stays readable."""
    by_column: dict[int, list[int]] = {}
    for x, y in places:
        by_column.setdefault(x, []).append(y)
    means = [(x, round(sum(found) / len(found))) for x, found in by_column.items()]
    drawn = means[:1]
    for (x, y), (next_x, next_y) in pairwise(means):
        count = max(abs(next_x - x), abs(next_y - y), 1)
        drawn += [
            (x + round((next_x - x) * part / count), y + round((next_y - y) * part / count))
            for part in range(1, count + 1)
        ]
    return drawn
