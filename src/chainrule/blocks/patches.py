"""Convolution as a matrix product of patches and filters.

On a CPU this is faster than the library's convolution as long as the patches, which overlap, don't
copy each pixel often: 1.3 to 2 times in float32 and 3 times in bfloat16 for a 4x4 kernel on 5x5
pixels.
"""

from torch import Tensor

from chainrule.blocks.window import Window

_COPIES = 4  # of a pixel, on average: with more, copying costs what the product saves


def patches_pay(x: Tensor, window: Window) -> bool:
    """Whether x (N, C, H, W) under this window is better convolved as patches times filters."""
    height, width = x.shape[2:]
    kh, kw = window.kernel
    copies = (height - kh + 1) * (width - kw + 1) * kh * kw / max(1, height * width)
    plain = window.stride == window.dilation == (1, 1) and not any(window.padding)
    return plain and copies <= _COPIES and kh * kw > 1


def patches(x: Tensor, kernel: tuple[int, int]) -> Tensor:
    """What each window sees, a row each: (N H' W', C kh kw)."""
    seen = x.unfold(2, kernel[0], 1).unfold(3, kernel[1], 1)  # (N, C, H', W', kh, kw)
    return seen.permute(0, 2, 3, 1, 4, 5).flatten(0, 2).flatten(1)


def product(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """y (N, O, H', W') = patches times filters (O, C, kh, kw), plus biases (O,)."""
    kh, kw = w.shape[2:]
    rows = patches(x, (kh, kw)) @ w.flatten(1).T
    y = (rows if b is None else rows + b).view(
        len(x), x.shape[2] - kh + 1, x.shape[3] - kw + 1, len(w)
    )
    return y.permute(0, 3, 1, 2)


def product_dx(dy: Tensor, w: Tensor, x: Tensor) -> Tensor:
    """Each dy spreads the filter over the pixels that its window saw."""
    kh, kw = w.shape[2:]
    spread = (rows_of(dy) @ w.flatten(1)).view(len(x), *dy.shape[2:], *w.shape[1:])
    dx = x.new_zeros(x.shape)
    for i in range(dy.shape[2]):
        for j in range(dy.shape[3]):
            dx[:, :, i : i + kh, j : j + kw] += spread[:, i, j]
    return dx


def product_dw(dy: Tensor, w: Tensor, x: Tensor) -> Tensor:
    """Each filter's derivative: the patches, weighted by dy."""
    kh, kw = w.shape[2:]
    return (rows_of(dy).T @ patches(x, (kh, kw))).view(w.shape)


def rows_of(dy: Tensor) -> Tensor:
    """dy (N, O, H', W') with a row for each window: (N H' W', O)."""
    return dy.permute(0, 2, 3, 1).flatten(0, 2)
