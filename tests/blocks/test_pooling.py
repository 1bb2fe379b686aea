"""Pooling against torch.autograd and central differences; ties and borders by hand."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.blocks import AveragePooling, GlobalAveragePooling, MaxPooling
from chainrule.errors import InputError, ShapeError


@st.composite
def poolings(draw):
    """Settings of a pooling, and the shape of an input that they fit."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    sides = [st.integers(0, k - 1) for k in (kernel[0], kernel[0], kernel[1], kernel[1])]
    settings = {
        "kernel_size": kernel,
        "stride": draw(st.none() | st.tuples(st.integers(1, 4), st.integers(1, 4))),
        "padding": draw(st.tuples(*sides) | st.just((kernel[0] // 2, kernel[1] // 2))),
    }
    height, width = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    top, bottom, left, right = MaxPooling(**settings).window.padding
    assume(height + top + bottom >= kernel[0])
    assume(width + left + right >= kernel[1])
    return settings, (draw(st.integers(1, 2)), draw(st.integers(1, 3)), height, width)


def windows(window, x, value):
    """Every window as a row: (N, C, H', W', kh * kw), by unfolding the padded input."""
    top, bottom, left, right = window.padding
    x = F.pad(x, (left, right, top, bottom), value=value)
    x = x.unfold(2, window.kernel[0], window.stride[0])
    return x.unfold(3, window.kernel[1], window.stride[1]).flatten(4)


@given(poolings())
def test_max_pooling(distinct, held, case):
    settings, x_shape = case
    block = MaxPooling(**settings)
    held(
        block,
        distinct(x_shape),
        {},
        lambda x, _: windows(block.window, x, -torch.inf).amax(-1),
    )
    x = distinct(x_shape)
    assert torch.equal(block.apply(x, {}), block.forward(x, {})[0])


@given(poolings(), st.booleans())
def test_average_pooling(numbers, held, case, count_padding):
    settings, x_shape = case
    block = AveragePooling(**settings, count_padding=count_padding)

    def reference(x, _):
        if count_padding:
            return windows(block.window, x, 0.0).mean(-1)
        return windows(block.window, x, torch.nan).nanmean(-1)

    held(block, numbers()(*x_shape), {}, reference)


@given(st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 5), st.integers(1, 5)))
def test_global_average_pooling(numbers, held, x_shape):
    held(
        GlobalAveragePooling(),
        numbers()(*x_shape),
        {},
        lambda x, _: F.adaptive_avg_pool2d(x, 1),
    )


def test_of_ties_the_first_in_reading_order_gets_the_derivative():
    x = torch.tensor([[0.0, 1.0, 5.0, 5.0], [1.0, 1.0, 5.0, 5.0]])[None, None]
    y, saved = MaxPooling(2).forward(x, {})
    dx, _ = MaxPooling(2).backward(torch.tensor([[[[2.0, 3.0]]]]), {}, saved)
    assert y.tolist() == [[[[1.0, 5.0]]]]
    assert dx.tolist() == [[[[0.0, 2.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]]


def test_max_pooling_reports_no_pixel_that_is_not_there():
    x = torch.full((1, 1, 2, 2), -3.0)
    assert MaxPooling(3, 1, padding=1).forward(x, {})[0].tolist() == [[[[-3.0] * 2] * 2]]
    assert MaxPooling(3, 1, padding=(2, 0, 1, 1)).forward(x, {})[0].tolist() == [[[[-3.0] * 2] * 2]]


def test_average_pooling_divides_by_what_lies_in_the_image_unless_told():
    x = torch.ones(1, 1, 2, 2)
    assert AveragePooling(2, 1, padding=1).forward(x, {})[0].unique().tolist() == [1.0]
    padded = AveragePooling(2, 1, padding=1, count_padding=True).forward(x, {})[0]
    assert padded[0, 0].tolist() == [[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]]


@pytest.mark.parametrize("kind", [MaxPooling, AveragePooling])
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"stride": 0}, "`stride` is 0; expected a whole number of at least 1"),
        ({"kernel_size": (2, 0)}, "`kernel_size` is 0; expected a whole number of at least 1"),
        ({"padding": 2}, "`padding` is 2; expected less than the window's 2x2 on each side"),
        ({"padding": (0, 0, 0, 3)}, r"`padding` is \(0, 0, 0, 3\); expected less than the window"),
    ],
)
def test_bad_settings_are_refused(kind, settings, sentence):
    with pytest.raises(InputError, match=f"^{kind.__name__}: {sentence}"):
        kind(**{"kernel_size": 2, **settings})


@pytest.mark.parametrize("block", [MaxPooling(3), AveragePooling(3), GlobalAveragePooling()])
def test_an_input_that_is_no_image_is_refused(block):
    with pytest.raises(ShapeError, match=r"shape \(2, 9\); expected \(N, C, H, W\)"):
        block.forward(torch.zeros(2, 9), {})


@pytest.mark.parametrize("block", [MaxPooling(3), AveragePooling(3)])
def test_a_window_larger_than_the_image_is_refused(block):
    with pytest.raises(ShapeError, match=r"spans 3x3 pixels, the padded input 2x8"):
        block.shape((1, 1, 2, 8))
