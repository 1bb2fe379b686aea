"""Rendered lines as batches for a reader to train on."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from copy import copy
from dataclasses import dataclass, field
from itertools import islice
from operator import eq
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save
from torch import Tensor

from chainrule.blocks.ctc import PADDING
from chainrule.errors import InputError
from chainrule.glyphs.degrade import degrade, random_degradation
from chainrule.glyphs.lines import LineFont, render_line
from chainrule.glyphs.looks import draw_look
from chainrule.glyphs.looks.canvas import small_capitals, with_spaces
from chainrule.glyphs.restyle import restyle
from chainrule.glyphs.vary import vary
from chainrule.io.workers import begin_worker
from chainrule.reader.lines.network import frames, padded
from chainrule.reader.lines.ready import INPUT
from chainrule.reader.lines.texts import held_out_text, training_text
from chainrule.reader.lines.world_texts import world_text
from chainrule.reader.picture.line_image import LOWEST, Crop, CropJitter, crop_line, crop_whole
from chainrule.training.ranks import Ranks

_POOL = 16, 2048  # the most batches, and lines, that are sorted by width together

Example = tuple[Crop, str]
Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class LineStyle:
    """How lines to train on are drawn.

    lengths: of the texts, least and most, about. restyled: half of the lines look as by a font of
    another kind. looks: how often each of `chainrule.glyphs.looks.LOOKS` is drawn; what is left to
    1 are plain lines, degraded.
    """

    lengths: tuple[int, int] = (3, 25)
    restyled: bool = False
    looks: Mapping[str, float] = field(default_factory=dict)


class RenderedLines:
    """A source of batches: `count` lines an epoch, drawn anew each time with a generator.

    Each line has its own font, text, and either slant, weight, spacing, degradation and a little
    jitter in the crop, or a look: see `LineStyle`. Without a generator: always the same `count`
    lines; of plain ones held-out words, cropped as `crop_line` does, without degradation. Inputs
    are (N, 1, 32, W), paper 0 and ink 1; targets (N, S) classes.

    In a `with` block that many `workers` (processes) draw the lines ahead; they are the same lines.
    Where several processes train, each draws its share of them, and sends it to the others.
    """

    def __init__(
        self,
        fonts: Sequence[LineFont],
        alphabet: str,
        count: int,
        style: LineStyle = LineStyle(),
        *,
        seed: int = 0,
        workers: int = 0,
    ) -> None:
        self.fonts, self.alphabet, self.count, self.seed = list(fonts), alphabet, count, seed
        self.style, self.workers = style, workers
        self._fixed: list[Example] | None = None
        self._processes: ProcessPoolExecutor | None = None
        self._ranks: Ranks | None = None

    def shared_by(self, ranks: Ranks) -> "RenderedLines":
        """The same lines in one of several processes, which draw them together."""
        shared = copy(self)
        shared._ranks, shared._processes = ranks, self._processes
        return shared

    def __getstate__(self) -> dict[str, Any]:
        """Without the processes, which stay where they are."""
        return {**self.__dict__, "_processes": None}

    def __enter__(self) -> "RenderedLines":
        if self.workers:
            self._processes = ProcessPoolExecutor(
                self.workers, multiprocessing.get_context("spawn"), _begin, (copy(self),)
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._processes is not None:
            self._processes.shutdown(cancel_futures=True)
            self._processes = None

    def __len__(self) -> int:
        return self.count

    def batches(self, size: int, generator: torch.Generator | None) -> Iterator[Batch]:
        """One epoch of batches of about equally wide lines."""
        if generator is None:
            if self._fixed is None:
                rng = np.random.default_rng(self.seed)
                self._fixed = [self._draw(rng, self._held_out) for _ in range(self.count)]
            fixed = sorted(self._fixed, key=_width)
            for first in range(0, self.count, size):
                yield stack(fixed[first : first + size], self.alphabet)
            return
        together = size * max(1, min(_POOL[0], _POOL[1] // size))
        firsts = range(0, self.count, together)
        seeds = torch.randint(2**62, (len(firsts),), generator=generator).tolist()
        asked = [
            (min(together, self.count - first), size, seed)
            for first, seed in zip(firsts, seeds, strict=True)
        ]
        if self._ranks is None:
            for pool in self._pools(asked):
                yield from map(_in_floats, pool)
        else:
            yield from self._together(asked, self._ranks)

    def pool(self, count: int, size: int, seed: int) -> list[Batch]:
        """`count` random lines in batches of `size`, each of about equally wide ones; the inputs
        as the bytes that a reader in bytes makes of them, which travel fast between processes."""
        lines = self.drawn(count, seed)
        rng = np.random.default_rng((seed, 1))
        return [
            _in_bytes(stack(lines[start : start + size], self.alphabet))
            for start in rng.permutation(range(0, count, size))
        ]

    def drawn(self, count: int, seed: int) -> list[Example]:
        """`count` random lines, the narrowest first."""
        rng = np.random.default_rng(seed)
        return sorted((self._draw(rng, self._loose) for _ in range(count)), key=_width)

    def _together(self, asked: Sequence[tuple[int, int, int]], ranks: Ranks) -> Iterator[Batch]:
        """The batches of all pools, each pool drawn by one of the processes, in turn."""
        own = self._pools(asked[ranks.number :: ranks.size])
        for first in range(0, len(asked), ranks.size):
            here = _packed(next(own, []))
            for number in range(min(ranks.size, len(asked) - first)):
                yield from map(_in_floats, _unpacked(ranks.sent(number, here)))

    def _pools(self, asked: Sequence[tuple[int, int, int]]) -> Iterator[list[Batch]]:
        if self._processes is None:
            yield from (self.pool(*one) for one in asked)
            return
        rest = iter(asked)
        ahead: deque[Future[bytes]] = deque()
        for one in islice(rest, 2 * self.workers):
            ahead.append(self._processes.submit(_pool, *one))
        while ahead:
            done = list(_unpacked(ahead.popleft().result()))
            for one in islice(rest, 1):
                ahead.append(self._processes.submit(_pool, *one))
            yield done

    def _draw(self, rng: np.random.Generator, draw: "_Draw") -> Example:
        for _ in range(100):
            try:
                crop, text = draw(rng, self.fonts[rng.integers(len(self.fonts))])
            except InputError:  # no ink left to be seen
                continue
            # as `chainrule.blocks.ctc.frames_needed` counts them
            if len(text) + sum(map(eq, text, text[1:])) <= frames(crop.values.shape[1]):
                return crop, text
        raise InputError("the fonts' lines cannot be read: too narrow, or no ink")

    def _loose(self, rng: np.random.Generator, font: LineFont) -> Example:
        look = self._look(rng)
        length = int(rng.integers(*self.style.lengths, endpoint=True))
        if look is not None:
            return drawn_in(look, rng, font, self.alphabet, length)
        worldly = self.style.looks and rng.random() < 0.5
        text = (world_text if worldly else training_text)(rng, self._drawn_by(font), length)
        if worldly and rng.random() < 0.3:
            font = with_spaces(font, rng.uniform(0.6, 1))
        tracking = rng.exponential(1.0) - 0.3 if rng.random() < 0.4 else 0.0
        image = vary(render_line(font, text, tracking=tracking).image, rng)
        if self.style.restyled:
            image = restyle(image, rng)
        jitter = CropJitter(rng.uniform(0.88, 1.1), rng.uniform(0.85, 1.15), rng.uniform(-1.5, 1.5))
        crop = crop_line(degrade(image, random_degradation(rng, 0.6), rng), jitter)
        return crop, as_seen(text, font, self.alphabet)

    def _drawn_by(self, font: LineFont) -> str:
        """The characters of the alphabet that a font draws."""
        if font.alphabet == self.alphabet:
            return self.alphabet
        return "".join(c for c in self.alphabet if c in font.index)

    def _look(self, rng: np.random.Generator) -> str | None:
        if not self.style.looks:
            return None
        place = np.searchsorted(np.cumsum(list(self.style.looks.values())), rng.random())
        return [*self.style.looks, None][place]

    def _held_out(self, rng: np.random.Generator, font: LineFont) -> Example:
        look = self._look(rng)
        if look is not None:
            return drawn_in(look, rng, font, self.alphabet, 20)
        text = held_out_text(rng, self._drawn_by(font), int(rng.integers(8, 26)))
        return crop_line(render_line(font, text).image), text


_TEXTS: dict[str, tuple[str | None, ...]] = {
    "print": (None, None, None, "till"),
    "screen": (None,),
    "scene": ("sign", "sign", "sign", "word"),
    "plate": ("plate",),
    "display": ("reading",),
    "counter": ("digit",),
}


def drawn_in(
    look: str, rng: np.random.Generator, font: LineFont, alphabet: str, length: int
) -> Example:
    """A line in a look, with the texts that are seen in it, cropped in one of the reader's ways."""
    kinds = _TEXTS[look]
    kind = kinds[int(rng.integers(len(kinds)))]
    known = "".join(c for c in alphabet if c in font.index)
    # where the truths have no spaces, the gaps are there all the same
    gaps = " " if " " in font.index and " " not in known else ""
    text = world_text(rng, known + gaps, length, kind)
    if look in ("print", "scene") and rng.random() < 0.03:
        font = small_capitals(font, rng.uniform(0.7, 0.9))
    picture = draw_look(look, rng, [font], text)
    text = as_seen(text if " " in alphabet else text.replace(" ", ""), font, alphabet)
    if picture.shape[0] < LOWEST:
        raise InputError("the picture is too low")
    jitter = CropJitter(rng.uniform(0.88, 1.12), rng.uniform(0.85, 1.15), rng.uniform(-1.5, 1.5))
    if rng.random() < BOXED[look]:
        crop = crop_line(picture, jitter)
        # in a frame or a shadow a part of the ink may have been found alone, such as some digits
        if _most_of(picture, crop, *_SHOWN.get(look, (0.0, 0.0))):
            return crop, text
    most, turned, rise = _WHOLE[look]
    wide = CropJitter(rng.uniform(0.75, most), jitter.stretch, rng.uniform(-rise, rise))
    return crop_whole(picture, wide, inverted=rng.random() < turned), text


