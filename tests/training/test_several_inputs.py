"""A chain of several inputs is trained: arrays by name or in order, a loader, a source; resumed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from chainrule.blocks import (
    BatchNormalization,
    Concatenation,
    Convolution,
    Dropout,
    Flatten,
    FullyConnected,
    GlobalAveragePooling,
    ReLU,
    SoftmaxLogLoss,
)
from chainrule.chain import Chain
from chainrule.errors import InputError, OtherRunError, ShapeError
from chainrule.training import Settings, TensorSource, evaluate, train
from training_bars import same

CHAIN = Chain(
    [
        ("look", Convolution(1, 3, 3), "image"),
        ("relu", ReLU()),
        ("mean", GlobalAveragePooling()),
        ("flat", Flatten()),
        ("both", Concatenation(), ("flat", "numbers")),
        ("scores", FullyConnected(5, 3)),
    ],
    inputs=("image", "numbers"),
)
SETTINGS = Settings(
    epochs=2, batch_size=8, learning_rate=0.1, weight_decay=0.01, seed=3, precision="float64"
)


def data(n=21):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 5, (n, 1, 6, 6)).astype(np.uint8)
    return images, generator.standard_normal((n, 2)), generator.integers(0, 3, n)


IMAGES, NUMBERS, LABELS = data()


class Pairs(Dataset):
    def __len__(self):
        return len(LABELS)

    def __getitem__(self, i):
        return (IMAGES[i], NUMBERS[i]), LABELS[i]


class Named(Pairs):
    def __getitem__(self, i):
        return {"numbers": NUMBERS[i], "image": IMAGES[i]}, LABELS[i]


class Ours:
    """A source of one's own, which gives tuples."""

    def __len__(self):
        return len(LABELS)

    def batches(self, size, generator):
        yield from ((tuple(x[name] for name in CHAIN.inputs), y)
                    for x, y in BY_NAME.batches(size, generator))  # fmt: skip


BY_NAME = TensorSource({"image": IMAGES, "numbers": NUMBERS}, LABELS)
GIVEN = {
    "in order": ((IMAGES, NUMBERS), LABELS),
    "in a list": ([IMAGES, torch.from_numpy(NUMBERS)], LABELS),
    "by name": ({"numbers": NUMBERS, "image": IMAGES}, LABELS),
    "a source by name": BY_NAME,
    "a source of one's own": Ours(),
}


def start(chain=CHAIN, dtype=torch.float64):
    return chain.initial_parameters(torch.Generator().manual_seed(0), dtype=dtype)


def trained(given, settings=SETTINGS, chain=CHAIN, **options):
    return train(chain, start(chain), SoftmaxLogLoss(), given, settings, **options)


def torchs_own():
    """The weights after torch's own loop with autograd, from the same start in the same order."""
    model = CHAIN.to_torch(start())
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=0.01)
    generator = torch.Generator().manual_seed(SETTINGS.seed)
    arrays = [torch.as_tensor(a) for a in (IMAGES, NUMBERS, LABELS)]
    for _ in range(SETTINGS.epochs):
        for chosen in torch.randperm(len(LABELS), generator=generator).split(SETTINGS.batch_size):
            images, numbers, labels = (array[chosen] for array in arrays)
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images.double(), numbers), labels).backward()
            optimizer.step()
    return dict(model.named_parameters())


