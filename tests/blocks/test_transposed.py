"""The transposed convolution against its definition in loops, and against what it turns round."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.blocks import Convolution, TransposedConvolution
from chainrule.errors import InputError, ShapeError

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def transposed(draw):
    """A block and the shape of an input that it takes."""
    groups = draw(st.integers(1, 3))
    stride, dilation = draw(PAIRS), draw(PAIRS)
    more = [draw(st.integers(0, step - 1)) for step in stride]
    block = TransposedConvolution(
        groups * draw(st.integers(1, 2)),
        groups * draw(st.integers(1, 2)),
        draw(PAIRS),
        stride=stride,
        padding=draw(st.tuples(*[st.integers(0, 2)] * 4) | st.integers(0, 1)),
        output_padding=tuple(more),
        dilation=dilation,
        groups=groups,
        bias=draw(st.booleans()),
    )
    sizes = st.integers(1, 4)
    shape = (draw(st.integers(1, 2)), block.in_channels, draw(sizes), draw(sizes))
    try:
        block.shape(shape)
    except ShapeError:
        assume(False)
    return block, shape


def by_loops(block):
    """The definition: every input pixel adds the filter, times itself, where it belongs."""

    def reference(x, params):
        (kh, kw), (sh, sw), (dh, dw) = (
            block.window.kernel,
            block.window.stride,
            block.window.dilation,
        )
        top, _, left, _ = block.window.padding
        n, _, rows, columns = block.shape(tuple(x.shape))
        # where nothing that x touches is left, it still has a derivative, 0
        y = 0 * (x.sum() + params["weight"].sum())
        y = y.expand(n, block.out_channels, rows, columns)
        if block.bias:
            y = y + params["bias"].view(1, -1, 1, 1)
        for i in range(x.shape[2]):
            for j in range(x.shape[3]):
                for k in range(kh):
                    for m in range(kw):
                        h, w = i * sh - top + k * dh, j * sw - left + m * dw
                        if 0 <= h < rows and 0 <= w < columns:
                            pixels = x[:, :, i, j].unflatten(1, (block.groups, -1))
                            taps = params["weight"][:, :, k, m].unflatten(0, (block.groups, -1))
                            spread = torch.einsum("ngc,gco->ngo", pixels, taps).flatten(1)
                            place = torch.zeros_like(y)
                            place[:, :, h, w] = 1.0
                            y = y + place * spread[:, :, None, None]
        return y

    return reference


@given(transposed())
def test_transposed_convolution(numbers, parameters, held, case):
    block, shape = case
    held(block, numbers()(*shape), parameters(block), by_loops(block))


@given(transposed())
def test_it_is_the_convolution_turned_round(numbers, parameters, case):
    """<dy, conv(dy')> = <conv'(dy), dy'> for the convolution with the same filters."""
    block, shape = case
    params = {"weight": parameters(block)["weight"]}
    there = Convolution(
        block.out_channels, block.in_channels, block.kernel_size, block.stride, block.padding,
        block.dilation, block.groups, bias=False,
    )  # fmt: skip
    x = numbers()(*shape)
    y = TransposedConvolution(**{**vars_of(block), "bias": False}).apply(x, params)
    other = numbers(1)(*y.shape)
    assert there.shape(tuple(y.shape)) == shape
    torch.testing.assert_close((y * other).sum(), (x * there.apply(other, params)).sum())


def vars_of(block):
    return {name: getattr(block, name) for name in block.__dataclass_fields__}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"in_channels": 0}, "`in_channels` is 0; expected a whole number of at least 1"),
        ({"padding": "same"}, "`padding` is 'same'; expected whole numbers"),
        ({"output_padding": 1}, "`output_padding` is 1; expected less than the stride"),
        ({"groups": 2}, r"`groups` is 2; expected a divisor of `in_channels` \(3\)"),
    ],
)
def test_bad_settings_are_refused(settings, sentence):
    with pytest.raises(InputError, match=f"^TransposedConvolution: {sentence}"):
        TransposedConvolution(**{"in_channels": 3, "out_channels": 4, "kernel_size": 2, **settings})


def test_what_leaves_no_pixel_is_refused():
    with pytest.raises(ShapeError, match=r"padding \(2, 2, 2, 2\) leaves 0x0; expected some"):
        TransposedConvolution(1, 1, 2, padding=2).shape((1, 1, 3, 3))
