"""Seven-segment characters, drawn: which segments each has, and their shapes."""

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

Points = NDArray[np.float64]  # (n, 2): the corners of a shape
Shapes = list[Points]


def segment_ink(text: str, rng: Rng, height: int = 40) -> tuple[Ink, Ink]:
    """A text of SEGMENTS and POINTS as a display shows it: what is lit, and what is there unlit.

    Thickness, gaps, width, slant and distances are drawn; some displays show 6, 7 and 9 with a
    segment more or less.
    """
    style = _Style(rng, height)
    lit: Shapes = []
    unlit: Shapes = []
    pen = 0.0
    for character in text:
        if character in POINTS:
            pen = style.point(lit, unlit, character, pen)
        else:
            pen = style.digit(lit, unlit, character, pen)
    width = int(pen + 2 * height * abs(style.slant)) + 4
    return style.filled(lit, width), style.filled(unlit, width)


class _Style:
    def __init__(self, rng: Rng, height: int) -> None:
        self.height = height
        self.thick = height * rng.uniform(0.055, 0.2)
        self.wide = height * rng.uniform(0.42, 0.75)
        self.gap = height * rng.uniform(0.0, 0.035)
        self.apart = height * rng.uniform(0.12, 0.42)
        self.slant = rng.uniform(-0.02, 0.28) if rng.random() < 0.6 else 0.0
        self.pointed = rng.random() < 0.7  # the segments' ends
        self.own_place = rng.random() < 0.3  # points take room as digits do
        self.lower = rng.uniform(0.0, 0.08) * height  # how far points lie below
        self.forms = dict(SEGMENTS)
        for digit, other in (("7", "abcf"), ("6", "fgedc"), ("9", "abcfg"), ("1", "ef")):
            if rng.random() < 0.12:
                self.forms[digit] = other

    def digit(self, lit: Shapes, unlit: Shapes, character: str, pen: float) -> float:
        on = self.forms[character]
        for name in "abcdefg":
            shape = self._segment(name) + np.array([pen, 0])
            (lit if name in on else unlit).append(shape)
        return pen + self.wide + self.apart

    def point(self, lit: Shapes, unlit: Shapes, character: str, pen: float) -> float:
        size = self.thick * 0.6
        x = pen - self.apart / 2 if not self.own_place else pen
        for y in (0.3, 0.72) if character == ":" else (1.0,):
            down = y * self.height - (size if y == 1 else 0) + (self.lower if y == 1 else 0)
            square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * size
            lit.append(square + np.array([x, down]))
            if character == ",":
                tail = np.array([[0, 0], [1, 0], [-1, 2.5]]) * size
                lit.append(tail + np.array([x, down]))
        return pen + (self.apart + 2 * size if self.own_place or character == ":" else 0.2 * size)

    def _segment(self, name: str) -> Points:
        t, w, h, g = self.thick, self.wide, self.height, self.gap
        half = h / 2
        if name in "adg":
            y = {"a": t / 2, "g": half, "d": h - t / 2}[name]
            lying: Points = self._bar(w - t - 2 * g, t) + np.array([w / 2, y])
            return lying
        x = {"f": t / 2, "e": t / 2, "b": w - t / 2, "c": w - t / 2}[name]
        y = (t + half) / 2 if name in "fb" else (h + half - t) / 2
        upright = self._bar(half - t / 2 - 2 * g, t)[:, ::-1]
        standing: Points = upright + np.array([x, y])
        return standing

    def _bar(self, length: float, thick: float) -> Points:
        """A lying bar about the origin, its ends pointed or square."""
        x, y = max(length, 1.0) / 2, thick / 2
        inner = max(x - y, 0.4 * x) if self.pointed else x
        return np.array([[-x, 0], [-inner, -y], [inner, -y], [x, 0], [inner, y], [-inner, y]])

    def filled(self, shapes: Shapes, width: int) -> Ink:
        canvas = np.zeros((int(self.height * 1.15) + 4, width), np.uint8)
        for shape in shapes:
            x = shape[:, 0] + self.slant * (self.height - shape[:, 1]) + 2
            points = np.stack([x, shape[:, 1] + 2], 1)
            cv2.fillPoly(canvas, [np.rint(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return np.asarray(canvas / np.float32(255), np.float32)
