"""Convolution against torch.autograd, central differences, patches times weights, and SciPy."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.signal import correlate

from chainrule.blocks import Convolution
from chainrule.errors import InputError, ShapeError


@st.composite
def convolutions(draw):
    """A convolution with every setting drawn, and the shape of an input that it fits."""
    groups = draw(st.integers(1, 3))
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
    block = Convolution(
        in_channels=groups * draw(st.integers(1, 2)),
        out_channels=groups * draw(st.integers(1, 2)),
        kernel_size=draw(pairs),
        stride=draw(pairs | st.integers(1, 4)),
        padding=draw(st.integers(0, 3) | st.tuples(*[st.integers(0, 3)] * 4)),
        dilation=draw(pairs),
        groups=groups,
        bias=draw(st.booleans()),
    )
    top, bottom, left, right = block.window.padding
    height = draw(st.integers(1, 9))
    width = draw(st.integers(1, 9))
    assume(height + top + bottom >= block.window.extent[0])
    assume(width + left + right >= block.window.extent[1])
    return block, (draw(st.integers(1, 3)), block.in_channels, height, width)


def padded(block, x):
    top, bottom, left, right = block.window.padding
    return F.pad(x, (left, right, top, bottom))


def of_patches(block, x, params):
    """The convolution of what is padded already: patches times weights, group by group."""
    window = block.window
    patches = F.unfold(x, window.kernel, window.dilation, 0, window.stride)
    size = [
        (length - extent) // stride + 1
        for length, extent, stride in zip(x.shape[2:], window.extent, window.stride, strict=True)
    ]
    n, _, places = patches.shape
    # (N, groups, inputs of a group times taps, places)
    patches = patches.reshape(n, block.groups, -1, places)
    weight = params["weight"].reshape(block.groups, block.out_channels // block.groups, -1)
    y = (weight @ patches).reshape(n, block.out_channels, *size)
    return y + params["bias"][:, None, None] if block.bias else y


@given(convolutions())
def test_derivatives(numbers, parameters, held, case):
    block, x_shape = case

    def reference(x, params):
        return of_patches(block, padded(block, x), params)

    held(block, numbers()(*x_shape), parameters(block), reference)


@given(convolutions())
def test_equals_scipy(numbers, parameters, case):
    block, x_shape = case
    x, params, window = numbers()(*x_shape), parameters(block), block.window
    image, weight = padded(block, x).numpy(), params["weight"].numpy()
    # dilation: zeros between the filter's taps
    spread = np.zeros((*weight.shape[:2], *window.extent))
    spread[:, :, :: window.dilation[0], :: window.dilation[1]] = weight
    inputs, outputs = weight.shape[1], block.out_channels // block.groups
    expected = np.stack(
        [
            np.stack(
                [
                    correlate(one[o // outputs * inputs :][:inputs], spread[o], mode="valid")[0]
                    for o in range(block.out_channels)
                ]
            )
            for one in image
        ]
    )[:, :, :: window.stride[0], :: window.stride[1]]
    if block.bias:
        expected = expected + params["bias"].numpy()[:, None, None]
    y = block.forward(x, params)[0].numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-11, atol=1e-11)


@given(convolutions())
def test_backward_is_the_adjoint_of_forward(numbers, parameters, case):
    """<dy, A x> = <A' dy, x> for the linear map A, whatever autograd says."""
    block, x_shape = case
    params = {k: v * (k == "weight") for k, v in parameters(block).items()}
    x = numbers(5)(*x_shape)
    y, saved = block.forward(x, params)
    dy = numbers(6)(*y.shape)
    dx, dparams = block.backward(dy, params, saved)
    assert (dx * x).sum().item() == pytest.approx((dy * y).sum().item(), rel=1e-9, abs=1e-9)
    by_weight = (dparams["weight"] * params["weight"]).sum().item()
    assert by_weight == pytest.approx((dy * y).sum().item(), rel=1e-9, abs=1e-9)


def test_without_the_inputs_derivative_the_parameters_are_the_same(numbers, parameters):
    block = Convolution(3, 4, 3, stride=2, padding=(0, 1, 2, 1))
    params = parameters(block)
    y, saved = block.forward(numbers()(2, 3, 9, 8), params)
    alone = block.parameter_derivatives(torch.ones_like(y), params, saved)
    whole = block.backward(torch.ones_like(y), params, saved)[1]
    assert alone.keys() == whole.keys()
    assert all(torch.equal(alone[k], whole[k]) for k in whole)


