"""Letters a little larger or wider, slanted, turned, off their place: as other fonts draw them."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor


@dataclass(frozen=True)
class Warp:
    """Draws an affine map for each picture, uniformly within these limits, and applies it.

    A picture's pixel at p, counted from the middle, shows what was at A p + t there, with

        A = [exp(size + width)   slant - turn]      size, width, slant, turn, t: uniform within
            [turn                exp(size')  ]      plus and minus their limit

    size and size' are drawn by themselves, so heights vary against widths too. Between pixels it
    is interpolated linearly; what comes in from outside is paper.
    """

    size: float = 0.15  # natural logarithm of the factor
    width: float = 0.15  # the same, of the width alone
    slant: float = 0.25  # pixels sideways for a pixel of height
    turn: float = 0.08  # radians
    shift: float = 1.5  # pixels

    def __call__(
        self, images: UInt8[Tensor, "b h w"], generator: torch.Generator
    ) -> UInt8[Tensor, "b h w"]:
        count, (height, width) = len(images), images.shape[1:]

        def drawn(limit: float) -> Tensor:
            return limit * (2 * torch.rand((count, 1, 1), generator=generator) - 1)

        turn = drawn(self.turn)
        right, down = _middles(width), _middles(height)
        # where each pixel looks, in planes: x by columns plus x by rows, then y alike
        grid = torch.empty(count, 2, height, width)
        grid[:, 0] = right * torch.exp(drawn(self.size) + drawn(self.width))
        grid[:, 0] += down.T * (drawn(self.slant) - turn) + drawn(self.shift) * 2 / width
        grid[:, 1] = right * turn
        grid[:, 1] += down.T * torch.exp(drawn(self.size)) + drawn(self.shift) * 2 / height
        ink = (255 - images).float()[:, None]
        warped = F.grid_sample(ink, grid.permute(0, 2, 3, 1), align_corners=False)[:, 0]
        return 255 - warped.round().to(torch.uint8)


def _middles(pixels: int) -> Float[Tensor, "1 pixels"]:
    """Where the middles of so many pixels lie on an axis that runs from -1 to 1."""
    return (2 * torch.arange(pixels).float()[None] + 1) / pixels - 1
