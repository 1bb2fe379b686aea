"""Rendered lines as batches for a reader to train on."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from chainrule.blocks.ctc import PADDING, frames_needed
from chainrule.errors import InputError
from chainrule.glyphs.degrade import degrade, random_degradation
from chainrule.glyphs.lines import LineFont, render_line
from chainrule.reader.ctc_network import frames
from chainrule.reader.picture import HEIGHT, Looseness, Strip, cut_strip
from chainrule.reader.texts import held_out_text, training_text

_POOL = 16  # batches whose lines are sorted by width together

Example = tuple[Strip, str]


class RenderedLines:
    """A source of batches: `count` lines an epoch, drawn anew each time with a generator.

    Each line has its own font, text of about `lengths` (least, most) characters, spacing,
    degradation and a little looseness in the cut. Without a generator: always the same `count`
    lines of held-out words, cut as `cut_strip` cuts them, without degradation. Inputs are
    (N, 1, 32, W), paper 0 and ink 1; targets (N, S) classes.
    """

    def __init__(
        self,
        fonts: Sequence[LineFont],
        alphabet: str,
        count: int,
        *,
        lengths: tuple[int, int] = (3, 25),
        seed: int = 0,
    ) -> None:
        self.fonts, self.alphabet, self.count, self.seed = list(fonts), alphabet, count, seed
        self.lengths = lengths
        self._fixed: list[Example] | None = None

    def __len__(self) -> int:
        return self.count

    def batches(
        self, size: int, generator: torch.Generator | None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch of batches of about equally wide lines."""
        if generator is None:
            if self._fixed is None:
                rng = np.random.default_rng(self.seed)
                self._fixed = [self._draw(rng, self._held_out) for _ in range(self.count)]
            fixed = sorted(self._fixed, key=_width)
            for first in range(0, self.count, size):
                yield stack(fixed[first : first + size], self.alphabet)
            return
        rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        for first in range(0, self.count, _POOL * size):
            n = min(_POOL * size, self.count - first)
            lines = sorted((self._draw(rng, self._loose) for _ in range(n)), key=_width)
            starts = np.arange(0, n, size)
            for start in rng.permutation(starts):
                yield stack(lines[start : start + size], self.alphabet)

    def _draw(self, rng: np.random.Generator, draw: "_Draw") -> Example:
        for _ in range(100):
            try:
                strip, text = draw(rng, self.fonts[rng.integers(len(self.fonts))])
            except InputError:  # no ink left to be seen
                continue
            needed = int(frames_needed(classes([text], self.alphabet))[0])
            if needed <= frames(strip.values.shape[1]):
                return strip, text
        raise InputError("the fonts' lines cannot be read: too narrow, or no ink")

    def _loose(self, rng: np.random.Generator, font: LineFont) -> Example:
        text = training_text(rng, self.alphabet, int(rng.integers(*self.lengths, endpoint=True)))
        tracking = rng.exponential(1.0) - 0.3 if rng.random() < 0.4 else 0.0
        image = render_line(font, text, tracking=tracking).image
        looseness = Looseness(
            rng.uniform(0.88, 1.1), rng.uniform(0.85, 1.15), rng.uniform(-1.5, 1.5)
        )
        return cut_strip(degrade(image, random_degradation(rng, 0.6), rng), looseness), text

    def _held_out(self, rng: np.random.Generator, font: LineFont) -> Example:
        text = held_out_text(rng, self.alphabet, int(rng.integers(8, 26)))
        return cut_strip(render_line(font, text).image), text


_Draw = Callable[[np.random.Generator, LineFont], Example]


def stack(lines: Sequence[Example], alphabet: str) -> tuple[Tensor, Tensor]:
    """Inputs (N, 1, 32, W), filled up with paper, and targets (N, S), filled up with -1."""
    return pad([strip for strip, _ in lines]), classes([text for _, text in lines], alphabet)


def pad(strips: Sequence[Strip]) -> Tensor:
    """Strips side by side (N, 1, 32, W), with paper at their right to the widest."""
    widest = max(strip.values.shape[1] for strip in strips)
    x = torch.zeros(len(strips), 1, HEIGHT, widest)
    for row, strip in zip(x, strips, strict=True):
        row[0, :, : strip.values.shape[1]] = torch.from_numpy(strip.values)
    return x


def classes(texts: Sequence[str], alphabet: str) -> Tensor:
    """The classes (N, S) of texts: 1 for the alphabet's first character, -1 after the end."""
    place = {character: number for number, character in enumerate(alphabet, 1)}
    target = torch.full((len(texts), max(map(len, texts))), PADDING)
    for row, text in zip(target, texts, strict=True):
        row[: len(text)] = torch.tensor([place[character] for character in text])
    return target


def _width(line: Example) -> int:
    return int(line[0].values.shape[1])
