"""A plan takes the steps of the blocks: in every block, precision, way and number of threads."""

import math
from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.blocks import (
    GELU,
    AveragePooling,
    BatchNormalization,
    Block,
    Convolution,
    Dropout,
    Flatten,
    FullyConnected,
    GlobalAveragePooling,
    GroupNormalization,
    Interleave,
    LeakyReLU,
    LocalResponseNormalization,
    Loss,
    MaxPooling,
    ReLU,
    Residual,
    Sigmoid,
    SoftmaxLogLoss,
    Sum,
    TransposedConvolution,
    Upsampling,
)
from chainrule.chain import Chain
from chainrule.errors import ShapeError
from chainrule.training import Settings, train
from chainrule.training.learner import PlainLearner
from chainrule.training.plan import learner as planned
from chainrule.training.plan import products, weights
from chainrule.training.plan.learner import PlannedLearner, can_plan
from chainrule.training.plan.plan import shares
from chainrule.training.plan.products import Ways
from chainrule.training.state import first_state


class Weighted(Loss):
    """The sum of the outputs times fixed numbers: each output has a derivative of its own."""

    def forward(self, x, target):
        return (x * self._numbers(x)).sum(), x

    def backward(self, dloss, target, saved):
        return dloss * self._numbers(saved)

    def _numbers(self, x):
        generator = torch.Generator().manual_seed(7)
        return torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x.dtype)


def learners(chain, shape, settings=None, loss=None, threads=1, seed=0):
    """A planned learner and, in float64, the plain one, from the same start; and a batch."""
    settings = settings or Settings(learning_rate=0.1)
    generator = torch.Generator().manual_seed(seed)
    start = chain.initial_parameters(generator)
    start = {
        name: value + 0.1 * torch.randn(value.shape, generator=generator)
        for name, value in start.items()
    }
    start = {k: v.abs() + 0.5 if k.endswith("variance") else v for k, v in start.items()}
    x = torch.randn(shape, generator=generator)
    loss = loss or Weighted()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(planned, "_IMAGES", 1)
            ours = PlannedLearner(chain, loss, first_state(start, settings), settings, shape)
    finally:
        torch.set_num_threads(before)
    exact = replace(settings, precision="float64")
    theirs = PlainLearner(chain, loss, first_state(start, exact), exact)
    return ours, theirs, x


def check_same(chain, shape, *, near=None, tolerance=1e-4, **options):
    """Outputs, losses, gradients and what is not learned are the same after a batch."""
    near = near or close
    ours, theirs, x = learners(chain, shape, **options)
    target = torch.zeros(len(x), dtype=torch.int64)
    with ours:
        y, energy = ours.gradients(x, target)
        found = ours.named_gradients()
    expected_y, expected = theirs.gradients(x, target)
    near(y.double(), expected_y.double(), tolerance)
    assert energy == pytest.approx(expected, rel=tolerance, abs=tolerance * math.sqrt(y.numel()))
    assert found.keys() == theirs._gradients.keys()
    for name, gradient in theirs._gradients.items():
        near(found[name].double(), gradient, tolerance)
    for name, value in theirs._state.parameters.items():
        near(ours._state.parameters[name].double(), value.double(), tolerance)


def close(found, expected, tolerance):
    scale = float(expected.abs().max()) if expected.numel() else 0.0
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance * (scale + 1e-6))


def close_on_the_whole(found, expected, tolerance):
    """As vectors: where 8 bits take another side of a kink, one entry is quite another."""
    assert (found - expected).norm() <= tolerance * (expected.norm() + 1e-6)


PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def convolutions(draw):
    """A convolution, and a batch that it fits."""
    block = Convolution(
        draw(st.sampled_from([1, 2, 3, 16])),
        draw(st.sampled_from([1, 4, 20])),
        draw(PAIRS),
        draw(PAIRS),
        draw(st.tuples(*[st.integers(0, 2)] * 4)),
        draw(PAIRS),
        bias=draw(st.booleans()),
    )
    shape = (
        draw(st.integers(1, 4)),
        block.in_channels,
        *draw(PAIRS.map(lambda p: (p[0] + 3, p[1] + 3))),
    )
    try:
        block.shape(shape)
    except ShapeError:
        assume(False)
    return block, shape


