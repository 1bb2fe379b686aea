"""Small copies of pictures, as the page shows them."""

import contextlib
from pathlib import Path
from typing import Any

from chainrule.errors import FileError
from chainrule.images.listing import DRAWING, is_drawing_content
from chainrule.io.decoding import identify
from chainrule.io.files import written_whole
from chainrule.io.pictures import picture_from_bytes, read_bytes


def small_copy(path: str, name: str, small: str, pixels: int, side: int) -> dict[str, Any]:
    """Write a JPEG whose longer side has at most `side` pixels, where there is room for it; the
    picture's own size, upright.

    Raises FileError if it is none, or has more than so many pixels.
    """
    content = read_bytes(Path(path))
    if is_drawing_content(content):
        raise FileError(DRAWING)
    width, height = _size(content)
    if width * height > pixels:
        raise FileError(f"{name} holds {width:,} x {height:,} pixels; expected at most {pixels:,}")
    picture = picture_from_bytes(content, name, side)
    if (width > height) != (picture.width > picture.height):  # turned by EXIF
        width, height = height, width
    picture.thumbnail((side, side))
    # a full disk makes no picture broken: the copy is written when it is asked for again
    with contextlib.suppress(OSError), written_whole(small) as temporary:
        picture.save(temporary, "JPEG", quality=85)
    return {"width": width, "height": height}


def _size(content: bytes) -> tuple[int, int]:
    """Width and height as the file says them; 0 where it is damaged: who decodes it says how."""
    try:
        image = identify(content)
    except Exception:  # whatever Pillow's readers of damaged files raise
        return 0, 0
    return image.size if image is not None else (0, 0)
