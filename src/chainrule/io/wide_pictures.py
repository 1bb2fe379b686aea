"""Pictures of more than 8 bits a channel that Pillow narrows wrongly, or does not read."""

import logging
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from chainrule.errors import FileError
from chainrule.io.pixel_range import picture_from_array

MAX_PIXELS = 89_478_485
"""What a picture may hold: a quarter gigabyte as RGB, where Pillow begins to warn."""

_ORIENTATION = 274
_BITS, _PHOTOMETRIC, _PLANES, _FORMAT = 258, 262, 284, 339  # tags of TIFF
_UNSIGNED, _SIGNED = 1, 2  # of the tag _FORMAT
_WHITE_IS_0, _RGB = 0, 2  # of the tag _PHOTOMETRIC; between them, black is 0
_DARK = 64  # of 255: what 14 bits in 16 come to, at most


def narrowed(image: Image.Image, content: bytes, name: str) -> Image.Image:
    """The picture; where Pillow read its samples wrongly, they are read again, and 8 bits then.

    Of 16 bits of colours Pillow keeps the upper 8, which leaves nothing of 10 or 12; planes of 16
    bits it takes for planes of 8, unsigned 32 bits for signed ones, and signed 8 bits for unsigned
    ones; and it does not invert wide samples of which 0 is white. Raises FileError.
    """
    if image.format == "TIFF":
        tags: Any = image.tag_v2  # type: ignore[attr-defined]
        bits, kind = max(tags.get(_BITS, (1,))), tags.get(_FORMAT, (1,))[0]
        if bits == 8 and kind == _SIGNED and image.mode in ("L", "RGB"):
            return _like(image, picture_from_array(np.asarray(image).view(np.int8), name))
        if image.mode.startswith(("I", "F")):
            return _one_channel(image, name, kind, bits, white_is_0=tags.get(_PHOTOMETRIC) == 0)
        if bits > 8 and (tags.get(_PLANES) == 2 or _is_dark(image)):
            return read_tiff(content, name)
    wide_png = image.format == "PNG" and content[24] == 16 and image.mode in ("RGB", "RGBA")
    if wide_png and _is_dark(image):
        return _like(image, picture_from_array(_opencv_samples(content, name), name))
    return image


def is_tiff(content: bytes) -> bool:
    """If a file's bytes begin as those of a TIFF."""
    return content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_tiff(content: bytes, name: str) -> Image.Image:
    """A TIFF that Pillow does not read rightly, such as floating point of three channels.

    Raises FileError if nothing else reads it either, or it holds more than `MAX_PIXELS` pixels.
    """
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it finds is said by us
    with tifffile.TiffFile(BytesIO(content)) as file:
        if not len(file.pages):
            raise FileError(f"{name} is a TIFF without a picture; expected one")
        page: Any = file.pages.first
        if page.imagewidth * page.imagelength > MAX_PIXELS:
            raise too_large(name, f"{page.imagewidth} x {page.imagelength}")
        if not _WHITE_IS_0 <= page.photometric <= _RGB:
            raise FileError(
                f"{name} holds {page.dtype} samples as {getattr(page.photometric, 'name', '?')}, "
                "which are not read; expected grey or RGB"
            )
        orientation = page.tags.valueof(_ORIENTATION, default=1)
        profile = page.tags.valueof("InterColorProfile")
        picture = picture_from_array(_samples(page, content, name), name)
        if page.photometric == _WHITE_IS_0:
            picture = ImageOps.invert(picture)
    picture.getexif()[_ORIENTATION] = int(orientation)
    if profile:
        picture.info["icc_profile"] = bytes(profile)
    return picture


def too_large(name: str, found: str) -> FileError:
    """What is raised for a picture of more than `MAX_PIXELS` pixels."""
    return FileError(
        f"{name} claims more pixels than fit: expected at most {MAX_PIXELS:,}, found {found}"
    )


def _one_channel(
    image: Image.Image, name: str, kind: int, bits: int, *, white_is_0: bool
) -> Image.Image:
    samples = np.asarray(image)
    if kind == _UNSIGNED and bits == 32 and image.mode == "I":
        samples = samples.view(np.uint32)
    if kind == _SIGNED and bits == 16:
        samples = samples.astype(np.int16)
    picture = picture_from_array(samples, name)
    return _like(image, ImageOps.invert(picture) if white_is_0 else picture)


def _like(image: Image.Image, picture: Image.Image) -> Image.Image:
    """`picture` with the colour profile and the orientation of `image`."""
    if "icc_profile" in image.info:
        picture.info["icc_profile"] = image.info["icc_profile"]
    picture.getexif()[_ORIENTATION] = image.getexif().get(_ORIENTATION, 1)
    return picture


def _is_dark(image: Image.Image) -> bool:
    bands: Any = image.convert("RGB").getextrema()
    return bool(max(high for _, high in bands) < _DARK)


def _samples(page: Any, content: bytes, name: str) -> np.ndarray:
    """The samples (height, width[, channels]) of a TIFF's first page."""
    planes = page.planarconfig == 2 and page.samplesperpixel > 1
    if page.compression == 1:  # what is not packed cannot be larger than its file
        if page.bitspersample not in (8, 16, 32, 64):
            raise FileError(
                f"{name} holds samples of {page.bitspersample} bits, which are not read; expected "
                "8, 16, 32 or 64 bits each"
            )
        samples = page.asarray()
        return np.moveaxis(samples, 0, -1) if planes else samples
    if planes:
        raise FileError(
            f"{name} holds packed planes of {page.dtype}; expected colours side by side, or "
            "planes that are not packed"
        )
    return _opencv_samples(content, name)


def _opencv_samples(content: bytes, name: str) -> np.ndarray:
    import cv2

    if hasattr(cv2, "setLogLevel"):  # OpenCV 4
        cv2.setLogLevel(0)
    else:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # likewise
    samples = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None:
        raise FileError(
            f"{name} holds samples that cannot be read; expected at most 16 bits "
            "each, packed by deflate or LZW or not at all"
        )
    if samples.ndim == 3 and samples.shape[2] >= 3:
        samples = samples[..., [2, 1, 0, *range(3, samples.shape[2])]]  # OpenCV has blue first
    return np.asarray(samples)
