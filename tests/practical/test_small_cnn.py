"""The small network: its loss and its training against torch.autograd and torch.optim."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from chainrule.errors import DivergedError, InputError
from chainrule.practical.small_cnn import (
    BlobLoss,
    SmallCnnSettings,
    errors_of,
    learn_blobs,
    prepared,
    scores_of,
)

SETTINGS = SmallCnnSettings()


def objective(scores, labels):
    scores = scores[0, 0]
    positive, negative = torch.from_numpy(labels.positive), torch.from_numpy(labels.negative)
    return torch.relu(1 - scores[positive]).mean() + torch.relu(scores[negative]).mean()


@pytest.mark.parametrize("seed", range(5))
def test_the_loss_and_its_derivative_against_autograd(seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(1, 1, 6, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    kind = torch.randint(3, (6, 7), generator=generator)
    target = (kind == 0, kind == 1)
    scores = x[0, 0]
    expected = torch.relu(1 - scores[target[0]]).mean() + torch.relu(scores[target[1]]).mean()
    expected.backward()
    loss, saved = BlobLoss().forward(x.detach(), target)
    assert torch.allclose(loss, expected.detach(), rtol=1e-14)
    assert torch.allclose(BlobLoss().backward(1.0, target, saved), x.grad, rtol=1e-14)
    assert torch.allclose(BlobLoss().backward(-2.5, target, saved), -2.5 * x.grad, rtol=1e-14)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_training_is_what_torch_would_do(dots, momentum):
    picture, labels = dots
    settings = replace(SETTINGS, iterations=10, momentum=momentum, shrinkage=0.01, seed=5)
    found = learn_blobs(picture.grey, labels, settings)
    start = np.random.default_rng(5).standard_normal((1, 1, 3, 3))
    conv = nn.Conv2d(1, 1, 3, padding=1)
    model = nn.Sequential(conv, nn.MaxPool2d(3, 1, 1))
    with torch.no_grad():
        conv.weight.copy_(torch.tensor(start - start.mean()))
        conv.bias.zero_()
    groups = [{"params": [conv.weight], "weight_decay": 0.01}, {"params": [conv.bias]}]
    optimizer = torch.optim.SGD(groups, lr=settings.learning_rate, momentum=momentum)
    x = prepared(picture.grey, settings)
    for expected in found.objective:
        optimizer.zero_grad()
        loss = objective(model(x), labels)
        shrinkage = 0.005 * float(conv.weight.detach().square().sum())
        assert expected == pytest.approx(
            [loss.item(), shrinkage, loss.item() + shrinkage], rel=1e-3, abs=1e-5
        )
        loss.backward()
        optimizer.step()
    assert torch.allclose(found.parameters["filter.weight"], conv.weight.detach(), atol=1e-3)
    assert torch.allclose(found.parameters["filter.bias"], conv.bias.detach(), atol=1e-3)
    assert np.allclose(found.scores, model(x).detach()[0, 0].numpy(), atol=1e-3)


def test_it_learns_to_find_the_dots(dots):
    picture, labels = dots
    found = learn_blobs(picture.grey, labels, SETTINGS)
    missed, false = errors_of(found.scores, labels)
    assert found.objective[-1, 2] < 0.05 * found.objective[0, 2]
    assert missed.sum() <= 0.05 * labels.positive.sum()
    assert false.sum() <= 0.03 * labels.negative.sum()
    # darkness is what it looks for
    assert found.parameters["filter.weight"].sum() < 0
    assert np.array_equal(scores_of(picture.grey, found.parameters, SETTINGS), found.scores)


def end(dots, **changed):
    picture, labels = dots
    return learn_blobs(picture.grey, labels, replace(SETTINGS, **changed)).objective[-50:, 2].mean()


def test_the_lesson_of_the_median_and_of_momentum(dots):
    assert end(dots, learning_rate=5.0, subtract_median=False) > 5 * end(dots, learning_rate=5.0)
    assert end(dots, learning_rate=0.05, momentum=0.0) > 2 * end(dots, learning_rate=0.05)


def test_a_seed_gives_the_same_bits(dots):
    picture, labels = dots
    settings = replace(SETTINGS, iterations=3)
    one, two = (learn_blobs(picture.grey, labels, settings) for _ in range(2))
    assert np.array_equal(one.objective, two.objective)


def test_an_objective_that_overflows_is_said(dots):
    picture, labels = dots
    with pytest.raises(DivergedError, match=r"at iteration \d+ with learning rate 1e\+30"):
        learn_blobs(picture.grey, labels, replace(SETTINGS, learning_rate=1e30))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"iterations": 0}, "iterations: found 0; expected at least 1"),
        ({"learning_rate": 0.0}, "learning rate: found 0; expected a number above 0"),
        ({"learning_rate": float("nan")}, "learning rate: found nan"),
        ({"momentum": 1.0}, "momentum: found 1.0"),
        ({"shrinkage": -1.0}, "shrinkage: found -1; expected at least 0"),
        ({"smoothing": float("inf")}, "smoothing: found inf"),
        ({"seed": -1}, "seed: found -1"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, sentence):
    with pytest.raises(InputError, match=sentence):
        replace(SETTINGS, **wrong)
