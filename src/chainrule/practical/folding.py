"""Convolutions in a row, without a non-linearity between them, are one convolution."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from chainrule.blocks import Convolution
from chainrule.blocks.block import Parameters
from chainrule.chain import Chain
from chainrule.errors import InputError


def fold(chain: Chain, params: Parameters) -> tuple[Convolution, dict[str, Tensor]]:
    """One convolution, with its weight and bias, that equals a chain of convolutions.

    Derivation, for one column. With m over the channels between and strides t and u,

        z[m, i] = a[m] + sum_c sum_l v[m, c, l] x[c, t i + l]
        y[o, i] = b[o] + sum_m sum_k w[o, m, k] z[m, u i + k]
                = b[o] + sum_m sum_k w[o, m, k] a[m]
                       + sum_c sum_k sum_l (sum_m w[o, m, k] v[m, c, l]) x[c, t u i + t k + l]

    which is a convolution with stride t u, the bias b[o] + sum_m a[m] sum_k w[o, m, k], and

        weight[o, c, j] = sum_m sum_{(k, l): t k + l = j} w[o, m, k] v[m, c, l],

    the full convolution of v with w, whose taps are t apart. Its filter spans (K - 1) t + L pixels
    where the two span K and L. Dilations are taken in as filters with zeros between their taps.

    Raises InputError if a layer is no convolution, pads (zeros around the picture between are no
    zeros around the first one) or has groups, or if the chain is empty.
    """
    blocks = [_foldable(name, block) for name, block in chain.line]
    if not blocks:
        raise InputError("the chain holds no layer; expected convolutions")
    chain.check_parameters(params)
    names = list(chain)
    weight, bias = _dense(blocks[0], params, names[0])
    stride = blocks[0].window.stride
    for block, name in zip(blocks[1:], names[1:], strict=True):
        w, b = _dense(block, params, name)
        bias = b + w.sum((2, 3)) @ bias
        weight = _full_convolution(weight, w, stride)
        stride = (stride[0] * block.window.stride[0], stride[1] * block.window.stride[1])
    size: Sequence[int] = weight.shape
    one = Convolution(size[1], size[0], (size[2], size[3]), stride)
    return one, {"weight": weight, "bias": bias}


def _full_convolution(v: Tensor, w: Tensor, stride: tuple[int, int]) -> Tensor:
    """The weight above: v's filters, one input channel an image, under w flipped."""
    padding = [t * (k - 1) for t, k in zip(stride, w.shape[2:], strict=True)]
    full = F.conv2d(v.transpose(0, 1), w.flip(2, 3), padding=padding, dilation=stride)
    return full.transpose(0, 1).contiguous()


def _foldable(name: str, block: object) -> Convolution:
    if not isinstance(block, Convolution):
        raise InputError(f"layer {name!r} is {block!r}; expected a convolution")
    if any(block.window.padding) or block.groups != 1:
        raise InputError(
            f"layer {name!r}: `padding` is {block.padding!r} and `groups` {block.groups}; expected "
            "no padding and one group"
        )
    return block


def _dense(block: Convolution, params: Parameters, name: str) -> tuple[Tensor, Tensor]:
    """The layer's weight with the zeros of its dilation written out, and its bias or zeros."""
    w = params[f"{name}.weight"]
    (dh, dw), (height, width) = block.window.dilation, block.window.extent
    dense = w.new_zeros((*w.shape[:2], height, width))
    dense[:, :, ::dh, ::dw] = w
    bias = params[f"{name}.bias"] if block.bias else torch.zeros_like(w[:, 0, 0, 0])
    return dense, bias
