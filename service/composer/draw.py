"""`python -m service.composer.draw`: a figure as JSON on standard input, its picture as a PNG on standard output.

The only place that imports Pillow, and a process of its own: see curve.Renderer.
"""

import io
import json
import signal
import sys
from collections.abc import Iterable
from typing import Any

from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]
Color = tuple[int, int, int]

WIDTH, HEIGHT = 1000, 560
# Drawn larger and made smaller, which is what smooths the edges.
_SCALE = 2

PAPER, INK, FAINT, GRID = (255, 255, 255), (36, 41, 47), (87, 96, 106), (225, 228, 232)
# Told apart by all kinds of colour blindness, in print, and on a dark screen around the card.
COLORS: dict[str, Color] = {"training": (37, 99, 235), "validation": (230, 97, 0)}
# Of finer ones, Pillow would take the one next to white for white.
_SHADES = 16

_LEFT, _RIGHT, _TOP, _BOTTOM = 30, 962, 132, 462
_TEXT, _TITLE = 24, 32
_FEW = 30
_LIFETIME_SECONDS = 60


def main() -> None:
    """One figure, one picture."""
    # Whoever asked may be gone by now, and with it whoever would have ended us.
    signal.alarm(_LIFETIME_SECONDS)
    sys.stdout.buffer.write(draw(json.load(sys.stdin)))


def draw(figure: dict[str, Any]) -> bytes:
    """The picture of what curve.figure() found."""
    image = Image.new("RGB", (WIDTH * _SCALE, HEIGHT * _SCALE), PAPER)
    _Sheet(image, figure).draw()
    smooth = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    reduced = smooth.quantize(palette=_palette(), dither=Image.Dither.NONE)
    png = io.BytesIO()
    reduced.save(png, "PNG", optimize=True)
    return png.getvalue()


def _palette() -> Image.Image:
    """Each colour and its way to white: a palette found from the picture would lose what there is little of."""
    holder = Image.new("P", (1, 1))
    holder.putpalette([*GRID, *(part for color in (INK, FAINT, *COLORS.values()) for part in _shades(color))])
    return holder


def _shades(color: Color) -> list[int]:
    return [
        round(paper + (part - paper) * number / _SHADES)
        for number in range(_SHADES + 1)
        for part, paper in zip(color, PAPER, strict=True)
    ]


def _paler(color: Color) -> Color:
    red, green, blue = (part + (paper - part) * 3 // 5 for part, paper in zip(color, PAPER, strict=True))
    return red, green, blue


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size * _SCALE)
    # The other kind is that of a Pillow without FreeType: one size, and no means to measure.
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


