"""A chain that is a graph: layers that name what they take, sums, and several inputs."""

import weakref

import numpy as np
import pytest
import torch

from chainrule.blocks import (
    BatchNormalization,
    BilinearSampler,
    Concatenation,
    Convolution,
    Dropout,
    FullyConnected,
    MaxPooling,
    ReLU,
    Residual,
    Sigmoid,
    SoftmaxLogLoss,
    Sum,
    Tanh,
    TransposedConvolution,
    Upsampling,
)
from chainrule.chain import Chain, export_onnx, load_chain, save_chain
from chainrule.chain.inference.folding import fold_batch_normalization
from chainrule.chain.inference.fused import FusedChain
from chainrule.errors import FileError, InputError, ShapeError
from chainrule.training import Settings, train


@pytest.fixture(scope="module")
def hourglass():
    """Down and up again, with what was seen before beside it; a branch, a nested graph, dropout."""
    nested = Chain(
        [
            ("a", Convolution(6, 4, 1)),
            ("b", Tanh()),
            ("c", Convolution(6, 4, 3, padding=1), "x"),
            ("both", Sum(), ("b", "c", "a")),
        ]
    )
    return Chain(
        [
            ("conv1", Convolution(3, 4, 3, padding=1)),
            ("norm1", BatchNormalization(4)),
            ("down", MaxPooling(2)),
            ("conv2", Convolution(4, 6, 3, padding=1)),
            ("relu2", Sigmoid()),
            ("inside", nested),
            ("up", TransposedConvolution(4, 4, 4, stride=2, padding=1)),
            ("wide", Upsampling(2, "bilinear"), "relu2"),
            ("joined", Concatenation(), ("norm1", "up", "wide")),
            ("drop", Dropout(0.25)),
            ("scores", Convolution(14, 5, 1)),
        ],
        (2, 3, 8, 6),
    )


@pytest.fixture(scope="module")
def sampled():
    """Two named inputs: an image, read at the places that a network makes of the other."""
    return Chain(
        [
            ("features", Convolution(3, 4, 3, padding=1), "image"),
            ("places", Convolution(2, 2, 3, padding=1), "where"),
            ("inside", Tanh()),
            ("read", BilinearSampler(), ("features", "inside")),
            ("scores", Convolution(4, 5, 1)),
        ],
        input_shape=((2, 3, 6, 5), (2, 2, 4, 3)),
        inputs=("image", "where"),
    )


