"""Seven-segment characters, drawn: which segments each has, and their shapes."""

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from chainrule.glyphs.looks.canvas import Ink, Rng

#   a
# f   b
#   g
# e   c
#   d
SEGMENTS = {
    "0": "abcdef", "1": "bc", "2": "abged", "3": "abgcd", "4": "fgbc", "5": "afgcd", "6": "afgedc",
    "7": "abc", "8": "abcdefg", "9": "abcdfg", "-": "g", " ": "", "A": "abcefg", "b": "cdefg",
    "C": "adef", "c": "deg", "d": "bcdeg", "E": "adefg", "F": "aefg", "H": "bcefg", "h": "cefg",
    "L": "def", "P": "abefg", "U": "bcdef", "r": "eg", "n": "ceg", "o": "cdeg", "t": "defg",
    "_": "d", "=": "dg",
}  # fmt: skip
POINTS = ".:,"

_SQUARE = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
_ROUND = np.array([[np.cos(k * np.pi / 4), np.sin(k * np.pi / 4)] for k in range(8)]) * 1.1

Points = NDArray[np.float64]  # (n, 2): the corners of a shape
Shapes = list[Points]


def segment_ink(text: str, rng: Rng, height: int = 40) -> tuple[Ink, Ink]:
    """A text of SEGMENTS and POINTS as a display shows it: what is lit, and what is there unlit.

    Thickness, gaps, width, slant and distances are drawn, and how the segments end; some displays
    show 6, 7 and 9 with a segment more or less, some the digits after the point smaller.
    """
    style = _Style(rng, height)
    small = rng.uniform(0.5, 0.8) if rng.random() < 0.2 else 1.0
    lit: Shapes = []
    unlit: Shapes = []
    pen, size = 0.0, 1.0
    for place, character in enumerate(text):
        if character in POINTS:
            pen = style.point(lit, character, pen)
            if character != ":" and len(text) - place <= 3:
                size = small
        else:
            pen = style.digit(lit, unlit, character, pen, size)
    width = int(pen + 2 * height * abs(style.slant)) + 4
    return style.filled(lit, width), style.filled(unlit, width)


class _Style:
    def __init__(self, rng: Rng, height: int) -> None:
        self.height = height
        self.wide = height * rng.uniform(0.42, 0.75)
        self.thick = min(height * rng.uniform(0.055, 0.2), 0.3 * self.wide)
        self.gap = height * rng.uniform(0.0, 0.035)
        self.apart = height * rng.uniform(0.12, 0.42)
        self.slant = rng.uniform(-0.02, 0.28) if rng.random() < 0.6 else 0.0
        self.ends = ("pointed", "mitred", "square")[int(rng.choice(3, p=(0.4, 0.4, 0.2)))]
        self.own_place = rng.random() < 0.3  # points take room as digits do
        self.lower = rng.uniform(0.0, 0.08) * height  # how far points lie below
        self.dot = self.thick * rng.uniform(0.45, 0.75)
        self.round_dots = rng.random() < 0.3
        self.forms = dict(SEGMENTS)
        for digit, other in (("7", "abcf"), ("6", "fgedc"), ("9", "abcfg"), ("1", "ef")):
            if rng.random() < 0.12:
                self.forms[digit] = other

    def digit(
        self, lit: Shapes, unlit: Shapes, character: str, pen: float, size: float = 1.0
    ) -> float:
        on = self.forms[character]
        for name, shape in self._segments.items():
            placed = shape * size + np.array([pen, (1 - size) * self.height])
            (lit if name in on else unlit).append(placed)
        return pen + size * self.wide + self.apart

    def point(self, lit: Shapes, character: str, pen: float) -> float:
        size = self.dot
        x = pen - self.apart / 2 if not self.own_place else pen
        for y in (0.3, 0.72) if character == ":" else (1.0,):
            down = y * self.height - (size if y == 1 else 0) + (self.lower if y == 1 else 0)
            lit.append((_ROUND if self.round_dots else _SQUARE) * size + np.array([x, down]))
            if character == ",":
                tail = np.array([[0, 0], [1, 0], [-1, 2.5]]) * size
                lit.append(tail + np.array([x, down]))
        return pen + (self.apart + 2 * size if self.own_place or character == ":" else 0.2 * size)

    @cached_property
    def _segments(self) -> dict[str, Points]:
        return {name: self._segment(name) for name in "abcdefg"}

    def _segment(self, name: str) -> Points:
        t, w, h, g = self.thick, self.wide, self.height, self.gap
        half = h / 2
        if self.ends == "mitred" and name != "g":
            return self._mitred(name)
        if name in "adg":
            y = {"a": t / 2, "g": half, "d": h - t / 2}[name]
            lying: Points = self._bar(w - t - 2 * g, t) + np.array([w / 2, y])
            return lying
        x = {"f": t / 2, "e": t / 2, "b": w - t / 2, "c": w - t / 2}[name]
        y = (t + half) / 2 if name in "fb" else (h + half - t) / 2
        upright = self._bar(half - t / 2 - 2 * g, t)[:, ::-1]
        standing: Points = upright + np.array([x, y])
        return standing

    def _mitred(self, name: str) -> Points:
        """A segment that meets its neighbours at the corners, as on glass."""
        t, w, h, g = self.thick, self.wide, self.height, self.gap
        half = h / 2
        if name in "ad":
            points = np.array([[g, 0], [w - g, 0], [w - t - g, t], [t + g, t]])
        else:
            end = half - g
            points = np.array(
                [[0, g], [t, t + g], [t, end - t / 2], [t / 2, end], [0, end - t / 4]]
            )
        if name in "bc":
            points = np.array([w, 0]) + points * np.array([-1, 1])
        if name in "dec":
            points = np.array([0, h]) + points * np.array([1, -1])
        return points

    def _bar(self, length: float, thick: float) -> Points:
        """A lying bar about the origin, its ends pointed or square."""
        x, y = max(length, 1.0) / 2, thick / 2
        inner = x if self.ends == "square" else max(x - y, 0.4 * x)
        return np.array([[-x, 0], [-inner, -y], [inner, -y], [x, 0], [inner, y], [-inner, y]])

    def filled(self, shapes: Shapes, width: int) -> Ink:
        canvas = np.zeros((int(self.height * 1.15) + 4, width), np.uint8)
        for shape in shapes:
            x = shape[:, 0] + self.slant * (self.height - shape[:, 1]) + 2
            points = np.stack([x, shape[:, 1] + 2], 1)
            cv2.fillPoly(canvas, [np.rint(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return np.asarray(canvas / np.float32(255), np.float32)
