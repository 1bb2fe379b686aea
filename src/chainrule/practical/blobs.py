"""Pictures with dark dots on uneven ground, and a detector that labels their pixels."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy.ndimage import gaussian_filter, maximum_filter

from chainrule.errors import InputError

RADII = (2.5, 5.0)  # of the dots, smallest and largest, in pixels
SCALES = tuple(float(s) for s in np.geomspace(1.6, 4.5, 8))  # sigma = radius / sqrt(2)
THRESHOLD = 0.005  # of sigma^4 det H, for grey from 0 to 1
BORDER = 2  # pixels
AWAY = 3.0  # negative pixels lie at least so many scales from a dot's centre


@dataclass(frozen=True)
class DotPicture:
    """Grey from 0 to 1 of shape (H, W); the dots' centres (row, column) and radii in pixels."""

    grey: Float32[np.ndarray, "h w"]
    centres: Float64[np.ndarray, "dots 2"]
    radii: Float64[np.ndarray, " dots"]


@dataclass(frozen=True)
class Labels:
    """Pixels to learn from: positive ones, one in the middle of each blob, and negative ones."""

    positive: Bool[np.ndarray, "h w"]
    negative: Bool[np.ndarray, "h w"]


def dot_picture(
    generator: np.random.Generator, height: int = 240, width: int = 320, dots: int = 80
) -> DotPicture:
    """Draw dark dots of several sizes on ground whose brightness drifts.

    The ground is 0.75 with a slope and slow waves of about a tenth, and noise of a hundredth; a
    dot takes away 0.3 to 0.5 of it, with a soft edge. Dots don't touch; fewer than `dots` are drawn
    if there is no room for more.
    """
    centres, radii = _places(generator, height, width, dots)
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    slope = generator.uniform(-0.1, 0.1, 2)
    waves = gaussian_filter(generator.standard_normal((height, width)), 25, mode="reflect")
    grey = 0.75 + slope[0] * (rows / height - 0.5) + slope[1] * (columns / width - 0.5)
    grey += 0.05 * waves / waves.std()
    for (row, column), radius in zip(centres, radii, strict=True):
        distance = np.hypot(rows - row, columns - column)
        edge = 1 / (1 + np.exp(2 * (distance - radius).clip(-50, 50)))
        grey *= 1 - generator.uniform(0.3, 0.5) * edge
    grey += 0.01 * generator.standard_normal((height, width))
    return DotPicture(grey.clip(0, 1).astype(np.float32), centres, radii)


def find_blobs(
    grey: Float32[np.ndarray, "h w"], threshold: float = THRESHOLD
) -> Float64[np.ndarray, "blobs 3"]:
    r"""Dark blobs as (row, column, sigma): where the Hessian's determinant peaks.

    With L the picture smoothed by a Gaussian of width sigma, the strength is

        sigma^4 (L_rr L_cc - L_rc^2)

    and sigma^4 makes the scales comparable. A blob is a pixel and scale whose strength is above
    `threshold` and the largest among its 26 neighbours, with L_rr + L_cc > 0 (dark on bright);
    its radius is about sqrt(2) sigma. Nothing is found within `BORDER` pixels of the border.

    Source: Lindeberg, Feature detection with automatic scale selection, 1998.
    """
    x = np.asarray(grey, dtype=np.float64)
    strengths = np.empty((len(SCALES), *x.shape))
    dark = np.empty(strengths.shape, dtype=bool)
    for k, sigma in enumerate(SCALES):
        rr, cc, rc = (
            gaussian_filter(x, sigma, order=order, mode="nearest")
            for order in ((2, 0), (0, 2), (1, 1))
        )
        strengths[k] = sigma**4 * (rr * cc - rc**2)
        dark[k] = rr + cc > 0
    peaks = (strengths == maximum_filter(strengths, 3)) & (strengths > threshold) & dark
    inside = np.zeros(x.shape, dtype=bool)
    inside[BORDER:-BORDER, BORDER:-BORDER] = True
    scale, row, column = np.nonzero(peaks & inside)
    return np.stack([row, column, np.take(SCALES, scale)], axis=1).astype(np.float64)


def labels(grey: Float32[np.ndarray, "h w"], blobs: Float64[np.ndarray, "blobs 3"]) -> Labels:
    """Positive: the pixel in the middle of each blob. Negative: all far from every blob.

    Between the two, within `AWAY` sigma of a blob, pixels have no label: there the answer is not
    clear. Nor do those within `BORDER` pixels of the border, whose neighbours are padding.

    Raises InputError if there are no positive or no negative pixels.
    """
    positive = np.zeros(grey.shape, dtype=bool)
    near = np.ones(grey.shape, dtype=bool)
    near[BORDER:-BORDER, BORDER:-BORDER] = False
    rows, columns = np.mgrid[: grey.shape[0], : grey.shape[1]]
    for row, column, sigma in blobs:
        positive[int(row), int(column)] = True
        near |= np.hypot(rows - row, columns - column) < AWAY * sigma
    if not positive.any() or near.all():
        raise InputError(
            f"the picture of {grey.shape[1]}x{grey.shape[0]} pixels has {int(positive.sum())} dark "
            f"blobs and {int((~near).sum())} pixels away from them; expected some of both"
        )
    return Labels(positive, ~near)


def _places(
    generator: np.random.Generator, height: int, width: int, dots: int
) -> tuple[Float64[np.ndarray, "dots 2"], Float64[np.ndarray, " dots"]]:
    """Centres and radii of dots that keep their distance from each other and from the border."""
    centres: list[tuple[float, float]] = []
    radii: list[float] = []
    for _ in range(20 * dots):
        radius = float(generator.uniform(*RADII))
        border = 2 * radius + 2
        if min(height, width) <= 2 * border or len(centres) == dots:
            break
        place = generator.uniform((border, border), (height - border, width - border))
        gaps = [
            np.hypot(*(place - c)) - 2 * (radius + r) for c, r in zip(centres, radii, strict=True)
        ]
        if min(gaps, default=np.inf) > 0:
            centres.append((float(place[0]), float(place[1])))
            radii.append(radius)
    return np.array(centres, dtype=np.float64).reshape(-1, 2), np.array(radii, dtype=np.float64)
