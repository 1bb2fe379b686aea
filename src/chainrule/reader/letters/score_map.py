"""The letter network on a whole line: the same weights on a wider picture."""

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from chainrule.blocks.block import Parameters
from chainrule.chain import Chain
from chainrule.errors import ShapeError
from chainrule.glyphs.letters import SIDE
from chainrule.reader.letters.batches import Scaling

STRIDE = 4  # pixels between two windows: the network's two poolings by 2


def score_map(
    network: Chain, parameters: Parameters, scaling: Scaling, picture: UInt8[np.ndarray, "32 W"]
) -> Float[Tensor, "classes columns"]:
    """The scores of each 32x32 window of the picture, in one pass: column k begins at 4 k px.

    There are (W - 32) // 4 + 1 columns. Neighbouring windows share nearly all of their pixels, so
    this computes once what each window by itself would compute again.

    Raises ShapeError if the picture is not 32 px high or less than 32 px wide.
    """
    _check(picture)
    x = scaling(torch.from_numpy(np.ascontiguousarray(picture)))
    return network.in_inference().apply(x[None, None], parameters)[0, :, 0]


def window_scores(
    network: Chain, parameters: Parameters, scaling: Scaling, picture: UInt8[np.ndarray, "32 W"]
) -> Float[Tensor, "classes columns"]:
    """What `score_map` gives, from each window cut out and passed through by itself.

    This is what `score_map` is measured against. Raises ShapeError as it does.
    """
    _check(picture)
    x = scaling(torch.from_numpy(np.ascontiguousarray(picture)))
    windows = x.unfold(1, SIDE, STRIDE).transpose(0, 1)[:, None]
    return network.in_inference().apply(windows.contiguous(), parameters)[:, :, 0, 0].T


def columns_of(boxes: Int[np.ndarray, "n 4"], columns: int) -> Int[np.ndarray, " n"]:
    """The column of a score map whose window is centred nearest to each box (left, top, ...).

    Of two that are as near, the left one.
    """
    middle = (boxes[:, 0] + boxes[:, 2]) / 2
    nearest: Int[np.ndarray, " n"] = np.ceil((middle - SIDE / 2) / STRIDE - 0.5).astype(np.int64)
    return nearest.clip(0, columns - 1)


def _check(picture: UInt8[np.ndarray, "32 W"]) -> None:
    if picture.ndim != 2 or picture.shape[0] != SIDE or picture.shape[1] < SIDE:
        raise ShapeError(
            f"the picture of the line has shape {picture.shape}; expected ({SIDE}, W) with W of "
            f"at least {SIDE}"
        )