def _most_of(picture: NDArray[np.uint8], crop: Crop, high: float, wide: float) -> bool:
    """Whether a crop shows more than these shares of its picture's height and width."""
    down, across = crop.values.shape[0] / crop.scale_y, crop.values.shape[1] / crop.scale_x
    return bool(down > high * picture.shape[0] and across > wide * picture.shape[1])


def as_seen(text: str, font: LineFont, alphabet: str) -> str:
    """What a line of this font shows: small letters are capitals where it draws them as capitals,
    so that a reader does not learn to guess."""
    if not font.capitals_only:
        return text
    return "".join(c.upper() if c.upper() in alphabet else c for c in text)


BOXED = {
    "print": 0.7, "screen": 0.7, "scene": 0.4, "plate": 0.1, "display": 0.2, "counter": 0.2,
}  # fmt: skip
"""How often the crop is by the box of the ink that is found, and not of the whole picture."""

_WHOLE = {
    "print": (1.12, 0.05, 2.5), "screen": (1.12, 0.05, 2.5), "scene": (1.25, 0.08, 2.5),
    "plate": (1.15, 0.2, 1.5), "display": (1.15, 0.08, 1.5), "counter": (1.15, 0.08, 1.5),
}  # fmt: skip
"""How much larger the others are cropped at the most, how often light is taken for ink, and how far
out of the middle in pixels: where lines fill their pictures, more would cut off their letters."""

