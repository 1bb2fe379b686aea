"""Colours with an ICC profile as sRGB."""

from functools import lru_cache
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms

_MODES = ("L", "RGB", "CMYK", "LAB")


def to_srgb(image: Image.Image) -> Image.Image:
    """The picture as RGB; if it carries a profile, with the colours that this one means.

    A profile that is damaged, or is of other channels than the picture, is left out of account, as
    it is by browsers. Source: ICC.1, Image technology colour management; the perceptual intent.
    """
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and profile and image.mode in _MODES:
        transform = _transform(profile, image.mode)
        if transform is not None:
            try:
                return ImageCms.applyTransform(image, transform) or image
            except (ImageCms.PyCMSError, ValueError):
                pass
    return image if image.mode == "RGB" else image.convert("RGB")


@lru_cache(maxsize=32)  # the pictures of one camera share a profile
def _transform(profile: bytes, mode: str) -> Any:
    """The transform from the profile to sRGB, or None if there is nothing to do or to be used."""
    try:
        given = ImageCms.getOpenProfile(BytesIO(profile))
        if mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(given):
            return None
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(given, srgb, mode, "RGB", ImageCms.Intent.PERCEPTUAL)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