WAYS = [
    Ways(*way)
    for way in (
        (True, True, True),
        (True, False, False),
        (False, True, False),
        (False, False, True),
    )
]


@given(convolutions(), st.sampled_from(WAYS), st.booleans(), st.booleans(), st.sampled_from([1, 3]))
def test_convolutions_in_all_ways(case, ways, relu, small, threads):
    block, shape = case
    # a convolution before it, so that its dx matters
    layers = [("first", Convolution(shape[1], shape[1], 1)), ("own", block)]
    chain = Chain([*layers, ("relu", ReLU())] if relu else layers)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("chainrule.training.plan.plan.ways_of", lambda *_: ways)
        if small:
            patched.setattr(products, "PACKED", 1)  # patches of one image at a time
        check_same(chain, shape, threads=threads)


@pytest.mark.parametrize("ways", WAYS)
def test_convolutions_in_all_ways_in_bfloat16(ways, monkeypatch):
    monkeypatch.setattr("chainrule.training.plan.plan.ways_of", lambda *_: ways)
    chain = Chain(
        [
            ("first", Convolution(3, 16, 1)), ("own", Convolution(16, 20, (3, 2), 1, (1, 1, 0, 2))),
            ("more", Convolution(20, 4, 3, 2, padding=1)),
        ]
    )  # fmt: skip
    settings = Settings(learning_rate=0.1, precision="bfloat16")
    check_same(
        chain, (5, 3, 7, 6),
        settings=settings, threads=2, tolerance=0.02, near=close_on_the_whole,
    )  # fmt: skip


# a bias before a normalisation has a derivative of 0, which is only rounding
BARE, BARE_SAME = Convolution(3, 4, 2, bias=False), Convolution(4, 4, 3, padding=1, bias=False)

