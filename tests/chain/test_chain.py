"""The chain: derivatives through everything, names, shapes, refusals."""

import re
import weakref

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainrule.blocks import (
    BatchNormalization,
    Convolution,
    Dropout,
    FullyConnected,
    MaxPooling,
    ReLU,
    Residual,
    SoftmaxLogLoss,
)
from chainrule.chain import Chain
from chainrule.errors import InputError, ShapeError


def image(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_derivatives_through_every_block(everything, params):
    """Against torch.autograd through the equal torch module, in inference."""
    chain = everything.in_inference()
    values, x = params(chain), image((2, 3, 12, 14))
    y, saved = chain.forward(x, values)
    dy = image(y.shape, 1)
    dx, dparams = chain.backward(dy, values, saved)

    module, leaf = chain.to_torch(values), x.clone().requires_grad_()
    module(leaf).backward(dy)
    torch.testing.assert_close(dx, leaf.grad, rtol=1e-11, atol=1e-13)
    theirs = {name: p.grad for name, p in module.named_parameters()}
    assert set(theirs) == set(dparams)
    for name, derivative in dparams.items():
        torch.testing.assert_close(derivative, theirs[name], rtol=1e-11, atol=1e-13, msg=name)


@pytest.mark.parametrize("seed", range(3))
def test_derivatives_in_training_against_central_differences(everything, params, seed):
    """Batch moments and one fixed mask; along a random direction of each parameter and of x."""
    chain, values, x = everything, params(everything, seed), image((2, 3, 12, 14), seed)
    values |= chain.draw(tuple(x.shape), torch.Generator().manual_seed(seed))
    y, saved = chain.forward(x, values)
    dy = image(y.shape, seed + 1)
    dx, dparams = chain.backward(dy, values, saved)
    assert {f"{n}.mask" for n in ("body.drop", "again.drop")} <= set(values)

    for name, derivative in {"x": dx, **dparams}.items():
        start = x if name == "x" else values[name]
        direction = image(start.shape, seed + 2)
        direction /= direction.norm()
        ends = []
        for step in (1e-6, -1e-6):
            moved = start + step * direction
            y = chain.forward(*((moved, values) if name == "x" else (x, values | {name: moved})))[0]
            ends.append((y * dy).sum().item())
        slope = (ends[0] - ends[1]) / 2e-6
        ours = (derivative * direction).sum().item()
        assert ours == pytest.approx(slope, rel=1e-5, abs=1e-7), name


def test_the_characters_network_learns_one_step(characters):
    generator = torch.Generator().manual_seed(0)
    params = characters.initial_parameters(generator)
    x = torch.randn(8, 1, 32, 32, generator=generator)
    target = torch.arange(8)
    loss = SoftmaxLogLoss()
    scores, saved = characters.forward(x, params)
    assert scores.shape == (8, 26, 1, 1)
    before, kept = loss.forward(scores, target)
    derivatives = characters.parameter_derivatives(loss.backward(1.0, target, kept), params, saved)
    assert list(derivatives) != []
    moved = {name: value - 0.01 * derivatives[name] for name, value in params.items()}
    assert loss.forward(characters.apply(x, moved), target)[0] < before


def test_the_characters_network_reads_a_line(characters):
    """The same chain on a wide image slides over it."""
    assert characters.shape((1, 1, 32, 576)) == (1, 26, 1, 137)


def test_parameter_derivatives_are_backwards(params):
    chain = Chain([(f"conv{i}", Convolution(2, 2, 2)) for i in range(3)])
    values, x = params(chain), image((2, 2, 5, 5))
    y, saved = chain.forward(x, values)
    alone = chain.parameter_derivatives(torch.ones_like(y), values, saved)
    whole = chain.backward(torch.ones_like(y), values, saved)[1]
    assert alone.keys() == whole.keys()
    assert all(torch.equal(alone[name], whole[name]) for name in whole)


def test_parameter_derivatives_skip_the_first_layers_dx(params):
    class First(Convolution):
        def backward(self, dy, params, saved):
            raise AssertionError("dx of the first layer is not needed")

    chain = Chain([("first", First(1, 1, 1)), ("second", Convolution(1, 1, 1))])
    values = params(chain)
    y, saved = chain.forward(image((1, 1, 2, 2)), values)
    assert len(chain.parameter_derivatives(y, values, saved)) == 4


def test_apply_is_forward(everything, params):
    chain, x = everything.in_inference(), image((2, 3, 12, 14))
    assert torch.equal(chain.apply(x, params(chain)), chain.forward(x, params(chain))[0])


def test_apply_lets_go_of_what_it_no_longer_needs():
    alive = []

    class Watch(ReLU):
        def forward(self, x, params):
            inputs.append(weakref.ref(x))
            alive.append(sum(ref() is not None for ref in inputs))
            return super().forward(x, params)

    chain = Chain([(f"l{i}", Watch()) for i in range(5)])
    x, inputs = torch.zeros(3), []
    chain.apply(x, {})
    assert max(alive) == 2  # x itself, which its caller holds, and one more
    inputs = []
    _ = chain.forward(x, {})
    assert alive[-1] == 5


def test_a_generator_draws_the_masks(everything, params):
    x, values = image((2, 3, 12, 14)), params(everything)
    first, again, other = (
        everything.forward(x, values, torch.Generator().manual_seed(seed))[0] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    with pytest.raises(InputError, match="no mask in training"):
        everything.forward(x, values)


def test_moments_of_every_normalization_move_in_training_only(everything, params):
    x, values = image((2, 3, 12, 14)), params(everything)
    _, saved = everything.forward(x, values, torch.Generator().manual_seed(0))
    moved = everything.moments(values, saved)
    layers = ("body.norm", "again.norm", "row_norm")
    assert set(moved) == {f"{layer}.{m}" for layer in layers for m in ("mean", "variance")}
    assert all(not torch.equal(values[name], value) for name, value in moved.items())
    assert all(moved[name].shape == values[name].shape for name in moved)
    inference = everything.in_inference()
    assert inference.moments(values, inference.forward(x, values)[1]) == {}
    assert inference.in_training() == everything


def test_parameters_are_named_in_the_layers_order(everything):
    names = list(everything.parameter_shapes())
    assert names[:3] == ["stem.weight", "stem.bias", "body.expand.weight"]
    assert everything.parameter_shapes()["again.norm.variance"] == (12,)


@pytest.mark.parametrize("initialization", ["he", 0.01])
def test_initial_parameters(characters, initialization):
    draws = [
        characters.initial_parameters(
            torch.Generator().manual_seed(seed), initialization=initialization
        )
        for seed in (0, 0, 1)
    ]
    assert all(torch.equal(draws[0][name], draws[1][name]) for name in draws[0])
    weight = draws[0]["conv3.weight"]
    assert not torch.equal(weight, draws[2]["conv3.weight"])
    scale = (2 / (50 * 4 * 4)) ** 0.5 if initialization == "he" else 0.01
    n = weight.numel()
    assert weight.std().item() == pytest.approx(scale, rel=4 / (2 * n) ** 0.5)
    assert abs(weight.mean().item()) < 4 * scale / n**0.5
    assert all(not value.any() for name, value in draws[0].items() if name.endswith("bias"))


def test_initial_moments_are_0_and_1(everything):
    params = everything.initial_parameters(torch.Generator(), dtype=torch.bfloat16)
    assert params["body.norm.weight"].unique().tolist() == [1.0]
    assert params["body.norm.variance"].unique().tolist() == [1.0]
    assert params["body.norm.mean"].unique().tolist() == [0.0]
    assert {value.dtype for value in params.values()} == {torch.bfloat16}
    with pytest.raises(InputError, match="`initialization` is 'xavier'; expected \"he\""):
        everything.initial_parameters(torch.Generator(), initialization="xavier")


def test_a_shape_that_does_not_fit_fails_when_the_chain_is_put_together():
    layers = [
        ("conv1", Convolution(1, 20, 5)),
        ("pool1", MaxPooling(2)),
        ("conv2", Convolution(30, 50, 5)),
    ]
    sentence = "layer 'conv2': Convolution: the input has shape (1, 20, 14, 14); expected (N, 30"
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}"):
        Chain(layers, (1, 1, 32, 32))
    Chain(layers)  # no shape is known yet
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}"):
        Chain(layers).shape((1, 1, 32, 32))
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}"):
        Chain(layers).forward(torch.zeros(1, 1, 32, 32), {})


