"""One step of SGD, and the schedules: held against torch's."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import InputError
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
