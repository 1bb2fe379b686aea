"""Channels laid out along the width."""

import pytest
import torch

from chainrule.blocks import Interleave
from chainrule.errors import InputError, ShapeError


def test_against_autograd_and_differences(held, numbers):
    """Two groups of three channels become the even and the odd columns."""

    def reference(x, params):
        rows = [x[:, i * 3 : (i + 1) * 3] for i in range(2)]
        return torch.stack(rows, -1).flatten(-2)

    held(Interleave(2), numbers()(2, 6, 3, 5), {}, reference)


def test_columns_come_from_groups_of_channels():
    x = torch.arange(4.0).reshape(1, 4, 1, 1)
    y, _ = Interleave(2).forward(x, {})
    assert y.tolist() == [[[[0.0, 2.0]], [[1.0, 3.0]]]]


def test_torch_module_is_the_same(numbers):
    x = numbers()(2, 6, 3, 5)
    assert torch.equal(Interleave(3).to_torch({})(x), Interleave(3).apply(x, {}))


def test_what_does_not_divide_is_refused():
    with pytest.raises(ShapeError, match="that 4 divides"):
        Interleave(4).shape((1, 6, 2, 2))
    with pytest.raises(InputError, match="`parts` is 0"):
        Interleave(0)
