"""Compiled kernels of the blocks, for CPUs: the formulas of their docstrings, in loops.

Beside each stands the same in plain tensor operations, in the block's own file, which runs on every
device and on small inputs; the tests hold the two equal. A kernel is compiled, and Numba loaded,
when a block first has enough to do for it (a few seconds; the result is kept on disk). Images lie
with the channels last, (N, H, W, C), and float16 and bfloat16 are computed in float32.
"""

from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

_LEAST = 2**14
"""Numbers read, below which plain operations take less than a tenth of a millisecond."""

_EACH = 2**18
"""Numbers that a thread reads at least, which takes a few times what it costs to wake it."""

_DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def pays(x: Tensor, numbers: int) -> bool:
    """Whether a kernel takes such a tensor, and `numbers` to read are enough for it."""
    return x.device.type == "cpu" and numbers >= _LEAST and x.dtype in _DTYPES


def wide(x: Tensor) -> Tensor:
    """x in float32 at least, in which 16 bits are computed."""
    return x.float() if x.dtype.itemsize < 4 else x


def pixels(x: Tensor) -> NDArray[Any]:
    """x (N, C, H, W) as an array (N, H, W, C) in one piece, in float32 at least."""
    array: NDArray[Any] = wide(x.detach()).permute(0, 2, 3, 1).contiguous().numpy()
    return array


def in_parts(count: int, numbers: int, run: Callable[[int, int], None]) -> None:
    """Call run(begin, end) over all of 0 to `count`, on as many threads as torch has if it pays."""
    from chainrule.blocks.kernels.threads import run_in_threads

    threads = min(torch.get_num_threads(), count, numbers // _EACH)
    if threads < 2:
        run(0, count)
    else:
        run_in_threads(count, threads, run)
