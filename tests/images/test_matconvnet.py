"""Files in MatConvNet's public format, written with SciPy, against the arithmetic in PyTorch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.io import savemat

from chainrule.errors import FileError
from chainrule.images.explanation import explain
from chainrule.images.matconvnet import load_matconvnet

GENERATOR = np.random.default_rng(7)
F1 = GENERATOR.normal(size=(3, 3, 3, 4)).astype(np.float32)
B1 = GENERATOR.normal(size=(1, 4)).astype(np.float32)
F2 = GENERATOR.normal(size=(5, 5, 4, 6)).astype(np.float32) / 10
B2 = GENERATOR.normal(size=(1, 6)).astype(np.float32)


def _cell(items):
    cell = np.empty((1, len(items)), dtype=object)
    cell[0, :] = items
    return cell


NAMES = _cell([f"name {i}" for i in range(6)])


def _layers(new):
    def conv(name, filters, biases, stride, pad):
        layer = {"type": "conv", "name": name, "stride": stride, "pad": pad}
        return layer | (
            {"weights": _cell([filters, biases])} if new else {"filters": filters, "biases": biases}
        )

    norm = {"type": "lrn" if new else "normalize", "name": "norm1", "param": [5.0, 2.0, 0.1, 0.75]}
    return [
        conv("conv1", F1, B1, [1.0, 1.0], [1.0, 1.0, 1.0, 1.0]),
        {"type": "relu", "name": "relu1"},
        norm,
        {
            "type": "pool", "name": "pool1", "method": "max", "pool": [3.0, 3.0],
            "stride": 2.0, "pad": [0.0, 1.0, 0.0, 1.0],
        },
        {"type": "dropout", "name": "drop", "rate": 0.5},
        conv("fc2", F2, B2, 1.0, 0.0),
        {"type": "softmax", "name": "prob"},
    ]  # fmt: skip


def _simple(new, average):
    normalization = {"imageSize": [10.0, 10.0, 3.0], "averageImage": average}
    classes = {"name": NAMES, "description": NAMES}
    rest = {"normalization": normalization, "classes": classes}
    layers = _cell(_layers(new))
    return {"layers": layers, "meta": rest} if new else {"layers": layers, **rest}


def _expected(x):
    w1, w2 = (torch.from_numpy(f.transpose(3, 2, 0, 1).copy()) for f in (F1, F2))
    h = F.relu(F.conv2d(x, w1, torch.from_numpy(B1[0]), padding=1))
    # PyTorch divides alpha by the size of the group
    h = F.local_response_norm(h, 5, alpha=0.1 * 5, beta=0.75, k=2.0)
    h = F.max_pool2d(F.pad(h, (0, 1, 0, 1), value=-torch.inf), 3, 2)
    return F.conv2d(h, w2, torch.from_numpy(B2[0]))


@pytest.mark.parametrize("new", [False, True])
@pytest.mark.parametrize("wrapped", [False, True])
def test_both_layouts_of_simple_networks(tmp_path, new, wrapped):
    average = GENERATOR.uniform(0, 255, (10, 10, 3)).astype(np.float32)
    net = _simple(new, average)
    savemat(tmp_path / "vgg-f.mat", {"net": net} if wrapped else net)
    network = load_matconvnet(tmp_path / "vgg-f.mat")
    assert network.name.endswith("vgg-f.mat")
    assert network.classes == tuple(f"name {i}" for i in range(6))
    assert [name for name, _ in network.chain.layers] == [
        "conv1", "relu1", "norm1", "pool1", "fc2",
    ]  # fmt: skip
    assert network.last_convolution == "relu1"
    assert network.feature_layer == "pool1"
    x = torch.rand(2, 3, 10, 10) * 200 - 100
    torch.testing.assert_close(
        network.chain.apply(x, network.params), _expected(x), rtol=1e-4, atol=1e-4
    )
    pixels = GENERATOR.integers(0, 255, (1, 10, 10, 3), dtype=np.uint8)
    np.testing.assert_allclose(
        network.preprocessing.scaled(pixels)[0].permute(1, 2, 0), pixels[0] - average, atol=1e-4
    )


def test_an_average_colour(tmp_path):
    savemat(tmp_path / "n.mat", _simple(True, np.array([[[1.0, 2.0, 3.0]]], dtype=np.float32)))
    assert load_matconvnet(tmp_path / "n.mat").preprocessing.mean == (1.0, 2.0, 3.0)


def _dag():
    def layer(name, kind, inputs, outputs, params, block):
        return (
            name, f"dagnn.{kind}", _cell([inputs]), _cell([outputs]), _cell(params), block,
        )  # fmt: skip

    kind = [(k, object) for k in ("name", "type", "inputs", "outputs", "params", "block")]
    pool = {
        "method": "max",
        "poolSize": [3.0, 3.0],
        "stride": [2.0, 2.0],
        "pad": [0.0, 1.0, 0.0, 1.0],
    }
    layers = np.array(
        [[
            layer("conv1", "Conv", "x0", "x1", ["f1", "b1"],
                  {"size": [3.0, 3, 3, 4], "stride": [1.0, 1], "pad": [1.0, 1, 1, 1]}),
            layer("relu1", "ReLU", "x1", "x2", [], {"leak": 0.0}),
            layer("norm1", "LRN", "x2", "x3", [], {"param": [5.0, 2.0, 0.1, 0.75]}),
            layer("pool1", "Pooling", "x3", "x4", [], pool),
            layer("drop", "DropOut", "x4", "x5", [], {"rate": 0.5}),
            layer("fc2", "Conv", "x5", "x6", ["f2", "b2"],
                  {"size": [5.0, 5, 4, 6], "stride": [1.0, 1], "pad": [0.0, 0, 0, 0]}),
            layer("prob", "SoftMax", "x6", "x7", [], {"opts": 0.0}),
        ]],
        dtype=kind,
    )  # fmt: skip
    params = np.array(
        [[("f1", F1), ("b1", B1), ("f2", F2), ("b2", B2)]],
        dtype=[("name", object), ("value", object)],
    )
    meta = {"normalization": {"imageSize": [10.0, 10.0, 3.0]}, "classes": {"description": NAMES}}
    return {"layers": layers, "params": params, "meta": meta}


def test_a_dag_whose_layers_are_in_a_line(tmp_path):
    savemat(tmp_path / "dag.mat", _dag())
    network = load_matconvnet(tmp_path / "dag.mat")
    x = torch.rand(1, 3, 10, 10)
    torch.testing.assert_close(
        network.chain.apply(x, network.params), _expected(x), rtol=1e-4, atol=1e-4
    )
    assert network.classes[5] == "name 5"


def _graph():
    """A network with branches: in no order, with a sum, a concatenation and two losses."""
    draw = np.random.default_rng(3).normal

    def filters(*shape):
        return draw(size=shape).astype(np.float32) / 4

    values = {
        "f1": filters(3, 3, 3, 4), "f2": filters(3, 3, 4, 4), "f3": filters(1, 1, 4, 3),
        "f4": filters(4, 4, 2, 7), "b4": filters(1, 2), "f5": filters(12, 12, 2, 6),
        "f6": filters(6, 6, 4, 5),
    }  # fmt: skip
    one, pad = [1.0, 1.0], [1.0, 1.0, 1.0, 1.0]

    def layer(name, kind, inputs, outputs, params=(), block=None):
        return (
            name,
            f"dagnn.{kind}",
            _cell(inputs),
            _cell(outputs),
            _cell(list(params)),
            block or {},
        )

    layers = [
        layer("prob", "SoftMax", ["scores"], ["p"]),
        layer("sum", "Sum", ["x1", "x2"], ["x3"]),
        layer("conv1", "Conv", ["data"], ["x1"], ["f1"], {"stride": one, "pad": pad}),
        layer("conv2", "Conv", ["x1"], ["x2"], ["f2"], {"stride": one, "pad": pad}),
        layer("leaky", "ReLU", ["x3"], ["x4"], block={"leak": 0.25}),
        layer("side", "Conv", ["x4"], ["x5"], ["f3"], {"stride": one, "pad": [0.0]}),
        layer("both", "Concat", ["x5", "x4"], ["x6"], block={"dim": 3.0}),
        layer("up", "ConvTranspose", ["x6"], ["x7"], ["f4", "b4"],
              {"upsample": [2.0, 2.0], "crop": [1.0, 1.0, 1.0, 1.0]}),
        layer("aside", "Conv", ["x4"], ["side_scores"], ["f6"], {"stride": one, "pad": [0.0]}),
        layer("side_loss", "Loss", ["side_scores", "label"], ["objective1"]),
        layer("fc", "Conv", ["x7"], ["scores"], ["f5"], {"stride": one, "pad": [0.0]}),
        layer("loss", "Loss", ["scores", "label"], ["objective2"]),
    ]  # fmt: skip
    kind = [(k, object) for k in ("name", "type", "inputs", "outputs", "params", "block")]
    params = np.array([list(values.items())], dtype=[("name", object), ("value", object)])
    meta = {"normalization": {"imageSize": [6.0, 6.0, 3.0]}, "classes": {"description": NAMES}}
    return {"layers": np.array([layers], dtype=kind), "params": params, "meta": meta}, values


def _expected_graph(x, values):
    w = {
        k: torch.from_numpy(v.transpose(3, 2, 0, 1).copy())
        for k, v in values.items()
        if k[0] == "f"
    }
    h = F.conv2d(x, w["f1"], padding=1)
    h = F.leaky_relu(h + F.conv2d(h, w["f2"], padding=1), 0.25)
    h = torch.cat([F.conv2d(h, w["f3"]), h], 1)
    h = F.conv_transpose2d(h, w["f4"], torch.from_numpy(values["b4"][0]), 2, 1)
    return F.conv2d(h, w["f5"])


def test_a_dag_that_is_a_graph(tmp_path):
    net, values = _graph()
    savemat(tmp_path / "dag.mat", net)
    network = load_matconvnet(tmp_path / "dag.mat")
    assert set(network.chain) == {"conv1", "conv2", "sum", "leaky", "side", "both", "up", "fc"}
    assert set(network.params) == set(network.chain.parameter_shapes())
    x = torch.rand(2, 3, 6, 6)
    expected = _expected_graph(x, values)
    torch.testing.assert_close(network.chain(x, network.params), expected, rtol=1e-4, atol=1e-4)
    # the ways on which the commands go: fused, its features, and what a score came from
    torch.testing.assert_close(
        network.logit_function()(x), expected.flatten(1), rtol=1e-4, atol=1e-4
    )
    assert (network.feature_layer, network.last_convolution) == ("up", "both")
    assert network.feature_function("float32")(x).shape == (2, 2 * 12 * 12)
    explanation = explain(network, Image.new("RGB", (6, 6), "red"))
    assert explanation.grad_cam.shape == explanation.derivative.shape == (6, 6)


@pytest.mark.parametrize(
    ("place", "field", "value", "words"),
    [
        (
            3,
            "inputs",
            ["other"],
            r"layers\(4\)\.inputs.*no layer gives 'other', and the p",
        ),
        (3, "inputs", ["x3"], r"`layers\(\d+\)\.inputs` leads in a circle"),
        (3, "inputs", ["data", "x1"], r"layers\(4\)\.inputs.*expected one for a conv"),
        (3, "outputs", ["x2", "y"], r"layers\(4\)\.outputs.*expected one"),
        (3, "type", "dagnn.Crop", r"layers\(4\)\.type` is 'crop'; expected conv, convt, relu"),
        (6, "block", {"dim": 1.0}, r"layers\(7\)\.dim` is 1; expected 3"),
    ],
)
def test_a_dag_that_cannot_be_read_says_which_field(tmp_path, place, field, value, words):
    net, _ = _graph()
    net["layers"][0, place][field] = _cell(value) if isinstance(value, list) else value
    savemat(tmp_path / "dag.mat", net)
    with pytest.raises(FileError, match=words):
        load_matconvnet(tmp_path / "dag.mat")


def test_the_practicals_characters(tmp_path):
    """One grey channel; MATLAB drops the last dimension of a bank of one filter."""
    filters = GENERATOR.normal(size=(5, 5, 1, 3)).astype(np.float32)
    last = GENERATOR.normal(size=(14, 14, 3)).astype(np.float32)
    net = {
        "layers": _cell([
            {"type": "conv", "filters": filters, "biases": np.zeros((1, 3), np.float32),
             "stride": 1.0, "pad": 0.0},
            {"type": "pool", "method": "max", "pool": [2.0, 2.0], "stride": 2.0, "pad": 0.0},
            {"type": "conv", "filters": last, "biases": np.zeros((0, 0), np.float32),
             "stride": 1.0, "pad": 0.0},
        ]),
        "imageMean": 0.25,
    }  # fmt: skip
    savemat(tmp_path / "charscnn.mat", {"net": net})
    network = load_matconvnet(tmp_path / "charscnn.mat")
    assert network.input_shape == (1, 1, 32, 32)
    assert network.chain.shape((1, 1, 32, 32)) == (1, 1, 1, 1)
    pixels = np.full((1, 32, 32, 3), 102, dtype=np.uint8)
    # 256 (102/255 - 0.25), as the practical scales its characters
    assert network.preprocessing.scaled(pixels).unique().item() == pytest.approx(38.4, abs=1e-4)


def _broken(change):
    net = _simple(True, np.zeros((10, 10, 3), np.float32))
    change(net)
    return net


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda n: n.pop("layers"), "no field `layers`"),
        (lambda n: n["layers"][0, 0].pop("weights"), r"`layers\{1\}\.weights` is missing"),
        (lambda n: n["layers"][0, 1].update(type="maxout"), r"`layers\{2\}\.type` is 'maxout'"),
        (lambda n: n["layers"][0, 1].pop("type"), r"`layers\{2\}\.type` is missing"),
        (lambda n: n["layers"][0, 3].update(method="median"), r"`layers\{4\}\.method` is 'median'"),
        (lambda n: n["layers"][0, 3].update(pool="big"), r"`layers\{4\}\.pool` is no number"),
        (lambda n: n["layers"][0, 0].update(pad=[1.0, 1, 1]), r"`layers\{1\}\.pad` has 3 numbers"),
        (lambda n: n["layers"][0, 2].update(param=[1.0, 2]), r"`layers\{3\}\.param` has 2 numbers"),
        (lambda n: n["layers"][0, 0].update(weights=_cell([F1, B2])), "6 biases for 4 filters"),
        (lambda n: n["layers"][0, 5].update(weights=_cell([F1, B1])), r"layer 'fc2'.*\(1, 4"),
        (lambda n: n["meta"].update(classes={"name": _cell(["a", "b"])}), "has 2 names"),
        (
            lambda n: n["meta"]["normalization"].update(averageImage=np.zeros((4, 4, 3))),
            r"averageImage` has shape \(4, 4, 3\)",
        ),
        (lambda n: n["meta"]["normalization"].update(imageSize=[10.0, 12.0]), "imageSize"),
        (lambda n: n["meta"]["normalization"].update(imageSize=[1e8, 1e8]), "from 1 to 4,096"),
        (lambda n: n["meta"]["normalization"].update(imageSize=[9.5, 9.5]), "imageSize` is 9.5"),
        (lambda n: n["layers"][0, 0].update(pad=1e9), r"`layers\{1\}\.pad` is 1,000,000,000"),
        (
            lambda n: n["layers"][0, 0].update(weights=_cell([F1 * np.nan, B1])),
            r"`layers\{1\}\.weights` holds a number that is not finite",
        ),
    ],
)
def test_a_malformed_file_says_which_field(tmp_path, change, words):
    savemat(tmp_path / "bad.mat", _broken(change))
    with pytest.raises(FileError, match=words):
        load_matconvnet(tmp_path / "bad.mat")


def test_files_that_are_none_are_refused(tmp_path, refused):
    whole = tmp_path / "whole.mat"
    savemat(whole, _simple(True, np.zeros((10, 10, 3), np.float32)))
    content = whole.read_bytes()
    path = tmp_path / "cut.mat"
    for length in (0, 10, 127, 128, 200, len(content) // 2, len(content) - 3):
        path.write_bytes(content[:length])
        with pytest.raises(FileError, match=r"cut\.mat"):
            load_matconvnet(path)
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n" * 9)
    sentence = refused("images", "classify", path, "--model", path)
    assert "cut.mat" in sentence
