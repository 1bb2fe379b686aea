"""Jitter: a letter as it stands in a line, with neighbours and a little off its place."""

from dataclasses import dataclass

import torch
from torch import Tensor

from chainrule.errors import InputError
from chainrule.glyphs.letters import SIDE, Letters

SIDEWAYS = 5  # pixels, at most
UPRIGHT = 2


@dataclass(frozen=True)
class Draw:
    """What was drawn for a batch of b pictures."""

    neighbours: Tensor  # (2, b), rows of the data set: the letters on the left and on the right
    sideways: Tensor  # (b,), pixels that the letter moves right
    down: Tensor  # (b,), pixels that it moves down


class Jitter:
    """Puts a random letter on either side of each picture and shifts all three together.

    The left neighbour is centred 16 px left of the letter and the right one 16 px right of it; the
    darker of two inks is seen. Then the 32x32 window moves by up to `sideways` px to the left or
    right and `upright` px up or down, uniformly, for each picture by itself; paper comes in above
    and below. A neighbour's class is drawn uniformly from the alphabet and its picture uniformly
    from that class's in the training families, so no validation font is ever seen.
    """

    def __init__(
        self, letters: Letters, *, sideways: int = SIDEWAYS, upright: int = UPRIGHT
    ) -> None:
        """Raises InputError if a class has no training picture, or a shift is out of range."""
        if not (0 <= sideways <= SIDE // 2 and 0 <= upright <= SIDE // 2):
            raise InputError(
                f"the shifts are {sideways} px sideways and {upright} px upright; expected 0 to "
                f"{SIDE // 2}"
            )
        self.sideways, self.upright = sideways, upright
        self._images = torch.from_numpy(letters.images)
        rows = torch.from_numpy(letters.training_rows)
        labels = torch.from_numpy(letters.labels)[rows]
        self._counts = torch.bincount(labels, minlength=len(letters.alphabet))
        if not bool(self._counts.all()):
            lacking = letters.alphabet[int(self._counts.argmin())]
            raise InputError(f"no training font has a picture of {lacking!r}")
        # training rows by class, and where each class begins
        self._rows = rows[torch.argsort(labels, stable=True)]
        self._starts = self._counts.cumsum(0) - self._counts

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Jitter `images` (b, 32, 32), uint8 with 255 for paper; gives the same shape and type."""
        return self.place(images, self.draw(len(images), generator))

    def draw(self, count: int, generator: torch.Generator) -> Draw:
        """Draw neighbours and shifts for `count` pictures."""
        classes = torch.randint(len(self._counts), (2, count), generator=generator)
        # float64: the largest below 1 times a count stays below the count
        where = torch.rand((2, count), generator=generator, dtype=torch.float64)
        within = (where * self._counts[classes]).long()
        return Draw(
            neighbours=self._rows[self._starts[classes] + within],
            sideways=_uniform(self.sideways, count, generator),
            down=_uniform(self.upright, count, generator),
        )

    def place(self, images: Tensor, draw: Draw) -> Tensor:
        """Compose what was drawn around `images` (b, 32, 32)."""
        count, edge = len(images), self.upright
        canvas = torch.full((count, SIDE + 2 * edge, 2 * SIDE), 255, dtype=torch.uint8)
        middle = canvas[:, edge : edge + SIDE]
        middle[:, :, :SIDE] = self._images[draw.neighbours[0]]
        middle[:, :, SIDE:] = self._images[draw.neighbours[1]]
        centre = middle[:, :, SIDE // 2 : SIDE // 2 + SIDE]
        torch.minimum(centre, images, out=centre)
        # a letter that moves right is a window that moves left
        windows = canvas.unfold(1, SIDE, 1).unfold(2, SIDE, 1)
        return windows[torch.arange(count), edge - draw.down, SIDE // 2 - draw.sideways]


def _uniform(limit: int, count: int, generator: torch.Generator) -> Tensor:
    return torch.randint(-limit, limit + 1, (count,), generator=generator)
