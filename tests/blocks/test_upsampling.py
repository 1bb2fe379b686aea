"""Upsampling against matrices made by its definition, pixel by pixel, and torch's."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from chainrule.blocks import Upsampling
from chainrule.errors import InputError, ShapeError

IMAGES = st.tuples(*[st.integers(1, 3)] * 2, *[st.integers(1, 5)] * 2)
SCALES = st.integers(1, 4) | st.tuples(st.integers(1, 4), st.integers(1, 4))


def matrix(length, scale, mode):
    """What each of the length * scale output pixels takes of each input pixel."""
    A = torch.zeros(length * scale, length, dtype=torch.float64)
    for j in range(length * scale):
        if mode == "nearest":
            A[j, j // scale] = 1.0
            continue
        place = (j + 0.5) / scale - 0.5
        i = math.floor(place)
        for pixel, weight in ((i, 1 - (place - i)), (i + 1, place - i)):
            A[j, min(max(pixel, 0), length - 1)] += weight
    return A


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@given(shape=IMAGES, scale=SCALES)
def test_upsampling(numbers, held, mode, shape, scale):
    block = Upsampling(scale, mode)
    A, B = (matrix(shape[2 + i], block.scales[i], mode) for i in (0, 1))
    held(block, numbers()(*shape), {}, lambda x, _: A @ x @ B.T)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_it_is_what_the_field_calls_so(numbers, mode):
    x = numbers()(2, 3, 5, 4)
    settings = {"align_corners": False} if mode == "bilinear" else {}
    theirs = F.interpolate(x, scale_factor=(3, 2), mode=mode, **settings)
    torch.testing.assert_close(Upsampling((3, 2), mode)(x, {}), theirs)


def test_bad_settings_and_shapes_are_refused():
    with pytest.raises(InputError, match=r"^Upsampling: `mode` is 'cubic'; expected 'nearest' or"):
        Upsampling(2, "cubic")
    with pytest.raises(InputError, match=r"^Upsampling: `scale` is 0; expected a whole number"):
        Upsampling(0)
    with pytest.raises(ShapeError, match=r"shape \(2, 9\); expected \(N, C, H, W\)"):
        Upsampling(2).forward(torch.zeros(2, 9), {})
