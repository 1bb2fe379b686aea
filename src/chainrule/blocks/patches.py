"""Convolution as a matrix product of patches and filters.

On a CPU this is faster than the library's convolution as long as the patches, which overlap, don't
copy each pixel often: up to 2 times in float32 and 2 to 4 times in bfloat16, most where few pixels
are left.
"""

from torch import Tensor

from chainrule.blocks.window import Window

# Copies of a pixel, on average, up to which the product pays: the library's convolution keeps up
# better in float32 than in 16 bits.
_COPIES, _COPIES_16_BIT = 3, 4


def patches_pay(size: tuple[int, int], itemsize: int, window: Window) -> bool:
    """Whether images (H, W) under this window are better convolved as patches times filters."""
    height, width = size
    kh, kw = window.kernel
    copies = (height - kh + 1) * (width - kw + 1) * kh * kw / max(1, height * width)
    plain = window.stride == window.dilation == (1, 1) and not any(window.padding)
    most = _COPIES_16_BIT if itemsize == 2 else _COPIES
    return plain and copies <= most and kh * kw > 1


def product(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """y (N, O, H', W') = patches times filters (O, C, kh, kw), plus biases (O,)."""
    o, _, kh, kw = w.shape
    ho, wo = x.shape[2] - kh + 1, x.shape[3] - kw + 1
    inside = _channels_inside(len(x) * ho * wo, o)
    rows = _patches(x, (kh, kw), inside) @ _filters(w, inside).T
    y = (rows if b is None else rows + b).view(len(x), ho, wo, o)
    return y.permute(0, 3, 1, 2)


def product_dx(dy: Tensor, w: Tensor, size: tuple[int, int]) -> Tensor:
    """Each dy spreads the filter over the pixels that its window saw, of an image (H, W)."""
    (n, _, ho, wo), (_, c, kh, kw), (height, width) = dy.shape, w.shape, size
    inside = _channels_inside(n * ho * wo, len(w))
    spread = rows_of(dy) @ _filters(w, inside)
    if inside:
        spread = spread.view(n, ho, wo, kh, kw, c)
    else:
        spread = spread.view(n, ho, wo, c, kh, kw).permute(0, 1, 2, 4, 5, 3)
    dx = dy.new_zeros(n, height, width, c)
    if ho * wo <= kh * kw:  # add up in as few steps as can be
        for i in range(ho):
            for j in range(wo):
                dx[:, i : i + kh, j : j + kw] += spread[:, i, j]
    else:
        for k in range(kh):
            for m in range(kw):
                dx[:, k : k + ho, m : m + wo] += spread[:, :, :, k, m]
    return dx.permute(0, 3, 1, 2)


def product_dw(dy: Tensor, shape: tuple[int, int, int, int], x: Tensor) -> Tensor:
    """The derivative of filters of this shape: the patches, weighted by dy."""
    o, c, kh, kw = shape
    inside = _channels_inside(len(dy) * dy.shape[2] * dy.shape[3], o)
    dw = rows_of(dy).T @ _patches(x, (kh, kw), inside)
    if inside:
        return dw.view(o, kh, kw, c).permute(0, 3, 1, 2).contiguous()
    return dw.view(shape)


def rows_of(dy: Tensor) -> Tensor:
    """dy (N, O, H', W') with a row for each window: (N H' W', O)."""
    return dy.permute(0, 2, 3, 1).flatten(0, 2)


def _channels_inside(windows: int, filters: int) -> bool:
    """Whether a patch's numbers go by pixel and then by channel, instead of as the filters' do.

    Patches are then copied in long runs. The filters have to be put in that order, which does not
    pay where they are more than the windows.
    """
    return windows >= filters // 4


def _patches(x: Tensor, kernel: tuple[int, int], inside: bool) -> Tensor:
    """What each window sees, a row each: (N H' W', kh kw C) or (N H' W', C kh kw)."""
    kh, kw = kernel
    pixels = x.permute(0, 2, 3, 1)
    seen = (pixels.contiguous() if inside else pixels).unfold(1, kh, 1).unfold(2, kw, 1)
    order = (0, 1, 2, 4, 5, 3) if inside else (0, 1, 2, 3, 4, 5)  # from (N, H', W', C, kh, kw)
    return seen.permute(order).flatten(0, 2).flatten(1)


def _filters(w: Tensor, inside: bool) -> Tensor:
    """The filters, a row each, in the patches' order."""
    return (w.permute(0, 2, 3, 1) if inside else w).flatten(1)
