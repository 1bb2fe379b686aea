"""A line network in floats and in bytes: held against its definition and against PyTorch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.blocks import Convolution
from chainrule.chain import save_chain
from chainrule.chain.inference.folding import fold_batch_normalization
from chainrule.chain.inference.precision import byte_sums
from chainrule.chain.inference.quantized import (
    Bytes,
    QuantizedNetwork,
    _add_clamped,
    _Layer,
    _Weight,
    measured_ranges,
)
from chainrule.errors import FileError, InputError
from chainrule.reader.lines.network import line_network
from chainrule.reader.lines.ready import INPUT, ByteNetwork, ready_network
from chainrule.reader.model_file import KIND, load_reader

exact = pytest.mark.skipif(byte_sums() is None, reason="how the processor sums is not known")
# what is exact where products of two are cut off is so in whole sums, too
WAYS = ["pairs", "whole"] if byte_sums() == "whole" else ["pairs"]


def _network(classes, seed, size="small"):
    """One with normalisations that do something, its parameters and ranges."""
    generator = torch.Generator().manual_seed(seed)
    chain = line_network(classes, size).in_inference()
    parameters = chain.initial_parameters(generator)
    for name, value in parameters.items():
        if name.endswith(("bias", "mean")):
            value.add_(0.2 * torch.randn(value.shape, generator=generator))
        elif value.ndim == 1:
            value.mul_(torch.rand(value.shape, generator=generator) + 0.5)
    x = 2 * torch.rand(4, 1, 32, 96, generator=generator) - 0.5
    return chain, parameters, measured_ranges(chain, parameters, [x])


def _steps(weight, sums):
    """What 1 stands for in the integers of each output."""
    if sums == "whole":
        return weight.abs().amax((1, 2, 3), keepdim=True) / 127
    above = weight.clamp(min=0).flatten(1).sort(1).values[:, -2:].sum(1)
    below = -weight.clamp(max=0).flatten(1).sort(1).values[:, :2].sum(1)
    return torch.maximum(above, below).reshape(-1, 1, 1, 1) / 127


def _as_defined(chain, parameters, ranges, x, sums):
    """The docstring's sums in float64, in which products and sums of bytes are exact."""
    names = [name for name, _ in chain.layers if name[:4] in ("conv", "cont")]
    last = ranges[names[-1]]  # of all that the residual sums end in
    q, scale, zero = (x / INPUT.scale + INPUT.zero).round().clamp(0, 255), *INPUT
    for name in names:
        key = name if name.startswith("conv") else f"{name}.conv{name[-1]}"
        block = dict(chain.layers)[name]
        window = (block if name.startswith("conv") else dict(block.body.layers)[key[9:]]).window
        weight = parameters[f"{key}.weight"].double()
        v = _steps(weight, sums)
        total = F.conv2d(
            q.double() - zero, (weight / v).round(), None, window.stride, window.even_padding
        )
        y = total * v.reshape(1, -1, 1, 1) * scale + parameters[f"{key}.bias"].reshape(1, -1, 1, 1)
        after = ranges.get(f"relu{name[-1]}", last) if name[-1] in "123" else last
        scale, zero = after / 255, 0
        y = (y / scale).round().clamp(0, 255)
        q = y if name.startswith("conv") else (y + q).clamp(0, 255)
    weight = parameters["scores.weight"].double()
    v = _steps(weight, sums)
    y = F.conv2d(q, (weight / v).round()) * v.reshape(1, -1, 1, 1) * scale
    y += parameters["scores.bias"].reshape(1, -1, 1, 1)
    first, second = y.chunk(2, 1)  # of each two frames
    return torch.stack([first, second], -1).flatten(-2)


@exact
@settings(max_examples=10, deadline=None)
@given(
    sums=st.sampled_from(WAYS),
    classes=st.integers(2, 40),
    lines=st.integers(1, 5),
    width=st.integers(1, 150),
    paper=st.integers(0, 40),
    seed=st.integers(0, 2**31),
)
def test_bytes_are_summed_as_defined(sums, classes, lines, width, paper, seed):
    chain, parameters, ranges = _network(classes, seed)
    x = 2 * torch.rand(lines, 1, 32, width, generator=torch.Generator().manual_seed(seed)) - 0.5
    folded, values = fold_batch_normalization(chain, parameters)
    network = ByteNetwork(QuantizedNetwork(folded, values, ranges, INPUT, sums))
    expected = _as_defined(folded, values, ranges, F.pad(x, (0, paper)), sums)
    found = network.apply(list(x[:, 0].numpy()), width + paper)
    assert found.shape == expected.shape
    # where a sum lies half way between two bytes, float32 and float64 may round apart
    away = (found - expected).abs() / expected.std()
    assert away.median() < 0.01
    assert away.max() < 0.3