BLOCKS = {
    "fully connected": [("flat", Flatten()), ("full", FullyConnected(3 * 7 * 6, 5))],
    "without a bias": [("flat", Flatten()), ("full", FullyConnected(3 * 7 * 6, 5, bias=False))],
    "and a ReLU": [("flat", Flatten()), ("full", FullyConnected(126, 5)), ("relu", ReLU())],
    "ReLU first": [("relu", ReLU()), ("conv", Convolution(3, 4, 2))],
    "pooling": [("conv", Convolution(3, 4, 2)), ("pool", MaxPooling(2)), ("relu", ReLU())],
    "pooling first": [("pool", MaxPooling(2)), ("conv", Convolution(3, 4, 2))],
    "pooling that overlaps": [("conv", Convolution(3, 4, 2)), ("pool", MaxPooling(3, 1, 1))],
    "pooling in ceil mode": [
        ("conv", Convolution(3, 4, 2)), ("pool", MaxPooling(2, ceil_mode=True)),
    ],
    "normalisation": [("conv", BARE), ("norm", BatchNormalization(4))],
    "normalisation first": [("norm", BatchNormalization(3)), ("conv", Convolution(3, 4, 2))],
    "normalisation and a ReLU": [
        ("conv", BARE), ("norm", BatchNormalization(4)), ("relu", ReLU()),
        ("more", Convolution(4, 2, 2)),
    ],
    "normalisation of rows": [
        ("flat", Flatten()), ("full", FullyConnected(126, 5, bias=False)),
        ("norm", BatchNormalization(5)),
    ],
    "a residual sum": [
        ("conv", Convolution(3, 4, 2)),
        ("sum", Residual(Chain([("conv", Convolution(4, 4, 3, padding=1)), ("relu", ReLU())]))),
        ("more", Residual(Convolution(4, 4, 1))),
    ],
    "a residual sum and a ReLU": [
        ("conv", Convolution(3, 4, 2)),
        ("sum", Residual(Chain([("conv", BARE_SAME), ("norm", BatchNormalization(4))]))),
        ("relu", ReLU()), ("pool", MaxPooling(2)), ("more", Convolution(4, 2, 2)),
    ],
    "sums in sums": [
        ("conv", Convolution(3, 4, 2)),
        ("sum", Residual(Chain(
            [("a", Residual(BARE_SAME)), ("b", Residual(BARE_SAME)), ("relu", ReLU())]
        ))),
        ("again", Residual(Chain([("c", BARE_SAME), ("relu", ReLU())]))),
    ],
    "flat already": [
        ("conv", Convolution(3, 4, 2)), ("relu", ReLU()), ("pool", MaxPooling((6, 5))),
        ("flat", Flatten()), ("full", FullyConnected(4, 3)),
    ],
    "chains in chains": [
        ("a", Chain([("b", Chain([("conv", BARE)])), ("norm", BatchNormalization(4))])),
        ("relu", ReLU()),
    ],
    "blocks as they are": [
        ("conv", Convolution(3, 4, 2)), ("leaky", LeakyReLU(0.1)), ("mean", AveragePooling(2)),
        ("groups", Convolution(4, 6, 2, groups=2)), ("sigmoid", Sigmoid()),
        ("lrn", LocalResponseNormalization()), ("wide", Interleave(2)),
        ("all", GlobalAveragePooling()), ("flat", Flatten()), ("full", FullyConnected(3, 2)),
    ],
    "mirrored, up and down": [
        ("mirror", Convolution(3, 4, 3, padding=2, padding_mode="reflect")),
        ("relu", ReLU()), ("up", TransposedConvolution(4, 3, 2, stride=2)),
        ("norm", GroupNormalization(1, 3)), ("bend", GELU()), ("more", Upsampling(2)),
        ("same", Convolution(3, 2, 3, stride=2, padding="same", dilation=2)),
    ],
    "nothing that learns": [("relu", ReLU()), ("mean", GlobalAveragePooling())],
}  # fmt: skip


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("name", BLOCKS)
def test_blocks(name, threads):
    check_same(Chain(BLOCKS[name]), (5, 3, 7, 6), threads=threads)


@pytest.mark.parametrize("name", [name for name in BLOCKS if name != "nothing that learns"])
def test_blocks_in_bfloat16(name):
    """Each of its numbers has 8 bits, and so have the sums that they are rounded to."""
    settings = Settings(learning_rate=0.1, precision="bfloat16")
    check_same(
        Chain(BLOCKS[name]), (5, 3, 7, 6),
        settings=settings, threads=2, tolerance=0.12, near=close_on_the_whole,
    )  # fmt: skip


def test_more_threads_than_images():
    chain = Chain(BLOCKS["normalisation and a ReLU"])
    check_same(chain, (2, 3, 7, 6), threads=5)


def test_normalisation_over_threads_whose_images_differ():
    """The moments are of all images, however unlike the threads' parts are."""
    chain = Chain(BLOCKS["normalisation and a ReLU"])
    ours, theirs, x = learners(chain, (4, 3, 7, 6), threads=2)
    x[2:] = 30 * x[2:] + 100
    with ours:
        y, _ = ours.gradients(x, None)
        found = ours.named_gradients()
    expected, _ = theirs.gradients(x, None)
    close(y.double(), expected.double(), 1e-4)
    for name, gradient in theirs._gradients.items():
        close(found[name].double(), gradient, 1e-3)
    for key in ("norm.mean", "norm.variance"):
        close(ours._state.parameters[key].double(), theirs._state.parameters[key].double(), 1e-5)


