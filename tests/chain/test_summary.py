"""The table: receptive fields against what moves, numbers against torch's."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainrule.blocks import (
    AveragePooling,
    Convolution,
    Flatten,
    FullyConnected,
    GlobalAveragePooling,
    ReLU,
    Residual,
)
from chainrule.chain import Chain
from chainrule.errors import InputError, ShapeError


def rows(chain, shape):
    return {row.layer: row for row in chain.summary(shape).rows}


def test_the_characters_network(characters):
    """Sizes, fields and strides worked out by hand, as the practical states them."""
    table = rows(characters, (1, 1, 32, 32))
    assert [row.output_shape[1:] for row in table.values()] == [
        (20, 28, 28), (20, 14, 14), (50, 10, 10), (50, 5, 5), (500, 2, 2), (500, 2, 2), (26, 1, 1)
    ]  # fmt: skip
    fields = [row.receptive_field for row in table.values()]
    assert [field.size[0] for field in fields] == [5, 6, 14, 16, 28, 28, 32]
    assert [field.stride[1] for field in fields] == [1, 2, 2, 4, 4, 4, 4]
    assert [field.offset[0] for field in fields] == [2, 2.5, 6.5, 7.5, 13.5, 13.5, 15.5]
    assert table["conv1"].parameters == 5 * 5 * 20 + 20
    assert table["pool1"].parameters == 0
    assert table["conv1"].memory == 20 * 28 * 28 * 4
    summary = characters.summary((1, 1, 32, 32))
    assert summary.parameters == sum(
        p.numel() for p in characters.initial_parameters(torch.Generator()).values()
    )
    assert characters.summary((3, 1, 32, 32)).memory == 3 * summary.memory
    half = characters.summary((1, 1, 32, 32), torch.bfloat16)
    assert half.memory == summary.memory / 2


@st.composite
def sliding(draw):
    """A chain of windows on one channel, with a residual now and then."""
    layers, size = [], (draw(st.integers(12, 20)), draw(st.integers(12, 20)))
    shape = (1, 1, *size)
    for i in range(draw(st.integers(1, 4))):
        kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
        kind = draw(st.sampled_from(["convolution", "pooling", "residual"]))
        if kind == "residual":
            k = draw(st.sampled_from([1, 3]))
            block = Residual(Convolution(1, 1, k, padding=k // 2, bias=False))
        elif kind == "convolution":
            block = Convolution(
                1,
                1,
                kernel,
                stride=draw(st.tuples(st.integers(1, 2), st.integers(1, 2))),
                padding=draw(st.tuples(*[st.integers(0, 2)] * 4)),
                dilation=draw(st.integers(1, 2)),
                bias=False,
            )
        else:
            block = AveragePooling(kernel, draw(st.integers(1, 2)), count_padding=True)
        try:
            shape = block.shape(shape)
        except ShapeError:
            break
        layers.append((f"l{i}", block))
    return Chain(layers), (1, 1, *size)


@given(sliding(), st.data())
def test_the_field_is_what_the_derivative_reaches(case, data):
    """With positive weights dx of one output is 0 outside of its field, and not at its ends."""
    chain, shape = case
    params = {name: torch.ones(s).double() for name, s in chain.parameter_shapes().items()}
    y, saved = chain.forward(torch.ones(shape).double(), params)
    where = [data.draw(st.integers(0, n - 1)) for n in y.shape[2:]]
    dy = torch.zeros_like(y)
    dy[0, 0, where[0], where[1]] = 1
    dx = chain.backward(dy, params, saved)[0][0, 0]
    if not chain.layers:
        return
    field = chain.summary(shape).rows[-1].receptive_field
    for axis in (0, 1):
        reached = dx.sum(1 - axis).nonzero().flatten().tolist()
        centre = field.offset[axis] + field.stride[axis] * where[axis]
        low, high = centre - (field.size[axis] - 1) / 2, centre + (field.size[axis] - 1) / 2
        assert all(low <= pixel <= high for pixel in reached)
        if low >= 0 and high < shape[2 + axis]:  # else the ends may lie in padding
            assert (reached[0], reached[-1]) == (low, high)


def test_after_global_pooling_all_pixels_are_seen():
    chain = Chain([("conv", Convolution(1, 2, 3, padding=1)), ("all", GlobalAveragePooling())])
    field = rows(chain, (1, 1, 8, 10))["all"].receptive_field
    assert field.size == (10, 12)  # all eight by ten, and the padding of one
    assert field.offset == (3.5, 4.5)


def test_flattened_rows_see_all_pixels():
    chain = Chain([("flat", Flatten()), ("fc", FullyConnected(80, 3))])
    field = rows(chain, (1, 1, 8, 10))["fc"].receptive_field
    assert field.size == (8, 10)


def test_a_nested_chain_shows_its_layers(everything):
    table = rows(everything, (2, 3, 12, 14))
    assert table["body.depthwise"].parameters == 12 * 9 + 12
    assert table["body"].type == "Residual"
    assert table["body"].parameters == 0
    assert "again" not in table
    assert "again.project" in table
    total = sum(torch.Size(s).numel() for s in everything.parameter_shapes().values())
    assert everything.summary((2, 3, 12, 14)).parameters == total


def test_the_printed_table(characters):
    lines = str(characters.summary((1, 1, 32, 32))).splitlines()
    header = "layer type filter stride padding output shape field field stride field offset"
    assert lines[0].split() == [*header.split(), "parameters", "memory"]
    assert "conv1 Convolution 5x5 1 0 1x20x28x28 5x5 1 2 520 61.25 KiB" in [
        " ".join(line.split()) for line in lines
    ]
    assert lines[-1].split()[:2] == ["total", "478,096"]
    assert len({len(line) for line in lines if "Convolution" in line}) == 1
    assert all(line == line.rstrip() for line in lines)


def test_uneven_settings_are_shown_whole():
    chain = Chain([("a", Convolution(1, 1, (3, 2), stride=(2, 1), padding=(0, 1, 2, 0)))])
    line = str(chain.summary((1, 1, 9, 9))).splitlines()[3].split()
    assert line[:5] == ["a", "Convolution", "3x2", "2x1", "0,1,2,0"]


def test_an_input_that_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"^layer 'a': Convolution: the input has shape"):
        Chain([("r", ReLU()), ("a", Convolution(1, 1, 3))]).summary((1, 2, 9, 9))
    with pytest.raises(InputError, match="no `input_shape`; expected one for its summary"):
        Chain([("r", ReLU())]).summary()


def test_the_chains_own_input_shape_is_taken_unless_given(characters):
    assert characters.summary() == characters.summary((1, 1, 32, 32))
