"""Any picture as RGB, upright, 8 bits a channel; or one sentence why not.

Every bench that takes pictures opens them here.
"""

import importlib.util
import os
import stat
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from chainrule.errors import ChainruleError, FileError, InputError
from chainrule.io.addresses import is_address, read_address
from chainrule.io.colour_profile import to_srgb
from chainrule.io.decoding import decode, identify
from chainrule.io.names import shown
from chainrule.io.pixel_range import picture_from_array
from chainrule.io.wide_pictures import MAX_PIXELS

__all__ = [
    "LOOK", "MAX_PIXELS", "SAMPLE", "PictureSource", "open_picture", "picture_from_bytes",
    "read_bytes", "read_picture", "sample_files", "sample_picture", "taken_as",
]  # fmt: skip

PictureSource = str | os.PathLike[str] | bytes | Image.Image | np.ndarray
"""What is taken where a picture is: a path, a file's bytes, a picture of Pillow, an array."""

Ground = Literal["white", "contrast"]
"""What is put under transparent pixels."""

MAX_BYTES = 1 << 30
"""What a picture's file may hold."""

LOOK = 2
"""Which rules pictures are opened by; another number where the same file gives other pixels."""

SAMPLE = "china.jpg"
"""The name of `sample_picture` in scikit-learn, 640 by 427 pixels."""

_ORIENTATION = 0x0112  # EXIF's tag
_TURNING = ("exif", "xmp", "XML:com.adobe.xmp")  # where Pillow looks for an orientation
_TURNED = {  # what makes a picture of this EXIF orientation upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_picture(
    source: PictureSource,
    *,
    name: str | None = None,
    at_least: int | None = None,
    ground: Ground = "white",
) -> Image.Image:
    """The picture as RGB, turned upright as its EXIF orientation says.

    - A path, or a file's bytes: any format that Pillow reads, and HEIC where the package
      pillow-heif is installed. Of an animation or a file of several pages this is the first.
    - A picture of Pillow, of any mode.
    - An array (height, width), or (height, width, channels) of grey, grey and alpha, RGB, or RGBA.
      8-bit integers are taken as they are, truth values as black and white.

    What is transparent is laid on white, or, where `ground` is "contrast" and less than half of the
    picture is opaque, on black if that is farther from what is drawn. Colours with a profile become
    sRGB. Integers of more than 8 bits and floating point are brought to 8 by their range, as
    `chainrule.io.pixel_range` says.

    `at_least` lets a large JPEG be decoded at a half, a quarter or an eighth of its size, as long
    as its shorter side keeps so many pixels. One of more than `MAX_PIXELS` pixels always is.

    Raises FileError, naming the file (or `name`), if it cannot be read, is no picture, is cut off
    or damaged, or holds more than `MAX_PIXELS` pixels; InputError for what is no picture at all.
    """
    if isinstance(source, Image.Image):
        return _finished(source, name or "the picture", ground)
    if isinstance(source, str | os.PathLike):
        shown_name = name or shown(Path(source))
        return _from_file(read_bytes(Path(source)), shown_name, at_least, ground)
    if isinstance(source, bytes):
        return _from_file(source, name or "the picture", at_least, ground)
    if hasattr(source, "__array__"):
        name = name or "the picture"
        return _finished(picture_from_array(np.asarray(source), name), name, ground)
    raise InputError(
        f"{name or 'the picture'} is a {type(source).__name__}; expected a path, a picture of "
        "Pillow or an array"
    )


def read_picture(path: Path | str, at_least: int | None = None) -> Image.Image:
    """The picture in the file `path`, as `open_picture` gives it. Raises FileError."""
    return open_picture(path, at_least=at_least)


def picture_from_bytes(
    content: bytes, path: Path | str, at_least: int | None = None
) -> Image.Image:
    """The picture in a file's bytes, as `open_picture` gives it; `path` names it in errors."""
    return _from_file(content, shown(path), at_least)


def sample_picture() -> Image.Image:
    """The photograph that stands in where no picture is given: scikit-learn's, of a temple."""
    from sklearn.datasets import load_sample_image

    return Image.fromarray(load_sample_image(SAMPLE))


def sample_files() -> list[Path]:
    """The photographs that scikit-learn installs, found without loading it."""
    found = importlib.util.find_spec("sklearn")
    assert found is not None  # a dependency
    assert found.origin is not None
    return sorted((Path(found.origin).parent / "datasets" / "images").glob("*.jpg"))


