"""What the looks are made with: ink moved and laid on a ground, and what a camera adds."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chainrule.glyphs.lines import UNIT, LineFont, glyph_numbers, render_line

Ink = NDArray[np.float32]  # (height, width), 0 where there is none, 1 where it is full
Shades = NDArray[np.float32]  # (height, width), grey, 0 black and 255 white
Picture = NDArray[np.uint8]  # (height, width), grey
Rng = np.random.Generator


def line_ink(font: LineFont, text: str, tracking: float = 0.0) -> Ink:
    """A line's ink, cut to where it is."""
    image = render_line(font, text, margin=1, tracking=tracking).image
    return cut(_floats((255 - image) / np.float32(255)))


def with_spaces(font: LineFont, factor: float) -> LineFont:
    """The font with spaces of another width."""
    advance = font.advance.copy()
    if " " in font.index:
        advance[font.index[" "]] = round(factor * int(advance[font.index[" "]]))
    return replace(font, advance=advance)


def in_cells(font: LineFont, text: str, share: float = 1.1) -> LineFont:
    """The font as of a typewriter: the text's characters stand equally far apart, as far as a small
    n is wide, so many times; what is wider is squeezed."""
    n = font.index.get("n", next(iter(font.index.values())))
    cell = max(share * int(font.advance[n]) / UNIT, 6.0)
    inks, left = list(font.inks), font.left.copy()
    for number in set(glyph_numbers(font, text)):
        ink = inks[number]
        if not ink.size:
            continue
        if ink.shape[1] > cell - 1:
            ink = np.asarray(cv2.resize(ink, (int(cell - 1), ink.shape[0])), np.uint8)
            inks[number] = ink
        left[number] = round((cell - ink.shape[1]) / 2)
    advance = np.full_like(font.advance, round(cell * UNIT))
    return replace(
        font, inks=tuple(inks), left=left, advance=advance, kerning=np.zeros_like(font.kerning)
    )


def small_capitals(font: LineFont, share: float) -> LineFont:
    """The font with capitals of this share of their size for its small letters."""
    inks, left, top = list(font.inks), font.left.copy(), font.top.copy()
    advance = font.advance.copy()
    for character, number in font.index.items():
        capital = font.index.get(character.upper())
        if not character.islower() or capital is None or not font.inks[capital].size:
            continue
        size = [max(1, round(share * side)) for side in font.inks[capital].shape]
        small = cv2.resize(font.inks[capital], size[::-1], interpolation=cv2.INTER_AREA)
        inks[number] = np.asarray(small, np.uint8)
        left[number] = round(share * int(font.left[capital]))
        # what stands on the baseline goes on standing there
        top[number] = round(share * (int(font.top[capital]) + len(font.inks[capital]))) - size[0]
        advance[number] = round(share * int(font.advance[capital]))
    kerning = np.zeros_like(font.kerning)
    return replace(font, inks=tuple(inks), left=left, top=top, advance=advance, kerning=kerning)


def wide_spaces(text: str, rng: Rng, most: int = 4) -> str:
    """Some gaps wider, as in justified lines and, where `most` is more, between columns."""
    if " " not in text:
        return text
    return "".join(c + " " * int(rng.integers(0, most)) if c == " " else c for c in text)


def cut(ink: Ink) -> Ink:
    """The ink without the empty rows and columns around it."""
    rows, columns = np.flatnonzero(ink.max(1) > 0.05), np.flatnonzero(ink.max(0) > 0.05)
    if not len(rows):
        return ink
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def scaled(ink: Ink, height: float, stretch: float = 1.0) -> Ink:
    """The ink at another height in pixels, its width stretched besides."""
    down = max(2, round(height))
    across = max(2, round(ink.shape[1] * stretch * height / ink.shape[0]))
    shrinks = down < ink.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return _floats(cv2.resize(ink, (across, down), interpolation=how))


def spread(ink: Ink, above: int, below: int, left: int, right: int) -> Ink:
    """The ink with so many empty rows and columns around it; below 0 they are cut off it."""
    height, width = ink.shape
    canvas = np.zeros((max(4, height + above + below), max(4, width + left + right)), np.float32)
    top, start = max(above, 0), max(left, 0)
    part = ink[max(-above, 0) : height + min(below, 0), max(-left, 0) : width + min(right, 0)]
    part = part[: canvas.shape[0] - top, : canvas.shape[1] - start]
    canvas[top : top + part.shape[0], start : start + part.shape[1]] = part
    return canvas