def test_a_chain_in_a_chain_names_both_layers():
    inner = Chain([("a", ReLU()), ("b", Convolution(5, 5, 3))])
    with pytest.raises(
        ShapeError, match=r"^layer 'body': layer 'b': Convolution: the input has sh"
    ):
        Chain([("body", Residual(inner))], (1, 4, 8, 8))
    with pytest.raises(
        ShapeError, match=r"shape \(1, 5, 8, 8\), the chain's output \(1, 5, 6, 6\)"
    ):
        Chain([("body", Residual(inner))], (1, 5, 8, 8))


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ([("a", ReLU()), ("a", ReLU())], "layer name 'a'; expected a name without a dot"),
        ([("a.b", ReLU())], "layer name 'a.b'; expected a name without a dot"),
        ([("", ReLU())], "layer name ''; expected a name"),
        ([(1, ReLU())], "layer name 1; expected a name"),
        ([("a", torch.relu)], "layer 'a' is .*; expected a block"),
        ([("a", ReLU)], r"layer 'a' is the class ReLU; expected a block: ReLU\(...\)"),
        ([ReLU()], r"`layers` holds ReLU\(\); expected pairs"),
    ],
)
def test_bad_layers_are_refused(layers, sentence):
    with pytest.raises(InputError, match=sentence):
        Chain(layers)


