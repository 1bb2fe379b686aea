"""Batches of letters for training and for judging."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from chainrule.errors import InputError
from chainrule.glyphs.letters import Letters


class Change(Protocol):
    """What changes pictures at random, for training: jitter, or `chainrule.reader.letters.warp`."""

    def __call__(
        self, images: UInt8[Tensor, "b h w"], generator: torch.Generator
    ) -> UInt8[Tensor, "b h w"]: ...


@dataclass(frozen=True)
class Scaling:
    """How pictures become the network's numbers: scale (picture - mean), with 255 for paper."""

    mean: float
    scale: float

    def __call__(self, images: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return (images.float() - self.mean) * self.scale


class LetterBatches:
    """The pictures of the rows of `letters` in batches, as `chainrule.training.Source` asks.

    With a generator (in training) the order is random and the `changes` are made, one after the
    other, drawn anew for each picture each time. Without one the pictures come as they are.
    """

    def __init__(
        self,
        letters: Letters,
        rows: Int64[np.ndarray, " n"],
        scaling: Scaling,
        changes: tuple[Change, ...] = (),
    ) -> None:
        """Raises InputError if there are no rows."""
        if not len(rows):
            raise InputError("the set of letters is empty; expected at least one letter")
        self.images = torch.from_numpy(letters.images[rows])
        self.labels = torch.from_numpy(letters.labels[rows])
        self._scaling, self._changes = scaling, changes

    def __len__(self) -> int:
        return len(self.labels)

    def batches(
        self, size: int, generator: torch.Generator | None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch of (pictures (b, 1, 32, 32), classes (b, 1, 1)), b <= size."""
        count = len(self)
        order = (
            torch.arange(count) if generator is None else torch.randperm(count, generator=generator)
        )
        for chosen in torch.split(order, size):
            images = self.images[chosen]
            if generator is not None:
                for change in self._changes:
                    images = change(images, generator)
            yield self._scaling(images)[:, None], self.labels[chosen][:, None, None]
