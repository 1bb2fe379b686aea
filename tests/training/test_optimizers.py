"""One step of SGD and of Adam, and the schedules: held against torch's."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import InputError
from chainrule.training import Adam
from chainrule.training.schedules import SCHEDULES, schedule
from chainrule.training.sgd import SGD


@given(
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    weight_decay=st.sampled_from([0.0, 5e-4, 0.1]),
    nesterov=st.booleans(),
    learning_rate=st.sampled_from([1e-3, 0.1]),
    seed=st.integers(0, 1000),
)
def test_steps_are_those_of_torch(momentum, weight_decay, nesterov, learning_rate, seed):
    nesterov = nesterov and momentum > 0  # torch refuses the one without the other
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    ours, velocity = {"w": start.clone()}, {"w": torch.zeros_like(start)}
    theirs = start.clone().requires_grad_()
    optimizer = torch.optim.SGD(
        [theirs], learning_rate, momentum, weight_decay=weight_decay, nesterov=nesterov
    )
    for _ in range(5):
        gradient = torch.randn(3, 4, generator=generator, dtype=torch.float64)
        theirs.grad = gradient.clone()
        optimizer.step()
        SGD(momentum, weight_decay, nesterov).step(ours, velocity, {"w": gradient}, learning_rate)
    torch.testing.assert_close(ours["w"], theirs.detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("settings", [{"momentum": 1.0}, {"momentum": -0.1}, {"weight_decay": -1}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError, match="expected"):
        SGD(**settings)


def test_the_cosine_is_torchs():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    for t in range(50):
        assert schedule("cosine")(t / 50) == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        theirs.step()


@given(st.sampled_from(sorted(SCHEDULES)), st.floats(0, 1))
def test_every_rate_is_a_share(name, progress):
    assert 0 <= schedule(name)(progress) <= 1


def test_the_shapes_of_the_schedules():
    assert [schedule("step")(t) for t in (0, 0.34, 0.67, 1)] == pytest.approx([1, 0.1, 0.01, 0.01])
    one_cycle = schedule("one-cycle")
    assert one_cycle(0) == pytest.approx(0.04)
    assert one_cycle(0.2) == 1
    assert one_cycle(0.6) == pytest.approx(math.cos(math.pi / 4) ** 2)
    assert one_cycle(1) == pytest.approx(0, abs=1e-12)
    two_cycles = schedule("two-cycles")
    for t in (0, 0.3, 0.9):
        assert two_cycles(0.125 * t) == pytest.approx(one_cycle(t))
        assert two_cycles(0.125 + 0.875 * t) == pytest.approx(one_cycle(t))


def test_an_unknown_schedule_is_named():
    with pytest.raises(InputError, match="'linear'; expected one of constant, step"):
        schedule("linear")


@given(
    betas=st.sampled_from([(0.9, 0.999), (0.0, 0.5), (0.5, 0.0), (0.99, 0.9)]),
    epsilon=st.sampled_from([1e-8, 1e-3]),
    weight_decay=st.sampled_from([0.0, 0.1]),
    learning_rate=st.sampled_from([1e-3, 0.1]),
    seed=st.integers(0, 1000),
)
def test_adams_steps_are_those_of_torch(betas, epsilon, weight_decay, learning_rate, seed):
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    ours, adam = {"w": start.clone()}, Adam(*betas, epsilon, weight_decay)
    moments = adam.start(ours)
    theirs = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([theirs], learning_rate, betas, epsilon, weight_decay=weight_decay)
    for t in range(1, 8):
        gradient = torch.randn(3, 4, generator=generator, dtype=torch.float64)
        theirs.grad = gradient.clone()
        optimizer.step()
        adam.step(ours, moments, {"w": gradient}, learning_rate)
        torch.testing.assert_close(ours["w"], theirs.detach(), rtol=1e-12, atol=1e-12)
        assert int(moments["steps"]) == t


@given(st.sampled_from([SGD(), SGD(0.5, 0.1, nesterov=True), Adam(), Adam(weight_decay=0.1)]))
def test_what_has_no_gradient_stays_and_factors_change_the_rate(optimizer):
    generator = torch.Generator().manual_seed(0)
    start = {name: torch.randn(3, generator=generator) for name in "abc"}
    gradients = {name: torch.randn(3, generator=generator) for name in "ab"}
    kept = {name: value.clone() for name, value in gradients.items()}

    def after(rate, factors):
        parameters = {name: value.clone() for name, value in start.items()}
        moments = optimizer.start(parameters)
        optimizer.step(parameters, moments, gradients, rate, factors)
        return parameters

    found, slow = after(0.1, {"a": 0.5}), after(0.05, None)
    assert torch.equal(found["c"], start["c"])
    torch.testing.assert_close(found["a"], slow["a"])
    torch.testing.assert_close(found["b"], after(0.1, None)["b"])
    assert not torch.allclose(found["b"], slow["b"])
    assert all(torch.equal(gradients[name], kept[name]) for name in gradients)


@pytest.mark.parametrize(
    "settings", [{"beta1": 1.0}, {"beta2": -0.1}, {"epsilon": -1.0}, {"weight_decay": float("nan")}]
)
def test_settings_of_adam_out_of_range_are_refused(settings):
    with pytest.raises(InputError, match="expected at least 0"):
        Adam(**settings)
