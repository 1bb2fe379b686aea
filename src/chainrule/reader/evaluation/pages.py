"""How many of a page's words readers find, and how many of what they find are its words."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.io.pictures import PictureSource
from chainrule.io.progress import Progress

ReadPages = Callable[[Sequence[PictureSource]], Sequence[str]]
"""From pictures of pages to their texts."""


@dataclass(frozen=True)
class PageRow:
    """One reader on the pages of one kind or folder; shares of all pages' words together.

    recall: of the true words those that were found; precision: of the words that were found those
    that are true, each word as often as it stands there, exactly as it is written. in_order: of the
    true words those in the longest part of the page's text that was read in the page's order.
    """

    reader: str
    source: str
    pages: int
    words: int
    recall: float
    precision: float
    in_order: float
    seconds_per_page: float


def evaluate_pages(
    readers: Mapping[str, ReadPages],
    sources: Mapping[str, Sequence[tuple[PictureSource, str]]],
    progress: Progress | None = None,
) -> list[PageRow]:
    """Give every reader the pages, with their true texts, of every source.

    Words are what white space parts. Source: the bags of words of Pletschacher, Clausner and
    Antonacopoulos, Europeana newspapers OCR workflow evaluation, 2015.
    """
    rows: list[PageRow] = []
    for source, pages in sources.items():
        for name, read in readers.items():
            started = time.perf_counter()
            texts = read([page for page, _ in pages])
            seconds = (time.perf_counter() - started) / len(pages)
            pairs = [
                (one.split(), true.split()) for one, (_, true) in zip(texts, pages, strict=True)
            ]
            rows.append(PageRow(name, source, len(pages), *_shares(pairs), seconds))
            if progress:
                progress(len(rows), len(readers) * len(sources))
    return rows


def _shares(pairs: Sequence[tuple[list[str], list[str]]]) -> tuple[int, float, float, float]:
    """The number of true words, recall, precision, and the share in order."""
    read, true, both, ordered = 0, 0, 0, 0
    for one, other in pairs:
        read, true = read + len(one), true + len(other)
        both += (Counter(one) & Counter(other)).total()
        ordered += longest_common(one, other)
    return true, both / max(true, 1), both / max(read, 1), ordered / max(true, 1)


def longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest sequence of words that both have in the same order.

    Source: Wagner and Fischer, The string-to-string correction problem, 1974.
    """
    number: dict[str, int] = {}
    first = [number.setdefault(word, len(number)) for word in one]
    second = np.array([number.setdefault(word, len(number)) for word in other], np.int64)
    row = np.zeros(len(second) + 1, np.int64)
    for word in first:
        along = np.where(second == word, row[:-1] + 1, row[1:])
        row[1:] = np.maximum.accumulate(along)
    return int(row[-1])
