"""Training a chain: against torch's own loop, resumed to the same bits, and bad input."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from chainrule.blocks import (
    BatchNormalization,
    Convolution,
    Dropout,
    Flatten,
    FullyConnected,
    MaxPooling,
    ReLU,
    SoftmaxLogLoss,
    top1_error,
)
from chainrule.chain import Chain
from chainrule.errors import DivergedError, FileError, InputError
from chainrule.training import Settings, evaluate, train
from chainrule.training.checkpoints import read_checkpoint

CHAIN = Chain(
    [
        ("conv", Convolution(1, 4, 3)),
        ("norm", BatchNormalization(4)),
        ("relu", ReLU()),
        ("pool", MaxPooling(2)),
        ("flat", Flatten()),
        ("drop", Dropout(0.2)),
        ("full", FullyConnected(36, 3)),
    ],
    (2, 1, 8, 8),
)
SETTINGS = Settings(epochs=4, batch_size=10, learning_rate=0.05, schedule="cosine", seed=3)


class Bars:
    """Images with a bright row at one of three heights, in noise: learnable, and made here."""

    def __init__(self, n, seed):
        generator = torch.Generator().manual_seed(seed)
        self.labels = torch.randint(0, 3, (n,), generator=generator)
        self.images = torch.randn(n, 1, 8, 8, generator=generator)
        self.images[torch.arange(n), 0, 1 + 2 * self.labels] += 2

    def __len__(self):
        return len(self.labels)

    def batches(self, size, generator):
        n = len(self)
        order = torch.arange(n) if generator is None else torch.randperm(n, generator=generator)
        for chosen in order.split(size):
            yield self.images[chosen], self.labels[chosen]


def run(settings=SETTINGS, chain=CHAIN, **options):
    start = chain.initial_parameters(torch.Generator().manual_seed(0))
    return train(
        chain,
        start,
        SoftmaxLogLoss(),
        Bars(95, 1),
        Bars(40, 2),
        settings,
        metrics={"top1": top1_error},
        **options,
    )


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_it_learns_and_tells_the_history():
    seen = []
    trained = run(progress=lambda done, total: seen.append((done, total)))
    first, last = trained.history[0], trained.history[-1]
    assert [line["epoch"] for line in trained.history] == [1, 2, 3, 4]
    assert last["energy_train"] < first["energy_train"]
    assert last["top1_validation"] < 0.1
    assert seen[-1] == (380, 380)
    found = evaluate(
        CHAIN, trained.parameters, SoftmaxLogLoss(), Bars(40, 2), metrics={"top1": top1_error}
    )
    assert found["energy"] == pytest.approx(last["energy_validation"])
    assert found["top1"] == pytest.approx(last["top1_validation"])


def test_weights_are_those_of_torchs_own_loop():
    chain = Chain([("conv", Convolution(1, 4, 3)), ("relu", ReLU()), ("flat", Flatten()),
                   ("full", FullyConnected(144, 3))])  # fmt: skip
    settings = replace(SETTINGS, precision="float64", weight_decay=0.01, schedule="constant")
    start = chain.initial_parameters(torch.Generator().manual_seed(0), dtype=torch.float64)
    source = Bars(95, 1)
    source.images = source.images.double()
    ours = train(chain, start, SoftmaxLogLoss(), source, source, settings).parameters

    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)).double()
    with torch.no_grad():
        for theirs, value in zip(model.parameters(), start.values(), strict=True):
            theirs.copy_(value.reshape(theirs.shape))
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, weight_decay=0.01)
    generator = torch.Generator().manual_seed(settings.seed)
    for _ in range(settings.epochs):
        for x, target in source.batches(10, generator):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), target).backward()
            optimizer.step()
    for theirs, mine in zip(model.parameters(), ours.values(), strict=True):
        torch.testing.assert_close(
            mine.reshape(theirs.shape), theirs.detach(), rtol=1e-10, atol=1e-12
        )


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    first = run()
    assert same(first.parameters, run().parameters)
    assert not same(first.parameters, run(replace(SETTINGS, seed=4)).parameters)


def test_a_resumed_run_ends_in_the_same_bits(tmp_path):
    path = tmp_path / "run.safetensors"

    class StoppedError(Exception):
        pass

    def stop(line, parameters):
        if line["epoch"] == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(checkpoint=path, on_epoch=stop)
    assert len(read_checkpoint(path).history) == 2
    resumed = run(checkpoint=path, resume=True)
    assert same(resumed.parameters, run().parameters)
    assert len(resumed.history) == 4


SCRIPT = """
import sys, time
sys.path.insert(0, {folder!r})
from pathlib import Path
import torch
torch.set_num_threads(1)
import {module} as test
def slowly(done, total):
    time.sleep(0.01)
test.run(checkpoint=Path(sys.argv[1]), resume=True, progress=slowly)
"""


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bits(tmp_path):
    script = SCRIPT.format(folder=str(Path(__file__).parent), module="test_loop")
    whole, killed = tmp_path / "whole.safetensors", tmp_path / "killed.safetensors"
    subprocess.run([sys.executable, "-c", script, whole], check=True)

    process = subprocess.Popen([sys.executable, "-c", script, killed])
    while not killed.exists():
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(read_checkpoint(killed).history) < SETTINGS.epochs  # killed in the middle
    subprocess.run([sys.executable, "-c", script, killed], check=True)

    a, b = read_checkpoint(whole), read_checkpoint(killed)
    assert same(a.parameters, b.parameters)
    assert same(a.velocities, b.velocities)
    assert torch.equal(a.generator, b.generator)


def test_a_checkpoint_of_another_run_says_what_differs(tmp_path):
    path = tmp_path / "run.safetensors"
    run(checkpoint=path)
    with pytest.raises(FileError, match=r"learning_rate 0\.05 instead of 0\.1"):
        run(replace(SETTINGS, learning_rate=0.1), checkpoint=path, resume=True)


def test_a_checkpoint_cut_off_anywhere_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    run(replace(SETTINGS, epochs=1), checkpoint=path)
    content = path.read_bytes()
    for length in range(0, len(content), 997):
        path.write_bytes(content[:length])
        with pytest.raises(FileError, match="expected"):
            read_checkpoint(path)


def test_a_loss_that_is_not_finite_stops_with_the_step_and_the_rate():
    with pytest.raises(DivergedError, match=r"at step \d+ \(epoch 1\) with learning rate 1e\+38"):
        run(replace(SETTINGS, learning_rate=1e38, schedule="constant"))


@pytest.mark.parametrize(
    "settings",
    [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": -1.0}, {"learning_rate": float("nan")},
     {"precision": "float16"}, {"schedule": "linear"}, {"momentum": 1.0}],
)  # fmt: skip
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError, match="expected"):
        Settings(**settings)


def test_bfloat16_learns_too():
    assert run(replace(SETTINGS, precision="bfloat16")).history[-1]["top1_validation"] < 0.1
