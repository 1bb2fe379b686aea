"""The chain as a torch module and as an ONNX file: the same numbers."""

import sys

import numpy as np
import pytest
import torch

from chainrule.blocks import BatchNormalization, Convolution, ReLU
from chainrule.chain import Chain, export_onnx
from chainrule.errors import FileError, InputError, ShapeError


def image(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_an_equal_module(everything, params):
    chain, x = everything.in_inference(), image((2, 3, 12, 14))
    values = params(chain)
    with torch.no_grad():
        y = chain.to_torch(values)(x)
    torch.testing.assert_close(chain.apply(x, values), y, rtol=1e-12, atol=1e-12)


def test_in_training_the_module_trains_as_ours(params):
    chain = Chain([("conv", Convolution(2, 3, 3)), ("norm", BatchNormalization(3)), ("r", ReLU())])
    values, x = params(chain), image((4, 2, 6, 6))
    module = chain.to_torch(values)
    y, saved = chain.forward(x, values)
    torch.testing.assert_close(module(x).detach(), y, rtol=1e-12, atol=1e-12)
    moved = chain.moments(values, saved)
    torch.testing.assert_close(module.norm.running_mean, moved["norm.mean"])
    torch.testing.assert_close(module.norm.running_var, moved["norm.variance"])


def test_the_module_holds_copies_under_our_names_and_draws_nothing(everything, params):
    values = params(everything)
    before = {name: value.clone() for name, value in values.items()}
    state = torch.get_rng_state()
    module = everything.to_torch(values)
    assert torch.equal(torch.get_rng_state(), state)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    assert all(torch.equal(values[name], before[name]) for name in values)
    learned = {n for n in values if not n.endswith(("mean", "variance"))}
    assert {name for name, _ in module.named_parameters()} == learned


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 3])
def test_onnxruntime_finds_the_same_numbers(everything, tmp_path, batch):
    onnxruntime = pytest.importorskip("onnxruntime")
    path = tmp_path / "chain.onnx"
    params = everything.initial_parameters(torch.Generator().manual_seed(0))
    export_onnx(path, everything, params)
    assert [p.name for p in tmp_path.iterdir()] == ["chain.onnx"]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x = image((batch, 3, 12, 14)).float()
    (y,) = session.run(["y"], {"x": x.numpy()})
    expected = everything.in_inference().apply(x, params).numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_exporting_prints_nothing(characters, tmp_path, capfd):
    export_onnx(tmp_path / "a.onnx", characters, characters.initial_parameters(torch.Generator()))
    assert capfd.readouterr() == ("", "")


def test_what_cannot_be_exported_is_refused(characters, tmp_path, monkeypatch):
    params = characters.initial_parameters(torch.Generator())
    path = tmp_path / "a.onnx"
    with pytest.raises(InputError, match="no `input_shape`; expected one"):
        export_onnx(path, Chain(characters.layers), params)
    with pytest.raises(ShapeError, match="layer 'conv1'"):
        export_onnx(path, characters, params, (1, 3, 32, 32))
    with pytest.raises(InputError, match=r"`conv1.weight` is missing"):
        export_onnx(path, characters, {})
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(InputError, match=r"needs the package onnxscript; .*chainrule\[onnx\]"):
        export_onnx(path, characters, params)
    assert not path.exists()


@pytest.mark.slow
def test_a_folder_that_is_not_there_is_named(characters, tmp_path):
    params = characters.initial_parameters(torch.Generator())
    with pytest.raises(FileError, match="missing"):
        export_onnx(tmp_path / "missing" / "a.onnx", characters, params)