class _Sheet:
    """A figure on its way onto an image. All lengths are those of the finished picture."""

    def __init__(self, image: Image.Image, figure: dict[str, Any]) -> None:
        self._pen = ImageDraw.Draw(image)
        self._figure = figure
        self._font = _font(_TEXT)
        self._title_font = _font(_TITLE)
        ticks = [label for _, label in figure["up"]["ticks"]] + [figure["up"]["name"]]
        self._left = _LEFT + max(map(self._length, ticks)) + 14
        self._title = self._fitting(figure["title"])
        # Without a title the curve has its room.
        self._top = _TOP if self._title else _TOP - 54

    def draw(self) -> None:
        self._line([(0, 0), (WIDTH - 1, 0), (WIDTH - 1, HEIGHT - 1), (0, HEIGHT - 1), (0, 0)], GRID, 2)
        if self._title:
            self._text((_LEFT, 42), self._title, "lm", font=self._title_font)
        self._axes()
        self._legend()
        for line in self._figure["lines"]:
            self._line(map(self._at, line["single"]), _paler(COLORS[line["name"]]), 2)
        for line in self._figure["lines"]:
            self._curve(line, COLORS[line["name"]])
        for point in self._figure["rings"]:
            self._ring(self._at(point))
        if self._figure["best"]:
            self._best(self._at(self._figure["best"]["at"]))

    def _axes(self) -> None:
        across, up = self._figure["across"], self._figure["up"]
        for place, label in up["ticks"]:
            _, y = self._at((0, place))
            self._line([(self._left, y), (_RIGHT, y)], GRID, 2)
            self._text((self._left - 14, y), label, "rm", color=FAINT)
        for place, label in across["ticks"]:
            x, _ = self._at((place, 0))
            self._line([(x, _BOTTOM), (x, _BOTTOM + 8)], FAINT, 2)
            # Whole, even at the end of the axis.
            x = min(x, WIDTH - 10 - self._length(label) / 2)
            self._text((x, _BOTTOM + 14), label, "ma", color=FAINT)
        self._line([(self._left, _BOTTOM), (_RIGHT, _BOTTOM)], FAINT, 2)
        self._text((self._left - 14, self._top - 38), up["name"], "rm", color=INK)
        self._text(((self._left + _RIGHT) / 2, HEIGHT - 18), across["name"], "ms", color=INK)

    def _legend(self) -> None:
        x, y = self._left + 8, self._top - 38
        for line in self._figure["lines"]:
            self._line([(x, y), (x + 34, y)], COLORS[line["name"]], 6)
            x = self._entry(x + 44, y, line["name"])
        if self._figure["rings"]:
            self._ring((x + 10, y))
            x = self._entry(x + 30, y, "checkpoint")
        if self._figure["best"]:
            self._best((x + 12, y))
            self._entry(x + 34, y, f"best: step {self._figure['best']['step']}")

    def _entry(self, x: float, y: float, text: str) -> float:
        """Where the next one begins."""
        self._text((x, y), text, "lm")
        return x + self._length(text) + 32

    def _curve(self, line: dict[str, Any], color: Color) -> None:
        points = [self._at(point) for point in line["points"]]
        self._line(points, color, 5)
        if len(points) <= _FEW:
            for point in points:
                self._disc(point, 6, color)

    def _ring(self, point: Point) -> None:
        self._disc(point, 11, INK)
        self._disc(point, 7, PAPER)

    def _best(self, point: Point) -> None:
        self._disc(point, 16, PAPER)
        self._disc(point, 14, INK)
        self._disc(point, 10, PAPER)
        self._disc(point, 6, INK)

    def _at(self, point: Iterable[float]) -> Point:
        across, up = point
        return self._left + across * (_RIGHT - self._left), _BOTTOM - up * (_BOTTOM - self._top)

    def _line(self, points: Iterable[Point], color: Color, width: float) -> None:
        scaled = [(x * _SCALE, y * _SCALE) for x, y in points]
        self._pen.line(scaled, color, round(width * _SCALE), joint="curve")

    def _disc(self, point: Point, radius: float, color: Color) -> None:
        self._pen.circle((point[0] * _SCALE, point[1] * _SCALE), radius * _SCALE, color)

    def _text(
        self, point: Point, text: str, anchor: str, *, color: Color = INK, font: ImageFont.FreeTypeFont | None = None
    ) -> None:
        self._pen.text((point[0] * _SCALE, point[1] * _SCALE), text, color, font or self._font, anchor)

    def _length(self, text: str) -> float:
        return self._font.getlength(text) / _SCALE

    def _fitting(self, title: str) -> str:
        """As much of the title as there is room for; none of one with characters that the font does not have."""
        missing = bytes(self._title_font.getmask("\uffff"))
        if any(bytes(self._title_font.getmask(sign)) == missing for sign in set(title)):
            return ""
        room = (_RIGHT - _LEFT) * _SCALE
        if self._title_font.getlength(title) <= room:
            return title
        while self._title_font.getlength(f"{title}…") > room:
            title = title[:-1]
        return f"{title.rstrip()}…"


if __name__ == "__main__":
    main()