def moved(
    ink: Ink, rng: Rng, turn: float, slant: float, perspective: float = 0.0, beyond: float = 0.0
) -> Ink:
    """The ink turned (radians), slanted and seen a little from the side, each normal with this
    deviation; the picture keeps its size, and what comes in from `beyond` it is of this value."""
    height, width = ink.shape
    angle, shear = rng.normal(0, turn), rng.normal(0, slant)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    middle = np.array([width / 2, height / 2], np.float32)
    matrix = np.array([[1, -shear], [0, 1]]) @ np.array([[1, -angle], [angle, 1]])
    to = (corners - middle) @ matrix.T + middle
    if perspective:
        to = to + rng.normal(0, perspective * height, (4, 2))
    view = cv2.getPerspectiveTransform(corners, to.astype(np.float32))
    return _floats(cv2.warpPerspective(ink, view, (width, height), borderValue=beyond))


def bowed(ink: Ink, rng: Rng, share: float) -> Ink:
    """The line bent along a parabola, up to this share of its height at the ends."""
    height, width = ink.shape
    rise = rng.uniform(-share, share) * height
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    along = 2 * x / max(width - 1, 1) - 1
    y = (y + rise * (along**2 - 0.5)).astype(np.float32)
    return _floats(cv2.remap(ink, x, y, cv2.INTER_LINEAR))


def arched(ink: Ink, rng: Rng, most: float) -> Ink:
    """The line along an arc of up to this angle (radians), its letters upright on it, the ends down
    or, one time in three, up; the picture grows to hold it."""
    height, width = ink.shape
    angle = rng.uniform(0.3, 1.0) * most
    radius = max(width / angle, 1.2 * height)
    half = width / radius / 2
    across = int(2 * (radius + height / 2) * np.sin(half))
    sag = radius * (1 - np.cos(half))
    x = np.arange(across, dtype=np.float32)[None] - np.float32(across / 2)
    y = np.float32(radius + height / 2) - np.arange(int(height + sag), dtype=np.float32)[:, None]
    along = np.arctan2(x, y) * np.float32(radius) + np.float32(width / 2)
    down = np.float32(radius + height / 2) - np.hypot(x, y)
    if rng.random() < 0.33:
        along, down = along[::-1], np.float32(height) - down[::-1]
    return _floats(cv2.remap(ink, along, down, cv2.INTER_LINEAR))


def weight(ink: Ink, rng: Rng, most: float) -> Ink:
    """Bolder or lighter by up to this share of the way to the most or least of 3x3 around."""
    around = cv2.dilate if rng.random() < 0.55 else cv2.erode
    share = rng.uniform(0, most)
    other = around(ink, np.ones((3, 3), np.uint8))
    return _floats((1 - share) * ink + share * other)


def blurred(values: Shades, sigma: float) -> Shades:
    """A Gaussian blur of this deviation in pixels."""
    if sigma < 0.15:
        return values
    return _floats(cv2.GaussianBlur(values, (0, 0), sigma))


def smeared(values: Shades, rng: Rng, most: float) -> Shades:
    """Moved while it was taken: along a straight way of up to so many pixels."""
    length = int(rng.uniform(2, max(most, 2.1)))
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    angle = rng.uniform(0, np.pi) if rng.random() < 0.5 else 0.0
    x, y = length * np.cos(angle) / 2, length * np.sin(angle) / 2
    start = (round(length - x), round(length - y))
    cv2.line(kernel, start, (round(length + x), round(length + y)), 1.0)
    return _floats(cv2.filter2D(values, -1, kernel / kernel.sum()))


def ramp(shape: Sequence[int], rng: Rng, most: float) -> Shades:
    """Light that falls off in some direction: from -most / 2 to most / 2 at the most."""
    height, width = shape
    across, down = rng.uniform(-most, most, 2) / 2
    x = np.linspace(-across, across, width, dtype=np.float32)
    y = np.linspace(-down, down, height, dtype=np.float32)
    return _floats(y[:, None] + x[None])


