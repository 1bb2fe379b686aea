"""Capitals and digits of strokes of one thickness, as they are pressed into plates and printed on
drums."""

from functools import cache
from math import cos, pi, sin

import cv2
import numpy as np

from chainrule.glyphs.looks.canvas import Ink, Rng, cut

# Corners of each stroke as x,y: 0 to 4 across, 0 to 8 down; ~ a round corner, o closes the stroke.
STROKES = {
    "0": "~0,0 ~4,0 ~4,8 ~0,8 o", "1": "0.4,1.8 2.8,0 2.8,8",
    "2": "0,2 ~0,0 ~4,0 ~4,3.4 0,8 4,8",
    "3": "0,1.6 ~0,0 ~4,0 ~4,3.8 1.6,3.8 | 1.6,3.8 ~4,3.8 ~4,8 ~0,8 0,6.4",
    "4": "3,8 3,0 0,5.6 4,5.6", "5": "3.8,0 0.3,0 0,3.6 ~4,2.9 ~4,8 ~0,8 0,6.4",
    "6": "4,1.6 ~4,0 ~0,0 ~0,8 ~4,8 ~4,3.5 ~0,3.5 0,5", "7": "0,0 4,0 1.4,8",
    "8": "~0.2,0 ~3.8,0 ~3.8,3.8 ~0.2,3.8 o | ~0,3.8 ~4,3.8 ~4,8 ~0,8 o",
    "9": "0,6.4 ~0,8 ~4,8 ~4,0 ~0,0 ~0,4.5 ~4,4.5 4,3",
    "A": "0,8 2,0 4,8 | 0.7,5.5 3.3,5.5", "B": "0,0 ~3.7,0 ~3.7,3.8 0,3.8 ~4,3.8 ~4,8 0,8 o",
    "C": "4,1.8 ~4,0 ~0,0 ~0,8 ~4,8 4,6.2", "D": "0,0 ~4,0 ~4,8 0,8 o",
    "E": "4,0 0,0 0,8 4,8 | 0,3.9 3.3,3.9", "F": "4,0 0,0 0,8 | 0,3.9 3.3,3.9",
    "G": "4,1.8 ~4,0 ~0,0 ~0,8 ~4,8 4,4.4 2.2,4.4", "H": "0,0 0,8 | 4,0 4,8 | 0,4 4,4",
    "I": "2,0 2,8", "J": "3.6,0 ~3.6,8 ~0,8 0,6", "K": "0,0 0,8 | 4,0 0,5 | 1.4,3.4 4,8",
    "L": "0,0 0,8 4,8", "M": "0,8 0,0 2,5 4,0 4,8", "N": "0,8 0,0 4,8 4,0",
    "O": "~0,0 ~4,0 ~4,8 ~0,8 o", "P": "0,8 0,0 ~4,0 ~4,4.5 0,4.5",
    "Q": "~0,0 ~4,0 ~4,8 ~0,8 o | 2.4,5.8 4.3,8.4", "R": "0,8 0,0 ~4,0 ~4,4.4 0,4.4 | 1.8,4.4 4,8",
    "S": "4,1.8 ~4,0 ~0,0 ~0,3.9 ~4,3.9 ~4,8 ~0,8 0,6.2", "T": "0,0 4,0 | 2,0 2,8",
    "U": "0,0 ~0,8 ~4,8 4,0", "V": "0,0 2,8 4,0", "W": "0,0 1,8 2,2.5 3,8 4,0",
    "X": "0,0 4,8 | 4,0 0,8", "Y": "0,0 2,4.2 4,0 | 2,4.2 2,8", "Z": "0,0 4,0 0,8 4,8",
    "-": "0.4,4.2 3.6,4.2", " ": "",
}  # fmt: skip
_WIDTHS = {"I": 0.35, "1": 0.6, "-": 0.7, "M": 1.2, "W": 1.35, "O": 1.15, "Q": 1.15}  # of others'
_STEPS = 4  # straight pieces in a round corner