def test_one_pixel_meets_a_padded_filter(numbers, parameters):
    block = Convolution(1, 1, 3, padding=1, bias=False)
    params = parameters(block)
    x = numbers()(1, 1, 1, 1)
    assert block.forward(x, params)[0].item() == (x * params["weight"][0, 0, 1, 1]).item()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"stride": 0}, r"`stride` is 0; expected a whole number of at least 1"),
        ({"stride": (1, 0)}, r"`stride` is 0; expected a whole number of at least 1"),
        ({"stride": 1.5}, r"`stride` is 1.5; expected a whole number of at least 1"),
        ({"stride": (1, 1, 1)}, r"`stride` is \(1, 1, 1\); expected one whole number or two"),
        ({"kernel_size": 0}, r"`kernel_size` is 0; expected a whole number of at least 1"),
        ({"dilation": 0}, r"`dilation` is 0; expected a whole number of at least 1"),
        ({"padding": -1}, r"`padding` is -1; expected a whole number of at least 0"),
        ({"padding": (1, 2, 3)}, r"`padding` is \(1, 2, 3\); expected one whole number, two"),
        ({"padding": "valid"}, r"`padding` is 'valid'; expected whole numbers or 'same'"),
        ({"padding_mode": "wrap"}, r"`padding_mode` is 'wrap'; expected 'zeros' or 'reflect'"),
        ({"groups": 0}, r"`groups` is 0; expected a whole number of at least 1"),
        ({"groups": 2}, r"`groups` is 2; expected a divisor of `in_channels` \(3\)"),
        ({"groups": 3}, r"`groups` is 3; .* and of `out_channels` \(4\)"),
        ({"in_channels": True}, r"`in_channels` is True; expected a whole number"),
        ({"bias": 1}, r"`bias` is 1; expected true or false"),
    ],
)
def test_bad_settings_are_refused(settings, sentence):
    with pytest.raises(InputError, match=f"^Convolution: {sentence}"):
        Convolution(**{"in_channels": 3, "out_channels": 4, "kernel_size": 3, **settings})


@pytest.mark.parametrize(
    ("x_shape", "sentence"),
    [
        ((2, 4, 8, 8), r"shape \(2, 4, 8, 8\); expected \(N, 3, H, W\)"),
        ((3, 8, 8), r"shape \(3, 8, 8\); expected \(N, 3, H, W\)"),
        ((2, 3, 0, 8), r"shape \(2, 3, 0, 8\), which holds no pixel"),
        ((2, 3, 2, 8), r"spans 5x5 pixels, the padded input 4x10 .*shape \(2, 3, 2, 8\)\)"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(x_shape, sentence):
    block = Convolution(3, 4, 3, padding=1, dilation=2)
    params = {"weight": torch.zeros(4, 3, 3, 3), "bias": torch.zeros(4)}
    for use in (lambda: block.shape(x_shape), lambda: block.forward(torch.zeros(x_shape), params)):
        with pytest.raises(ShapeError, match=f"^Convolution: .*{sentence}"):
            use()


@given(convolutions())
def test_mirrored_padding(numbers, parameters, held, case):
    """Against pixels picked by numpy's own mirror."""
    block, x_shape = case
    top, bottom, left, right = block.window.padding
    block = replace(block, padding_mode="reflect")
    assume(max(top, bottom) < x_shape[2])
    assume(max(left, right) < x_shape[3])
    rows = np.pad(np.arange(x_shape[2]), (top, bottom), mode="reflect")
    columns = np.pad(np.arange(x_shape[3]), (left, right), mode="reflect")

    def reference(x, params):
        return of_patches(block, x[:, :, rows][:, :, :, columns], params)

    held(block, numbers()(*x_shape), parameters(block), reference)


def test_more_than_the_image_is_not_mirrored():
    with pytest.raises(ShapeError, match=r"to mirror is \(2, 2, 2, 2\); expected more rows"):
        Convolution(1, 1, 3, padding=2, padding_mode="reflect").shape((1, 1, 2, 5))


@given(
    st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.integers(1, 12)
)
def test_same_padding_gives_as_many_rows_as_the_stride_leaves(kh, kw, stride, dilation, height):
    block = Convolution(1, 1, (kh, kw), stride, "same", dilation)
    assert block.shape((1, 1, height, 7))[2:] == (-(-height // stride), -(-7 // stride))


def test_same_padding_is_torchs_for_stride_1(numbers, parameters):
    for kernel in ((3, 3), (1, 5), (2, 1)):
        block = Convolution(2, 3, kernel, padding="same", dilation=(2, 1))
        x, params = numbers()(2, 2, 9, 8), parameters(block)
        theirs = F.conv2d(x, params["weight"], params["bias"], padding="same", dilation=(2, 1))
        torch.testing.assert_close(block(x, params), theirs)
