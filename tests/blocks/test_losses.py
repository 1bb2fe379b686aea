"""Losses against torch's, torch.autograd and central differences; metrics by hand."""

import math

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
    top5_error,
    top_error,
)
from chainrule.errors import InputError, ShapeError

shapes = st.one_of(
    st.tuples(st.integers(1, 5), st.integers(1, 6)),
    st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3)),
)


@given(shapes, st.integers(0, 100))
def test_softmax_log_loss(held_loss, classes, numbers, shape, seed):
    target = classes(shape, seed)
    x = 3 * numbers(seed)(*shape)
    held_loss(SoftmaxLogLoss(), x, target, lambda x: F.cross_entropy(x, target))


@given(shapes, st.integers(0, 100))
def test_log_loss(held_loss, classes, numbers, shape, seed):
    target = classes(shape, seed)
    x = numbers(seed)(*shape).abs() + 0.1
    held_loss(LogLoss(), x, target, lambda x: F.nll_loss(x.log(), target))


@given(shapes, st.integers(0, 100))
def test_logistic_loss(held_loss, numbers, shape, seed):
    x = 3 * numbers(seed)(*shape)
    target = numbers(seed + 1)(*shape).sign()
    held_loss(
        LogisticLoss(), x, target, lambda x: F.binary_cross_entropy_with_logits(x, target / 2 + 0.5)
    )


@given(shapes, st.integers(0, 100), st.sampled_from([1.0, 0.0, 2.5]))
def test_hinge_loss(held_loss, distinct, numbers, shape, seed, margin):
    x = distinct(shape, seed)  # odd multiples of 1/16: no margin of these lies within reach
    target = numbers(seed)(*shape).sign().long()
    held_loss(HingeLoss(margin), x, target, lambda x: (margin - target * x).relu().mean())


def test_hinge_takes_no_derivative_at_its_kink():
    loss, target = HingeLoss(), torch.tensor([1.0, -1.0])
    value, saved = loss.forward(torch.tensor([1.0, -1.0]), target)
    assert value.item() == 0
    assert loss.backward(1.0, target, saved).tolist() == [0.0, 0.0]


def test_fused_is_softmax_then_log_loss_where_that_can_be_computed(classes, numbers):
    x, target = numbers()(4, 5, 2, 2), classes((4, 5, 2, 2), 0)
    fused = SoftmaxLogLoss().forward(x, target)[0]
    torch.testing.assert_close(fused, LogLoss().forward(x.softmax(1), target)[0])


@pytest.mark.parametrize("scale", [1e4, 1e300])
def test_fused_losses_do_not_overflow(scale):
    x = torch.tensor([[scale, -scale]], dtype=torch.float64)
    wrong = torch.tensor([1])
    value, saved = SoftmaxLogLoss().forward(x, wrong)
    assert value.item() == 2 * scale
    assert SoftmaxLogLoss().backward(1.0, wrong, saved).tolist() == [[1.0, -1.0]]
    value, saved = LogisticLoss().forward(x, torch.tensor([[-1, -1]]))
    assert value.item() == scale / 2
    assert LogisticLoss().backward(1.0, torch.tensor([[-1, -1]]), saved).tolist() == [[0.5, 0.0]]


def test_one_position_takes_a_target_a_image():
    x, target = torch.zeros(3, 26, 1, 1), torch.tensor([0, 5, 25])
    value, saved = SoftmaxLogLoss().forward(x, target)
    assert value.item() == pytest.approx(math.log(26))
    assert SoftmaxLogLoss().backward(1.0, target, saved).shape == x.shape


@pytest.mark.parametrize("loss", [SoftmaxLogLoss(), LogLoss()])
def test_bad_classes_are_refused(loss):
    x = torch.zeros(2, 3)
    with pytest.raises(ShapeError, match=r"shape \(2, 3\), the target classes \(3,\)"):
        loss.forward(x, torch.tensor([0, 1, 2]))
    with pytest.raises(InputError, match=r"run from 0 to 3; expected 0 to 2"):
        loss.forward(x, torch.tensor([0, 3]))
    with pytest.raises(InputError, match=r"run from -1 to 0; expected 0 to 2"):
        loss.forward(x, torch.tensor([0, -1]))
    with pytest.raises(InputError, match=r"float32; expected whole numbers"):
        loss.forward(x, torch.tensor([0.0, 1.0]))
    with pytest.raises(ShapeError, match="not empty"):
        loss.forward(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long))


@pytest.mark.parametrize("loss", [LogisticLoss(), HingeLoss()])
def test_bad_signs_are_refused(loss):
    with pytest.raises(InputError, match="neither -1 nor 1"):
        loss.forward(torch.zeros(2, 1), torch.tensor([[0], [1]]))
    with pytest.raises(ShapeError, match=r"shape \(2, 1\), the targets \(2,\)"):
        loss.forward(torch.zeros(2, 1), torch.tensor([-1, 1]))


def test_top_errors_by_hand():
    scores = torch.tensor([[9, 8, 7, 6, 5, 4], [4, 5, 6, 7, 8, 9], [9, 8, 7, 6, 5, 4]]).float()
    target = torch.tensor([0, 0, 4])
    assert top1_error(scores, target) == pytest.approx(2 / 3)
    assert top5_error(scores, target) == pytest.approx(1 / 3)
    assert top_error(scores, target, 6) == 0


def test_a_network_that_says_nothing_is_wrong():
    target = torch.tensor([0, 1])
    assert top1_error(torch.zeros(2, 10), target) == 1
    assert top5_error(torch.zeros(2, 10), target) == 1
    assert top1_error(torch.full((2, 10), math.nan), target) == 1
    assert top5_error(torch.full((2, 3), math.nan), target) == 1
    assert top1_error(torch.tensor([[1.0, math.nan], [math.nan, 1.0]]), target) == 1


@given(st.integers(1, 30), st.integers(2, 12), st.integers(1, 5), st.integers(0, 100))
def test_top_error_equals_sorting(classes, numbers, n, k_classes, k, seed):
    scores, target = numbers(seed)(n, k_classes), classes((n, k_classes), seed)
    best = scores.argsort(1, descending=True)[:, :k]
    expected = 1 - (best == target[:, None]).any(1).double().mean().item()
    assert top_error(scores, target, k) == pytest.approx(expected, abs=1e-12)


def test_errors_over_positions(classes, numbers):
    scores, target = numbers()(2, 7, 3, 4), classes((2, 7, 3, 4), 0)
    flat = scores.permute(0, 2, 3, 1).reshape(-1, 7)
    assert top1_error(scores, target) == top1_error(flat, target.reshape(-1))