Point = tuple[float, float]
Corner = tuple[float, float, bool]  # x, y, whether round


def stroke_ink(text: str, rng: Rng, height: int = 44, emblem: bool = False) -> Ink:
    """A text of STROKES, cut to its ink: width, thickness, roundness and distances are drawn.

    emblem: in the gaps between groups is a mark that is no part of the text.
    """
    thick = max(2, round(height * rng.uniform(0.09, 0.175)))
    wide = max(height * rng.uniform(0.38, 0.64) - thick, 1.8 * thick)
    tall = height - thick
    round_ = rng.uniform(0.5, 1.0) * wide / 2
    apart = thick + height * rng.uniform(0.06, 0.24)
    gap = height * rng.uniform(0.2, 0.75)
    lines, marks, pen = [], [], float(thick)
    for character in text:
        if character == " ":
            marks.append(pen + (gap - apart) / 2)
            pen += gap
            continue
        own = wide * _WIDTHS.get(character, 1.0)
        for corners, closed in _strokes(character):
            scaled = [(pen + x * own / 4, thick + y * tall / 8, r) for x, y, r in corners]
            lines.append((_rounded(scaled, closed, round_), closed))
        pen += own + apart
    canvas = np.zeros((height + 2 * thick, int(pen + thick) + 2), np.uint8)
    for points, closed in lines:
        whole = np.rint(np.array(points) * 16).astype(np.int32)
        cv2.polylines(canvas, [whole], closed, 255, thick, cv2.LINE_AA, 4)
    if emblem and gap > 0.35 * height:
        _marked(canvas, rng, marks, gap)
    return cut(np.asarray(canvas / np.float32(255), np.float32))


def drawn_of_strokes(text: str) -> bool:
    """Whether all of a text is there."""
    return all(character in STROKES for character in text)


def _marked(canvas: np.ndarray, rng: Rng, marks: list[float], gap: float) -> None:
    """A disc, a ring or a square in each of the gaps."""
    y = int(canvas.shape[0] * rng.uniform(0.3, 0.65))
    size = max(1, int(gap * rng.uniform(0.12, 0.3)))
    thick = -1 if rng.random() < 0.5 else max(1, size // 3)
    shade = int(rng.integers(90, 256))
    for x in map(int, marks):
        if thick == -1 and shade % 2:
            cv2.rectangle(canvas, (x - size, y - size), (x + size, y + size), shade, -1)
        else:
            cv2.circle(canvas, (x, y), size, shade, thick, cv2.LINE_AA)


@cache
def _strokes(character: str) -> list[tuple[list[Corner], bool]]:
    """Each stroke's corners, and whether it is closed."""
    found = []
    for stroke in filter(None, STROKES[character].split("|")):
        names = stroke.split()
        corners: list[Corner] = []
        for name in names:
            if name != "o":
                x, y = name.lstrip("~").split(",")
                corners.append((float(x), float(y), name[0] == "~"))
        found.append((corners, names[-1] == "o"))
    return found


def _rounded(corners: list[Corner], closed: bool, most: float) -> list[Point]:
    """The stroke with each round corner a quarter of an ellipse, which reaches `most` far."""
    found: list[Point] = []
    count = len(corners)
    for place, (x, y, is_round) in enumerate(corners):
        if not is_round:
            found.append((x, y))
            continue
        ends = []
        for step in (-1, 1):
            other = corners[(place + step) % count]
            dx, dy = other[0] - x, other[1] - y
            length = max((dx * dx + dy * dy) ** 0.5, 1e-6)
            share = min(most / length, 0.5 if other[2] else 0.95)
            ends.append((dx * share, dy * share))
        (ax, ay), (bx, by) = ends
        for step in range(_STEPS + 1):
            angle = step * pi / 2 / _STEPS
            a, b = 1 - sin(angle), 1 - cos(angle)
            found.append((x + a * ax + b * bx, y + a * ay + b * by))
    return found
