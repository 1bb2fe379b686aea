import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file
from torch import nn

from chainrule.errors import FileError
from chainrule.images import published
from chainrule.images.published import load_published, pull_weights, vgg
from chainrule.images.store import default_cache_folder


def _torch_vgg(stages, width):
    """torchvision's layout of a VGG, as narrow as you like."""
    layers, channels = [], 3
    for i, repeats in enumerate(stages):
        for _ in range(repeats):
            outputs = width * 2 ** min(i, 3)
            layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.ReLU()]
            channels = outputs
        layers.append(nn.MaxPool2d(2))
    classifier = nn.Sequential(
        nn.Linear(channels * 49, 24), nn.ReLU(), nn.Dropout(),
        nn.Linear(24, 24), nn.ReLU(), nn.Dropout(), nn.Linear(24, 1000),
    )  # fmt: skip
    model = nn.Module()
    model.features, model.classifier = nn.Sequential(*layers), classifier
    return model.eval()


@pytest.mark.parametrize("stages", [(1, 1, 2, 2, 2), (2, 2, 3, 3, 3)])
@pytest.mark.parametrize("names", ["torchvision", "timm"])
def test_the_chain_is_the_network(stages, names):
    torch.manual_seed(0)
    model = _torch_vgg(stages, 4)
    weights = dict(model.state_dict())
    if names == "timm":  # its classifier is written as convolutions
        for ours, theirs in (("0", "pre_logits.fc1"), ("3", "pre_logits.fc2"), ("6", "head.fc")):
            w = weights.pop(f"classifier.{ours}.weight")
            weights[f"{theirs}.bias"] = weights.pop(f"classifier.{ours}.bias")
            shape = (24, -1, 7, 7) if ours == "0" else (*w.shape, 1, 1)
            weights[f"{theirs}.weight"] = w if ours == "6" else w.reshape(shape)
    chain, params = vgg(stages, weights)
    x = torch.rand(2, 3, 224, 224)
    with torch.inference_mode():
        expected = model.classifier(model.features(x).flatten(1))
    torch.testing.assert_close(chain.apply(x, params), expected, atol=1e-4, rtol=1e-4)


def _cached(name):
    folder = default_cache_folder() / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / published._VGG[name].torchvision


def test_weights_that_were_pulled_are_loaded():
    model = _torch_vgg((1, 1, 2, 2, 2), 4)
    torch.save(model.state_dict(), _cached("vgg11"))
    network = load_published("vgg11")
    assert network.feature_layer == "fc7_relu"
    assert network.body.shape((1, 3, 224, 224)) == (1, 24)
    assert network.last_convolution == "conv5_2_relu"
    assert pull_weights("vgg11", mirror="http://127.0.0.1:9") == _cached("vgg11")


class _Harm:
    def __reduce__(self):
        return (print, ("harm",))


def test_a_pickle_that_could_run_is_refused(capsys):
    _cached("vgg11").write_bytes(pickle.dumps(_Harm()))
    with pytest.raises(FileError, match="damaged or holds more than weights"):
        load_published("vgg11")
    torch.save({"features.0.weight": _Harm()}, _cached("vgg11"))
    with pytest.raises(FileError, match="damaged or holds more than weights"):
        load_published("vgg11")
    assert capsys.readouterr().out == ""


def test_weights_of_another_network_are_refused():
    torch.save(_torch_vgg((1, 1, 2, 2, 2), 4).state_dict(), _cached("vgg16"))
    with pytest.raises(FileError, match="holds no weights of vgg16"):
        load_published("vgg16")


def test_weights_that_were_not_pulled_are_asked_for(refused, photographs):
    sentence = refused("images", "classify", photographs["coffee"], "--model", "vgg16")
    assert "chainrule images pull vgg16" in sentence


def test_the_hubs_cache_is_looked_into(monkeypatch, tmp_path):
    path = tmp_path / "model.safetensors"
    save_file(_torch_vgg((1, 1, 2, 2, 2), 4).state_dict(), path)
    monkeypatch.setattr(published, "_in_hub_cache", lambda repository: path)
    assert load_published("vgg11").name == "vgg11"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(FileError, match="is damaged"):
        load_published("vgg11")


HUB = "/timm/vgg11.tv_in1k/resolve/main/model.safetensors"
CONTENT = save({"features.0.weight": torch.zeros(50, 50)})
HUBS_BLOCK = 10 << 20  # what its client writes down at once


@pytest.fixture
def hub(server, tmp_path, monkeypatch):
    """A hub on the loopback address with one file, and a cache folder of our own."""
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    server.files[HUB] = CONTENT
    return server


def test_the_hubs_file_comes_into_the_hubs_cache(hub, command, tmp_path):
    result = command("images", "pull", "vgg11", "--source", "hub")
    assert (result.returncode, result.stderr) == (0, "")
    path = Path(result.stdout.strip())
    assert path.is_relative_to(tmp_path / "hub")
    assert path.read_bytes() == CONTENT
    hub.ranges.clear()
    assert command("images", "pull", "vgg11", "--source", "hub").stdout == result.stdout
    assert hub.ranges == []  # nothing was sent again


def test_the_hubs_file_goes_on_where_it_stopped(hub, command):
    hub.files[HUB] = content = bytes(range(256)) * (45 << 10)
    hub.stop_after, hub.stop_once = HUBS_BLOCK + 4000, True
    result = command("images", "pull", "vgg11", "--source", "hub")
    assert result.returncode == 0, result.stderr
    assert Path(result.stdout.strip()).read_bytes() == content
    assert hub.ranges == [None, f"bytes={HUBS_BLOCK}-"]


def test_another_file_from_the_hub_is_refused_and_not_kept(hub, refused, tmp_path):
    hub.checksums[HUB] = "0" * 64
    sentence = refused("images", "pull", "vgg11", "--source", "hub")
    assert "SHA256" in sentence
    assert "expected 0000" in sentence
    assert not [p for p in (tmp_path / "hub").rglob("*") if p.name in ("0" * 64, Path(HUB).name)]


@pytest.mark.long
def test_without_a_hub_the_network_is_asked_for(hub, refused, monkeypatch):
    hub.files.clear()
    assert "404" in refused("images", "pull", "vgg11", "--source", "hub")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    sentence = refused("images", "pull", "vgg11", "--source", "hub")
    assert "network connection to the Hub" in sentence
