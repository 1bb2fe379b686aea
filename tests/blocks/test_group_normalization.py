"""Layer, group and instance normalisation against torch's, autograd and differences."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.blocks import (
    BatchNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
)
from chainrule.errors import InputError, ShapeError

IMAGES = st.tuples(st.integers(1, 3), st.integers(1, 3), *[st.integers(1, 4)] * 2)


@given(IMAGES, st.integers(2, 6), st.booleans(), st.integers(0, 20))
def test_layer_normalization(numbers, parameters, held, size, channels, rows, seed):
    block = LayerNormalization(channels, epsilon=0.1)
    shape = (size[0], channels) if rows else (size[0], channels, *size[2:])

    def reference(x, params):
        last = x.movedim(1, -1)
        y = F.layer_norm(last, (channels,), params["weight"], params["bias"], 0.1)
        return y.movedim(-1, 1)

    held(block, numbers(seed)(*shape), parameters(block), reference)


@given(IMAGES, st.integers(1, 3), st.booleans(), st.integers(0, 20))
def test_group_normalization(numbers, parameters, held, size, groups, rows, seed):
    block = GroupNormalization(groups, groups * size[1], epsilon=0.1)
    shape = (size[0], groups * size[1], *(() if rows else size[2:]))
    assume(torch.Size(shape[1:]).numel() >= 2 * groups)

    def reference(x, params):
        return F.group_norm(x, groups, params["weight"], params["bias"], 0.1)

    held(block, numbers(seed)(*shape), parameters(block), reference)


@given(IMAGES, st.integers(0, 20))
def test_instance_normalization(numbers, parameters, held, shape, seed):
    block = InstanceNormalization(shape[1], epsilon=0.1)
    assume(shape[2] * shape[3] >= 2)

    def reference(x, params):
        mean = x.mean((2, 3), keepdim=True)
        variance = x.var((2, 3), unbiased=False, keepdim=True)
        w, b = (params[name].view(1, -1, 1, 1) for name in ("weight", "bias"))
        return w * (x - mean) / (variance + 0.1).sqrt() + b

    held(block, numbers(seed)(*shape), parameters(block), reference)


def test_they_are_one_family(numbers, parameters):
    """One group a channel is the instance; an image alone in its batch sees no difference."""
    x = numbers()(1, 4, 3, 5)
    params = parameters(InstanceNormalization(4))
    instance = InstanceNormalization(4)(x, params)
    torch.testing.assert_close(GroupNormalization(4, 4)(x, params), instance)
    moments = {"mean": torch.zeros(4), "variance": torch.ones(4)}
    torch.testing.assert_close(BatchNormalization(4)(x, params | moments), instance)
    layer = GroupNormalization(1, 4)(x, params)
    w, b = (params[name].view(1, -1, 1, 1) for name in ("weight", "bias"))
    hat = (layer - b) / w
    torch.testing.assert_close(hat.mean(), torch.zeros((), dtype=torch.float64))
    torch.testing.assert_close(hat.var(unbiased=False).item(), 1.0, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: LayerNormalization(1), "`channels` is 1; expected a whole number of at least 2"),
        (lambda: GroupNormalization(2, 3), r"`groups` is 2; expected a divisor of `channels` \(3"),
        (lambda: InstanceNormalization(2, -1), "`epsilon` is -1; expected a finite number"),
    ],
)
def test_bad_settings_are_refused(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


@pytest.mark.parametrize(
    ("block", "shape", "sentence"),
    [
        (LayerNormalization(4), (2, 3), r"shape \(2, 3\); expected \(N, 4, H, W\) or \(N, 4\)"),
        (GroupNormalization(4, 4), (2, 4), r"shape \(2, 4\), of which 1 is normalised by itself"),
        (InstanceNormalization(4), (2, 4, 1, 1), "expected two entries at least"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(block, shape, sentence):
    with pytest.raises(ShapeError, match=sentence):
        block.forward(torch.zeros(shape), {"weight": torch.ones(4), "bias": torch.zeros(4)})
