"""The base classes: what a block or loss of one's own must have, and what it gets."""

from dataclasses import dataclass

import pytest
import torch

from chainrule.blocks import Block, Convolution, Loss, ReLU, Residual
from chainrule.blocks.block import check_loss
from chainrule.chain import Chain
from chainrule.errors import InputError, ShapeError


class Double(Block):
    """The least that a block needs."""

    def forward(self, x, params):
        return 2 * x, None

    def backward(self, dy, params, saved):
        return 2 * dy, {}


@dataclass(frozen=True)
class Scale(Block):
    """One factor and one summand a channel, both of one dimension."""

    channels: int

    def forward(self, x, params):
        w, b = (params[name].view(1, -1, 1, 1) for name in ("slope", "bias"))
        return w * x + b, x

    def backward(self, dy, params, saved):
        dx = dy * params["slope"].view(1, -1, 1, 1)
        return dx, {"slope": (dy * saved).sum((0, 2, 3)), "bias": dy.sum((0, 2, 3))}

    def parameter_shapes(self):
        return {"slope": (self.channels,), "bias": (self.channels,)}


class Started(Scale):
    def initial_parameters(self, generator, *, initialization="he"):
        return {"slope": torch.full((self.channels,), 0.25), "bias": torch.ones(self.channels)}


def test_two_methods_are_enough():
    block, x = Double(), torch.ones(2, 3)
    assert block.shape((2, 3)) == (2, 3)
    assert block.parameter_shapes() == block.draw((2, 3), torch.Generator()) == {}
    assert block.initial_parameters(torch.Generator()) == block.moments({}, None) == {}
    assert block.sees((2, 3)) is None
    assert block.inside() == ()
    assert block.with_training(True) is block
    assert torch.equal(block.apply(x, {}), 2 * x)
    assert torch.equal(block(x, {}), 2 * x)
    assert block.parameter_derivatives(x, {}, None) == {}
    chain = Chain([("a", block), ("b", Residual(Double()))], (2, 3))
    y, saved = chain.forward(x, {})
    assert torch.equal(y, 6 * x)
    assert torch.equal(chain.backward(x, {}, saved)[0], 6 * x)
    assert chain.in_inference() == chain
    with pytest.raises(InputError, match=r"Double has no equal torch module; expected a method"):
        chain.to_torch({})


@pytest.mark.parametrize("missing", ["forward", "backward"])
def test_without_one_of_them_no_block_can_be_made(missing):
    kind = type("Half", (Double,), {missing: getattr(Block, missing)})
    with pytest.raises(TypeError, match=f"abstract class Half .*{missing}"):
        kind()


def test_a_field_named_training_is_set():
    @dataclass(frozen=True)
    class Noise(Double):
        training: bool = True

    chain = Chain([("noise", Noise())])
    assert chain.in_inference()["noise"] == Noise(training=False)
    assert chain.in_inference().in_training() == chain


def test_a_parameter_of_one_dimension_starts_as_its_block_says():
    chain = Chain([("scale", Started(3))])
    params = chain.initial_parameters(torch.Generator(), dtype=torch.float64)
    assert params["scale.slope"].tolist() == [0.25] * 3
    assert params["scale.bias"].tolist() == [1.0] * 3
    assert {value.dtype for value in params.values()} == {torch.float64}
    nested = Chain([("sum", Residual(Chain([("in", Started(2))])))])
    assert nested.initial_parameters(torch.Generator())["sum.in.slope"].tolist() == [0.25] * 2


def test_where_no_block_says_it_it_is_not_guessed():
    sentence = (
        r"Scale: nothing says how `slope` of shape \(3,\) starts; expected a method `initial_"
    )
    with pytest.raises(InputError, match=f"^{sentence}"):
        Chain([("scale", Scale(3))]).initial_parameters(torch.Generator())


def test_a_parameter_that_is_not_named_is_missed_by_name():
    class Nameless(Scale):
        def parameter_shapes(self):
            return {}

    chain = Chain([("scale", Nameless(3))])
    with pytest.raises(InputError, match=r"^layer 'scale': the parameters hold no `slope`; expect"):
        chain.forward(torch.zeros(1, 3, 2, 2), {})


