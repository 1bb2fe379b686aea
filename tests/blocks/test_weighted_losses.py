"""Weights of classes and examples, an ignored label, smoothing, soft targets: against torch's."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from chainrule.blocks import (
    HingeLoss,
    LogisticLoss,
    LogLoss,
    SoftmaxLogLoss,
    top1_error,
    top_error,
)
from chainrule.errors import InputError, ShapeError

shapes = st.one_of(
    st.tuples(st.integers(1, 5), st.integers(1, 6)),
    st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3)),
)
SEEDS = st.integers(0, 100)
SMOOTHING = st.sampled_from([0.0, 0.1, 1.0])
LOSSES = [SoftmaxLogLoss, LogLoss]


def weights_of(shape, seed):
    draw = torch.Generator().manual_seed(seed)
    return tuple((0.5 + 2 * torch.rand(shape[1], generator=draw, dtype=torch.float64)).tolist())


def soft_of(numbers, shape, seed):
    return numbers(seed)(*shape).softmax(1)


@given(shapes, SEEDS, SMOOTHING, st.booleans())
def test_classes_have_weights_and_some_are_ignored(
    held_loss, classes, numbers, shape, seed, smoothing, ignore
):
    target, weights = classes(shape, seed), weights_of(shape, seed)
    ignored = int(target.flatten()[0]) if ignore and len(target.unique()) > 1 else None
    loss = SoftmaxLogLoss(weights, ignored, smoothing)
    x = 3 * numbers(seed)(*shape)

    def reference(x):
        return F.cross_entropy(
            x,
            target,
            torch.tensor(weights, dtype=torch.float64),
            ignore_index=-100 if ignored is None else ignored,
            label_smoothing=smoothing,
        )

    held_loss(loss, x, target, reference)


@given(shapes, SEEDS, SMOOTHING, st.booleans())
def test_soft_targets(held_loss, numbers, shape, seed, smoothing, weighted):
    x, q = 3 * numbers(seed)(*shape), soft_of(numbers, shape, seed + 1)
    weights = weights_of(shape, seed) if weighted else None
    v = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    loss = SoftmaxLogLoss(weights, smoothing=smoothing)
    held_loss(loss, x, q, lambda x: F.cross_entropy(x, q, v, label_smoothing=smoothing))


@given(shapes, SEEDS, SMOOTHING, st.booleans())
def test_a_weight_of_2_is_two_examples(held_loss, classes, numbers, shape, seed, smoothing, soft):
    """Weights are whole numbers here: each position stands there so many times."""
    x = 3 * numbers(seed)(*shape)
    target = soft_of(numbers, shape, seed) if soft else classes(shape, seed)
    generator = torch.Generator().manual_seed(seed)
    u = torch.randint(0, 4, classes(shape, 0).shape, generator=generator)
    u.view(-1)[0] = 2

    def repeated(values, per_class):
        flat = values.movedim(1, -1).reshape(-1, shape[1]) if per_class else values.reshape(-1)
        return flat.repeat_interleave(u.reshape(-1), 0)

    def reference(x):
        loss = SoftmaxLogLoss(smoothing=smoothing)
        wanted = repeated(target, soft)
        rows = repeated(x, per_class=True)
        log_p = rows - rows.logsumexp(1, keepdim=True)
        q = wanted if soft else F.one_hot(wanted, shape[1]).double()
        q = (1 - loss.smoothing) * q + loss.smoothing / shape[1]
        return -(q * log_p).sum(1).mean()

    held_loss(SoftmaxLogLoss(smoothing=smoothing), x, (target, u.double()), reference)


@given(shapes, SEEDS)
def test_log_loss_with_everything(held_loss, classes, numbers, shape, seed):
    x = numbers(seed)(*shape).abs() + 0.1
    target, weights = classes(shape, seed), weights_of(shape, seed)
    u = numbers(seed + 1)(*target.shape).abs() + 0.1
    v = torch.tensor(weights, dtype=torch.float64)

    def reference(x):
        each = F.nll_loss(x.log(), target, v, reduction="none")
        return (u * each).sum() / (u * v[target]).sum()

    held_loss(LogLoss(weights), x, (target, u), reference)
    q = soft_of(numbers, shape, seed)
    held_loss(LogLoss(), x, q, lambda x: -(q * x.log()).sum(1).mean())


@given(shapes, SEEDS, st.booleans())
def test_signs_have_weights(held_loss, numbers, distinct, shape, seed, each):
    x, target = distinct(shape, seed), numbers(seed)(*shape).sign()
    u = numbers(seed + 1)(*(shape if each else shape[:1])).abs() + 0.1
    all_u = u.view(*u.shape, *[1] * (len(shape) - u.ndim)).expand(shape)
    held_loss(
        LogisticLoss(),
        x,
        (target, u),
        lambda x: (all_u * F.softplus(-target * x)).sum() / all_u.sum(),
    )
    held_loss(
        HingeLoss(), x, (target, u), lambda x: (all_u * F.relu(1 - target * x)).sum() / all_u.sum()
    )


@pytest.mark.parametrize("loss", [SoftmaxLogLoss(ignored=-1), LogLoss(ignored=-1)], ids=str)
def test_where_nothing_counts_nothing_is_lost(loss):
    x, target = torch.rand(3, 4), torch.full((3,), -1)
    value, saved = loss.forward(x, target)
    assert value.item() == 0.0
    assert not loss.backward(1.0, target, saved).any()
    pair = torch.zeros(3, dtype=torch.long), torch.zeros(3)
    value, saved = loss.forward(x, pair)
    assert value.item() == 0.0
    assert not loss.backward(1.0, pair, saved).any()


def test_what_is_ignored_may_be_of_no_probability():
    x = torch.tensor([[0.0, 1.0], [0.5, 0.5]])
    loss = LogLoss(ignored=0)
    value, saved = loss.forward(x, torch.tensor([0, 1]))
    assert value.item() == pytest.approx(0.6931472)
    assert loss.backward(1.0, torch.tensor([0, 1]), saved).tolist() == [[0.0, 0.0], [0.0, -2.0]]
    soft = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    value, saved = LogLoss().forward(x, soft)
    assert value.item() == pytest.approx(0.6931472 / 2)
    assert LogLoss().backward(1.0, soft, saved).tolist() == [[0.0, -0.5], [-1.0, 0.0]]


def test_smoothed_scores_that_are_far_apart_stay_finite():
    x = torch.tensor([[1e300, -1e300]], dtype=torch.float64)
    value, saved = SoftmaxLogLoss(smoothing=0.1).forward(x, torch.tensor([0]))
    assert torch.isfinite(value)
    dx = SoftmaxLogLoss(smoothing=0.1).backward(1.0, torch.tensor([0]), saved)
    torch.testing.assert_close(dx, torch.tensor([[0.05, -0.05]], dtype=torch.float64))


def test_errors_count_what_counts():
    scores = torch.tensor([[2.0, 1.0], [2.0, 1.0], [2.0, 1.0]])
    target = torch.tensor([0, 1, -1])
    assert top_error(scores, target, 1, ignored=-1) == 0.5
    weighted = torch.tensor([0, 1, 0]), torch.tensor([1.0, 3.0, 1.0])
    assert top1_error(scores, weighted) == pytest.approx(0.6)
    with pytest.raises(InputError, match="the targets are soft; expected classes for an error"):
        top1_error(scores, scores.softmax(1))


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"class_weights": []}, r"`class_weights` is \[\]; expected a number for each class"),
        ({"class_weights": 2.0}, "`class_weights` is 2.0; expected a number for each class"),
        ({"class_weights": [1, -1]}, "`class_weights` is -1; expected a finite number of at least"),
        ({"ignored": 1.5}, "`ignored` is 1.5; expected a whole number, or none"),
    ],
)
def test_bad_settings_are_refused(kind, settings, sentence):
    with pytest.raises(InputError, match=f"^{kind.__name__}: {sentence}"):
        kind(**settings)


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize(
    ("settings", "target", "sentence"),
    [
        ({"class_weights": [1, 2]}, [0, 1], r"of 3 classes; there are 2 `class_weights`; expected"),
        ({}, ([0, 1], [1.0]), r"weights \(1,\); expected weights \(2,\)"),
        ({}, ([0, 1], [1.0, -1.0]), "a weight is negative or not finite"),
        ({}, ([0, 1], [1.0, float("nan")]), "a weight is negative or not finite"),
        ({}, [[0.5, 0.2, 0.1], [1.0, 0, 0]], "the soft targets are no probabilities"),
        ({}, [[1.5, -0.5, 0], [1.0, 0, 0]], "the soft targets are no probabilities"),
        ({"ignored": 0}, [[1.0, 0, 0], [1.0, 0, 0]], "are soft; expected classes where one is to"),
        ({"ignored": 1}, [1, 3], "run from 0 to 3; expected 0 to 2"),
    ],
)
def test_bad_targets_are_refused(kind, settings, target, sentence):
    several = isinstance(target, tuple)
    given_target = tuple(map(torch.tensor, target)) if several else torch.tensor(target)
    with pytest.raises((InputError, ShapeError), match=sentence):
        kind(**settings).forward(torch.full((2, 3), 1 / 3), given_target)


def test_what_is_no_target_is_refused():
    with pytest.raises(InputError, match="the target is a list; expected a tensor, or a pair"):
        SoftmaxLogLoss().forward(torch.zeros(2, 3), [0, 1])


def test_weights_may_be_a_tensor_and_stay_comparable():
    assert SoftmaxLogLoss(torch.tensor([1.0, 2.0])) == SoftmaxLogLoss((1, 2))
