"""From a picture to what a network wants to see: resized, cropped, scaled."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
_LONG = 100  # a picture at most so many times longer than wide is resized as a whole: 15 MB


@dataclass(frozen=True)
class Preprocessing:
    """How a network's pictures were made when it was trained.

    The shorter side is resized to `resize` pixels, the middle `size` x `size` is cut out (black
    beyond the picture, if that is more), and each channel becomes (value - mean) / deviation, with
    values from 0 to 255. With `whole` the picture is squeezed to a square of `resize` pixels
    instead. With `grey` the network sees one channel.
    A `mean_image`, if there is one, is taken off in the place of `mean`.
    """

    size: int = 224
    resize: int = 224
    filter: Literal["bicubic", "bilinear"] = "bicubic"
    mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    deviation: tuple[float, float, float] = (127.5, 127.5, 127.5)
    whole: bool = False
    grey: bool = False
    mean_image: Float[Tensor, "c size size"] | None = None

    @property
    def at_least(self) -> int:
        """How many pixels a picture's shorter side needs: twice what it is resized to.

        A JPEG that is decoded at a part of its size, no smaller than this, is hardly another one
        after the resizing (Pillow's `reducing_gap` of 2).
        """
        return 2 * self.resize

    def square(self, image: Image.Image) -> UInt8[np.ndarray, "size size 3"]:
        """The resized and cropped RGB picture."""
        width, height = image.size
        resampling = _FILTERS[self.filter]
        new_width, new_height = self._resized(width, height)
        left, top = self._corner(new_width, new_height)
        if self.whole or max(width, height) <= _LONG * min(width, height):
            small = image.resize((new_width, new_height), resampling)
        else:
            # of one row and a million columns only what the crop keeps is made
            across, down = width / new_width, height / new_height
            seen = min(new_width, self.size), min(new_height, self.size)
            x, y = max(left, 0), max(top, 0)
            right, bottom = min((x + seen[0]) * across, width), min((y + seen[1]) * down, height)
            small = image.resize(seen, resampling, (x * across, y * down, right, bottom))
            left, top = left - x, top - y
        small = small.crop((left, top, left + self.size, top + self.size))
        return np.asarray(small.convert("L").convert("RGB") if self.grey else small)

    def _resized(self, width: int, height: int) -> tuple[int, int]:
        """As torchvision: the longer side is rounded down."""
        shorter = min(width, height)
        if self.whole:
            return self.resize, self.resize
        return self.resize * width // shorter, self.resize * height // shorter

    def _corner(self, width: int, height: int) -> tuple[int, int]:
        """As torchvision: rounded to the nearest and to even halfway; up where there is less."""
        left, top = (
            round((side - self.size) / 2) if side >= self.size else -((self.size - side) // 2)
            for side in (width, height)
        )
        return left, top

    def scaled(
        self, squares: UInt8[np.ndarray, "n size size 3"], dtype: torch.dtype = torch.float32
    ) -> Float[Tensor, "n c size size"]:
        """The network's input, channels last in memory."""
        pixels = torch.from_numpy(squares).permute(0, 3, 1, 2).to(torch.float32)
        deviation = torch.tensor(self.deviation)[:, None, None]
        mean = torch.tensor(self.mean)[:, None, None]
        if self.grey:
            pixels, mean, deviation = pixels[:, :1], mean[:1], deviation[:1]
        if self.mean_image is not None:
            mean = self.mean_image
        return ((pixels - mean) / deviation).to(dtype)

    def input(self, image: Image.Image) -> Float[Tensor, "1 c size size"]:
        """The network's input for one RGB picture."""
        return self.scaled(self.square(image)[None].copy())