def broken(forward=None, backward=None):
    """A block that gives what it must not."""

    class Broken(Double):
        pass

    if forward is not None:
        Broken.forward = lambda self, x, params: forward(x)
    if backward is not None:
        Broken.backward = lambda self, dy, params, saved: backward(dy)
    return Broken()


@pytest.mark.parametrize(
    ("forward", "sentence"),
    [
        # two images: unpacked without a look, they would pass for y and saved
        (lambda x: x, r"`forward` gave one tensor of shape \(2, 3\); expected two things, y and"),
        (lambda x: None, "`forward` gave nothing; expected two things"),
        (lambda x: (x, x, x), r"`forward` gave 3 things \(Tensor, Tensor, Tensor\); expected two"),
        (lambda x: (x.tolist(), None), r"`forward` gave 2 things \(list, NoneType\); expected two"),
        (
            lambda x: (x[:1], None),
            r"`forward` gave y of shape \(1, 3\) for x of shape \(2, 3\); expected \(2, 3",
        ),
    ],
)
@pytest.mark.parametrize(
    "put", [lambda b: Chain([("own", b)]), Residual], ids=["chain", "residual"]
)
def test_what_forward_must_not_give_is_said(put, forward, sentence):
    with pytest.raises(InputError, match=f"Broken: {sentence}"):
        put(broken(forward)).forward(torch.ones(2, 3), {})


@pytest.mark.parametrize(
    ("backward", "sentence"),
    [
        (
            lambda dy: dy,
            r"`backward` gave one tensor of shape \(2, 3\); expected two things, dx and",
        ),
        (lambda dy: (dy, None), r"`backward` gave 2 things \(Tensor, NoneType\); expected two"),
        (
            lambda dy: (dy, {"w": dy}),
            "`backward` gave a derivative of `w`; expected .*names: none",
        ),
    ],
)
@pytest.mark.parametrize(
    "put", [lambda b: Chain([("own", b)]), Residual], ids=["chain", "residual"]
)
def test_what_backward_must_not_give_is_said(put, backward, sentence):
    whole = put(broken(backward=backward))
    y, saved = whole.forward(torch.ones(2, 3), {})
    with pytest.raises(InputError, match=f"Broken: {sentence}"):
        whole.backward(y, {}, saved)


@pytest.mark.parametrize(
    "put", [lambda b: Chain([("own", b)]), Residual], ids=["chain", "residual"]
)
def test_a_class_and_what_is_no_block_are_refused(put):
    class Alike:
        """As a block, but derived from nothing."""

        forward, backward = Double.forward, Double.backward

    with pytest.raises(InputError, match=r"is the class ReLU; expected a block: ReLU\(...\)"):
        put(ReLU)
    with pytest.raises(
        InputError, match=r"Alike object.*; expected a block: .* chainrule.blocks.Bl"
    ):
        put(Alike())


def test_a_loss_needs_two_methods():
    class Mean(Loss):
        def forward(self, x, target):
            return (x - target).square().mean(), x

        def backward(self, dloss, target, saved):
            return dloss * 2 * (saved - target) / saved.numel()

    check_loss(Mean())
    assert Mean().apply(torch.ones(2), 0.0) == Mean()(torch.ones(2), 0.0) == 1.0
    with pytest.raises(TypeError, match="abstract class"):
        type("Half", (Loss,), {"forward": Mean.forward})()
    with pytest.raises(InputError, match=r"^the loss is the class Mean; expected an object"):
        check_loss(Mean)
    with pytest.raises(InputError, match=r"^the loss is Convolution\(.*; expected an object"):
        check_loss(Convolution(1, 1, 1))


def test_the_sum_checks_what_its_body_keeps():
    with pytest.raises(ShapeError, match=r"expected a chain that keeps the shape"):
        Residual(Convolution(1, 2, 1)).forward(torch.zeros(1, 1, 2, 2), {})
