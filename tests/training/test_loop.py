"""Training a chain: against torch's own loop, early stopping, what is checked before a step."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from chainrule.blocks import (
    BatchNormalization,
    Convolution,
    Flatten,
    FullyConnected,
    Loss,
    ReLU,
    SoftmaxLogLoss,
    top1_error,
)
from chainrule.chain import Chain
from chainrule.errors import DivergedError, InputError, ShapeError
from chainrule.training import Settings, evaluate, train
from training_bars import CHAIN, SETTINGS, Bars, run, same

PLAIN = Chain(
    [("conv", Convolution(1, 4, 3)), ("relu", ReLU()), ("flat", Flatten()),
     ("full", FullyConnected(144, 3))]
)  # fmt: skip


def started(chain, dtype=torch.float32):
    return chain.initial_parameters(torch.Generator().manual_seed(0), dtype=dtype)


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


def torchs_own(settings, optimizer_of, *, drop_last=False):
    """The weights after torch's own loop, with autograd, from the same start in the same order."""
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)).double()
    with torch.no_grad():
        for theirs, value in zip(
            model.parameters(), started(PLAIN, torch.float64).values(), strict=True
        ):
            theirs.copy_(value.reshape(theirs.shape))
    optimizer = optimizer_of(model)
    generator = torch.Generator().manual_seed(settings.seed)
    for _ in range(settings.epochs):
        for x, target in Bars(95, 1).batches(10, generator):
            if drop_last and len(x) < 10:
                continue
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x.double()), target).backward()
            if settings.clip_norm is not None:
                gradients = [value.grad for value in model.parameters()]
                norm = torch.cat([g.flatten() for g in gradients]).norm()
                if norm > settings.clip_norm:
                    torch._foreach_mul_(gradients, float(settings.clip_norm / norm))
            optimizer.step()
    return [value.detach() for value in model.parameters()]


def sgd(model):
    return torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, weight_decay=0.01)


def adam(model):
    return torch.optim.Adam(model.parameters(), 0.05, betas=(0.8, 0.9), weight_decay=0.01, eps=1e-6)


def by_layer(model):
    groups = [
        {"params": [model[0].weight], "lr": 0.005},
        {"params": [model[0].bias], "lr": 0.1},
        {"params": model[3].parameters(), "lr": 0.05},
    ]
    return torch.optim.SGD(groups, momentum=0.9, weight_decay=0.01)


EXACT = replace(SETTINGS, precision="float64", weight_decay=0.01, schedule="constant")


@pytest.mark.parametrize(
    ("settings", "optimizer"),
    [
        (EXACT, sgd),
        (replace(EXACT, optimizer="adam", momentum=0.8, beta2=0.9, epsilon=1e-6), adam),
        (replace(EXACT, layer_rates={"conv": 0.1, "conv.bias": 2}), by_layer),
        (replace(EXACT, clip_norm=0.1), sgd),
        (replace(EXACT, drop_last=True), sgd),
    ],
    ids=["sgd", "adam", "rates by layer", "clipped", "drop_last"],
)
def test_weights_are_those_of_torchs_own_loop(settings, optimizer):
    bars = Bars(95, 1)
    start = started(PLAIN, torch.float64)
    ours = train(PLAIN, start, SoftmaxLogLoss(), bars, settings).parameters
    theirs = torchs_own(settings, optimizer, drop_last=settings.drop_last)
    for expected, mine in zip(theirs, ours.values(), strict=True):
        torch.testing.assert_close(mine.reshape(expected.shape), expected, rtol=1e-9, atol=1e-11)


def test_each_of_these_settings_changes_what_comes_out():
    """Or the comparison above would hold whatever they did."""
    start = started(PLAIN, torch.float64)
    found = [
        train(PLAIN, start, SoftmaxLogLoss(), Bars(95, 1), settings).parameters
        for settings in (
            EXACT,
            replace(EXACT, optimizer="adam"),
            replace(EXACT, layer_rates={"conv": 0.1}),
            replace(EXACT, clip_norm=0.1),
            replace(EXACT, drop_last=True),
        )
    ]
    for i, first in enumerate(found):
        assert not any(same(first, second) for second in found[:i])


def test_a_rate_of_zero_keeps_a_layer_as_it_is():
    trained = run(replace(SETTINGS, layer_rates={"conv": 0.0}))
    start = started(CHAIN)
    assert torch.equal(trained.parameters["conv.weight"], start["conv.weight"])
    assert not torch.equal(trained.parameters["full.weight"], start["full.weight"])


def test_a_layer_rate_for_no_layer_is_refused():
    with pytest.raises(InputError, match="is called 'cnv', did you mean 'conv'"):
        run(replace(SETTINGS, layer_rates={"cnv": 0.1}))


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    first = run()
    assert same(first.parameters, run().parameters)
    assert not same(first.parameters, run(replace(SETTINGS, seed=4)).parameters)


def test_the_parameters_that_are_given_stay_as_they_are():
    start = started(CHAIN)
    kept = {name: value.clone() for name, value in start.items()}
    train(CHAIN, start, SoftmaxLogLoss(), Bars(95, 1), SETTINGS)
    assert same(start, kept)


def test_without_validation_nothing_is_said_of_it():
    (line,) = train(
        CHAIN, started(CHAIN), SoftmaxLogLoss(), Bars(95, 1), replace(SETTINGS, epochs=1)
    ).history
    assert not [name for name in line if name.endswith("_validation")]
    assert line["energy_train"] > 0


