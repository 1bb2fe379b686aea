"""Convolution as a matrix product of patches and filters.

On a CPU this is faster than the library's convolution as long as the patches, which overlap, don't
copy each pixel often: up to 2 times in float32 and 2 to 4 times in bfloat16, most where few pixels
are left.
"""

import torch
from torch import Tensor

from chainrule.blocks.window import Window

# Copies of a pixel, on average, up to which the product pays: the library's convolution keeps up
# better in float32 than in 16 bits.
_COPIES, _COPIES_16_BIT = 3, 4


def patches_pay(x: Tensor, window: Window) -> bool:
    """Whether x (N, C, H, W) under this window is better convolved as patches times filters."""
    height, width = x.shape[2:]
    kh, kw = window.kernel
    copies = (height - kh + 1) * (width - kw + 1) * kh * kw / max(1, height * width)
    plain = window.stride == window.dilation == (1, 1) and not any(window.padding)
    most = _COPIES_16_BIT if x.dtype.itemsize == 2 else _COPIES
    return plain and copies <= most and kh * kw > 1


def product(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """y (N, O, H', W') = patches times filters (O, C, kh, kw), plus biases (O,)."""
    kh, kw = w.shape[2:]
    rows = _patches(x, w) @ _filters(x, w).T
    y = (rows if b is None else rows + b).view(
        len(x), x.shape[2] - kh + 1, x.shape[3] - kw + 1, len(w)
    )
    return y.permute(0, 3, 1, 2)


def product_dx(dy: Tensor, w: Tensor, x: Tensor) -> Tensor:
    """Each dy spreads the filter over the pixels that its window saw."""
    (n, c, height, width), (kh, kw) = x.shape, w.shape[2:]
    ho, wo = dy.shape[2:]
    spread = rows_of(dy) @ _filters(x, w)
    if _channels_inside(x, w):
        spread = spread.view(n, ho, wo, kh, kw, c)
    else:
        spread = spread.view(n, ho, wo, c, kh, kw).permute(0, 1, 2, 4, 5, 3)
    dx = x.new_zeros(n, height, width, c)
    if ho * wo <= kh * kw:  # add up in as few steps as can be
        for i in range(ho):
            for j in range(wo):
                dx[:, i : i + kh, j : j + kw] += spread[:, i, j]
    else:
        for k in range(kh):
            for m in range(kw):
                dx[:, k : k + ho, m : m + wo] += spread[:, :, :, k, m]
    return dx.permute(0, 3, 1, 2)


def product_dw(dy: Tensor, w: Tensor, x: Tensor) -> Tensor:
    """Each filter's derivative: the patches, weighted by dy."""
    dw = rows_of(dy).T @ _patches(x, w)
    o, c, kh, kw = w.shape
    if _channels_inside(x, w):
        return dw.view(o, kh, kw, c).permute(0, 3, 1, 2).contiguous()
    return dw.view(w.shape)


def taps_times_dy(x: Tensor, dy: Tensor, window: Window, groups: int) -> Tensor:
    """dw (O, C / groups, kh, kw): tap by tap, dy times what the tap saw of the padded x."""
    rows, size = _by_group(dy, groups), (dy.shape[2], dy.shape[3])
    taps = [rows @ _by_group(window.seen(x, *tap, size), groups).mT for tap in window.taps]
    dw = torch.stack(taps, -1)  # (groups, O / groups, C / groups, kh kw)
    return dw.view(dy.shape[1], x.shape[1] // groups, *window.kernel)


def _by_group(x: Tensor, groups: int) -> Tensor:
    """x (N, C, H, W) as a matrix for each group: (groups, C / groups, N H W)."""
    n, c, *size = x.shape
    return x.reshape(n, groups, c // groups, *size).permute(1, 2, 0, 3, 4).flatten(2)


def rows_of(dy: Tensor) -> Tensor:
    """dy (N, O, H', W') with a row for each window: (N H' W', O)."""
    return dy.permute(0, 2, 3, 1).flatten(0, 2)


def _channels_inside(x: Tensor, w: Tensor) -> bool:
    """Whether a patch's numbers go by pixel and then by channel, instead of as the filters' do.

    Patches are then copied in long runs. The filters have to be put in that order, which does not
    pay where they are more than the windows.
    """
    n, _, height, width = x.shape
    kh, kw = w.shape[2:]
    return n * (height - kh + 1) * (width - kw + 1) >= len(w) // 4


def _patches(x: Tensor, w: Tensor) -> Tensor:
    """What each window sees, a row each: (N H' W', kh kw C) or (N H' W', C kh kw)."""
    kh, kw = w.shape[2:]
    inside = _channels_inside(x, w)
    pixels = x.permute(0, 2, 3, 1)
    seen = (pixels.contiguous() if inside else pixels).unfold(1, kh, 1).unfold(2, kw, 1)
    order = (0, 1, 2, 4, 5, 3) if inside else (0, 1, 2, 3, 4, 5)  # from (N, H', W', C, kh, kw)
    return seen.permute(order).flatten(0, 2).flatten(1)


def _filters(x: Tensor, w: Tensor) -> Tensor:
    """The filters, a row each, in the patches' order."""
    return (w.permute(0, 2, 3, 1) if _channels_inside(x, w) else w).flatten(1)