@exact
def test_shapes_in_turn_give_what_each_gives_by_itself():
    chain, parameters, ranges = _network(5, 0)
    network = ready_network(chain, parameters, "int8", ranges)
    folded, values = fold_batch_normalization(chain, parameters)
    generator = torch.Generator().manual_seed(1)
    shapes = [(1, 32), (16, 352), (4, 32), (1, 32), (2, 640)]
    for lines, width in shapes:
        x = 2 * torch.rand(lines, 1, 32, width, generator=generator) - 0.5
        expected = _as_defined(folded, values, ranges, x, byte_sums())
        away = (network.apply(list(x[:, 0].numpy()), width) - expected).abs() / expected.std()
        assert away.median() < 0.01
        assert away.max() < 0.3
    for layer in network.network._layers:
        kept = layer.weight._by_shape.values()
        assert len(kept) == len(set(shapes))
        assert len(set(map(id, kept))) == len(layer.weight._by_order)


@pytest.mark.parametrize("size", ["small", "medium", "large"])
@pytest.mark.parametrize(
    ("precision", "away"),
    [("float32", 1e-4), ("bfloat16", 0.05), pytest.param("int8", 0.25, marks=exact)],
)
def test_every_precision_gives_about_the_networks_own_scores(precision, away, size):
    chain, parameters, ranges = _network(20, 0, size)
    x = 2 * torch.rand(3, 1, 32, 90, generator=torch.Generator().manual_seed(1)) - 0.5
    expected = chain.apply(x, parameters)
    network = ready_network(chain, parameters, precision, ranges)
    found = network.apply(list(x[:, 0].numpy()), x.shape[3])
    assert found.dtype == torch.float32
    assert (found - expected).std() / expected.std() < away


@exact
@settings(max_examples=30, deadline=None)
@given(
    channels=st.integers(1, 9),
    outputs=st.integers(1, 40),
    window=st.sampled_from([(1, 1), (1, 5), (3, 3), (4, 3)]),
    zero=st.integers(0, 255),
    seed=st.integers(0, 2**31),
)
def test_no_two_products_are_cut_off(channels, outputs, window, zero, seed):
    """The largest bytes on weights of one sign, all about as large."""
    generator = torch.Generator().manual_seed(seed)
    weight = 1 - 0.02 * torch.rand((outputs, channels, *window), generator=generator)
    weight *= torch.randint(0, 2, (outputs, 1, 1, 1), generator=generator) * 2 - 1
    block, input = Convolution(channels, outputs, window, bias=False), Bytes(1.0, zero)
    layer = _Layer(block, _Weight(block, weight, input, "pairs"), None, input, None, False)
    q = torch.randint(253, 256, (2, channels, 5, 9), generator=generator).to(torch.uint8)
    steps, integers = _steps(weight.double(), "pairs"), layer.weight._integers.double()
    # float32 and float64 may round apart where a weight lies half way between two integers
    assert ((integers * steps - weight) / steps).abs().max() <= 0.5 + 1e-4
    expected = F.conv2d(q.double() - zero, integers)
    found = layer.apply(q).double() / steps.flatten()[:, None, None]
    assert (found - expected).abs().max() <= 1e-6 * expected.abs().max() + 1e-3


def test_bytes_are_added_and_clamped():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 256, (2, 1000), np.uint8)
    expected = np.minimum(one.astype(int) + other, 255)
    _add_clamped(one, other)
    np.testing.assert_array_equal(one, expected)


@pytest.mark.parametrize("broken", [{"relu1": 0.0}, {"relu1": "wide"}, {"relu9": 1.0}])
def test_ranges_that_are_none_are_refused(broken, tmp_path):
    chain, parameters, ranges = _network(3, 0)
    with pytest.raises(InputError, match="expected"):
        ready_network(chain, parameters, "float32", ranges | broken)
    path = tmp_path / "reader.safetensors"
    said = {"kind": KIND, "alphabet": "ab", "between": [0.5, 0.0], "ranges": ranges | broken}
    save_chain(path, chain, parameters, said)
    with pytest.raises(FileError, match=r"reader\.safetensors: .*expected"):
        load_reader(path)


def test_bytes_without_ranges_are_refused():
    chain, parameters, _ = _network(3, 0)
    with pytest.raises(InputError, match="expected them for int8"):
        ready_network(chain, parameters, "int8")