class Worse(Loss):
    """A loss whose value in validation follows a script; its derivative is the true one."""

    def __init__(self, script, validation):
        self.script, self.validation, self.inner = list(script), validation, SoftmaxLogLoss()

    def forward(self, x, target):
        value, saved = self.inner.forward(x, target)
        if len(x) == self.validation:
            value = torch.tensor(self.script.pop(0))
        return value, saved

    def backward(self, dloss, target, saved):
        return self.inner.backward(dloss, target, saved)


def test_out_of_patience_it_stops_and_gives_the_best_epochs_parameters():
    settings = replace(SETTINGS, epochs=9, patience=2, schedule="constant")
    kept = []
    trained = train(
        CHAIN,
        started(CHAIN),
        Worse([3.0, 1.0, 2.0, 1.0, 0.5], 40),
        Bars(95, 1),
        settings,
        validation=Bars(40, 2),
        on_epoch=lambda line, parameters: kept.append(
            {k: v.clone() for k, v in parameters.items()}
        ),
    )
    # the second is the best; the fourth is as good, not lower
    assert [line["energy_validation"] for line in trained.history] == [3, 1, 2, 1]
    assert same(trained.parameters, kept[1])
    assert not same(trained.parameters, kept[3])


def test_patience_needs_something_to_judge_by():
    with pytest.raises(InputError, match="patience is set without validation data"):
        train(CHAIN, started(CHAIN), SoftmaxLogLoss(), Bars(95, 1), replace(SETTINGS, patience=1))


ONE_ENTRY = Chain(
    [("full1", FullyConnected(64, 8)), ("norm", BatchNormalization(8)), ("relu", ReLU()),
     ("full2", FullyConnected(8, 3))]
)  # fmt: skip


def flat_bars(n):
    bars = Bars(n, 1)
    return bars.images.flatten(1), bars.labels


def test_a_last_batch_of_one_is_said_before_the_first_step():
    seen = []
    with pytest.raises(
        ShapeError, match=r"last batch of an epoch has 1 of the examples \(10 a"
    ) as e:
        train(
            ONE_ENTRY,
            started(ONE_ENTRY),
            SoftmaxLogLoss(),
            flat_bars(91),
            SETTINGS,
            progress=lambda done, total: seen.append(done),
        )
    assert "at least two in training; expected another batch_size, or drop_last=True" in str(
        e.value
    )
    assert seen == []


def test_a_last_batch_of_one_is_left_out_by_drop_last():
    settings = replace(SETTINGS, drop_last=True, epochs=1)
    seen = []
    train(
        ONE_ENTRY,
        started(ONE_ENTRY),
        SoftmaxLogLoss(),
        flat_bars(91),
        settings,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (90, 90)


def test_drop_last_with_less_than_a_batch_is_refused():
    with pytest.raises(InputError, match="drop_last leaves no batch: batch_size is 100"):
        run(replace(SETTINGS, batch_size=100, drop_last=True))


def test_a_loss_that_is_not_finite_stops_with_the_step_and_the_rate():
    with pytest.raises(DivergedError, match=r"at step \d+ \(epoch 1\) with learning rate 1e\+38"):
        run(replace(SETTINGS, learning_rate=1e38, schedule="constant"))


def test_data_that_are_not_finite_are_not_called_a_rate_that_is_too_large():
    x, y = flat_bars(90)
    x[17] = np.nan
    chain = Chain([("full", FullyConnected(64, 3))])
    with pytest.raises(InputError, match=r"step \d+ \(epoch 1\) holds numbers that are not finite"):
        train(chain, started(chain), SoftmaxLogLoss(), (x, y), SETTINGS)


def test_a_loss_that_is_none_is_refused():
    with pytest.raises(InputError, match="the loss is 'softmax'; expected"):
        train(CHAIN, started(CHAIN), "softmax", Bars(95, 1), SETTINGS)


def test_parameters_that_are_not_the_chains_are_refused():
    start = started(CHAIN)
    del start["conv.bias"]
    with pytest.raises(InputError, match=r"`conv\.bias` is missing"):
        train(CHAIN, start, SoftmaxLogLoss(), Bars(95, 1), SETTINGS)


def test_an_argument_that_there_is_not_is_refused():
    with pytest.raises(TypeError, match="no argument 'chekpoint'; expected one of checkpoint, res"):
        run(chekpoint="run.safetensors")


@pytest.mark.parametrize(
    "settings",
    [{"epochs": 0}, {"epochs": 2.5}, {"batch_size": 0}, {"learning_rate": -1.0}, {"seed": "a"},
     {"learning_rate": float("nan")}, {"precision": "float16"}, {"schedule": "linear"},
     {"momentum": 1.0}, {"optimizer": "adamw"}, {"optimizer": "adam", "beta2": 1.0},
     {"optimizer": "adam", "nesterov": True}, {"clip_norm": 0.0}, {"clip_norm": float("nan")},
     {"patience": 0}, {"layer_rates": {"conv": -1.0}}],
)  # fmt: skip
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError, match="expected"):
        Settings(**settings)


def test_bfloat16_learns_too():
    assert run(replace(SETTINGS, precision="bfloat16")).history[-1]["top1_validation"] < 0.1
