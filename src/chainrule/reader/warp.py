"""Letters a little larger or wider, slanted, turned, off their place: as other fonts draw them."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import UInt8
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

    size: float = 0.1  # natural logarithm of the factor
    width: float = 0.08  # the same, of the width alone
    slant: float = 0.15  # pixels sideways for a pixel of height
    turn: float = 0.05  # radians
    shift: float = 1.0  # pixels

    def __call__(
        self, images: UInt8[Tensor, "b h w"], generator: torch.Generator
    ) -> UInt8[Tensor, "b h w"]:
        count, (height, width) = len(images), images.shape[1:]

        def drawn(limit: float) -> Tensor:
            return limit * (2 * torch.rand(count, generator=generator) - 1)

        turn = drawn(self.turn)
        maps = torch.empty(count, 2, 3)
        maps[:, 0, 0] = torch.exp(drawn(self.size) + drawn(self.width))
        maps[:, 0, 1] = drawn(self.slant) - turn
        maps[:, 0, 2] = drawn(self.shift) * 2 / width  # the grid runs from -1 to 1
        maps[:, 1, 0] = turn
        maps[:, 1, 1] = torch.exp(drawn(self.size))
        maps[:, 1, 2] = drawn(self.shift) * 2 / height
        grid = F.affine_grid(maps, [count, 1, height, width], align_corners=False)
        ink = (255 - images).float()[:, None]
        warped = F.grid_sample(ink, grid, align_corners=False)[:, 0]
        return 255 - warped.round().to(torch.uint8)