def test_weights_are_those_of_torchs_own_loop():
    theirs, ours = torchs_own(), trained(GIVEN["in order"]).parameters
    assert theirs.keys() == ours.keys()
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value.detach(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("way", GIVEN)
def test_however_they_are_given_the_bits_are_the_same(way):
    expected = trained(GIVEN["in order"], validation=GIVEN["by name"])
    found = trained(GIVEN[way], validation=GIVEN[way])
    assert same(found.parameters, expected.parameters)
    assert (
        found.history[-1]["energy_validation"]
        == evaluate(CHAIN, expected.parameters, SoftmaxLogLoss(), GIVEN[way])["energy"]
        == expected.history[-1]["energy_validation"]
    )


@pytest.mark.parametrize("kind", [Pairs, Named])
def test_a_loader_gives_them_in_order_or_by_name(kind):
    def in_batches(data):
        loader = DataLoader(data, batch_size=7, collate_fn=getattr(data, "collate", None))
        return trained(loader).parameters

    expected = trained(GIVEN["in order"], replace(SETTINGS, batch_size=7, epochs=1))
    loss = trained(DataLoader(kind(), batch_size=7), replace(SETTINGS, epochs=1)).history
    assert loss[0].keys() == expected.history[0].keys()
    assert same(in_batches(kind()), in_batches(Pairs()))


def test_a_killed_run_goes_on_to_the_same_bits(tmp_path):
    whole = trained(GIVEN["in order"])
    options = {"checkpoint": tmp_path / "run.safetensors"}
    trained(GIVEN["in order"], until=1, **options)
    found = trained(GIVEN["by name"], resume=True, **options)
    assert same(found.parameters, whole.parameters)
    other = {"image": IMAGES, "numbers": NUMBERS + 1}, LABELS
    with pytest.raises(OtherRunError, match="training data"):
        trained(other, resume=True, **options)


def test_what_a_chain_draws_and_moments_are_those_of_a_chain_of_one_input():
    """Dropout's masks and batch normalisation, on a chain that leaves its second input alone."""
    layers = [
        ("look", Convolution(1, 3, 3)), ("norm", BatchNormalization(3)), ("drop", Dropout(0.5)),
        ("mean", GlobalAveragePooling()), ("flat", Flatten()),
    ]  # fmt: skip
    one = Chain([*layers, ("scores", FullyConnected(3, 3))])
    first = [("look", layers[0][1], "image"), *layers[1:]]
    both = [("both", Concatenation(), ("flat", "numbers")), ("scores", FullyConnected(5, 3))]
    two = Chain([*first, *both], inputs=("image", "numbers"))
    begin = start(two)
    narrow = {**begin, "scores.weight": begin["scores.weight"][:, :3].clone()}
    nothing = np.zeros_like(NUMBERS)
    settings = replace(SETTINGS, epochs=1, weight_decay=0.0)
    found = train(two, begin, SoftmaxLogLoss(), ((IMAGES, nothing), LABELS), settings).parameters
    expected = train(one, narrow, SoftmaxLogLoss(), (IMAGES, LABELS), settings).parameters
    for name in ("look.weight", "norm.mean", "norm.variance", "norm.weight"):
        torch.testing.assert_close(found[name], expected[name], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (IMAGES, InputError, "x: found 1 inputs; expected 2: image, numbers"),
        ((IMAGES,), InputError, "x: found 1 inputs; expected 2: image, numbers"),
        ({"image": IMAGES, "number": NUMBERS}, InputError,
         "x: the inputs are 'image', 'number'; expected 'image', 'numbers'"),
        ((IMAGES, NUMBERS[:-1]), InputError,
         "x holds examples: 21 of 'image', 20 of 'numbers'; expected as many of each input"),
        ((IMAGES, [["a", "b"]] * 21), InputError, r"x\['numbers'\] holds <U1 entries"),
        ((IMAGES, 3.0), InputError, r"x\['numbers'\] is one number"),
        ((IMAGES[:-1], NUMBERS[:-1]), InputError, "x holds 20 examples .* y 21"),
        ((NUMBERS, IMAGES), ShapeError, r"layer 'look': .* \(.*, 2\)"),
    ],
    ids=["one", "a tuple of one", "a name", "lengths", "letters", "a number", "y", "swapped"],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_a_sentence(x, error, words):
    with pytest.raises(error, match=words):
        trained((x, LABELS))


def test_numbers_that_are_not_finite_are_said_of_any_input():
    spoiled = NUMBERS.copy()
    spoiled[3, 1] = np.nan
    with pytest.raises(InputError, match="holds numbers that are not finite"):
        trained(((IMAGES, spoiled), LABELS))


def test_a_chain_of_one_input_refuses_several():
    one = Chain([("flat", Flatten()), ("scores", FullyConnected(36, 3))])
    with pytest.raises(InputError, match="x: the inputs are 'image', 'numbers'; expected 'x'"):
        trained(({"image": IMAGES, "numbers": NUMBERS}, LABELS), chain=one)
