"""Compiled kernels that take arrays, bfloat16 as its bits: against torch's own operations."""

import math
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from numba import njit

from chainrule.blocks.kernels import normalization as norm
from chainrule.blocks.kernels import pairs, tile
from chainrule.blocks.kernels.gates import bound_of, pass_between
from chainrule.blocks.kernels.numbers import bits, number, put
from chainrule.blocks.kernels.packing import SLACK, line_of, pack, unpack
from chainrule.blocks.kernels.pooling import maxima_in, to_maxima_alone
from chainrule.blocks.kernels.sums import add
from chainrule.blocks.kernels.taps import taps_of
from chainrule.blocks.window import make_window
from chainrule.errors import ShapeError
from chainrule.io.pointers import address

DTYPES = [torch.float32, torch.bfloat16]


@njit
def copied(given, found):
    source, target = address(given), address(found)
    for i in range(given.size):
        put(target, i, number(source, i))


def test_rounding_to_bfloat16_is_torchs():
    generator = torch.Generator().manual_seed(0)
    anything = (
        torch.randint(-(2**31), 2**31, (200_000,), generator=generator).int().view(torch.float32)
    )
    ties = (torch.arange(2**16, dtype=torch.int32) << 16 | 0x8000).view(torch.float32)
    edges = torch.tensor([math.inf, -math.inf, math.nan, 3.4e38, -3.4e38, 1e-45, 0.0, -0.0])
    x = torch.cat([anything, ties, edges])
    found = torch.empty(len(x), dtype=torch.bfloat16)
    copied(x.numpy(), bits(found))
    expected = x.bfloat16()
    assert torch.equal(found.isnan(), expected.isnan())
    kept = ~expected.isnan()
    assert torch.equal(found[kept].view(torch.int16), expected[kept].view(torch.int16))


def test_every_bfloat16_is_read_as_it_is():
    x = torch.arange(2**16, dtype=torch.int32).to(torch.int16).view(torch.bfloat16)
    found = torch.empty(len(x))
    copied(bits(x), found.numpy())
    torch.testing.assert_close(found, x.float(), rtol=0, atol=0, equal_nan=True)


def roomy(values):
    """The tensor with SLACK numbers behind it, which kernels may read; they are NaN."""
    room = torch.full((values.numel() + SLACK,), math.nan, dtype=values.dtype)
    room[: values.numel()] = values.flatten()
    return room[: values.numel()].view(values.shape)


@st.composite
def windows(draw):
    """A window and the shape of images that it fits."""
    n, c = draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 3, 8, 17, 50]))
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    kernel, stride = (draw(st.tuples(st.integers(1, 4), st.integers(1, 4))) for _ in range(2))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    padding = draw(st.tuples(*[st.integers(0, 2)] * 4))
    window = make_window("Convolution", kernel, stride, padding, dilation)
    try:
        outputs = window.output_size("Convolution", (n, c, *size))
    except ShapeError:
        assume(False)
    return window, (n, c, *size), outputs


def unfolded(x, window):
    """The patches (N H' W', kh kw C), by torch."""
    columns = F.unfold(window.pad(x), window.kernel, window.dilation, 0, window.stride)
    n, c = x.shape[:2]
    return columns.view(n, c, -1, columns.shape[2]).permute(0, 3, 2, 1).flatten(2).flatten(0, 1)


@given(windows(), st.sampled_from(DTYPES), st.sampled_from([0, 1, 5]), st.integers(0, 99))
def test_patches_are_those_of_unfold(case, dtype, more, seed):
    window, (n, c, height, width), size = case
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, height, width, c, generator=generator).to(dtype)
    used = window.kernel[0] * window.kernel[1] * c
    length, rows = used + more, n * size[0] * size[1]
    patches = roomy(torch.zeros(rows, length, dtype=dtype))
    tail = bits(torch.eye(1, SLACK, dtype=dtype)[0])
    pack(bits(roomy(x)), bits(patches.view(-1)), taps_of(window), size, length, tail)
    expected = unfolded(x.permute(0, 3, 1, 2).float(), window)
    assert torch.equal(patches[:, :used].float(), expected)
    if more:
        assert bool((patches[:, used] == 1).all())
        assert bool((patches[:, used + 1 :] == 0).all())


