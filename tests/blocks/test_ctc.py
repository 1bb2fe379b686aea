"""The CTC loss against PyTorch's, against central differences and against every path."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from chainrule.blocks.ctc import CTCLoss, frames_needed
from chainrule.errors import InputError, ShapeError


def targets(*rows):
    width = max(map(len, rows))
    filled = [[*row, *[-1] * (width - len(row))] for row in rows]
    return torch.tensor(filled, dtype=torch.int64).reshape(len(rows), width)


def torch_loss(x, target):
    lengths = (target >= 0).sum(1)
    log_p = F.log_softmax(x[:, :, 0], 1).permute(2, 0, 1)
    frames = torch.full((len(x),), x.shape[3])
    sums = F.ctc_loss(log_p, target.clamp(min=0), frames, lengths, reduction="none")
    return sums.mean()


def scores(generator, *shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64) * 3


@pytest.mark.parametrize("seed", range(8))
def test_loss_and_derivative_are_torchs(seed):
    generator = torch.Generator().manual_seed(seed)
    N, K, T, S = (
        int(torch.randint(low, high, (), generator=generator))
        for low, high in [(1, 6), (2, 9), (9, 40), (1, 5)]
    )
    target = torch.randint(1, K, (N, S), generator=generator)
    lengths = torch.randint(0, S + 1, (N,), generator=generator)
    target[torch.arange(S) >= lengths[:, None]] = -1
    x = scores(generator, N, K, 1, T).requires_grad_()
    loss, saved = CTCLoss().forward(x.detach(), target)
    dx = CTCLoss().backward(torch.tensor(1.7, dtype=torch.float64), target, saved)
    expected = torch_loss(x, target)
    (expected * 1.7).backward()
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(dx, x.grad, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    "target",
    [
        targets([1, 1, 1], [1, 2, 1]),  # repeated letters need a blank between
        targets([], [2]),  # nothing to read in the first
        targets([], []),
        targets([1, 2, 3, 1, 2], [3, 3, 3]),  # exactly as many frames as needed
    ],
)
def test_derivative_is_the_central_difference(target):
    x = scores(torch.Generator().manual_seed(1), 2, 4, 1, 5)
    loss, saved = CTCLoss().forward(x, target)
    dx = CTCLoss().backward(1.0, target, saved)
    step = 1e-5
    for place in itertools.product(*map(range, x.shape)):
        ends = []
        for sign in (1, -1):
            moved = x.clone()
            moved[place] += sign * step
            ends.append(CTCLoss().forward(moved, target)[0])
        assert float(dx[place]) == pytest.approx(float(ends[0] - ends[1]) / (2 * step), abs=1e-8)
    assert bool(torch.isfinite(loss))
    torch.testing.assert_close(
        dx.sum(1), torch.zeros_like(dx[:, 0])
    )  # a shift of scores is no change


def test_probability_is_the_sum_over_every_path():
    x = scores(torch.Generator().manual_seed(2), 1, 3, 1, 5)
    p = x[0, :, 0].softmax(0)
    sums = {}
    for path in itertools.product(range(3), repeat=5):
        spelled = tuple(k for k, _ in itertools.groupby(path) if k)
        sums[spelled] = sums.get(spelled, 0.0) + math.prod(
            float(p[k, t]) for t, k in enumerate(path)
        )
    assert sum(sums.values()) == pytest.approx(1)
    for spelled, probability in sums.items():
        loss, _ = CTCLoss().forward(x, targets(spelled))
        assert math.exp(-float(loss)) == pytest.approx(probability, rel=1e-10)


def test_long_lines_of_sure_scores_stay_finite():
    x = scores(torch.Generator().manual_seed(3), 2, 50, 1, 1200).float() * 100
    target = torch.randint(1, 50, (2, 300), generator=torch.Generator().manual_seed(4))
    loss, saved = CTCLoss().forward(x, target)
    dx = CTCLoss().backward(1.0, target, saved)
    assert bool(torch.isfinite(loss))
    assert bool(torch.isfinite(dx).all())
    expected = torch_loss(x.double(), target)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_frames_needed_counts_the_blank_between_equal_characters():
    assert frames_needed(targets([1, 1, 2], [3], [2, 2, 2])).tolist() == [4, 1, 5]


def test_what_does_not_fit_is_refused():
    x = torch.zeros(1, 3, 1, 3)
    with pytest.raises(InputError, match="target 0 needs 4 frames; expected at most the 3"):
        CTCLoss().forward(x, targets([1, 1, 2]))
    with pytest.raises(InputError, match="holds 3 among its classes; expected 1 to 2"):
        CTCLoss().forward(x, targets([3]))
    with pytest.raises(InputError, match="holds 0 among its classes"):
        CTCLoss().forward(x, targets([0]))
    with pytest.raises(InputError, match="holds -1 among its classes"):
        CTCLoss().forward(x, torch.tensor([[-1, 1]]))
    with pytest.raises(InputError, match="whole numbers"):
        CTCLoss().forward(x, torch.tensor([[1.0]]))
    with pytest.raises(ShapeError, match=r"expected targets \(1, S\)"):
        CTCLoss().forward(x, targets([1], [2]))
    with pytest.raises(ShapeError, match=r"expected \(N, K, 1, T\)"):
        CTCLoss().forward(torch.zeros(1, 3, 2, 3), targets([1]))
