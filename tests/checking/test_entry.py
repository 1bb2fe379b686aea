"""Single derivatives by differences are those of the backward pass, and a kink is said."""

import pytest
import torch

from chainrule import Chain, blocks
from chainrule.chain.passage import Passage
from chainrule.checking.entry import entry_by_differences, parameter_by_differences


def test_entries_and_parameters_are_those_of_the_backward_pass():
    chain = Chain([("conv", blocks.Convolution(2, 2, 3)), ("tanh", blocks.Tanh())])
    generator = torch.Generator().manual_seed(0)
    params = chain.initial_parameters(generator, dtype=torch.float64)
    x = torch.rand(1, 2, 5, 5, dtype=torch.float64, generator=generator)
    passage = Passage(chain, x, params)
    by = passage.derivatives(2, (1, 1, 2))
    found = entry_by_differences(passage, 2, (1, 1, 2), 0, (0, 2, 3))
    assert found.slope == pytest.approx(float(by[0][0, 0, 2, 3]), rel=1e-8)
    assert not found.kink
    dw = passage.parameter_derivatives(1, by[1])["weight"]
    weight = parameter_by_differences(passage, 2, (1, 1, 2), "conv.weight", (1, 0, 2, 2))
    assert weight.slope == pytest.approx(float(dw[1, 0, 2, 2]), rel=1e-8)


def test_at_a_kink_it_is_between_the_two_slopes():
    passage = Passage(Chain([("relu", blocks.ReLU())]), torch.zeros(1, 1, 2, 2).double(), {})
    found = entry_by_differences(passage, 1, (0, 1, 1), 0, (0, 1, 1))
    assert found.kink
    assert found.slope == pytest.approx(0.5)
