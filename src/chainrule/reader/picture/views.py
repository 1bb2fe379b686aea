"""The ways to look at a picture whose line is not read well at first sight."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chainrule.reader.picture.layout import bands, ink_mask, slope, turned, without_rules
from chainrule.reader.picture.line_image import (
    LOWEST,
    Crop,
    CropJitter,
    NoLine,
    crop_lines,
    whole_crops,
)

Picture = NDArray[np.uint8]
Matrix = NDArray[np.float64]

ZOOM = 1.4  # at which plates and counters of the development half are read best
TALL = 1.5  # times as high as wide: a line that runs up or down


@dataclass(frozen=True)
class View:
    """A picture, or what was made of it, and how it is cropped.

    whole: all of it, not the box of its ink; zoom: so much larger, its middle; inverted: its light
    parts are the ink. back: the
    matrix (2, 3) that takes its places to those of the picture that it was made of.
    """

    picture: Picture
    whole: bool = False
    inverted: bool = False
    zoom: float = 1.0
    back: Matrix | None = None

    def crops(self, jitters: tuple[CropJitter, ...] = (CropJitter(),)) -> list[Crop]:
        """Its crop in each of these ways; none if it holds no line."""
        if self.whole:
            jitters = tuple(replace(one, scale=one.scale * self.zoom) for one in jitters)
            cut = whole_crops(self.picture, jitters, self.inverted)
        else:
            found = crop_lines([self.picture], jitters)[0]
            cut = [] if isinstance(found, NoLine) else found
        return [replace(crop, back=self.back) for crop in cut] if self.back is not None else cut


class Looks:
    """The ways to look at a picture: each a view, or several where lines are below each other.

    What is level in it is found once. wholly: that all of it was looked at first, and not the box
    of its ink.
    """

    def __init__(self, picture: Picture, wholly: bool = False) -> None:
        self.picture = picture
        self.wholly = wholly

    def likely(self) -> list[list[View]]:
        """What else is most likely to be read in it.

        All of it, or its middle, dark on light; one that is much higher than wide also turned to
        both sides.
        """
        if not self._is_tall:
            dark = [views for views in self.wholes() if not views[0].inverted]
            return dark[1:] if self.wholly else dark
        found = [[View(self.picture, whole=True)]]
        for quarter in (1, 3):
            side = np.ascontiguousarray(np.rot90(self.picture, quarter))
            back = _quarter(quarter, self.picture)
            found += [
                [replace(view, back=_composed(back, view.back)) for view in views]
                for views in [[View(side)], *_level(side)]
            ]
        return found

    def others(self) -> list[list[View]]:
        """The other ways: without rules and frames and level, by its ink and whole; light on
        dark."""
        if self._is_tall:
            return []
        by_ink = [[View(self.picture)]] if self.wholly else []
        light = [views for views in self.wholes() if views[0].inverted]
        return [*by_ink, *self._level, *light]

    def wholes(self) -> list[list[View]]:
        """All of it, its dark parts as the ink; its middle larger; its light parts as the ink."""
        return [
            [View(self.picture, whole=True, inverted=inverted, zoom=zoom)]
            for inverted, zoom in ((False, 1.0), (False, ZOOM), (True, 1.0))
        ]

    def upside_down(self) -> list[list[View]]:
        """As it is, and level, if it stands on its head."""
        return [
            [_headlong(view) for view in reversed(views)]
            for views in [[View(self.picture)], *self._level]
        ]

    @property
    def _is_tall(self) -> bool:
        return is_tall(self.picture)

    @cached_property
    def _level(self) -> list[list[View]]:
        return _level(self.picture)


def is_tall(picture: Picture) -> bool:
    """Whether it may hold a line that runs up or down."""
    height, width = picture.shape
    return bool(height > TALL * width and width >= LOWEST)


def _headlong(view: View) -> View:
    """The view on its head."""
    picture = np.ascontiguousarray(view.picture[::-1, ::-1])
    return replace(view, picture=picture, back=_composed(view.back, _quarter(2, picture)))


def _level(picture: Picture) -> list[list[View]]:
    """The views of a picture without its rules, level, line by line; none if that changes
    nothing."""
    mask = ink_mask(picture)
    cleaned = without_rules(picture, mask)
    best, back = (picture if cleaned is None else cleaned), None
    if cleaned is not None:
        mask = ink_mask(best)
    angle = slope(mask)
    if angle:
        best, back = turned(best, angle)
        mask = ink_mask(best)
    lines = [band for band in bands(mask) if band[1] - band[0] >= LOWEST]
    if len(lines) > 1:
        return [
            [
                View(
                    np.ascontiguousarray(best[first:last]),
                    back=_composed(back, np.array([[1.0, 0, 0], [0, 1.0, first]])),
                )
                for first, last in lines
            ]
        ]
    if best is picture:
        return []
    return [[View(best, back=back)], [View(best, whole=True, back=back)]]


def _quarter(quarters: int, picture: Picture) -> Matrix:
    """From the places of the picture turned by so many quarters (as `np.rot90`) to its own."""
    height, width = picture.shape
    return {
        1: np.array([[0.0, -1.0, width], [1.0, 0.0, 0.0]]),
        2: np.array([[-1.0, 0.0, width], [0.0, -1.0, height]]),
        3: np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, height]]),
    }[quarters]


def _composed(outer: Matrix | None, inner: Matrix | None) -> Matrix | None:
    """The matrix that does `inner` and then `outer`; None does nothing."""
    if outer is None or inner is None:
        return inner if outer is None else outer
    below = np.array([[0.0, 0.0, 1.0]])
    return np.asarray(outer @ np.vstack([inner, below]), np.float64)