@given(windows(), st.sampled_from([torch.float64, *DTYPES]), st.integers(0, 99))
def test_what_is_unpacked_is_the_derivative_of_patches(case, dtype, seed):
    window, (n, c, height, width), size = case
    generator = torch.Generator().manual_seed(seed)
    used = window.kernel[0] * window.kernel[1] * c
    length = used + 3
    given_ = torch.randn(n * size[0] * size[1], length, generator=generator).to(dtype)
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    x = torch.zeros(n, c, height, width, dtype=wide, requires_grad=True)
    (unfolded(x, window) * given_[:, :used].to(wide)).sum().backward()
    dx = roomy(torch.full((n, height, width, c), math.nan, dtype=dtype))
    taps = taps_of(window)
    line = line_of(taps, size[1], width, c, np.float64 if wide == torch.float64 else np.float32)
    unpack(bits(given_.view(-1)), bits(dx), taps, size, length, line)
    tolerance = 2**-8 if dtype == torch.bfloat16 else 1e-5
    torch.testing.assert_close(
        dx.permute(0, 3, 1, 2).to(wide), x.grad, rtol=tolerance, atol=tolerance
    )


@given(windows(), st.sampled_from([1, 7, 16]), st.booleans(), st.integers(0, 99))
def test_filters_derivative_by_pairs_is_that_of_patches(case, outputs, small, seed):
    window, (n, c, height, width), size = case
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(-9, 10, (n, height, width, c), generator=generator).bfloat16()
    dy = torch.randint(-9, 10, (n, *size, outputs), generator=generator).bfloat16()
    with pytest.MonkeyPatch.context() as patched:
        if small:
            patched.setattr(pairs, "_CACHED", 1)  # one image at a time
        found = pairs.weight_derivative_by_pairs(bits(roomy(x)), bits(dy), window)
    expected = dy.view(-1, outputs).float().T @ unfolded(x.permute(0, 3, 1, 2).float(), window)
    assert torch.equal(torch.from_numpy(found).flatten(1), expected)


@pytest.mark.parametrize("in_one", [tile.MULTIPLIES_PAIRS, False])
def test_a_tile_of_pairs_adds_up_both_products(in_one, monkeypatch):
    monkeypatch.setattr(tile, "MULTIPLIES_PAIRS", in_one)
    multiply = tile.make_tile(2, 2, True)

    @njit
    def run(a, b, offsets, c, left):
        multiply(len(a), address(a), 2, address(b), address(offsets), address(c), c.shape[1], left)

    lanes = tile.VECTOR_BYTES // 4
    columns, rows = 2 * lanes - 3, 5
    generator = torch.Generator().manual_seed(0)
    a = torch.randint(-9, 10, (rows, 2, 2), generator=generator).bfloat16()
    b = torch.randint(-9, 10, (rows, columns, 2), generator=generator).bfloat16()
    c = torch.ones(2, columns)
    offsets = np.arange(rows) * columns
    a_pairs, b_pairs = (bits(t).view(np.uint32).reshape(rows, -1) for t in (a, b))
    run(a_pairs, b_pairs, offsets, c.numpy(), lanes - 3)
    assert torch.equal(c, 1 + torch.einsum("rmp,rnp->mn", a.float(), b.float()))


@given(windows(), st.booleans(), st.integers(0, 99))
def test_pooling_of_bfloat16_is_torchs(case, apart, seed):
    window, (n, c, height, width), size = case
    assume(max(window.padding[:2]) < window.extent[0])
    assume(max(window.padding[2:]) < window.extent[1])
    if apart:
        far = tuple(max(pair) for pair in zip(window.extent, window.stride, strict=True))
        window = replace(window, stride=far)
        size = window.output_size("MaxPooling", (n, c, height, width))
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(-3, 4, (n, height, width, c), generator=generator).bfloat16()
    image = x.permute(0, 3, 1, 2).float().requires_grad_()
    padded = window.pad(image, -math.inf)
    theirs = F.max_pool2d(padded, window.kernel, window.stride, 0, window.dilation)
    y = torch.empty(n, *size, c, dtype=torch.bfloat16)
    place = torch.empty(y.shape, dtype=torch.uint8)
    maxima_in(bits(x), bits(y), place.numpy(), taps_of(window), 0, n)
    assert torch.equal(y.permute(0, 3, 1, 2).float(), theirs.detach())
    if apart:
        dy = torch.randint(-3, 4, y.shape, generator=generator).bfloat16()
        (dx,) = torch.autograd.grad(theirs, image, dy.permute(0, 3, 1, 2).float())
        found = torch.full_like(x, math.nan)
        to_maxima_alone(bits(dy), place.numpy(), bits(found), taps_of(window))
        assert torch.equal(found.permute(0, 3, 1, 2).float(), dx)


@pytest.mark.parametrize("low", [0.0, -math.inf])
def test_normalisation_keeps_nan(low):
    x, y = np.array([1, math.nan, -2], np.float32), np.empty(3, np.float32)
    one = norm.repeated(np.ones(1))
    norm.scale(x, y, one, one, np.float32(low))
    np.testing.assert_array_equal(y, [2, math.nan, max(low, -1)])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("relu", [True, False])
