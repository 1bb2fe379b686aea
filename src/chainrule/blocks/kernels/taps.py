"""A window as whole numbers, for compiled code."""

from typing import NamedTuple

from chainrule.blocks.window import Window


class Taps(NamedTuple):
    """Output i sees the pixels i * s - before + k * d, 0 <= k < the kernel's size."""

    kh: int
    kw: int
    sh: int
    sw: int
    top: int
    left: int
    dh: int
    dw: int


def taps_of(window: Window) -> Taps:
    """The numbers of a window."""
    top, _, left, _ = window.padding
    return Taps(*window.kernel, *window.stride, top, left, *window.dilation)
