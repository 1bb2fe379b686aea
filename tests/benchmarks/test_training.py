"""`chainrule bench training`: the peers do the same work, and the document has its fields."""

import json
from dataclasses import replace

import pytest
import torch

from chainrule.benchmarks import training
from chainrule.blocks import SoftmaxLogLoss
from chainrule.training import TensorSource, train


class InOrder(TensorSource):
    """The peers take the examples in order."""

    def batches(self, size, generator):
        return super().batches(size, None)


@pytest.mark.parametrize("name", training.NETWORKS)
@pytest.mark.parametrize("mode", training._MODES[:2])
def test_a_peer_takes_the_same_steps(name, mode):
    network = replace(training.NETWORKS[name], batch=4)
    start = training._start(network)
    data = InOrder(*training._data(network))
    settings = replace(training._SETTINGS, epochs=1, batch_size=4, learning_rate=0.01)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training, "_SETTINGS", settings)
        module = network.chain.in_training().to_torch(start)
        training.peer_epoch(network, module, mode, 4)()
    found = train(network.chain, start, SoftmaxLogLoss(), data, settings).parameters
    renamed = {"running_mean": "mean", "running_var": "variance"}
    theirs = {}
    for path, value in module.state_dict().items():
        layer, _, last = path.rpartition(".")
        theirs[f"{layer}.{renamed.get(last, last)}"] = value
    for key, value in found.items():
        torch.testing.assert_close(value, theirs[key], rtol=2e-3, atol=2e-5)
        moved = (value - start[key]).abs().max()
        assert moved > 1e-3 or "variance" in key or "mean" in key


@pytest.mark.slow
def test_the_document_has_the_documented_fields(monkeypatch):
    monkeypatch.setattr(training, "ROUNDS", 1)
    monkeypatch.setattr(training, "TIMES", (1,))
    monkeypatch.setattr(training, "_MODES", (*training._MODES[:3], "no such mode"))
    monkeypatch.setattr(training, "peer", replaced(training.peer))
    seen, told = [], []
    document = training.measure(
        ["fast"], lambda done, total: seen.append((done, total)), told.append
    )
    assert list(document) == ["rows", "ratios"]
    assert {frozenset(row) for row in document["rows"]} == {
        frozenset({"network", "name", "images_per_second"})
    }
    rates = {row["name"]: row["images_per_second"] for row in document["rows"]}
    peers = {name: rate for name, rate in rates.items() if name.startswith("PyTorch")}
    assert len(peers) == 3 * len({1, torch.get_num_threads()})
    (ratio,) = document["ratios"]
    assert list(ratio) == ["network", "to_best_peer", "best_peer", "to_limit"]
    assert ratio["best_peer"] == max(peers, key=peers.__getitem__)
    ours = max(rate for name, rate in rates.items() if name not in peers)
    assert ratio["to_best_peer"] == pytest.approx(ours / max(peers.values()))
    assert 0 < ratio["to_limit"] < 1
    assert seen == [(1, 1)]
    assert told == ["fast: no such mode is left out: no compiler"]


def replaced(peer):
    def without_a_compiler(network, mode, size):
        if mode == "no such mode":
            raise RuntimeError("no compiler\nand more lines")
        return peer(network, mode, size)

    return without_a_compiler


def test_products_of_the_original_network():
    """4.54 million multiply-adds a letter: by hand from its table of layers."""
    network = training.NETWORKS["original"]
    layers = list(training._layers(network.chain, (1, *network.picture)))
    products = [torch.Size(shape).numel() * inputs for shape, inputs, _ in layers if inputs]
    assert products == [784 * 20 * 25, 100 * 50 * 500, 4 * 500 * 800, 26 * 2000]


def test_an_unknown_network_is_refused(refused):
    sentence = refused("bench", "training", "--network", "large")
    assert "found 'large'; expected one of original, fast, residual" in sentence


@pytest.mark.slow
def test_the_command_prints_one_document(command, monkeypatch):
    monkeypatch.setenv("CXX", "/nonexistent")
    result = command("bench", "training", "--network", "fast", "--json")
    assert result.returncode == 0, result.stderr
    assert list(json.loads(result.stdout)) == ["rows", "ratios"]
