"""What holds for every block: precision, order in memory, devices, and nothing changed in place."""

import inspect

import pytest
import torch

from chainrule import blocks
from chainrule.blocks import (
    GELU,
    AveragePooling,
    BatchNormalization,
    BilinearSampler,
    Block,
    Concatenation,
    Convolution,
    Dropout,
    Flatten,
    FullyConnected,
    GlobalAveragePooling,
    GroupNormalization,
    InstanceNormalization,
    Interleave,
    LayerNormalization,
    LeakyReLU,
    LocalResponseNormalization,
    MaxPooling,
    ReLU,
    ReLU6,
    Residual,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Sum,
    Tanh,
    TransposedConvolution,
    Upsampling,
)
from chainrule.errors import ShapeError

IMAGE = (4, 6, 9, 8)
CASES = [
    Convolution(6, 4, 3),
    Convolution(6, 4, (3, 2), stride=2, padding=(0, 1, 2, 1), dilation=(1, 2), groups=2),
    Convolution(6, 6, 3, padding=1, groups=6, bias=False),
    Convolution(6, 4, 3, stride=2, padding="same"),
    Convolution(6, 4, 3, padding=(1, 2, 0, 2), padding_mode="reflect"),
    TransposedConvolution(6, 4, 3, stride=2, padding=1, output_padding=1),
    TransposedConvolution(6, 4, (3, 2), 2, (0, 1, 1, 0), dilation=2, groups=2, bias=False),
    MaxPooling(2),
    MaxPooling(3, 2, padding=1),
    MaxPooling(3, 2, padding=(0, 2, 1, 0)),
    MaxPooling(2, 2, padding=1, dilation=2, ceil_mode=True),
    AveragePooling(3, 2, padding=1),
    AveragePooling(2, count_padding=True),
    AveragePooling((3, 2), 2, padding=1, dilation=(1, 2), ceil_mode=True),
    GlobalAveragePooling(),
    ReLU(),
    ReLU6(),
    LeakyReLU(0.1),
    Sigmoid(),
    Tanh(),
    GELU(),
    GELU(tanh=True),
    SiLU(),
    Softplus(2.0),
    Softmax(),
    LocalResponseNormalization(3, 1.0, 0.5, 0.75),
    BatchNormalization(6),
    BatchNormalization(6, training=False),
    LayerNormalization(6),
    GroupNormalization(3, 6),
    InstanceNormalization(6),
    Upsampling((2, 3)),
    Upsampling(2, "bilinear"),
    Dropout(0.3),
    Dropout(0.3, training=False),
    Residual(Convolution(6, 6, 3, padding=1)),
    Interleave(3),
    Flatten(),
    FullyConnected(6, 5),
]
SEVERAL = {BilinearSampler, Concatenation, Sum}  # of several inputs: in tests of their own
every_block = pytest.mark.parametrize("block", CASES, ids=str)


@pytest.fixture
def case(block, distinct, parameters):
    """An input in [-3, 3], parameters (with the mask of dropout), and dy; all float64."""
    x = distinct(IMAGE if not isinstance(block, FullyConnected) else IMAGE[:2])
    x = 3 * x / x.abs().max()
    params = parameters(block)
    params |= block.draw(tuple(x.shape), torch.Generator().manual_seed(0))
    shape = block.shape(tuple(x.shape))
    dy = torch.randn(shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    return x, params, dy


def run(block, x, params, dy):
    y, saved = block.forward(x, params)
    dx, dparams = block.backward(dy, params, saved)
    return {"y": y, "dx": dx, **dparams}


def converted(values, *arguments, **keywords):
    return {
        k: v if v.dtype == torch.bool else v.to(*arguments, **keywords) for k, v in values.items()
    }


def test_no_block_is_left_out():
    kinds = {
        kind
        for kind in vars(blocks).values()
        if inspect.isclass(kind) and issubclass(kind, Block) and kind is not Block
    }
    assert kinds == {type(block) for block in CASES} | SEVERAL


@every_block
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.06)])
def test_lower_precision_is_near_float64(block, case, dtype, tolerance):
    x, params, dy = case
    # rounded first, so that both start from the same numbers
    low = [x.to(dtype), converted(params, dtype), dy.to(dtype)]
    exact = run(block, low[0].double(), converted(low[1], torch.float64), low[2].double())
    for name, value in run(block, *low).items():
        assert value.dtype == dtype, name
        scale = exact[name].abs().max().clamp(min=1.0)
        assert (value.double() - exact[name]).abs().max() / scale < tolerance, name


