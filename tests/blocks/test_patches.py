"""Convolution as patches times filters: against the library's convolution, in every type."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from chainrule.blocks import Convolution
from chainrule.blocks.patches import patches_pay

SIZES = st.integers(1, 5)


@given(st.integers(0, 3), SIZES, SIZES, SIZES, SIZES, st.integers(0, 2), st.integers(0, 2),
       st.booleans())  # fmt: skip
def test_values_and_derivatives_are_the_librarys(n, c, o, kh, kw, more_h, more_w, bias):
    block = Convolution(c, o, (kh, kw), bias=bias)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, c, kh + more_h, kw + more_w, generator=generator, dtype=torch.float64)
    w = torch.randn(o, c, kh, kw, generator=generator, dtype=torch.float64)
    b = torch.randn(o, generator=generator, dtype=torch.float64)
    params = {"weight": w, "bias": b} if bias else {"weight": w}
    leaves = [t.clone().requires_grad_() for t in (x, w, b)]
    theirs = F.conv2d(leaves[0], leaves[1], leaves[2] if bias else None)
    y, saved = block.forward(x, params)
    torch.testing.assert_close(y, theirs.detach())
    dy = torch.randn(y.shape, generator=generator, dtype=torch.float64)
    theirs.backward(dy)
    dx, dparams = block.backward(dy, params, saved)
    torch.testing.assert_close(dx, leaves[0].grad)
    torch.testing.assert_close(dparams["weight"], leaves[1].grad)
    if bias:
        torch.testing.assert_close(dparams["bias"], leaves[2].grad)


@pytest.mark.parametrize(
    ("block", "side", "expected"),
    [
        (Convolution(50, 500, 4), 5, True),  # 4 windows of 16 pixels on 25
        (Convolution(500, 26, 2), 2, True),
        (Convolution(20, 50, 5), 14, False),  # 100 windows of 25 pixels on 196
        (Convolution(3, 8, 1), 8, False),
        (Convolution(50, 500, 4, stride=2), 6, False),
        (Convolution(50, 500, 4, padding=1), 5, False),
        (Convolution(50, 500, 2, dilation=2), 4, False),
    ],
)
def test_when_it_is_taken(block, side, expected):
    assert patches_pay((side, side), 4, block.window) == expected
