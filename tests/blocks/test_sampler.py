"""The bilinear sampler against its double sum over all pixels, differences, and torch's."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from chainrule.blocks import BilinearSampler
from chainrule.errors import ShapeError

SIZES = st.integers(1, 4)


def double_sum(x, grid):
    """The definition: every pixel, weighted by how near the place is."""
    places = [(grid[:, axis] + 1) / 2 * (length - 1) for axis, length in enumerate(x.shape[2:])]
    near = [
        (1 - (place.flatten(1)[:, :, None] - torch.arange(length)).abs()).clamp(min=0)
        for place, length in zip(places, x.shape[2:], strict=True)
    ]
    y = torch.einsum("nchw,njh,njw->ncj", x, *near)
    return y.unflatten(2, grid.shape[2:])


def drawn(numbers, seed, shape, size):
    """An image, and places inside and around it that are not too near to whole ones."""
    x, draw = numbers(seed)(*shape), numbers(seed + 1)
    cells = torch.stack([
        (draw(shape[0], *size) * length).clamp(-2, length + 1).floor() for length in shape[2:]
    ], 1)  # fmt: skip
    between = 0.1 + 0.8 * draw(shape[0], 2, *size).sigmoid()
    lengths = torch.tensor(shape[2:]).clamp(min=2).view(1, 2, 1, 1)
    return x, (cells + between) / (lengths - 1) * 2 - 1


@given(st.tuples(SIZES, SIZES, SIZES, SIZES), st.tuples(SIZES, SIZES), st.integers(0, 50))
def test_bilinear_sampler(numbers, shape, size, seed):
    x, grid = drawn(numbers, seed, shape, size)
    block = BilinearSampler()
    y, saved = block.forward((x, grid), {})
    assert tuple(y.shape) == block.shape((shape, tuple(grid.shape))) == (*shape[:2], *size)
    leaves = [t.clone().requires_grad_() for t in (x, grid)]
    expected = double_sum(*leaves)
    torch.testing.assert_close(y, expected.detach())
    dy = numbers(seed + 2)(*y.shape)
    expected.backward(dy)
    given, dparams = block.backward(dy, {}, saved)
    assert dparams == {}
    for ours, leaf in zip(given, leaves, strict=True):
        torch.testing.assert_close(ours, leaf.grad)
    # along random directions, by differences
    for i, (ours, start) in enumerate(zip(given, (x, grid), strict=True)):
        step = 1e-6 * numbers(seed + 3)(*start.shape)
        ends = [
            block.apply((start + s, grid) if i == 0 else (x, start + s), {}) for s in (step, -step)
        ]
        slope = ((ends[0] - ends[1]) * dy).sum() / 2
        torch.testing.assert_close((ours * step).sum(), slope, rtol=1e-5, atol=1e-12)


def test_it_is_what_the_field_calls_so(numbers):
    x, grid = drawn(numbers, 0, (2, 3, 5, 4), (6, 7))
    theirs = F.grid_sample(x, grid.flip(1).permute(0, 2, 3, 1), align_corners=True)
    torch.testing.assert_close(BilinearSampler()((x, grid), {}), theirs)


def test_corners_centres_and_what_is_outside():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, None]
    places = [(-1, -1), (1, 1), (-1, 1), (0, 0), (3, 0), (-9e9, 0), (torch.nan, 0), (torch.inf, 0)]
    grid = torch.tensor(places).T.reshape(1, 2, 1, -1).float()
    y, saved = BilinearSampler().forward((x, grid), {})
    assert y.flatten().tolist() == [1.0, 4.0, 2.0, 2.5, 0.0, 0.0, 0.0, 0.0]
    (_, dgrid), _ = BilinearSampler().backward(torch.ones_like(y), {}, saved)
    assert torch.isfinite(dgrid).all()


def test_at_a_whole_place_the_slope_is_that_of_the_larger_one():
    x = torch.tensor([0.0, 1.0, 5.0]).view(1, 1, 3, 1)
    grid = torch.zeros(1, 2, 1, 1)  # the middle row
    y, saved = BilinearSampler().forward((x, grid), {})
    (_, dgrid), _ = BilinearSampler().backward(torch.ones_like(y), {}, saved)
    assert y.item() == 1.0
    assert dgrid.flatten().tolist() == [4.0, 0.0]  # (5 - 1) (H - 1)/2


@pytest.mark.parametrize(
    "shapes", [((2, 3, 4, 4), (2, 3, 4, 4)), ((2, 3, 4, 4), (1, 2, 4, 4)), ((2, 3, 4, 4),)]
)
def test_inputs_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ShapeError, match=r"expected an image \(N, C, H, W\) and a grid \(N, 2, H'"):
        BilinearSampler().forward(tuple(torch.zeros(shape) for shape in shapes), {})