@pytest.mark.parametrize("block", CASES[:-1], ids=str)  # the last takes rows
def test_the_order_in_memory_changes_no_number_and_is_kept(block, case):
    x, params, dy = case
    last = torch.channels_last
    plain = run(block, x, params, dy)
    dy_last = dy.contiguous(memory_format=last) if dy.ndim == 4 else dy
    other = run(block, x.contiguous(memory_format=last), params, dy_last)
    for name, value in plain.items():
        torch.testing.assert_close(other[name], value, rtol=1e-11, atol=1e-11, msg=name)
    for name in ("y", "dx"):
        if other[name].ndim == 4 and not isinstance(block, Flatten | Softmax):
            assert other[name].stride(1) == 1, name  # channels lie beside each other


@every_block
def test_views_give_the_same_numbers(block, case):
    """x a slice of something larger and dy one number expanded: neither lies in one piece."""
    x, params, dy = case
    wide = torch.zeros(*x.shape[:-1], 2 * x.shape[-1], dtype=x.dtype)
    wide[..., ::2] = x
    one = dy.new_ones(())
    views = run(block, wide[..., ::2], params, one.expand(dy.shape))
    for name, value in run(block, x, params, torch.ones_like(dy)).items():
        torch.testing.assert_close(views[name], value, rtol=1e-11, atol=1e-11, msg=name)


@every_block
def test_no_image_gives_no_output(block, case):
    x, params, dy = case
    params = {k: v[:0] if k == "mask" else v for k, v in params.items()}
    if isinstance(block, BatchNormalization) and block.training:
        with pytest.raises(ShapeError, match=r"shape \(0, 6, 9, 8\), .*expected at least two"):
            block.forward(x[:0], params)
        return
    result = run(block, x[:0], params, dy[:0])
    assert result.pop("y").shape == (0, *dy.shape[1:])
    assert result.pop("dx").shape == (0, *x.shape[1:])
    assert all(not derivative.any() for derivative in result.values())


@every_block
def test_nothing_that_goes_in_is_changed(block, case):
    x, params, dy = case
    before = [x.clone(), {k: v.clone() for k, v in params.items()}, dy.clone()]
    run(block, x, params, dy)
    assert torch.equal(x, before[0])
    assert torch.equal(dy, before[2])
    assert all(torch.equal(params[k], v) for k, v in before[1].items())


@every_block
def test_apply_gives_what_forward_gives(block, case):
    x, params, _ = case
    assert torch.equal(block.apply(x, params), block.forward(x, params)[0])


@every_block
def test_the_derivatives_have_their_parameters_shapes(block, case):
    x, params, dy = case
    shapes = block.parameter_shapes()
    result = run(block, x, params, dy)
    assert result.pop("dx").shape == x.shape
    assert result.pop("y").shape == dy.shape
    for name, value in result.items():
        assert tuple(value.shape) == shapes[name]


@every_block
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_the_same_numbers(block, case):
    x, params, dy = case
    there = run(
        block,
        x.cuda(),
        converted(params, "cuda")
        | {k: v.cuda() for k, v in params.items() if v.dtype == torch.bool},
        dy.cuda(),
    )
    for name, value in run(block, x, params, dy).items():
        torch.testing.assert_close(there[name].cpu(), value, rtol=1e-10, atol=1e-10, msg=name)


def test_random_numbers_come_only_from_what_is_passed_in(distinct, parameters):
    state = torch.get_rng_state()
    for block in CASES:
        block.draw((2, 3), torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), state)
