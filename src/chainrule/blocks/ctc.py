"""The loss of a sequence whose place in the scores is not known: connectionist temporal
classification (CTC).
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from chainrule.blocks.block import Loss
from chainrule.errors import InputError, ShapeError

BLANK = 0  # the class that stands for no character
PADDING = -1  # what follows the classes of a short target


class CTCSaved(NamedTuple):
    """What `backward` needs: log p of x, l', log gamma."""

    log_p: Tensor  # (N, K, T)
    extended: Tensor  # (N, L), classes
    log_gamma: Tensor  # (N, T, L)


@dataclass(frozen=True)
class CTCLoss(Loss):
    r"""The negative logarithm of the probability that the frames spell the target.

    Each of T frames t holds scores x[k, t] of K classes, of which class 0 is the blank; p[k, t] is
    their softmax over k. A path gives one class to each frame, with the probability prod_t p of its
    classes; it spells the sequence that is left when runs of one class become one character, and
    then the blanks go. Many paths spell the same target l:

        loss = 1/N sum_n -log P(l_n),      P(l) = sum over the paths that spell l of prod_t p

    Forward. With blanks before, between and after its S characters, l becomes l' of L = 2 S + 1
    entries; a path that spells l goes through l' from one of its first two entries to one of its
    last two, and from one frame to the next it stays, goes one entry on, or steps over a blank
    between two different characters. So the probability of all beginnings that are in entry s at
    frame t is

        alpha[t, s] = p[l'_s, t] (alpha[t-1, s] + alpha[t-1, s-1] + q_s alpha[t-1, s-2])
        P(l) = alpha[T-1, L-1] + alpha[T-1, L-2]

    where q_s is 1 if l'_s is a character other than l'_(s-2), else 0; all in logarithms, for they
    underflow. beta[t, s], the same for all ends, p of frame t included, is alpha of frames and
    target turned round.

    Derivation. alpha[t, s] beta[t, s] holds p[l'_s, t] twice; divided by it once, it is the
    probability of all paths that are in s at t. Every path is somewhere at t, so for each t

        P(l) = sum_s alpha[t, s] beta[t, s] / p[l'_s, t],
        gamma[t, s] = alpha[t, s] beta[t, s] / (p[l'_s, t] P(l)),      sum_s gamma[t, s] = 1

    P is linear in the p of frame t, each path holding one of them, and with it

        d log P / d log p[k, t] = sum_{s: l'_s = k} gamma[t, s]

    log p[k, t] = x[k, t] - log sum_j exp x[j, t], whose derivative by x[j, t] is [j = k] - p[j, t].
    Summed over k, where the gammas add to 1,

        dx[n, k, t] = dloss / N (p[k, t] - sum_{s: l'_s = k} gamma[t, s])

    which is the softmax log-loss's p - [k = target] with the target's place taken at its
    expectation. No kinks.

    Shapes: x (N, K, 1, T); target (N, S) classes 1 to K - 1, the short ones filled up with -1. A
    target needs a frame for each character and one for the blank between two equal ones; with
    fewer its probability is 0, which is refused.
    Source: Graves, Fernandez, Gomez and Schmidhuber, Connectionist temporal classification, 2006,
    eqs. 3 to 16.
    """

    def forward(self, x: Tensor, target: Tensor) -> tuple[Tensor, CTCSaved]:
        """Give the mean over the lines of -log P. Raises ShapeError, InputError."""
        lengths = _check(x, target)
        log_p = F.log_softmax(x[:, :, 0], dim=1)
        extended, skip = _extended(target)
        turned, turned_skip = _extended(_turned(target, lengths))
        emitted = _emitted(log_p, extended)
        log_alpha = _log_alpha(
            torch.cat([emitted, _emitted(log_p.flip(2), turned)]), torch.cat([skip, turned_skip])
        )
        log_alpha, turned_alpha = log_alpha.tensor_split(2)

        last = 2 * lengths[:, None]
        ends = torch.cat([last, (last - 1).clamp(min=0)], 1)
        final = log_alpha[:, -1].gather(1, ends)
        final[:, 1].masked_fill_(lengths == 0, -torch.inf)  # one entry only, not two
        log_likelihood = final.logsumexp(1)

        place = last - torch.arange(extended.shape[1], device=x.device)  # s where the target ends
        order = place.clamp(min=0)[:, None].expand_as(emitted)
        log_beta = turned_alpha.flip(1).gather(2, order)
        log_beta = log_beta.masked_fill((place < 0)[:, None], -torch.inf)
        log_gamma = log_alpha + log_beta - emitted - log_likelihood[:, None, None]
        return -log_likelihood.mean(), CTCSaved(log_p, extended, log_gamma)

    def backward(self, dloss: Tensor | float, target: Tensor, saved: CTCSaved) -> Tensor:
        log_p, extended, log_gamma = saved
        dx = log_p.exp()
        index = extended[:, :, None].expand(-1, -1, log_p.shape[2])
        dx.scatter_add_(1, index, -log_gamma.exp().transpose(1, 2))
        return (dx * (dloss / len(dx)))[:, :, None]