def image(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def inputs_of(chain):
    if chain.several_inputs:
        return tuple(image(shape, i) for i, shape in enumerate(chain.input_shape))
    return image(chain.input_shape)


@pytest.fixture(params=["hourglass", "sampled"])
def chain(request):
    return request.getfixturevalue(request.param)


def as_tuple(x):
    return x if isinstance(x, tuple) else (x,)


def test_derivatives_against_torchs(chain, params):
    chain = chain.in_inference()
    values, x = params(chain), inputs_of(chain)
    y, saved = chain.forward(x, values)
    dy = image(y.shape, 9)
    dx, dparams = chain.backward(dy, values, saved)

    module = chain.to_torch(values)
    leaves = [part.clone().requires_grad_() for part in as_tuple(x)]
    theirs = module(*leaves)
    torch.testing.assert_close(y, theirs.detach())
    theirs.backward(dy)
    for ours, leaf in zip(as_tuple(dx), leaves, strict=True):
        torch.testing.assert_close(ours, leaf.grad)
    learned = {name: p.grad for name, p in module.named_parameters()}
    assert set(learned) == set(dparams)
    for name, derivative in dparams.items():
        torch.testing.assert_close(derivative, learned[name], msg=name)
    alone = chain.parameter_derivatives(dy, values, saved)
    assert all(torch.equal(alone[name], dparams[name]) for name in dparams)
    assert torch.equal(chain.apply(x, values), y)


def test_derivatives_in_training_against_differences(hourglass, params):
    chain, values, x = hourglass, params(hourglass), inputs_of(hourglass)
    values |= chain.draw(tuple(x.shape), torch.Generator().manual_seed(0))
    assert values["drop.mask"].shape == (2, 14, 8, 6)
    y, saved = chain.forward(x, values)
    dy = image(y.shape, 1)
    dx, dparams = chain.backward(dy, values, saved)
    for name, derivative in {"x": dx, **dparams}.items():
        start = x if name == "x" else values[name]
        step = 1e-6 * image(start.shape, 2)
        ends = []
        for moved in (start + step, start - step):
            at = (moved, values) if name == "x" else (x, values | {name: moved})
            ends.append((chain.forward(*at)[0] * dy).sum())
        slope = (ends[0] - ends[1]) / 2
        torch.testing.assert_close((derivative * step).sum(), slope, rtol=1e-5, atol=1e-11)


def test_what_is_given_by_name_is_what_is_given_in_order(sampled, params):
    values, x = params(sampled), inputs_of(sampled)
    named = {"where": x[1], "image": x[0]}
    assert torch.equal(sampled(named, values), sampled(x, values))
    shapes = {"where": (1, 2, 4, 3), "image": (1, 3, 6, 5)}
    assert sampled.shape(shapes) == (1, 5, 4, 3)


def test_a_value_that_goes_two_ways_gets_both_derivatives():
    chain = Chain([("a", Sigmoid()), ("b", Tanh()), ("c", Sum(), ("a", "b", "a"))])
    x = image((2, 3))
    y, saved = chain.forward(x, {})
    leaf = x.clone().requires_grad_()
    expected = 2 * leaf.sigmoid() + leaf.sigmoid().tanh()
    torch.testing.assert_close(y, expected.detach())
    expected.sum().backward()
    torch.testing.assert_close(chain.backward(torch.ones_like(y), {}, saved)[0], leaf.grad)


def test_a_graph_is_saved_in_one_file(chain, params, tmp_path):
    values = {name: value.float() for name, value in params(chain).items()}
    path = tmp_path / "graph.safetensors"
    save_chain(path, chain, values, {"kind": "graph"})
    again, numbers, metadata = load_chain(path, chain)
    assert again == chain
    assert metadata == {"kind": "graph"}
    x = tuple(part.float() for part in as_tuple(inputs_of(chain)))
    x = x if chain.several_inputs else x[0]
    assert torch.equal(again.in_inference()(x, numbers), chain.in_inference()(x, values))


def test_a_file_that_wires_the_same_blocks_otherwise_is_told_apart(tmp_path):
    layers = [("a", Sigmoid()), ("b", Sigmoid()), ("c", Sum(), ("a", "b"))]
    path = tmp_path / "graph.safetensors"
    save_chain(path, Chain(layers), {})
    with pytest.raises(FileError, match=r"layer 'b' is Sigmoid\(\) of a; expected 'b', .* of x"):
        load_chain(path, Chain([layers[0], ("b", Sigmoid(), "x"), layers[2]]))
    other = Chain(layers, inputs=("image",))
    with pytest.raises(FileError, match="which takes x; expected image"):
        load_chain(path, other)


def test_a_graph_is_shown_as_it_is_typed(chain):
    from chainrule import blocks

    assert eval(repr(chain), {**vars(blocks), "Chain": Chain}) == chain


def test_the_table_says_what_each_layer_takes(hourglass, sampled):
    lines = str(hourglass.summary()).splitlines()
    assert lines[0].split()[:3] == ["layer", "type", "takes"]
    joined = next(line for line in lines if line.startswith("joined"))
    assert "norm1, up, wide" in joined
    assert "8x6" in joined  # the sizes of the output
    assert [line.split()[0] for line in str(sampled.summary()).splitlines()][2:4] == [
        "image", "where",
    ]  # fmt: skip
    assert "takes" in hourglass._repr_html_()
    assert hourglass.summary().parameters == sum(
        torch.Size(shape).numel() for shape in hourglass.parameter_shapes().values()
    )


def dependence(chain, values, layer, place):
    """The rows of the input that one output row of a layer really depends on, by derivatives."""
    part = chain.until(layer)
    x = image(chain.input_shape)
    y, saved = part.forward(x, values)
    dy = torch.zeros_like(y)
    dy[:, :, place, y.shape[3] // 2] = image((len(y), y.shape[1]), 3)
    dx = part.backward(dy, values, saved)[0]
    return dx.abs().amax((0, 1, 3)).nonzero().flatten().tolist()


def test_receptive_fields_hold_what_outputs_depend_on(params):
    chain = Chain(
        [
            ("stem", Convolution(1, 2, 3, padding=1)),
            ("down", Convolution(2, 2, 4, stride=2, padding=1)),
            ("deep", Convolution(2, 2, 5, padding=2)),
            ("up", TransposedConvolution(2, 2, 4, stride=2, padding=1)),
            ("smooth", Upsampling(2, "bilinear"), "down"),
            ("rough", Upsampling(2), "deep"),
            ("sum", Sum(), ("stem", "up", "smooth", "rough")),
        ],
        (1, 1, 40, 12),
    )
    values = params(chain)
    fields = {row.layer: row.receptive_field for row in chain.summary().rows}
    for layer, field in fields.items():
        centre = [field.offset[0] + field.stride[0] * i for i in range(20)]
        for place in range(8, 12) if field.stride[0] == 2 else range(18, 22):
            seen = dependence(chain, values, layer, place)
            middle = field.offset[0] + field.stride[0] * place
            reach = (field.size[0] - 1) / 2
            assert min(seen) >= middle - reach
            assert max(seen) <= middle + reach
            # and no pixel more than a step of the coarser maps
            assert min(seen) - (middle - reach) < 2
            assert (middle + reach) - max(seen) < 2
        assert centre == sorted(centre)
    assert fields["sum"].stride == (1, 1)


def test_fields_that_are_not_the_same_everywhere_are_left_out(sampled):
    mixed = Chain(
        [
            ("a", Convolution(1, 1, 1, stride=2)),
            ("b", Convolution(1, 1, 5, padding=(0, 0, 0, 0)), "x"),
            ("c", Sum(), ("a", "b")),
        ],
        (1, 1, 8, 8),
    )
    assert [row.receptive_field is None for row in mixed.summary().rows] == [False, False, True]
    fields = {row.layer: row.receptive_field for row in sampled.summary().rows}
    assert fields["features"] is not None
    assert fields["read"] is fields["scores"] is None


def test_apply_lets_go_of_what_no_layer_takes_any_more():
    alive, seen = [], []

    class Watch(ReLU):
        def apply(self, x, params):
            seen.append(weakref.ref(x))
            alive.append(sum(ref() is not None for ref in seen))
            return super().apply(x, params)

    layers = [(f"l{i}", Watch()) for i in range(6)]
    chain = Chain([*layers[:2], ("sum", Sum(), ("l0", "l1")), *layers[2:]])
    chain.apply(torch.zeros(3), {})
    assert max(alive) <= 3


def test_parts_of_a_graph(hourglass, params):
    chain = hourglass.in_inference()
    values, x = params(chain), inputs_of(chain)
    below = chain.until("relu2")
    assert list(below) == ["conv1", "norm1", "down", "conv2", "relu2"]
    assert below.is_line
    assert below.input_shape == chain.input_shape
    above = chain.after("joined")
    assert above.is_line
    assert above.input_shape == (2, 14, 8, 6)
    middle = chain.until("joined").apply(x, values)
    torch.testing.assert_close(above.apply(middle, values), chain.apply(x, values))
    with pytest.raises(InputError, match="layer 'joined' takes 'norm1', from before layer 'down'"):
        chain.after("down")
    with pytest.raises(InputError, match="no layer 'relu'"):
        chain.until("relu")


def test_a_line_is_a_line(hourglass, characters):
    assert characters.line == tuple(characters.layers)
    assert not hourglass.is_line
    with pytest.raises(InputError, match=r"is a graph \(layer 'norm1' takes conv1\)|is a graph"):
        _ = hourglass.line
    # naming what goes without saying changes nothing
    plain = Chain([("a", ReLU()), ("b", Tanh())])
    assert Chain([("a", ReLU()), ("b", Tanh(), "a")]) == plain
    assert plain.is_line


def test_folded_and_fused_it_is_the_same(hourglass, params):
    chain, values = hourglass.in_inference(), params(hourglass)
    values = {name: value.float() for name, value in values.items()}
    x = image((3, 3, 8, 6)).float()
    expected = chain.apply(x, values)
    folded, numbers = fold_batch_normalization(chain, values)
    assert "norm1" not in folded
    assert folded["joined"] == chain["joined"]
    torch.testing.assert_close(folded.apply(x, numbers), expected, rtol=1e-4, atol=1e-4)
    for graph, weights in ((chain, values), (folded, numbers)):
        fused = FusedChain(graph, weights, "float32", (1, 3, 8, 6))
        torch.testing.assert_close(fused(x), expected, rtol=1e-4, atol=1e-4)


def test_what_is_also_taken_before_it_is_normalised_is_not_folded(params):
    chain = Chain(
        [
            ("conv", Convolution(2, 2, 3)),
            ("norm", BatchNormalization(2, training=False)),
            ("sum", Sum(), ("conv", "norm")),
        ]
    )
    values, x = params(chain), image((2, 2, 5, 5))
    folded, numbers = fold_batch_normalization(chain, values)
    assert folded == chain
    torch.testing.assert_close(folded(x, numbers), chain(x, values))


def test_a_graph_within_a_residual_within_a_graph(params):
    inner = Chain([("a", Convolution(2, 2, 1)), ("b", Tanh(), "x"), ("c", Sum(), ("a", "b"))])
    chain = Chain([("r", Residual(inner)), ("s", Sigmoid(), "x"), ("t", Sum(), ("r", "s"))])
    values, x = params(chain), image((1, 2, 3, 3))
    y, saved = chain.forward(x, values)
    module, leaf = chain.to_torch(values), x.clone().requires_grad_()
    theirs = module(leaf)
    theirs.sum().backward()
    torch.testing.assert_close(y, theirs.detach())
    torch.testing.assert_close(chain.backward(torch.ones_like(y), values, saved)[0], leaf.grad)
    assert [row.layer for row in chain.summary((1, 2, 3, 3)).rows] == [
        "r.a", "r.b", "r.c", "r", "s", "t",
    ]  # fmt: skip


def test_a_graph_is_trained(params):
    chain = Chain(
        [
            ("left", FullyConnected(2, 6)),
            ("bend", Tanh()),
            ("both", Concatenation(), ("bend", "left")),
            ("scores", FullyConnected(12, 2)),
        ]
    )
    x = image((200, 2)).float()
    target = (x[:, 0] * x[:, 1] > 0).long()
    start = chain.initial_parameters(torch.Generator().manual_seed(0))
    settings = Settings(epochs=60, batch_size=20, learning_rate=0.1)
    history = train(chain, start, SoftmaxLogLoss(), (x, target), settings).history
    assert history[-1]["energy_train"] < 0.35 * history[0]["energy_train"]


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ([("a", ReLU(), "b")], "layer 'a' takes 'b', which is no layer before it; expected one of"),
        ([("rely", ReLU()), ("b", ReLU(), "relu")], "did you mean 'rely'"),
        ([("a", ReLU(), "a")], "layer 'a' takes 'a', which is no layer before it"),
        ([("a", Sum())], r"a Sum takes several inputs; expected their names, as in \('a', Sum"),
        ([("a", ReLU()), ("b", ReLU(), ("a", "x"))], "layer 'b' takes 'a', 'x'; expected one"),
        ([("a", ReLU()), ("b", ReLU(), "x")], "layer 'a' leads nowhere; expected a layer that"),
        ([("x", ReLU()), ("b", Sum(), ("x", "x"))], "'x' is the name of a layer and of an input"),
        ([("a", ReLU(), ())], r"layer 'a' takes \(\); expected the name of a layer"),
        ([("a", ReLU(), 3)], "layer 'a' takes 3; expected the name of a layer"),
        ([("a", ReLU(), "x", "y")], "expected pairs of a name and a block, or triples"),
    ],
)
def test_bad_wires_are_refused(layers, sentence):
    with pytest.raises(InputError, match=sentence):
        Chain(layers)