def glare(shape: Sequence[int], rng: Rng) -> Shades:
    """A soft bright spot, 0 to 1, somewhere."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    cx, cy = rng.uniform(0, width), rng.uniform(0, height)
    across, down = rng.uniform(0.3, 2.5) * height, rng.uniform(0.3, 1.2) * height
    return _floats(np.exp(-(((x - cx) / across) ** 2) - ((y - cy) / down) ** 2))


def threshold(soft: Ink, ink: Ink, share: float) -> NDArray[np.bool_]:
    """The pixels with most ink, so many times as many as the ink would fill: thin strokes do not
    vanish, and thick ones do not run together."""
    count = int(min(max(share * float(ink.sum()), 1.0), 0.7 * soft.size))
    level = float(np.partition(soft.ravel(), -count)[-count])
    return np.asarray(soft > min(max(level, 0.12), 0.75), np.bool_)


def shadow(shape: Sequence[int], rng: Rng) -> Shades:
    """1 on one side of a slanted soft edge, 0 on the other."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    edge = rng.uniform(0, width) + rng.uniform(-2, 2) * (y - height / 2)
    side = (x - edge) * rng.choice([-1, 1])
    return _floats(1 / (1 + np.exp(-np.clip(side / rng.uniform(0.5, 6), -30, 30))))


def coarse(values: Shades, rng: Rng, factor: float) -> Shades:
    """Seen by so many times fewer pixels, and enlarged again, in blocks or smoothly."""
    height, width = values.shape
    small = max(2, round(width / factor)), max(2, round(height / factor))
    seen = cv2.resize(values, small, interpolation=cv2.INTER_AREA)
    how = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.integers(3))]
    return _floats(cv2.resize(seen, (width, height), interpolation=how))


def blotches(shape: Sequence[int], rng: Rng) -> Shades:
    """Noise of two or three pixels' size, as of an enlarged picture, of a deviation up to 1."""
    size = rng.uniform(1.5, 3.0)
    small = max(2, round(shape[0] / size)), max(2, round(shape[1] / size))
    noise = rng.standard_normal(small, np.float32)
    return _floats(cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR))


def exposed(plane: Shades, rng: Rng, low: float, contrast: float) -> Shades:
    """Grey levels of a plane of shares: 0 is `low`, 1 is `contrast` more (or less, below 0).

    They lie within what a picture can keep, but for a little at the bright end in some.
    """
    grey = _floats(low + contrast * plane)
    over = rng.uniform(0, 0.3) * abs(contrast) if rng.random() < 0.25 else 0.0
    least, most = float(grey.min()), float(grey.max())
    if most - least > 250 + over:
        grey = (grey - least) * ((250 + over) / (most - least)) + 2
    elif most > 252 + over:
        grey = grey - (most - 252 - over)
    elif least < 2:
        grey = grey + (2 - least)
    return _floats(grey)


def taken(grey: Shades, rng: Rng, noise: float, compressed: float, worst: int = 15) -> Picture:
    """As a sensor and a file keep it: Gaussian noise of up to this deviation, JPEG with this
    chance and at least of the quality `worst`, whole grey levels."""
    if noise:
        sigma = np.float32(rng.uniform(0, noise))
        grey = grey + sigma * rng.standard_normal(grey.shape, np.float32)
    picture: Picture = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    if rng.random() < compressed:
        quality = int(rng.integers(worst, max(90, worst + 5)))
        _, file = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        picture = np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.uint8)
    return picture


@cache
def _photographs() -> tuple[Picture, ...]:
    """Grounds that come along: the photographs that scikit-image and scikit-learn have in their
    packages."""
    import skimage
    from sklearn.datasets import load_sample_images

    folder = Path(skimage.__file__).parent / "data"
    names = ("brick", "grass", "gravel", "astronaut", "coffee", "chelsea", "coins")
    found = [Image.open(folder / f"{name}.png").convert("L") for name in names]
    found += [Image.fromarray(one).convert("L") for one in load_sample_images().images]
    # a piece is at most about as high as this in the end, so that no more is kept
    return tuple(np.asarray(one.reduce(max(1, one.height // 160))) for one in found)


def texture(shape: Sequence[int], rng: Rng) -> Shades:
    """A piece of a photograph of this shape, at some scale, from -1 to 1 about its mean."""
    height, width = shape
    source = _photographs()[int(rng.integers(len(_photographs())))]
    share = rng.uniform(0.15, 0.9)
    down = max(4, int(source.shape[0] * share))
    across = min(source.shape[1], max(4, int(down * width / height)))
    top = int(rng.integers(source.shape[0] - down + 1))
    left = int(rng.integers(source.shape[1] - across + 1))
    piece = _floats(source[top : top + down, left : left + across])
    piece = _floats(cv2.resize(piece, (width, height), interpolation=cv2.INTER_LINEAR))
    piece -= piece.mean()
    return _floats(piece / max(float(np.abs(piece).max()), 1.0))


def _floats(values: Any) -> Shades:
    return np.asarray(values, np.float32)
