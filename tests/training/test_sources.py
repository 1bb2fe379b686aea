"""What a training takes: arrays and tensors of any kind, loaders, sources; and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from chainrule.blocks import Flatten, FullyConnected, LogisticLoss, SoftmaxLogLoss
from chainrule.chain import Chain
from chainrule.errors import InputError
from chainrule.training import TensorSource, evaluate, train
from training_bars import CHAIN, SETTINGS, Bars, run, same

ONE = replace(SETTINGS, epochs=1)
CLASSES = Chain([("flat", Flatten()), ("full", FullyConnected(16, 3))])


def pictures(n=23):
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (n, 1, 4, 4)), generator.integers(0, 3, n)


def trained(x, y, **changes):
    start = CLASSES.initial_parameters(torch.Generator().manual_seed(0))
    settings = replace(ONE, learning_rate=1e-4, **changes)
    return train(CLASSES, start, SoftmaxLogLoss(), (x, y), settings, validation=(x, y))


FLOATS = ["float16", "float32", "float64", ">f8"]
INTEGERS = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", ">i4"]


@pytest.mark.parametrize("kind", FLOATS + INTEGERS)
def test_arrays_of_every_kind_train_alike(kind):
    x, y = pictures()
    x %= 100  # int8 holds them too
    expected = trained(x.astype(np.float32), y.astype(np.int64))
    found = trained(x.astype(kind), y.astype(kind if kind in INTEGERS else np.int64))
    assert same(found.parameters, expected.parameters)
    assert found.history[0]["energy_validation"] == expected.history[0]["energy_validation"]


@pytest.mark.parametrize(
    "kind", [torch.float16, torch.bfloat16, torch.float64, torch.uint8, torch.int32, torch.int64]
)
def test_tensors_of_every_kind_train_alike(kind):
    x, y = pictures()
    x %= 128  # bfloat16 holds them exactly
    expected = trained(x.astype(np.float32), y)
    labels = torch.from_numpy(y)
    found = trained(
        torch.from_numpy(x).to(kind), labels if kind.is_floating_point else labels.to(kind)
    )
    assert same(found.parameters, expected.parameters)


def test_lists_and_views_and_what_cannot_be_written_train_alike():
    x, y = pictures()
    expected = trained(x, y)
    backwards = x[::-1].copy()[::-1]  # negative strides
    locked = x.copy()
    locked.flags.writeable = False
    for other in (x.tolist(), backwards, locked, np.asfortranarray(x), list(torch.from_numpy(x))):
        assert same(trained(other, y.tolist()).parameters, expected.parameters)


def test_the_callers_data_stay_as_they_are():
    x, y = pictures()
    kept = x.copy(), y.copy()
    trained(x, y)
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(y, kept[1])


@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16"])
def test_float64_data_train_in_every_precision(precision):
    x, y = pictures()
    line = trained(x.astype(np.float64), y, precision=precision).history[0]
    assert np.isfinite(line["energy_validation"])


def test_float_targets_stay_floats():
    x = np.random.default_rng(0).normal(size=(20, 16))
    signs = np.sign(x[:, :1])
    chain = Chain([("full", FullyConnected(16, 1))])
    start = chain.initial_parameters(torch.Generator().manual_seed(0))
    settings = replace(SETTINGS, learning_rate=0.5)
    history = train(chain, start, LogisticLoss(), (x, signs.astype(np.float32)), settings).history
    assert history[-1]["energy_train"] < history[0]["energy_train"]


@given(st.integers(1, 40), st.integers(1, 12), st.booleans())
def test_an_epoch_holds_each_example_once(n, size, shuffled):
    source = TensorSource(torch.arange(n)[:, None], torch.arange(n))
    generator = torch.Generator().manual_seed(0) if shuffled else None
    batches = list(source.batches(size, generator))
    assert all(torch.equal(x[:, 0], y) for x, y in batches)
    seen = torch.cat([y for _, y in batches]).tolist()
    assert sorted(seen) == list(range(n))
    assert shuffled or seen == list(range(n))
    assert [len(y) for _, y in batches[:-1]] == [size] * (len(batches) - 1)


def test_evaluate_takes_what_train_takes():
    x, y = pictures()
    start = CLASSES.initial_parameters(torch.Generator().manual_seed(0))
    expected = evaluate(CLASSES, start, SoftmaxLogLoss(), (x.astype(np.float32), y))
    for data in ((x.astype(np.uint8), y.astype(np.uint8)), TensorSource(x.astype(float), y)):
        assert evaluate(CLASSES, start, SoftmaxLogLoss(), data) == expected


def loader_of(bars, **options):
    return DataLoader(TensorDataset(bars.images, bars.labels), **options)


def test_a_loader_gives_its_own_batches():
    bars = Bars(95, 1)
    sizes = []
    run(
        ONE, data=loader_of(bars, batch_size=20), progress=lambda d, total: sizes.append((d, total))
    )
    assert sizes == [(20, 95), (40, 95), (60, 95), (80, 95), (95, 95)]


def test_a_loader_in_order_trains_as_the_arrays_in_order():
    class InOrder(TensorSource):
        def batches(self, size, generator):
            return super().batches(size, None)

    bars = Bars(95, 1)
    chain = Chain([("flat", Flatten()), ("full", FullyConnected(64, 3))])  # draws nothing itself
    ours = run(chain=chain, data=InOrder(bars.images, bars.labels))
    theirs = run(chain=chain, data=loader_of(bars, batch_size=10))
    assert same(theirs.parameters, ours.parameters)


def test_a_shuffled_loader_follows_the_seed_and_leaves_the_global_generator_alone():
    def shuffled():
        return loader_of(Bars(95, 1), batch_size=10, shuffle=True)

    before = torch.get_rng_state()
    first = run(data=shuffled())
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(17)  # what else a program draws does not matter
    assert same(run(data=shuffled()).parameters, first.parameters)
    assert not same(run(replace(SETTINGS, seed=4), data=shuffled()).parameters, first.parameters)


def test_a_shuffled_loader_with_random_changes_resumes_to_the_same_bits(tmp_path):
    class Noisy(Dataset):
        def __init__(self):
            self.bars = Bars(95, 1)

        def __len__(self):
            return len(self.bars)

        def __getitem__(self, i):
            return self.bars.images[i] + torch.randn(1, 8, 8), int(self.bars.labels[i])

    def noisy():
        return DataLoader(Noisy(), batch_size=10, shuffle=True)

    class StoppedError(Exception):
        pass

    def stop(line, parameters):
        if line["epoch"] == 2:
            raise StoppedError

    path = tmp_path / "run.safetensors"
    with pytest.raises(StoppedError):
        run(data=noisy(), checkpoint=path, on_epoch=stop)
    resumed = run(data=noisy(), checkpoint=path, resume=True)
    assert same(resumed.parameters, run(data=noisy()).parameters)


def test_a_loader_that_drops_its_last_batch_is_counted_so():
    seen = []
    loader = loader_of(Bars(95, 1), batch_size=10, drop_last=True)
    run(ONE, data=loader, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (90, 90)


class Endless(IterableDataset):
    def __iter__(self):
        yield from ()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (np.zeros((4, 2)), "the training data is ndarray; expected a pair"),
        ((np.zeros((4, 2)),) * 3, "the training data is 3 things; expected a pair"),
        ((np.zeros((4, 2)), np.zeros(5, int)), r"x holds 4 examples .* y 5 \(\(5,\)\)"),
        ((np.zeros((0, 2)), np.zeros(0, int)), "x holds no example"),
        ((np.zeros((4, 2)), 3), "y is one number"),
        ((np.zeros((4, 2), complex), np.zeros(4, int)), "x holds complex128 entries"),
        ((torch.zeros(4, 2).to_sparse(), np.zeros(4, int)), r"x holds .*sparse.* entries|sparse"),
        ((np.zeros((4, 2)), np.array(list("abcd"))), "y holds <U1 entries"),
        ((np.zeros((4, 2)), np.array([None] * 4)), "y holds object entries"),
        (([[1.0], [1.0, 2.0]], [0, 1]), "x is no array"),
        (TensorDataset(torch.zeros(4, 2)), "TensorDataset; expected a pair"),
        (DataLoader(Endless()), "the DataLoader's length is not known"),
        (DataLoader(TensorDataset(torch.zeros(0, 2), torch.zeros(0))), "gives no batch"),
        (DataLoader(TensorDataset(torch.zeros(4, 2))), "gave a list|expected pairs"),
    ],
)  # fmt: skip
def test_what_is_no_data_is_refused_in_a_sentence(data, sentence):
    with pytest.raises(InputError, match=sentence):
        run(data=data)


def test_a_picture_of_another_shape_names_the_layer():
    with pytest.raises(InputError, match="layer 'conv'"):
        run(data=(np.zeros((20, 2, 8, 8)), np.zeros(20, int)))


def test_the_bars_are_learned_from_bytes():
    bars = Bars(95, 1)
    x = bars.images.mul(30).add(128).clamp(0, 255).to(torch.uint8).numpy()
    history = run(data=(x, bars.labels.numpy().astype(np.uint8))).history
    assert history[-1]["energy_train"] < history[0]["energy_train"]
    assert CHAIN.input_shape == (2, 1, 8, 8)
