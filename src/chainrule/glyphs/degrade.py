"""What happens to a line between the font and the reader, at stated strengths."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from chainrule.errors import InputError


@dataclass(frozen=True)
class Degradation:
    """Strengths, applied in the order of the fields; the defaults leave a picture as it is."""

    rotation: float = 0.0  # degrees, anticlockwise; the picture grows to hold it
    blur: float = 0.0  # standard deviation of a Gaussian, pixels
    contrast: float = 1.0  # black to white shrinks to this share of the range, about its middle
    noise: float = 0.0  # standard deviation of Gaussian noise, of 255, each pixel by itself
    inverted: bool = False  # light on dark
    quality: int | None = None  # of JPEG compression, 1 to 95


# The conditions under which a reader is evaluated, on lines 32 px high.
CONDITIONS = {
    "clean": Degradation(),
    "blur": Degradation(blur=1.2),
    "noise": Degradation(noise=30.0),
    "rotation": Degradation(rotation=2.0),
    "low contrast": Degradation(contrast=0.2),
    "compression": Degradation(quality=10),
}


def degrade(
    image: NDArray[np.uint8], strengths: Degradation, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Apply `strengths` to a grey picture (height, width) with white paper.

    Only the noise is drawn from `rng`. The shape stays, but for a rotation. Raises InputError for
    a strength out of range.
    """
    _check(strengths)
    if strengths == Degradation():
        return image
    picture = Image.fromarray(image)
    if strengths.rotation:
        picture = picture.rotate(
            strengths.rotation, Image.Resampling.BICUBIC, expand=True, fillcolor=255
        )
    if strengths.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(strengths.blur))
    values = np.asarray(picture)
    if strengths.contrast != 1 or strengths.noise:
        grey = 127.5 + (values.astype(np.float32) - 127.5) * np.float32(strengths.contrast)
        if strengths.noise:
            grey += np.float32(strengths.noise) * rng.standard_normal(grey.shape, np.float32)
        values = grey.round().clip(0, 255).astype(np.uint8)
    if strengths.inverted:
        values = 255 - values
    if strengths.quality is not None:
        file = io.BytesIO()
        Image.fromarray(values).save(file, "JPEG", quality=strengths.quality)
        values = np.asarray(Image.open(file))
    return values


def random_degradation(rng: np.random.Generator, share: float = 0.7) -> Degradation:
    """Draw strengths to train with: each kind with a chance of its own, up to about the strongest
    of CONDITIONS and a little beyond; all as they are with the chance 1 - `share`.
    """
    if rng.random() >= share:
        return Degradation(inverted=rng.random() < 0.1)
    return Degradation(
        rotation=rng.uniform(-2.5, 2.5) if rng.random() < 0.3 else 0.0,
        blur=rng.uniform(0.2, 1.5) if rng.random() < 0.4 else 0.0,
        contrast=rng.uniform(0.15, 1.0) if rng.random() < 0.4 else 1.0,
        noise=rng.uniform(2, 35) if rng.random() < 0.3 else 0.0,
        inverted=rng.random() < 0.1,
        quality=int(rng.integers(8, 80)) if rng.random() < 0.3 else None,
    )


def _check(strengths: Degradation) -> None:
    if not 0 < strengths.contrast <= 1:
        raise InputError(f"contrast is {strengths.contrast}; expected above 0 and at most 1")
    if strengths.blur < 0 or strengths.noise < 0:
        raise InputError(
            f"blur is {strengths.blur} and noise {strengths.noise}; expected none below 0"
        )
    if not -90 < strengths.rotation < 90:
        raise InputError(f"rotation is {strengths.rotation} degrees; expected -90 to 90")
    if strengths.quality is not None and not 1 <= strengths.quality <= 95:
        raise InputError(f"JPEG quality is {strengths.quality}; expected 1 to 95")
