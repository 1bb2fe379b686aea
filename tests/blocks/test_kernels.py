"""The compiled kernels are the plain tensor operations: in every case, type, order and number of
threads. The plain ones are held against autograd and differences in the blocks' own tests.
"""

import math
import os
import subprocess
import sys

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.blocks import AveragePooling, Convolution, MaxPooling, ReLU, ReLU6, kernels

IMAGES = st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 9), st.integers(1, 9))
PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


def both(function):
    """What a function gives with the plain operations alone, and with the kernels alone."""
    found = []
    for taken in (False, True):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(kernels, "pays", lambda x, numbers, taken=taken: taken)
            found.append(function())
    return found


def drawn(shape, seed, kind):
    """Numbers of a kind: any; few, so that they tie; with NaN and infinities among them."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    if kind != "any":
        x = (2 * x).round() / 2
    if kind == "special":
        chosen = torch.randint(0, 12, tuple(shape), generator=generator)
        for number, value in ((0, math.nan), (1, math.inf), (2, -math.inf), (3, -0.0)):
            x = torch.where(chosen == number, value, x)
    return x


@st.composite
def pooled(draw, kinds=("any", "ties", "special")):
    """A pooling's settings, and x and dy that they fit."""
    kernel, dilation = draw(PAIRS), draw(PAIRS)
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    sides = [st.integers(0, extent[axis] - 1) for axis in (0, 0, 1, 1)]
    settings = {
        "kernel_size": kernel,
        "stride": draw(PAIRS),
        "padding": draw(st.tuples(*sides)),
        "dilation": dilation,
        "ceil_mode": draw(st.booleans()),
    }
    shape, seed, kind = draw(IMAGES), draw(st.integers(0, 99)), draw(st.sampled_from(kinds))
    try:
        size = MaxPooling(**settings).shape(shape)
    except ValueError:
        assume(False)
    return settings, drawn(shape, seed, kind), drawn(size, seed + 1, kind), kind


def same(ours, theirs, tolerance=0.0):
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)


@given(pooled(), st.sampled_from(DTYPES))
def test_max_pooling(case, dtype):
    settings, x, dy, kind = case
    block, x, dy = MaxPooling(**settings), x.to(dtype), dy.to(dtype)

    def run():
        y, saved = block.forward(x, {})
        return y, saved.place.int(), block.backward(dy, {}, saved)[0]

    plain, kernel = both(run)
    same(kernel[0], plain[0])
    same(kernel[1], plain[1])
    tolerance = {8: 1e-13, 4: 1e-5, 2: 0.02}[dtype.itemsize] if kind == "any" else 0.0
    same(kernel[2], plain[2], tolerance)


@given(pooled(kinds=("any", "special")), st.sampled_from(DTYPES), st.booleans())
def test_average_pooling(case, dtype, count_padding):
    settings, x, dy, _ = case
    block, dy = AveragePooling(**settings, count_padding=count_padding), dy.to(dtype)
    plain, kernel = both(lambda: block.backward(dy, {}, tuple(x.shape[2:]))[0])
    same(kernel, plain, {8: 1e-13, 4: 1e-5, 2: 0.02}[dtype.itemsize])