def frames_needed(target: Tensor) -> Tensor:
    """The fewest frames (N,) that can spell each of the targets (N, S)."""
    repeated = (target[:, 1:] == target[:, :-1]) & (target[:, 1:] != PADDING)
    return (target != PADDING).sum(1) + repeated.sum(1)


def _log_alpha(emitted: Tensor, skip: Tensor) -> Tensor:
    """log alpha (N, T, L) from log p of l' (N, T, L) and the entries that may be skipped to."""
    lines, frames, entries = emitted.shape
    # two entries that are never reached stand before the first, so that each has two before it
    log_alpha = emitted.new_full((frames, lines, entries + 2), -torch.inf)
    log_alpha[0, :, 2:4] = emitted[:, 0, :2]
    barred = torch.zeros_like(emitted[:, 0]).masked_fill_(~skip, -torch.inf)
    for t in range(1, frames):
        before = log_alpha[t - 1]
        on = torch.logaddexp(before[:, 2:], before[:, 1:-1])
        over = torch.add(before[:, :-2], barred)
        torch.logaddexp(on, over, out=over)
        torch.add(over, emitted[:, t], out=log_alpha[t, :, 2:])
    return log_alpha[:, :, 2:].transpose(0, 1)


def _extended(target: Tensor) -> tuple[Tensor, Tensor]:
    """l' (N, L), padding as blanks, and whether an entry may be skipped to from two before."""
    extended = target.new_full((len(target), 2 * target.shape[1] + 1), BLANK)
    extended[:, 1::2] = target.clamp(min=BLANK)
    skip = torch.zeros_like(extended, dtype=torch.bool)
    skip[:, 2:] = (extended[:, 2:] != BLANK) & (extended[:, 2:] != extended[:, :-2])
    return extended, skip


def _emitted(log_p: Tensor, extended: Tensor) -> Tensor:
    """log p of each entry of l' at each frame, (N, T, L)."""
    return log_p.gather(1, extended[:, :, None].expand(-1, -1, log_p.shape[2])).transpose(1, 2)


def _turned(target: Tensor, lengths: Tensor) -> Tensor:
    """The targets from last to first, the padding still at the end."""
    place = lengths[:, None] - 1 - torch.arange(target.shape[1], device=target.device)
    return torch.where(place >= 0, target.gather(1, place.clamp(min=0)), PADDING)


def _check(x: Tensor, target: Tensor) -> Tensor:
    """Give the lengths of the targets. Raises ShapeError, InputError."""
    if x.ndim != 4 or x.shape[2] != 1 or x.numel() == 0:
        raise ShapeError(f"the scores have shape {tuple(x.shape)}; expected (N, K, 1, T)")
    if target.ndim != 2 or len(target) != len(x):
        raise ShapeError(
            f"the scores have shape {tuple(x.shape)}, the targets {tuple(target.shape)}; expected "
            f"targets ({len(x)}, S)"
        )
    if target.is_floating_point() or target.is_complex() or target.dtype == torch.bool:
        raise InputError(f"the target classes are {target.dtype}; expected whole numbers")
    lengths = (target != PADDING).sum(1)
    inside = torch.arange(target.shape[1], device=target.device) < lengths[:, None]
    wrong = target[inside & ((target <= BLANK) | (target >= x.shape[1]))]
    if len(wrong) or bool((target[~inside] != PADDING).any()):
        raise InputError(
            f"a target holds {int(wrong[0]) if len(wrong) else PADDING} among its classes; "
            f"expected 1 to {x.shape[1] - 1}, then {PADDING} to fill up"
        )
    needed = frames_needed(target)
    if bool((needed > x.shape[3]).any()):
        line = int((needed > x.shape[3]).nonzero()[0])
        raise InputError(
            f"target {line} needs {int(needed[line])} frames; expected at most the "
            f"{x.shape[3]} that the scores have"
        )
    return lengths