def test_a_bad_input_shape_is_refused():
    with pytest.raises(InputError, match="`input_shape` is 0; expected a whole number"):
        Chain([("a", ReLU())], (1, 0, 3, 3))


def test_parameters_that_do_not_fit_are_all_named(characters):
    params = characters.initial_parameters(torch.Generator())
    del params["conv1.bias"]
    params["conv9.bias"] = torch.zeros(1)
    params["conv2.bias"] = torch.zeros(51)
    with pytest.raises(InputError) as caught:
        characters.check_parameters(params)
    for part in (
        "`conv1.bias` is missing",
        "`conv9.bias` belongs to no layer",
        "`conv2.bias` has shape (51,) instead of (50,)",
    ):
        assert part in str(caught.value)
    x = torch.zeros(1, 1, 32, 32)
    with pytest.raises(InputError, match=r"hold no `conv1.bias`"):
        characters.forward(x, params)
    params["conv1.bias"] = torch.zeros(20)
    with pytest.raises(ShapeError, match=r"`conv2.bias` has shape \(51,\); expected \(50,\)"):
        characters.apply(x, params)
    params["conv2.bias"] = torch.zeros(50)
    sentence = "the input holds torch.uint8, the weight torch.float32; expected the same"
    with pytest.raises(InputError, match=f"^Convolution: {sentence}"):
        characters.apply(x.byte(), params)


@given(st.integers(0, 3), st.integers(1, 3), st.integers(0, 100))
def test_an_outer_chain_is_its_blocks_in_a_row(depth, width, seed):
    """However chains are nested, the numbers are those of the flat chain."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, width, generator=generator, dtype=torch.float64)
    layers = [(f"l{i}", FullyConnected(width, width)) for i in range(3)]
    flat, nested, prefix = Chain(layers), Chain(layers), ""
    for level in range(depth):
        nested, prefix = Chain([(f"n{level}", nested)]), f"n{level}.{prefix}"
    params = flat.initial_parameters(generator, dtype=torch.float64)
    prefixed = {prefix + name: value for name, value in params.items()}
    y, saved = flat.forward(x, params)
    y_nested, saved_nested = nested.forward(x, prefixed)
    assert torch.equal(y, y_nested)
    dx, dparams = flat.backward(y, params, saved)
    dx_nested, dparams_nested = nested.backward(y, prefixed, saved_nested)
    assert torch.equal(dx, dx_nested)
    assert dparams_nested.keys() == {prefix + name for name in dparams}
    assert all(torch.equal(dparams_nested[prefix + n], d) for n, d in dparams.items())


def test_a_chain_of_nothing_is_the_identity():
    x = torch.ones(2, 3)
    y, saved = Chain([]).forward(x, {})
    assert torch.equal(y, x)
    assert torch.equal(Chain([]).backward(x, {}, saved)[0], x)


def test_copies_for_training_and_inference_leave_the_chain_alone():
    chain = Chain([("norm", BatchNormalization(2)), ("drop", Dropout())])
    assert [block.training for _, block in chain.in_inference().layers] == [False, False]
    assert [block.training for _, block in chain.layers] == [True, True]