def read_bytes(path: Path | str) -> bytes:
    """The bytes of a file that is not empty: of a path, or of an address that is a text.

    Raises FileError.
    """
    if isinstance(path, str) and is_address(path):
        return _checked_bytes(read_address(path, MAX_BYTES), path)
    try:
        found = Path(path).stat()
        kind, size = found.st_mode, found.st_size
        if stat.S_ISCHR(kind) or stat.S_ISBLK(kind) or stat.S_ISSOCK(kind):  # without an end
            raise FileError(f"{shown(path)} is no file; expected a picture")
        if size > MAX_BYTES:
            raise _too_long(path)
        with Path(path).open("rb") as file:
            content = file.read(size + 1)  # room for MAX_BYTES would be set aside for each
            if len(content) > size:  # a pipe, or a file that grows
                content += file.read(MAX_BYTES + 1 - len(content))
    except FileError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte in it
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"{shown(path)} cannot be read: {reason}") from error
    return _checked_bytes(content, path)


def _checked_bytes(content: bytes, path: Path | str) -> bytes:
    if not content:
        raise FileError(f"{shown(path)} is empty; expected a picture")
    if len(content) > MAX_BYTES:
        raise _too_long(path)
    return content


def _too_long(path: Path | str) -> FileError:
    return FileError(f"{shown(path)} holds more than {MAX_BYTES:,} bytes; expected a picture")


def taken_as(content: bytes) -> str | None:
    """What `open_picture` makes of a file's bytes that are no plain RGB, in words; else None."""
    try:
        image = identify(content)
    except Exception:  # damaged: whoever decodes it says so
        return None
    if image is None or image.mode.startswith(("I", "F")):
        return "has more than 8 bits a pixel; they are brought to 8 by their range"
    if "A" in image.getbands() or "transparency" in image.info:
        return "has transparent pixels; they are laid on white"
    if image.mode in ("1", "L"):
        return "is grey; it is taken as a colour picture whose three channels are alike"
    return None


def _from_file(
    content: bytes, name: str, at_least: int | None, ground: Ground = "white"
) -> Image.Image:
    try:
        return _finished(decode(content, name, at_least), name, ground)
    except InputError as error:  # numbers of no picture: one file that is left out among others
        raise FileError(str(error)) from error


def _finished(image: Image.Image, name: str, ground: Ground = "white") -> Image.Image:
    """RGB, sRGB, on white or a ground of contrast, upright."""
    try:
        image.load()
        return _upright(_as_rgb(image, name, ground), image)
    except ChainruleError:
        raise
    except Exception as error:  # a picture that Pillow reads only now, from a damaged file
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileError(f"{name} is damaged ({reason}); expected a whole picture") from error


def _as_rgb(image: Image.Image, name: str, ground: Ground) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = _keeping_profile(image, picture_from_array(np.asarray(image), name))
    elif "transparency" in image.info or image.mode in ("PA", "La", "RGBa"):
        image = _keeping_profile(image, image.convert("LA" if image.mode == "La" else "RGBA"))
    elif image.mode in ("P", "1"):
        image = _keeping_profile(image, image.convert("RGB" if image.mode == "P" else "L"))
    if image.mode not in ("LA", "RGBA"):
        return to_srgb(image)
    colours = to_srgb(_keeping_profile(image, image.convert(image.mode[:-1])))
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):  # opaque
        return colours
    dark = ground == "contrast" and _is_light(colours, alpha)
    laid = Image.new("RGB", image.size, "black" if dark else "white")
    laid.paste(colours, mask=alpha)
    return laid


def _is_light(colours: Image.Image, alpha: Image.Image) -> bool:
    """Whether what is drawn, on less than half of the picture, is nearer to white than to black."""
    drawn = np.asarray(alpha, np.float64) / 255
    if not 0 < drawn.mean() < 0.5:
        return False
    return float(np.average(np.asarray(colours.convert("L")), weights=drawn)) > 127.5


def _keeping_profile(image: Image.Image, picture: Image.Image) -> Image.Image:
    if "icc_profile" in image.info:
        picture.info["icc_profile"] = image.info["icc_profile"]
    return picture


def _upright(picture: Image.Image, source: Image.Image) -> Image.Image:
    """Turned as the EXIF data of `source` say; EXIF data that are damaged say nothing."""
    try:
        turn = _TURNED.get(source.getexif().get(_ORIENTATION, 1))
    except Exception:  # whatever Pillow's reader of broken tags raises
        turn = None
    if turn is None:
        return picture
    turned = picture.transpose(turn)
    for name in _TURNING:  # whoever opens the picture again must not turn it again
        turned.info.pop(name, None)
    return turned