@dataclass(frozen=True)
class Centred(Block):
    """A block of one's own that mixes the images, with a parameter and one that is not learned."""

    def forward(self, x, params):
        return (x - x.mean(0)) * params["scale"], x

    def backward(self, dy, params, saved):
        centred = saved - saved.mean(0)
        return (dy - dy.mean(0)) * params["scale"], {"scale": (dy * centred).sum().reshape(1)}

    def moments(self, params, saved):
        return {"seen": params["seen"] + len(saved)}

    def parameter_shapes(self):
        return {"scale": (1,), "seen": (1,)}

    def initial_parameters(self, generator, *, initialization="he"):
        return {"scale": torch.ones(1), "seen": torch.zeros(1)}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_block_of_ones_own_that_mixes_images_has_all_of_them(precision):
    chain = Chain([("conv", BARE), ("own", Centred()), ("more", Convolution(4, 2, 2))])
    assert not shares(chain)
    settings = Settings(learning_rate=0.1, precision=precision)
    tolerance = 1e-4 if precision == "float32" else 0.12
    check_same(
        chain, (6, 3, 7, 6),
        settings=settings, threads=3, tolerance=tolerance, near=close_on_the_whole,
    )  # fmt: skip


@pytest.mark.parametrize("threads", [1, 2])
def test_the_masks_of_dropout_are_the_same(threads):
    chain = Chain(
        [("conv", Convolution(3, 4, 2)), ("drop", Dropout(0.5)), ("more", Convolution(4, 2, 2))]
    )
    check_same(chain, (6, 3, 7, 6), threads=threads)


OPTIMIZERS = {
    "sgd": Settings(learning_rate=0.1, momentum=0.9, weight_decay=0.01),
    "nesterov": Settings(learning_rate=0.1, momentum=0.9, nesterov=True),
    "adam": Settings(learning_rate=0.01, optimizer="adam", weight_decay=0.01),
    "rates by layer": Settings(learning_rate=0.1, layer_rates={"conv": 0.5, "norm.bias": 0.0}),
    "clipped": Settings(learning_rate=0.1, clip_norm=0.5),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_several_steps_end_where_the_plain_ones_do(name, threads):
    chain = Chain([
        ("conv", BARE), ("norm", BatchNormalization(4)), ("relu", ReLU()),
        ("own", Centred()) if threads == 1 else ("leaky", LeakyReLU()),
        ("flat", Flatten()), ("full", FullyConnected(4 * 6 * 5, 3)),
    ])  # fmt: skip
    ours, theirs, x = learners(
        chain, (6, 3, 7, 6), OPTIMIZERS[name], SoftmaxLogLoss(), threads=threads
    )
    target = torch.tensor([0, 1, 2, 0, 1, 2])
    for _ in range(4):
        with ours:
            ours.gradients(x, target)
            ours.step(OPTIMIZERS[name].learning_rate)
        theirs.gradients(x, target)
        theirs.step(OPTIMIZERS[name].learning_rate)
    for key, value in theirs._state.parameters.items():
        close(ours._state.parameters[key].double(), value.double(), 2e-4)
    for key, value in theirs._state.moments.items():
        close(ours._state.moments[key].double(), value.double(), 2e-3)


def test_batches_of_other_sizes_follow_each_other():
    chain = Chain(BLOCKS["normalisation and a ReLU"])
    ours, theirs, _ = learners(chain, (6, 3, 7, 6), threads=2)
    for shape in ((6, 3, 7, 6), (2, 3, 9, 12), (7, 3, 4, 4), (1, 3, 7, 6), (6, 3, 7, 6)):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(shape[0]))
        with ours:
            y, _ = ours.gradients(x, None)
            found = ours.named_gradients()
        expected, _ = theirs.gradients(x, None)
        close(y.double(), expected.double(), 1e-4)
        for name, gradient in theirs._gradients.items():
            close(found[name].double(), gradient, 1e-4)


BIG = Chain([
    ("conv", Convolution(1, 8, 3, bias=False)), ("norm", BatchNormalization(8)), ("relu", ReLU()),
    ("pool", MaxPooling(2)), ("flat", Flatten()), ("drop", Dropout(0.2)),
    ("full", FullyConnected(8 * 7 * 7, 3)),
])  # fmt: skip
SETTINGS = Settings(epochs=3, batch_size=32, learning_rate=0.05, schedule="constant")


