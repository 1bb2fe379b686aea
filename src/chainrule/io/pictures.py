"""Any picture file as RGB, upright, 8 bits a channel; or one sentence why not.

Every bench that takes pictures reads them here.
"""

import io
import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from chainrule.errors import FileError

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".jp2")
)
"""What a picture's file name ends in, in small letters."""

MAX_PIXELS = 89_478_485
"""What a picture may hold: a quarter gigabyte as RGB, where Pillow begins to warn."""

SAMPLE = "china.jpg"
"""The name of `sample_picture` in scikit-learn, 640 by 427 pixels."""

# Pillow warns of huge pictures; as an error the warning can be caught where the file is known
warnings.simplefilter("error", Image.DecompressionBombWarning)


def read_picture(path: Path | str) -> Image.Image:
    """The picture in `path` as `picture_from_bytes` gives it. Raises FileError."""
    return picture_from_bytes(read_bytes(path), path)


def sample_picture() -> Image.Image:
    """The photograph that stands in where no picture is given: scikit-learn's, of a temple."""
    from sklearn.datasets import load_sample_image

    return Image.fromarray(load_sample_image(SAMPLE))


def read_bytes(path: Path | str) -> bytes:
    """The bytes of a file that is not empty. Raises FileError."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"{shown(path)} cannot be read: {error.strerror or error}") from error
    if not content:
        raise FileError(f"{shown(path)} is empty; expected a picture")
    return content


def picture_from_bytes(content: bytes, path: Path | str) -> Image.Image:
    """The picture in `content` as RGB, turned as its EXIF orientation says.

    Of an animation or a file of several pages this is the first picture. What is transparent is
    laid on white; 16 bits become the upper 8; floating point is taken from 0 to 1 (or to 255, if
    some value is larger than 1).

    Raises FileError, naming `path`, if it is no picture, is cut off or damaged, or holds more than
    `MAX_PIXELS` pixels.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise _too_large(path, f"{width} x {height}")
            image.load()
            # the orientation lies in the file's EXIF data, which conversions may drop
            return _as_rgb(ImageOps.exif_transpose(image))
    except FileError:
        raise
    except UnidentifiedImageError as error:
        raise FileError(
            f"{shown(path)} is not a picture that can be read; expected a PNG, a JPEG or the like"
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        found = re.search(r"\d+ pixels", str(error))  # Pillow names them before the size is known
        raise _too_large(path, found[0] if found else "more") from error
    except Exception as error:  # damaged files make Pillow's decoders raise nearly anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileError(f"{shown(path)} is damaged ({reason}); expected a whole picture") from error


def taken_as(content: bytes) -> str | None:
    """What `picture_from_bytes` makes of a picture that is no plain RGB, in words; else None."""
    with Image.open(io.BytesIO(content)) as image:
        if image.mode.startswith(("I", "F")):
            return "has more than 8 bits a pixel; it is taken with the upper 8, as grey"
        if "A" in image.getbands() or "transparency" in image.info:
            return "has transparent pixels; they are laid on white"
        if image.mode in ("1", "L"):
            return "is grey; it is taken as a colour picture whose three channels are alike"
    return None


def shown(path: Path | str) -> str:
    """The path as it stands in a sentence: quoted if it holds a line break or the like."""
    text = str(path)
    return text if text.isprintable() else repr(text)


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith(("I", "F")):
        return _from_wide(np.asarray(image))
    if "A" in image.getbands() or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _from_wide(pixels: np.ndarray) -> Image.Image:
    """16-bit whole numbers (as they are, or in a wider type) and floating point."""
    if pixels.dtype.kind == "f":
        finite = np.nan_to_num(pixels, nan=0.0, posinf=255.0, neginf=0.0)
        grey = finite * (255.0 if finite.max(initial=0.0) <= 1 else 1.0)
    else:
        grey = pixels / 257.0 if pixels.max(initial=0) > 255 else pixels
    bytes_ = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    return Image.fromarray(bytes_, "L").convert("RGB")


def _too_large(path: Path | str, found: str) -> FileError:
    return FileError(
        f"{shown(path)} claims more pixels than fit: expected at most {MAX_PIXELS:,}, found {found}"
    )
