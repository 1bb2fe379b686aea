"""The bytes of a picture's file as a picture of Pillow, within limits."""

import importlib
import logging
import struct
import zlib
from contextlib import suppress
from functools import cache
from io import BytesIO

from PIL import Image

from chainrule.errors import ChainruleError, FileError
from chainrule.io.wide_pictures import MAX_PIXELS, is_tiff, narrowed, read_tiff, too_large

MAX_JPEG_PIXELS = 1_000_000_000
"""What a JPEG may hold that is decoded smaller; a progressive one, whose coefficients are kept
whole while it is read, may hold a fifth of that."""

# stubs that Pillow names and cannot read, and PostScript, which is a program that would be run
_NOT_READ = frozenset(("BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"))
_HEIF_SUFFIXES = (".heic", ".heif", ".hif")
_VECTORS = (".svg", ".svgz", ".eps", ".ps", ".ai", ".pdf", ".wmf", ".emf")
_RAW = (  # of cameras
    ".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".kdc", ".mos", ".mrw", ".nef", ".nrw", ".orf",
    ".pef", ".raf", ".raw", ".rw2", ".srw", ".x3f",
)  # fmt: skip
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_PNG_PROFILE = b"iCCP"
MAX_PROFILE = 1 << 24
"""Bytes of a PNG's colour profile beyond which it is left out; Pillow takes a megabyte."""


def decode(content: bytes, name: str, at_least: int | None = None) -> Image.Image:
    """The first picture in a file's bytes, loaded, in a mode of 8 bits or of one wide channel.

    Arguments and errors as in `chainrule.io.pictures.open_picture`.
    """
    try:
        return _decoded(content, name, at_least)
    except ChainruleError:
        raise
    except Image.DecompressionBombError as error:
        raise too_large(name, "more") from error
    except Exception as error:  # damaged files make Pillow's decoders raise nearly anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileError(f"{name} is damaged ({reason}); expected a whole picture") from error


def identify(content: bytes) -> Image.Image | None:
    """The picture as `Image.open` finds it, not loaded; None if Pillow knows no such format.

    Pillow's warning of many pixels is left out, since a filter for it would be the whole process's.
    PostScript is not run, and formats that Pillow only names are not taken.
    """
    _register()
    try:
        return _identified(content)
    except ValueError as error:
        # Pillow takes a megabyte of each text and profile of a PNG, and 64 of all
        if not (content.startswith(_PNG) and "MAX_TEXT" in str(error)):
            raise
        shorter, profile = _without_texts(content)
        image = _identified(shorter)
        if image is not None:
            image.info.update(profile)
        return image


def _identified(content: bytes) -> Image.Image | None:
    for kind in Image.ID:
        factory, accept = Image.OPEN[kind]
        if kind in _NOT_READ:
            continue
        # what Pillow's own loop takes for "another format"
        with suppress(SyntaxError, IndexError, TypeError, struct.error):
            accepted = accept is None or accept(content[:16])
            if accepted and not isinstance(accepted, str):
                return factory(BytesIO(content), "")
    return None


@cache
def picture_suffixes() -> frozenset[str]:
    """What the names of pictures that can be read end in, in small letters with the dot."""
    _register()
    known = Image.registered_extensions()
    # what opens a JPEG opens an MPO too, which is several of them
    return frozenset(
        suffix
        for suffix, kind in known.items()
        if (kind in Image.OPEN or kind == "MPO") and kind not in _NOT_READ
    )


def why_not_read(suffix: str) -> str:
    """Why a file whose name ends so is not taken for a picture."""
    if suffix.lower() in _HEIF_SUFFIXES and not _reads_heif():
        return "HEIC needs the package pillow-heif; expected it after pip install pillow-heif"
    if suffix.lower() in _VECTORS:
        return "a drawing of lines or pages, by its name; expected a picture of pixels"
    if suffix.lower() in _RAW:
        return "a camera's raw file, by its name; expected it developed, as a JPEG or a TIFF"
    if suffix.lower() == ".jxl":
        return "JPEG XL, which Pillow does not read; expected a JPEG or a PNG"
    return "not a picture by its name"


def _decoded(content: bytes, name: str, at_least: int | None) -> Image.Image:
    try:
        image = _loaded(content, name, at_least)
    except ValueError as error:  # texts behind the pixels
        if not (content.startswith(_PNG) and "MAX_TEXT" in str(error)):
            raise
        content, profile = _without_texts(content)
        image = _loaded(content, name, at_least)
        image.info.update(profile)
    return narrowed(image, content, name)


def _loaded(content: bytes, name: str, at_least: int | None) -> Image.Image:
    image = identify(content)
    if image is None and is_tiff(content):
        return read_tiff(content, name)
    if image is None:
        heif = content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS
        if heif and _reads_heif():
            raise FileError(f"{name} is a damaged picture; expected a whole HEIC file")
        expected = why_not_read(".heic") if heif else "expected a PNG, a JPEG or the like"
        raise FileError(f"{name} is not a picture that can be read; {expected}")
    _make_smaller(image, name, at_least)
    image.load()
    return image


def _make_smaller(image: Image.Image, name: str, at_least: int | None) -> None:
    """Have a JPEG decoded at a part of its size, where that will do or must; check the size."""
    width, height = image.size
    pixels, found = width * height, f"{width} x {height}"
    if image.format in ("JPEG", "MPO"):
        if pixels > MAX_JPEG_PIXELS // (5 if image.info.get("progressive") else 1):
            raise too_large(name, found)
        for scale in (8, 4, 2):
            enough = at_least is not None and min(width, height) >= at_least * scale
            if enough or pixels > MAX_PIXELS * (scale // 2) ** 2:
                image.draft("RGB", (width // scale, height // scale))
                break
    if image.size[0] * image.size[1] > MAX_PIXELS:
        raise too_large(name, found)


def _without_texts(content: bytes) -> tuple[bytes, dict[str, bytes]]:
    """A PNG less its text chunks and its colour profile; and the profile under Pillow's name."""
    kept, at = [_PNG], len(_PNG)
    profile: dict[str, bytes] = {}
    while at + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        end = at + length + 12
        kind = content[at + 4 : at + 8]
        if kind == _PNG_PROFILE:
            profile = _unpacked_profile(content[at + 8 : end - 4])
        elif kind not in _PNG_TEXTS:
            kept.append(content[at:end])
        at = end
    return b"".join(kept), profile


def _unpacked_profile(chunk: bytes) -> dict[str, bytes]:
    """The profile in a PNG's chunk (its name, a zero, the method, packed bytes), unless damaged."""
    packed = zlib.decompressobj()
    try:
        profile = packed.decompress(chunk[chunk.index(b"\0") + 2 :], MAX_PROFILE)
    except (ValueError, zlib.error):
        return {}
    return {"icc_profile": profile} if packed.eof else {}


def _reads_heif() -> bool:
    return ".heic" in picture_suffixes()


@cache
def _register() -> None:
    Image.init()
    logging.getLogger("PIL").setLevel(logging.CRITICAL)  # what it finds is said by us
    # imported by name, so that types are checked alike where it is there and where it is not
    with suppress(ImportError):
        importlib.import_module("pillow_heif").register_heif_opener()
