"""The three sums of a convolution: y, dx and dw, each by the quickest of a few ways to the same.

With window steps t and d, padding p and groups as `Convolution` has them,

    correlated:     y[n, o, i]  = sum_c sum_k w[o, c, k] x[n, c, t i - p + d k]   (+ b[o])
    spread:         x'[n, c, j] = sum_o sum_{(i, k): t i - p + d k = j} w[o, c, k] y'[n, o, i]
    filter_sums:    w'[o, c, k] = sum_n sum_i y'[n, o, i] x[n, c, t i - p + d k]

The second and the third are the derivatives of the first, by x and by w; the first and the third
are those of the second.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from chainrule.blocks import kernels
from chainrule.blocks.patches import patches_pay, product, product_dw, product_dx
from chainrule.blocks.window import Window


def correlated(x: Tensor, w: Tensor, b: Tensor | None, window: Window, groups: int) -> Tensor:
    """y (N, O, H', W') of x (N, C, H, W) and w (O, C / groups, kh, kw)."""
    if _as_product(x, (x.shape[2], x.shape[3]), window, groups):
        return product(x, w, b)
    if x.shape[1] == 1 and x.device.type == "cpu" and x.is_contiguous():
        # one channel: the same bytes are channels_last, and the kernel goes by the strides
        height, width = x.shape[2:]
        x = x.as_strided(x.shape, (height * width, 1, width, 1))
    padding = window.even_padding
    if padding is None:  # the kernel can pad opposite sides only alike
        x, padding = window.pad(x), (0, 0)
    return F.conv2d(x, w, b, window.stride, padding, window.dilation, groups)


def spread(dy: Tensor, w: Tensor, size: tuple[int, int], window: Window, groups: int) -> Tensor:
    """x' (N, C, *size) of y' (N, O, H', W'): each number spreads the filter where it looked."""
    if _as_product(dy, size, window, groups):
        return product_dx(dy, w, size)
    top, bottom, left, right = window.padding
    # the last rows and columns that no window reaches, since the stride steps over the end
    rest = (
        (size[0] + top + bottom - window.extent[0]) % window.stride[0],
        (size[1] + left + right - window.extent[1]) % window.stride[1],
    )
    padding = window.even_padding
    dx = F.conv_transpose2d(dy, w, None, window.stride, padding or 0, rest, groups, window.dilation)
    return dx if padding is not None else window.crop(dx, size)


def filter_sums(x: Tensor, dy: Tensor, window: Window, groups: int) -> Tensor:
    """w' (O, C / groups, kh, kw) of x (N, C, H, W) and y' (N, O, H', W')."""
    (kh, kw), o, c = window.kernel, dy.shape[1], x.shape[1] // groups
    if x.dtype.itemsize < 4 and _as_product(x, (x.shape[2], x.shape[3]), window, groups):
        return product_dw(dy, (o, c, kh, kw), x)
    padded = window.pad(x)
    if kernels.pays(x, dy.numel() * kh * kw * c // 64):
        from chainrule.blocks.kernels.convolution import weight_derivative

        return weight_derivative(padded, dy, window, groups)
    rows, outputs = _by_group(dy, groups), (dy.shape[2], dy.shape[3])
    taps = [rows @ _by_group(window.seen(padded, *tap, outputs), groups).mT for tap in window.taps]
    return torch.stack(taps, -1).view(o, c, kh, kw)


def _as_product(x: Tensor, size: tuple[int, int], window: Window, groups: int) -> bool:
    """Whether patches times filters is the faster way for images (H, W) in x's type."""
    plain = x.device.type == "cpu" and groups == 1
    return plain and patches_pay(size, x.dtype.itemsize, window)


def _by_group(x: Tensor, groups: int) -> Tensor:
    """x (N, C, H, W) as a matrix for each group: (groups, C / groups, N H W)."""
    n, c, *size = x.shape
    return x.reshape(n, groups, c // groups, *size).permute(1, 2, 0, 3, 4).flatten(2)
