"""Pages that were read as hOCR: HTML that says where each line and word stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from chainrule.reader.line import Line
from chainrule.reader.page import line_box, words


@dataclass(frozen=True)
class ReadPage:
    """A page's file, its size in pixels (width, height), and what was read in it."""

    file: str
    size: tuple[int, int]
    read: Line


def hocr(pages: Sequence[ReadPage]) -> str:
    """The pages as one document in hOCR 1.2, with `x_wconf`, the line's confidence in percent, at
    each word.

    Source: Breuel, The hOCR microformat for OCR workflow and results, 2007.
    """
    parts = [
        '<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml">\n<head>\n<title></title>\n'
        '<meta charset="utf-8"/>\n<meta name="ocr-system" content="chainrule"/>\n'
        '<meta name="ocr-capabilities" content="ocr_page ocr_line ocrx_word"/>\n</head>\n<body>'
    ]
    for number, page in enumerate(pages, 1):
        width, height = page.size
        title = f"image &quot;{escape(page.file)}&quot;; bbox 0 0 {width} {height}"
        parts.append(f'<div class="ocr_page" id="page_{number}" title="{title}">')
        for place, line in enumerate(page.read.each, 1):
            spans = " ".join(_word(word) for word in words(line))
            name = f"line_{number}_{place}"
            parts.append(f'<span class="ocr_line" id="{name}" title="{_bbox(line)}">{spans}</span>')
        parts.append("</div>")
    return "\n".join([*parts, "</body>\n</html>\n"])


def _word(word: Line) -> str:
    sure = round(100 * word.confidence)
    return (
        f'<span class="ocrx_word" title="{_bbox(word)}; x_wconf {sure}">{escape(word.text)}</span>'
    )


def _bbox(line: Line) -> str:
    return "bbox " + " ".join(map(str, line_box(line)))
