"""Pooling against torch.autograd and central differences; ties and borders by hand."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.blocks import AveragePooling, GlobalAveragePooling, MaxPooling
from chainrule.errors import InputError, ShapeError


@st.composite
def poolings(draw, pads_alike=False):
    """Settings of a pooling, and the shape of an input that they fit."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    dilation = draw(st.just((1, 1)) | st.tuples(st.integers(1, 3), st.integers(1, 3)))
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    sides = [st.integers(0, extent[axis] - 1) for axis in (0, 0, 1, 1)]
    alike = st.tuples(*[st.integers(0, k // 2) for k in kernel])
    settings = {
        "kernel_size": kernel,
        "stride": draw(st.none() | st.tuples(st.integers(1, 4), st.integers(1, 4))),
        "padding": draw(alike if pads_alike else st.tuples(*sides) | alike),
        "dilation": dilation,
        "ceil_mode": draw(st.booleans()),
    }
    shape = draw(st.tuples(st.integers(1, 2), st.integers(1, 3), *[st.integers(1, 8)] * 2))
    try:
        MaxPooling(**settings).shape(shape)
    except ShapeError:
        assume(False)
    return settings, shape


def windows(block, x, value):
    """Every window's pixels, by loops: (N, C, H', W', kh * kw), with `value` beyond the image."""
    (kh, kw), (sh, sw), (dh, dw) = block.window.kernel, block.window.stride, block.window.dilation
    top, _, left, _ = block.window.padding
    _, _, rows, columns = block.shape(tuple(x.shape))
    beyond = torch.full_like(x[:, :, 0, 0], value)

    def pixel(h, w):
        return x[:, :, h, w] if 0 <= h < x.shape[2] and 0 <= w < x.shape[3] else beyond

    def window(h, w):
        taps = [pixel(h + k * dh, w + m * dw) for k in range(kh) for m in range(kw)]
        return torch.stack(taps, -1)

    seen = [window(i * sh - top, j * sw - left) for i in range(rows) for j in range(columns)]
    return torch.stack(seen, 2).unflatten(2, (rows, columns))


@given(poolings())
def test_max_pooling(distinct, held, case):
    settings, x_shape = case
    block = MaxPooling(**settings)
    held(
        block,
        distinct(x_shape),
        {},
        lambda x, _: windows(block, x, -torch.inf).amax(-1),
    )
    x = distinct(x_shape)
    assert torch.equal(block.apply(x, {}), block.forward(x, {})[0])


@given(poolings(), st.booleans())
def test_average_pooling(numbers, held, case, count_padding):
    settings, x_shape = case
    block = AveragePooling(**settings, count_padding=count_padding)

    def reference(x, _):
        if not count_padding:
            return windows(block, x, torch.nan).nanmean(-1)
        top, bottom, left, right = block.window.padding
        padded = F.pad(x, (left, right, top, bottom))
        inner = AveragePooling(**{**settings, "padding": 0})
        # with its padding inside, what is beyond it stays out of the mean
        _, _, rows, columns = block.shape(tuple(x.shape))
        return windows(inner, F.pad(padded, (0, 9, 0, 9), value=torch.nan), torch.nan)[
            :, :, :rows, :columns
        ].nanmean(-1)

    held(block, numbers()(*x_shape), {}, reference)


@given(poolings(pads_alike=True))
def test_how_many_windows_there_are_is_as_the_field_has_it(numbers, case):
    """Where torch takes the settings: its values too, to the last bit."""
    settings, x_shape = case
    names = {"kernel_size", "stride", "padding", "dilation", "ceil_mode"}
    x = numbers()(*x_shape)
    theirs = F.max_pool2d(x, **{name: settings[name] for name in names})
    assert torch.equal(MaxPooling(**settings).forward(x, {})[0], theirs)
    if settings["dilation"] == (1, 1):
        del settings["dilation"]
        for count in (False, True):
            theirs = F.avg_pool2d(x, **settings, count_include_pad=count)
            ours = AveragePooling(**settings, count_padding=count).forward(x, {})[0]
            torch.testing.assert_close(ours, theirs)


def test_ceil_mode_by_hand():
    """Five pixels in windows of two: the last is alone in its window."""
    x = torch.tensor([3.0, 1.0, 2.0, 5.0, 4.0]).view(1, 1, 1, 5)
    y, saved = MaxPooling((1, 2), ceil_mode=True).forward(x, {})
    assert y.flatten().tolist() == [3.0, 5.0, 4.0]
    dx, _ = MaxPooling((1, 2), ceil_mode=True).backward(torch.ones(1, 1, 1, 3), {}, saved)
    assert dx.flatten().tolist() == [1.0, 0.0, 0.0, 1.0, 1.0]
    assert AveragePooling((1, 2), ceil_mode=True)(x, {}).flatten().tolist() == [2.0, 3.5, 4.0]
    # a window that would begin in the padding is none
    assert MaxPooling((1, 2), 2, (0, 0, 0, 1), ceil_mode=True).shape((1, 1, 1, 4))[3] == 2


def test_windows_that_see_no_pixel_are_refused():
    with pytest.raises(ShapeError, match=r"dilation \(1, 2\) and .* sees no pixel; expected"):
        MaxPooling((1, 2), padding=(0, 1), dilation=(1, 2)).forward(torch.ones(1, 1, 1, 1), {})


def test_minus_infinity_alone_gets_the_derivative_inside_of_the_image():
    x = torch.full((1, 1, 2, 2), -torch.inf)
    block = MaxPooling(2, 1, padding=1)
    y, saved = block.forward(x, {})
    assert y.unique().tolist() == [-torch.inf]
    dx = block.backward(torch.ones_like(y), {}, saved)[0]
    assert dx.sum() == y.numel()


def test_nan_is_passed_on_and_gets_the_derivative():
    x = torch.tensor([1.0, torch.nan, 2.0, torch.nan]).view(1, 1, 1, 4)
    block = MaxPooling((1, 3), 1)
    y, saved = block.forward(x, {})
    assert y.isnan().all()
    dx = block.backward(torch.tensor([2.0, 3.0]).view(1, 1, 1, 2), {}, saved)[0]
    assert dx.flatten().tolist() == [0.0, 2.0, 0.0, 3.0]


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