def bars(n=90):
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 3, (n,), generator=generator)
    images = torch.randn(n, 1, 16, 16, generator=generator)
    images[torch.arange(n), 0, 3 + 4 * labels] += 2
    return images, labels


@pytest.fixture
def two_threads(monkeypatch):
    """As on a processor of two cores, and any network is worth a plan."""
    monkeypatch.setattr(planned, "_WORTH", 0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def started():
    return BIG.initial_parameters(torch.Generator().manual_seed(0))


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_training_learns_and_repeats_to_the_bit(two_threads, precision):
    settings = replace(SETTINGS, precision=precision)
    first, second = (
        train(BIG, started(), SoftmaxLogLoss(), bars(), settings, validation=bars(40))
        for _ in range(2)
    )
    assert same(first.parameters, second.parameters)
    assert first.history[-1]["energy_validation"] < 0.2
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_resumed_training_ends_in_the_same_bits(two_threads, tmp_path, optimizer):
    path = tmp_path / "run.safetensors"
    settings = replace(SETTINGS, optimizer=optimizer, learning_rate=0.01)
    data = bars()
    train(BIG, started(), SoftmaxLogLoss(), data, replace(settings, epochs=1), checkpoint=path)
    resumed = train(BIG, started(), SoftmaxLogLoss(), data, settings, checkpoint=path, resume=True)
    whole = train(BIG, started(), SoftmaxLogLoss(), data, settings)
    assert same(resumed.parameters, whole.parameters)


def test_one_thread_and_two_agree_up_to_rounding(two_threads):
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        settings = replace(SETTINGS, epochs=1)
        found.append(train(BIG, started(), SoftmaxLogLoss(), bars(), settings).parameters)
    for name, value in found[0].items():
        close(found[1][name], value, 1e-3)


@pytest.mark.parametrize(
    ("change", "suits"),
    [({}, True), ({"precision": "bfloat16"}, True), ({"precision": "float64"}, False)],
)
def test_what_a_plan_is_for(change, suits):
    settings = replace(SETTINGS, **change)
    state = first_state(started(), settings)
    many = torch.zeros(400, 1, 16, 16)
    assert can_plan(BIG, state, settings, many) is suits
    assert not can_plan(BIG, state, settings, many[:2])  # too little to do
    wide = first_state({k: v.double() for k, v in started().items()}, settings)
    assert not can_plan(BIG, wide, settings, many)


@dataclass(frozen=True)
class Shifted(Convolution):
    """A convolution of one's own: not the one that a plan knows."""

    def forward(self, x, params):
        y, saved = super().forward(x, params)
        return y + 1, saved


def test_a_block_that_derives_from_a_known_one_runs_as_it_is():
    chain = Chain([("conv", BARE), ("own", Shifted(4, 3, 2)), ("more", Convolution(3, 2, 2))])
    check_same(chain, (6, 3, 7, 6), threads=2)


def test_a_plan_looks_at_settings_that_it_does_not_know():
    @dataclass(frozen=True)
    class Later(FullyConnected):
        doubled: bool = False

    known = ("in_features", "out_features", "bias")
    assert weights._has_only(Later(3, 2), known)
    assert not weights._has_only(Later(3, 2, doubled=True), known)


def test_a_graph_is_trained_without_a_plan():
    graph = Chain([*BIG.layers[:4], ("twice", Sum(), ("pool", "pool")), *BIG.layers[4:]])
    state, many = first_state(started(), SETTINGS), torch.zeros(400, 1, 16, 16)
    assert not can_plan(graph, state, SETTINGS, many)
    assert not can_plan(Chain([("graph", graph)]), state, SETTINGS, many)
    assert not can_plan(Chain([("sum", Residual(graph))]), state, SETTINGS, many)