def test_sums_are_torchs(dtype, relu):
    generator = torch.Generator().manual_seed(0)
    x, more = (torch.randn(1003, generator=generator).to(dtype) for _ in range(2))
    x[:4] = torch.tensor([math.inf, -math.inf, math.nan, -0.0])
    y = torch.empty_like(x)
    add(bits(x), bits(more), bits(y), np.float32(0 if relu else -math.inf))
    expected = (x + more).relu() if relu else x + more
    torch.testing.assert_close(y, expected, rtol=0, atol=0, equal_nan=True)


@given(st.sampled_from(DTYPES), st.integers(0, 99))
def test_where_a_positive_number_stood(dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(-2, 3, (37,), generator=generator).to(dtype)
    y[:4] = torch.tensor([math.inf, -math.inf, -0.0, math.nan]).to(dtype)
    dy, dx = torch.randn(37, generator=generator).to(dtype), torch.empty(37, dtype=dtype)
    kind = torch.int16 if dtype == torch.bfloat16 else torch.int32
    arrays = [t.view(kind).numpy() for t in (dy, y, dx)]
    pass_between(*arrays, bound_of(math.inf, dtype), 0, 37)
    assert torch.equal(dx, torch.where(y > 0, dy, torch.zeros((), dtype=dtype)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "channels"), [(1, 3), (5, 1), (700, 16), (90, 300), (3000, 7)])
@pytest.mark.parametrize("relu", [True, False])
def test_normalisation_is_torchs(dtype, rows, channels, relu):
    generator = torch.Generator().manual_seed(rows)
    x = (torch.randn(rows, channels, generator=generator) + 3).to(dtype)
    dy = torch.randn(rows, channels, generator=generator).to(dtype)
    weight, bias = (torch.randn(channels, generator=generator) for _ in range(2))
    w, b, wide = (t.double().requires_grad_() for t in (weight, bias, x))
    mean, variance = wide.mean(0), wide.var(0, unbiased=False)
    theirs = (wide - mean) / (variance + 1e-5).sqrt() * w + b
    theirs = theirs.relu() if relu else theirs
    theirs.backward(dy.double())

    mu, squares = norm.moments(bits(x).reshape(-1), channels)
    np.testing.assert_allclose(mu, mean.detach(), rtol=1e-6)
    np.testing.assert_allclose(squares, variance.detach() * rows, rtol=1e-5, atol=1e-5)
    r = 1 / np.sqrt(squares / rows + 1e-5)
    a = weight.numpy() * r
    shift, low = bias.numpy() - mu * a, 0.0 if relu else -math.inf
    y, dx = torch.empty_like(x), torch.empty_like(x)
    flat = [bits(t).reshape(-1) for t in (x, y, dy, dx)]
    norm.scale(*flat[:2], norm.repeated(a), norm.repeated(shift), np.float32(low))
    tolerance = 2**-7 if dtype == torch.bfloat16 else 2e-4
    torch.testing.assert_close(y.double(), theirs.detach(), rtol=tolerance, atol=tolerance)
    db, dw = norm.derivative_sums(flat[2], flat[0], a, shift, low, r, mu)
    np.testing.assert_allclose(db, b.grad, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(dw, w.grad, rtol=1e-4, atol=2e-3)
    c = -a * r * dw / rows
    d = -a * db / rows - c * mu
    numbers = [norm.repeated(v) for v in (a, shift, c, d)]
    norm.scale_back(flat[2], flat[0], flat[3], *numbers[:2], np.float32(low), *numbers[2:])
    scale = float(wide.grad.abs().max())
    torch.testing.assert_close(dx.double(), wide.grad, rtol=tolerance, atol=tolerance * (1 + scale))


# short runs of taps are copied; many threads on one heap would take the copies' memory at once
TOGETHER = """
from concurrent.futures import ThreadPoolExecutor
import torch
from chainrule.blocks.kernels.convolution import weight_derivative
from chainrule.blocks.window import Window
torch.set_num_threads(1)
x, dy, window = torch.randn(16, 1, 16, 16), torch.randn(16, 8, 14, 14), Window((3, 3))
alone = weight_derivative(x, dy, window)
with ThreadPoolExecutor(16) as pool:
    together = list(pool.map(lambda _: weight_derivative(x, dy, window), range(3000)))
assert all(torch.equal(dw, alone) for dw in together)
"""


def test_filters_derivatives_are_the_same_in_many_threads():
    one_heap = {**os.environ, "MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", TOGETHER], env=one_heap, check=True)
