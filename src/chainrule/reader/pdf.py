"""Pages that were read as a searchable PDF: each picture, with its text in it, unseen."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from reportlab import rl_config
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from chainrule.io.decoding import identify
from chainrule.io.files import written_whole
from chainrule.io.pictures import open_picture, read_bytes
from chainrule.reader.hocr import ReadPage
from chainrule.reader.line import Line
from chainrule.reader.page import words

_INCH = 72.0  # points
_USUAL = 200.0  # pixels an inch, of a file that does not say it
_LEAST = 100.0  # pixels an inch; scanners make more, cameras and screens put in less by habit
_FONT, _CAPITAL = "DejaVuSans", 0.73  # it comes with Matplotlib; the height of its capitals, em
_UNSEEN = 3  # PDF's text rendering mode that neither fills nor strokes
_LONG = 10  # characters; shorter lines do not tell how the page slopes
_ORIENTATION = 0x0112  # EXIF's tag

Boxes = NDArray[np.float64]
Words = Sequence[tuple[str, Boxes]]


def write_pdf(path: str | os.PathLike[str], pages: Sequence[ReadPage]) -> None:
    """Write the pages as one PDF, each as large as its file says, or at 200 pixels an inch.

    Each word lies where it stands in the picture, as wide as there and along its line. A JPEG goes
    in as it is, any other picture without loss. The same pages give the same bytes. Raises
    FileError.
    """
    font = Path(matplotlib.get_data_path(), "fonts", "ttf", f"{_FONT}.ttf")
    pdfmetrics.registerFont(TTFont(_FONT, str(font)))
    with written_whole(path) as whole, _as_bytes():
        canvas = Canvas(str(whole), invariant=1)
        canvas.setTitle(Path(path).stem)
        canvas.setCreator("chainrule")
        canvas.setAuthor("")
        canvas.setSubject("")
        for page in pages:
            _add(canvas, page)
        canvas.save()


@contextmanager
def _as_bytes() -> Iterator[None]:
    """Have streams written as they are, not as text, which is a quarter longer."""
    usual, rl_config.useA85 = rl_config.useA85, 0
    try:
        yield
    finally:
        rl_config.useA85 = usual


def _add(canvas: Canvas, page: ReadPage) -> None:
    picture, scale = _shown(page)
    across, down = page.size[0] * scale[0], page.size[1] * scale[1]
    canvas.setPageSize((across, down))
    canvas.drawImage(picture, 0, 0, across, down)
    lines = [
        [(word.text, _boxes(word, scale, down)) for word in words(line)] for line in page.read.each
    ]
    slope = _slope(lines)
    for line in lines:
        _write(canvas, line, slope)
    canvas.showPage()


def _shown(page: ReadPage) -> tuple[ImageReader, tuple[float, float]]:
    """The page's picture, and its points a pixel (across, down)."""
    content = read_bytes(Path(page.file))
    source = identify(content)
    dpi = (0.0, 0.0)
    if source is not None:
        dpi = source.info.get("dpi", dpi)
        if _goes_in_as_it_is(source, page.size):
            return ImageReader(BytesIO(content)), _points_a_pixel(dpi)
    picture = open_picture(page.file, ground="contrast")
    red, green, blue = picture.split()
    if red.tobytes() == green.tobytes() == blue.tobytes():
        picture = red
    return ImageReader(picture), _points_a_pixel(dpi)


def _goes_in_as_it_is(source: Image.Image, size: tuple[int, int]) -> bool:
    """Whether the file shows the same in a PDF: an upright JPEG without a colour profile."""
    plain = source.format == "JPEG" and source.mode in ("L", "RGB") and source.size == size
    return plain and "icc_profile" not in source.info and source.getexif().get(_ORIENTATION, 1) == 1


def _points_a_pixel(dpi: Sequence[Any]) -> tuple[float, float]:
    across, down = (float(one) for one in dpi)
    if not _LEAST <= min(across, down) <= max(across, down) <= 10_000:
        across = down = _USUAL
    return _INCH / across, _INCH / down


def _boxes(word: Line, scale: tuple[float, float], down: float) -> Boxes:
    """The boxes (n, 4) of a word's characters in the page's points: left, bottom, right, top."""
    left, top, right, bottom = np.array([one.box for one in word.characters], np.float64).T
    across, along = scale
    return np.stack([left * across, down - bottom * along, right * across, down - top * along], 1)


def _slope(lines: Sequence[Words]) -> float:
    """By how much the page's lines rise, radians: of each, a straight line through its letters."""
    found = []
    for line in lines:
        boxes = np.concatenate([boxes for _, boxes in line])
        if len(boxes) >= _LONG:
            rise = np.polyfit(boxes[:, [0, 2]].mean(1), boxes[:, [1, 3]].mean(1), 1)[0]
            found.append(float(np.arctan(rise)))
    return median(found) if found else 0.0


def _write(canvas: Canvas, line: Words, slope: float) -> None:
    """Write a line's words, each with the blank behind it, so that a search finds phrases."""
    cos, sin = np.cos(slope), np.sin(slope)
    boxes = np.concatenate([boxes for _, boxes in line])
    middle = boxes[:, [0, 2]].mean(1)
    # the letters' feet and heads, above the sloping line through the origin
    feet = float(np.median(boxes[:, 1] * cos - middle * sin))
    heads = float(np.quantile(boxes[:, 3] * cos - middle * sin, 0.9))
    size = max(1.0, (heads - feet) / _CAPITAL)
    text = canvas.beginText()
    text.setTextRenderMode(_UNSEEN)
    text.setFont(_FONT, size)
    for place, (word, own) in enumerate(line, 1):
        height = own[:, [1, 3]].mean(1)
        first = float((own[:, 0] * cos + height * sin).min())
        last = float((own[:, 2] * cos + height * sin).max())
        x, y = first * cos - feet * sin, first * sin + feet * cos
        text.setTextTransform(cos, sin, -sin, cos, x, y)
        width = pdfmetrics.stringWidth(word, _FONT, size)
        text.setHorizScale(100 * max(last - first, 1.0) / max(width, 1.0))
        text.textOut(word if place == len(line) else f"{word} ")
    canvas.drawText(text)
