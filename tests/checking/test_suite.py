"""The suite covers every block, and its verdict can be bad."""

import dataclasses

import numpy as np
import pytest
import torch

from chainrule import blocks
from chainrule.chain import Chain
from chainrule.checking import check_blocks
from chainrule.checking.cases import CASES
from chainrule.checking.drawing import Case
from chainrule.checking.suite import AUTOGRAD_BAR, NUMERIC_BAR
from chainrule.errors import InputError


def drawn(name, number=0):
    return CASES[name](np.random.default_rng([7, number]))


def kinds(block):
    """The block's class and those of the blocks in it."""
    inner = [block.body] if isinstance(block, blocks.Residual) else []
    inner += [layer for _, layer in block.inside()] if isinstance(block, blocks.Block) else []
    return {type(block)}.union(*(kinds(one) for one in inner))


def test_every_block_and_loss_has_cases():
    public = {getattr(blocks, name) for name in blocks.__all__}
    layers = {one for one in public if dataclasses.is_dataclass(one) and hasattr(one, "backward")}
    assert len(layers) >= 30
    assert set().union(*(kinds(drawn(name).block) for name in CASES)) == layers | {Chain}


def test_the_cases_reach_the_corners():
    convolutions = [drawn("convolution", number).block for number in range(60)]
    for corner in (
        lambda c: c.groups > 1,
        lambda c: not c.bias,
        lambda c: len(set(c.window.padding)) > 1,
        lambda c: c.window.stride[0] != c.window.stride[1],
        lambda c: c.window.dilation[0] > 1,
        lambda c: c.window.kernel == (1, 1),
    ):
        assert any(map(corner, convolutions))
    assert {drawn("batch normalisation, training").block.training,
            drawn("batch normalisation, inference").block.training} == {True, False}  # fmt: skip


def test_every_block_is_below_both_bars():
    calls = []
    table = check_blocks(4, seed=11, progress=lambda done, total: calls.append((done, total)))
    assert [row.name for row in table] == list(CASES)
    for row in table:
        assert row.right, row
        assert row.mistakes == ()
        assert row.cases == 4
        assert 0 <= row.worst_relative_error_numeric < 1e-6
        assert 0 <= row.worst_error_autograd < 1e-11
    assert (NUMERIC_BAR, AUTOGRAD_BAR) == (1e-6, 1e-11)
    assert calls == [(n + 1, 4 * len(CASES)) for n in range(4 * len(CASES))]
    assert sum(row.moved_from_kinks for row in table) > 0


def test_a_seed_means_the_same_cases_and_another_seed_others():
    some = {"convolution": CASES["convolution"], "ReLU": CASES["ReLU"]}
    assert check_blocks(3, 5, draws=some) == check_blocks(3, 5, draws=some)
    assert check_blocks(3, 5, draws=some) != check_blocks(3, 6, draws=some)


def one_block(block, shape, **options):
    def draw_case(draw):
        return Case(block, torch.as_tensor(draw.standard_normal(shape)), **options)

    return {"one": draw_case}


def test_a_wrong_backward_misses_both_bars():
    class Wrong(blocks.Tanh):
        def backward(self, dy, params, saved):
            return 1.001 * super().backward(dy, params, saved)[0], {}

    (row,) = check_blocks(2, draws=one_block(Wrong(), (2, 3)))
    assert not row.right
    assert row.worst_relative_error_numeric == pytest.approx(1e-3, rel=1e-3)
    assert row.worst_error_autograd > 1e-4
    assert len(row.mistakes) == 4
    assert "likely factor" in row.mistakes[0]


def test_a_wrong_forward_with_its_own_right_backward_misses_the_bar_of_autograd():
    class Other(blocks.Tanh):
        def forward(self, x, params):
            y = torch.tanh(x)
            return y + 1e-6, y

    (row,) = check_blocks(2, draws=one_block(Other(), (2, 3)))
    assert row.worst_relative_error_numeric < 1e-6
    assert row.worst_error_autograd > 1e-11
    assert not row.right
    assert "torch.autograd" in row.mistakes[0]


def test_a_missing_or_misshapen_derivative_is_infinitely_wrong():
    class Missing(blocks.FullyConnected):
        def backward(self, dy, params, saved):
            dx, d = super().backward(dy, params, saved)
            return dx, {"weight": d["weight"].T}

    params = {"weight": torch.ones(3, 2, dtype=torch.float64), "bias": torch.zeros(3).double()}
    (row,) = check_blocks(1, draws=one_block(Missing(2, 3), (4, 2), params=params))
    assert row.worst_relative_error_numeric == np.inf
    assert row.worst_error_autograd == np.inf
    assert not row.right


@pytest.mark.parametrize(("cases", "seed", "words"), [(0, 0, "cases: found 0"), (1, -1, "seed")])
def test_numbers_out_of_range_are_refused(cases, seed, words):
    with pytest.raises(InputError, match=words):
        check_blocks(cases, seed)