def test_bad_inputs_are_refused(sampled):
    with pytest.raises(InputError, match="input 'b' leads nowhere"):
        Chain([("c", ReLU())], inputs=("a", "b"))
    with pytest.raises(InputError, match=r"`inputs` is \('a', 'a'\); expected different names"):
        Chain([("c", Sum(), ("a", "a"))], inputs=("a", "a"))
    with pytest.raises(InputError, match="found 1 inputs; expected 2: image, where"):
        sampled.forward(torch.zeros(1), {})
    with pytest.raises(InputError, match="the inputs are 'image'; expected 'image', 'where'"):
        sampled.shape({"image": (1, 3, 6, 5)})
    with pytest.raises(ShapeError, match="layer 'read': BilinearSampler: the inputs have shapes"):
        sampled.shape(((1, 3, 6, 5), (2, 2, 4, 3)))


@pytest.mark.slow
def test_onnxruntime_finds_the_same_numbers(chain, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    path = tmp_path / "graph.onnx"
    params = chain.initial_parameters(torch.Generator().manual_seed(0))
    export_onnx(path, chain, params)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [found.name for found in session.get_inputs()] == list(chain.inputs)
    x = [image((3, *part.shape[1:])).float() for part in as_tuple(inputs_of(chain))]
    (y,) = session.run(["y"], {n: v.numpy() for n, v in zip(chain.inputs, x, strict=True)})
    expected = chain.in_inference().apply(tuple(x) if len(x) > 1 else x[0], params).numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
