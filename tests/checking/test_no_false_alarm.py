"""What is right is not called wrong: torch.nn, functions of our own, points that are hard."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from chainrule import blocks
from chainrule.checking import check_derivatives, check_projection
from right_functions import FUNCTIONS
from torch_nn import CASES, LEFT_OUT

# what PyTorch itself gets wrong, as the tests below show without us
FAULTS = {"Hardsigmoid": "precision", "CrossMapLRN2d": None, "NLLLoss2d": "layout"}


def test_every_module_is_there():
    modules = {
        name
        for name in dir(nn)
        if isinstance(getattr(nn, name), type) and issubclass(getattr(nn, name), nn.Module)
    }
    assert set(CASES) == modules - LEFT_OUT


@pytest.mark.parametrize("name", CASES)
def test_torch_nn(name):
    case = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of modules that are deprecated
        check = check_derivatives(case.make(), case.x, target=case.target)
    if name in FAULTS:
        assert [mistake.kind for mistake in check.mistakes] == [FAULTS[name]]
    else:
        assert check.right, str(check)


def test_pytorch_s_hardsigmoid_has_a_sixth_in_float32():
    x = torch.tensor([0.3], dtype=torch.float64, requires_grad=True)
    F.hardsigmoid(x).backward()
    assert x.grad.item() == torch.tensor(1 / 6, dtype=torch.float32).item() != 1 / 6


def test_pytorch_s_own_check_fails_its_cross_map_lrn():
    case = CASES["CrossMapLRN2d"]
    x = case.x.clone().requires_grad_()
    assert not torch.autograd.gradcheck(case.make(), (x,), raise_exception=False)


def test_pytorch_s_nll_loss_fails_behind_what_is_channels_last():
    x = torch.randn(2, 3, 2, 2).contiguous(memory_format=torch.channels_last).requires_grad_()
    loss = F.nll_loss(x, torch.zeros(2, 2, 2, dtype=torch.long))
    with pytest.raises(RuntimeError, match="must be contiguous"):
        loss.backward()


def test_pytorch_s_instance_norm_is_wrong_for_one_image_where_dy_is_channels_last():
    x = torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (mistake,) = check_derivatives(nn.InstanceNorm2d(2), x).mistakes
    assert mistake.kind == "layout"
    x.requires_grad_()
    y = nn.InstanceNorm2d(2)(x)
    dy = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (plain,) = torch.autograd.grad(y, x, dy, retain_graph=True)
    (last,) = torch.autograd.grad(y, x, dy.contiguous(memory_format=torch.channels_last))
    assert (plain - last).abs().max() > 0.1


def test_there_are_enough_functions():
    assert len(FUNCTIONS) >= 40


@pytest.mark.parametrize("name", FUNCTIONS)
def test_own_functions(name):
    function, x, params = FUNCTIONS[name]
    for seed in range(3):
        check = check_derivatives(function, x, params, seed=seed)
        assert check.right, str(check)
        if not isinstance(x, tuple):
            projection = check_projection(function, x, params, seed=seed)
            assert projection.right, str(projection)


@pytest.mark.parametrize("scale", [1, 5, 10, 20, 30, 100, 1000])
def test_saturated_scores_are_at_worst_not_tested(scale):
    """The loss is 1e-13 and less there, the rest of larger numbers that cancel."""
    scores = scale * torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).double()
    check = check_derivatives(blocks.SoftmaxLogLoss(), scores, target=scores.argmax(1))
    assert check.mistakes == (), str(check)
    assert check_derivatives(blocks.Softmax(), scores).mistakes == ()


@pytest.mark.parametrize("seed", range(4))
def test_any_seed_will_do(seed):
    for name in ("LSTM", "BatchNorm2d", "MaxPool2d", "CrossEntropyLoss", "Softmax"):
        case = CASES[name]
        check = check_derivatives(case.make(), case.x, target=case.target, seed=seed)
        assert check.right, str(check)