_SHOWN = {
    "scene": (0.6, 0.75), "plate": (0.7, 0.8), "display": (0.7, 0.8), "counter": (0.7, 0.8),
}  # fmt: skip
"""Of looks that fill their pictures, what share of the height and width a box must show."""

_Draw = Callable[[np.random.Generator, LineFont], Example]

_source: RenderedLines | None = None  # a worker's


def _begin(source: RenderedLines) -> None:
    global _source  # noqa: PLW0603 - what a worker keeps between its jobs
    _source = source
    begin_worker()
    cv2.setNumThreads(1)  # there is a worker a core


def _pool(count: int, size: int, seed: int) -> bytes:
    assert _source is not None
    return _packed(_source.pool(count, size, seed))


def _in_bytes(batch: Batch) -> Batch:
    x, target = batch
    return (x / INPUT.scale + INPUT.zero).round_().clamp_(0, 255).byte(), target


def _in_floats(batch: Batch) -> Batch:
    x, target = batch
    return INPUT.scale * (x.float() - INPUT.zero), target


def _packed(batches: Sequence[Batch]) -> bytes:
    inputs = {f"{k}.x": x for k, (x, _) in enumerate(batches)}
    return save(inputs | {f"{k}.y": y for k, (_, y) in enumerate(batches)})


def _unpacked(content: bytes) -> Iterator[Batch]:
    named = load(content)
    for k in range(len(named) // 2):
        yield named[f"{k}.x"], named[f"{k}.y"]


def stack(lines: Sequence[Example], alphabet: str, columns: int = 1, more: int = 0) -> Batch:
    """Inputs (N, 1, 32, W), filled up with paper, and targets (N, S), filled up with -1.

    W is a multiple of `columns`, and so many `more` than are needed.
    """
    width = max(map(_width, lines))
    x = padded([crop.values for crop, _ in lines], width + -width % columns + more * columns)
    return x, classes([text for _, text in lines], alphabet)


def classes(texts: Sequence[str], alphabet: str) -> Tensor:
    """The classes (N, S) of texts: 1 for the alphabet's first character, -1 after the end."""
    place = {character: number for number, character in enumerate(alphabet, 1)}
    target = np.full((len(texts), max(map(len, texts))), PADDING)
    for row, text in zip(target, texts, strict=True):
        row[: len(text)] = [place[character] for character in text]
    return torch.from_numpy(target)


def _width(line: Example) -> int:
    return int(line[0].values.shape[1])
