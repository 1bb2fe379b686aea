"""Every entry's parts add up to it, and are those that the whole arrays' derivatives have."""

import numpy as np
import pytest
import torch

from chainrule import Chain, InputError, blocks
from chainrule.chain.passage import Passage

LINES = {
    "small": [
        ("conv", blocks.Convolution(3, 4, 3, padding=1, dilation=2, stride=2)),
        ("relu", blocks.ReLU()),
        ("pool", blocks.MaxPooling(3, 2, padding=1)),
        ("mean", blocks.AveragePooling(2, 1, padding=1)),
    ],
    "groups": [
        ("conv", blocks.Convolution(3, 6, (3, 2), groups=3, padding=(1, 0, 0, 2))),
        ("tanh", blocks.Tanh()),
        ("conv2", blocks.Convolution(6, 2, 3, bias=False, padding_mode="reflect", padding=1)),
        ("lrn", blocks.LocalResponseNormalization(3)),
    ],
    "whole": [
        ("up", blocks.Upsampling(2)),
        ("norm", blocks.InstanceNormalization(3)),
        ("pool", blocks.GlobalAveragePooling()),
        ("flat", blocks.Flatten()),
        ("full", blocks.FullyConnected(3, 4)),
        ("softmax", blocks.Softmax()),
    ],
}

SIZES = {"small": (13, 11), "groups": (13, 11), "whole": (5, 4)}


def passage_of(name):
    chain = Chain(LINES[name])
    generator = torch.Generator().manual_seed(0)
    params = chain.initial_parameters(generator, dtype=torch.float64)
    params = {k: v + 0.1 for k, v in params.items()}
    x = torch.rand(1, 3, *SIZES[name], dtype=torch.float64, generator=generator)
    return Passage(chain, x, params)


def some_places(array, count=6):
    rng = np.random.default_rng(1)
    shape = array.shape[1:]
    edges = [(0,) * len(shape), tuple(n - 1 for n in shape)]
    return edges + [tuple(int(rng.integers(n)) for n in shape) for _ in range(count)]


@pytest.mark.parametrize("name", LINES)
def test_an_outputs_parts_add_up_and_have_autograds_slopes(name):
    passage = passage_of(name)
    last = passage.chain.apply(passage.value(0), passage.params)
    torch.testing.assert_close(passage.value(len(passage.names)), last, rtol=1e-12, atol=1e-12)
    for layer, (_, block) in enumerate(passage.chain.line, start=1):
        x, y = passage.value(layer - 1), passage.value(layer)
        module = block.to_torch({
            k.partition(".")[2]: v for k, v in passage.params.items()
            if k.startswith(f"{passage.names[layer - 1]}.")
        })  # fmt: skip
        for place in some_places(y):
            found = passage.output(layer, place)
            assert found.total == float(y[(0, *place)])
            assert found.values @ found.slopes + found.rest == pytest.approx(found.total, abs=1e-12)
            given = x.clone().requires_grad_()
            (whole,) = torch.autograd.grad(module(given)[(0, *place)], given)
            slopes = torch.zeros_like(x)
            slopes[(0, *found.places.T)] = torch.from_numpy(found.slopes)
            torch.testing.assert_close(slopes, whole, rtol=1e-10, atol=1e-12)
            np.testing.assert_array_equal(x[(0, *found.places.T)].numpy(), found.values)


@pytest.mark.parametrize("name", LINES)
def test_a_derivatives_products_add_up_to_it(name):
    passage = passage_of(name)
    layers = len(passage.names)
    module = passage.chain.to_torch(passage.params)
    for place in some_places(passage.value(len(passage.names)), 3):
        by = passage.derivatives(layers, place)
        given = passage.value(0).clone().requires_grad_()
        (whole,) = torch.autograd.grad(module(given)[(0, *place)], given)
        torch.testing.assert_close(by[0], whole, rtol=1e-10, atol=1e-12)
        for layer in range(layers):
            hot = np.unravel_index(int(by[layer][0].abs().argmax()), by[layer].shape[1:])
            for entry in [tuple(map(int, hot)), *some_places(by[layer], 2)]:
                found = passage.derivative(layer, entry, by)
                assert found.total == float(by[layer][(0, *entry)])
                added = found.values @ found.slopes
                assert added == pytest.approx(found.total, rel=1e-9, abs=1e-12)


def test_a_changed_filter_is_the_chain_with_it():
    passage = passage_of("small")
    weight = passage.params["conv.weight"].clone()
    weight[1, 2, 0, 1] = 3.0
    changed = passage.changed("conv.weight", weight)
    assert changed.value(0) is passage.value(0)
    expected = passage.chain.apply(passage.value(0), {**passage.params, "conv.weight": weight})
    torch.testing.assert_close(changed.value(len(changed.names)), expected, rtol=1e-12, atol=1e-12)
    assert not torch.equal(passage.value(len(passage.names)), changed.value(len(changed.names)))
    whole = changed.after(1, changed.value(1), 4)
    torch.testing.assert_close(whole, changed.value(4), rtol=1e-12, atol=1e-12)


def test_what_is_no_place_or_no_line_gets_a_sentence():
    passage = passage_of("small")
    with pytest.raises(InputError, match=r"place: found \[4, 0, 0\] in an array of shape"):
        passage.output(1, (4, 0, 0))
    with pytest.raises(InputError, match="x holds 2 pictures; expected one"):
        Passage(passage.chain, torch.rand(2, 3, 13, 11), passage.params)
    graph = Chain([("a", blocks.ReLU(), "x"), ("b", blocks.Sum(), ("a", "x"))])
    with pytest.raises(InputError, match="the chain is a graph"):
        Passage(graph, torch.rand(1, 3, 4, 4), {})


def test_a_derivative_of_too_many_products_has_its_total_alone():
    chain = Chain([("norm", blocks.InstanceNormalization(1))])
    params = chain.initial_parameters(torch.Generator(), dtype=torch.float64)
    x = torch.rand(1, 1, 80, 80, dtype=torch.float64)
    passage = Passage(chain, x, params)
    by = [torch.ones_like(x), torch.ones_like(x)]
    found = passage.derivative(0, (0, 1, 1), by)
    assert found.places is None
    assert found.total == 1