@pytest.mark.parametrize("block", [ReLU(), ReLU6()], ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("order", ["plain", "last", "mixed", "view"])
def test_gates(block, dtype, order):
    x, dy = (drawn((2, 5, 6, 7), seed, "special").to(dtype) for seed in (0, 1))
    x[0, 0, 0] = torch.tensor([0.0, -0.0, 6.0, 6.1, 5.9, 1e-7, -1e-7])
    if order in ("last", "mixed"):
        x = x.contiguous(memory_format=torch.channels_last)
    if order == "last":
        dy = dy.contiguous(memory_format=torch.channels_last)
    if order == "view":
        x, dy = x.transpose(2, 3), dy[:, :, :, :1].expand(dy.shape).transpose(2, 3)
    saved = block.forward(x, {})[1]
    plain, kernel = both(lambda: block.backward(dy, {}, saved)[0])
    same(kernel, plain)
    assert kernel.dtype == dtype


@st.composite
def convolved(draw):
    """A convolution, x and dy: few channels and many, groups, depthwise, dilated."""
    groups = draw(st.sampled_from([1, 1, 1, 2, 3, 8]))
    inputs, outputs = (groups * draw(st.integers(1, 20)) for _ in range(2))
    if draw(st.booleans()) and groups > 1:
        inputs = outputs = groups  # depthwise
    block = Convolution(
        inputs,
        outputs,
        draw(st.tuples(st.integers(1, 4), st.integers(1, 5))),
        stride=draw(PAIRS),
        padding=draw(st.tuples(*[st.integers(0, 2)] * 4)),
        dilation=draw(PAIRS),
        groups=groups,
        bias=False,
    )
    shape = (draw(st.integers(1, 4)), inputs, draw(st.integers(1, 12)), draw(st.integers(1, 12)))
    try:
        size = block.shape(shape)
    except ValueError:
        assume(False)
    seed = draw(st.integers(0, 99))
    return block, drawn(shape, seed, "any"), drawn(size, seed + 1, "any")


@given(convolved(), st.sampled_from(DTYPES))
def test_the_derivative_by_filters(case, dtype):
    block, x, dy = case
    x, dy = x.to(dtype), dy.to(dtype)
    params = {"weight": torch.zeros(block.parameter_shapes()["weight"], dtype=dtype)}
    plain, kernel = both(lambda: block.parameter_derivatives(dy, params, x)["weight"])
    assert kernel.shape == plain.shape == params["weight"].shape
    assert kernel.dtype == dtype
    scale = float(plain.abs().max().clamp(min=1.0))
    same(kernel / scale, plain / scale, {8: 1e-13, 4: 1e-5, 2: 0.01}[dtype.itemsize])


@pytest.mark.parametrize("block", [Convolution(1, 11, 5), Convolution(13, 19, 3)], ids=str)
def test_a_filter_that_meets_many_windows(block):
    """More than are taken at a time, in both kinds of tiles and a last one that is cut."""
    x = drawn((7, block.in_channels, 14, 15), 0, "any")
    dy = drawn(block.shape(tuple(x.shape)), 1, "any")
    params = {name: torch.zeros(size) for name, size in block.parameter_shapes().items()}
    plain, kernel = both(lambda: block.parameter_derivatives(dy, params, x)["weight"])
    same(kernel, plain, 1e-11)


def test_no_image():
    x = torch.zeros(0, 20, 6, 6)
    for block in (MaxPooling(2), AveragePooling(2), Convolution(20, 3, 2), ReLU()):
        params = {k: torch.zeros(v) for k, v in block.parameter_shapes().items()}
        dy = torch.zeros(block.shape((0, 20, 6, 6)))

        def run(block=block, params=params, dy=dy):
            y, saved = block.forward(x, params)
            dx, dparams = block.backward(dy, params, saved)
            return [y, dx, *dparams.values()]

        for ours, theirs in zip(*both(run), strict=True):
            same(ours, theirs)


@pytest.mark.parametrize(
    "block",
    [MaxPooling(3, 2, 1), AveragePooling(3, 2, 1), ReLU(), Convolution(40, 40, 3, groups=40),
     Convolution(40, 30, 3), Convolution(40, 40, 3, groups=4)],
    ids=str,
)  # fmt: skip
def test_threads_change_no_bit(block):
    """As many threads as are set share the work, and each number is summed by one of them."""
    x = drawn((16, 40, 40, 41), 0, "any").float()
    params = {k: torch.ones(v) for k, v in block.parameter_shapes().items()}
    dy = drawn(block.shape(tuple(x.shape)), 1, "any").float()
    threads, found = torch.get_num_threads(), []
    try:
        for number in (1, 3):
            torch.set_num_threads(number)
            y, saved = block.forward(x, params)
            dx, dparams = block.backward(dy, params, saved)
            whole = isinstance(block, Convolution)  # whose y and dx are the library's
            found.append([dparams["weight"]] if whole else [y, dx])
    finally:
        torch.set_num_threads(threads)
    for one, three in zip(*found, strict=True):
        assert torch.equal(one, three)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_process_has_threads_of_its_own():
    """Of the kernels' threads: those of torch do not outlive a fork."""
    script = """
import os
from chainrule.blocks.kernels.threads import run_in_threads
run_in_threads(8, 3, lambda begin, end: None)
child = os.fork()
if child == 0:
    done = []
    run_in_threads(8, 3, lambda begin, end: done.append(end - begin))
    os._exit(sum(done))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True, text=True, timeout=1200, check=True,
    )  # fmt: skip
    assert result.stdout == "8\n"


def test_small_work_loads_no_compiler():
    script = """
import sys, torch
from chainrule.blocks import AveragePooling, Convolution, MaxPooling, ReLU
x = torch.ones(2, 3, 8, 8)
for block in (Convolution(3, 4, 3), MaxPooling(2), AveragePooling(2), ReLU()):
    params = {k: torch.ones(v) for k, v in block.parameter_shapes().items()}
    y, saved = block.forward(x, params)
    block.backward(y, params, saved)
print("numba" in sys.modules)
"""
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=1200, check=True
    )
    assert result.stdout == "False\n"
