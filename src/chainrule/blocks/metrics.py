"""Top-1 and top-5 error: how often the right class is not among the best."""

from torch import Tensor

from chainrule.blocks.block import check_whole
from chainrule.blocks.targets import Target, read_classes
from chainrule.errors import InputError


def top_error(scores: Tensor, target: Target, k: int, ignored: int | None = None) -> float:
    """Give the share of images (and positions) whose right class is not among the k best scores.

    The right class is among them if fewer than k other classes score at least as much. So a tie
    counts against it, and scores that are all equal, or NaN, are wrong: a network that says
    nothing is not right by the order of its classes.

    Shapes: scores (N, K) or (N, K, H, W); target int64 (N,) or (N, H, W), or a pair of this and
    weights, as for the losses. Positions whose target is `ignored` don't count. The error is in
    [0, 1]; with K <= k only NaN is wrong. Raises ShapeError, InputError as the losses do.
    """
    check_whole("top_error", "k", k, 1)
    wanted = read_classes(scores, target, None, ignored)
    if wanted.classes is None:
        raise InputError("the targets are soft; expected classes for an error")
    own = scores.gather(1, wanted.classes)
    # "not below" rather than "at least", so that NaN counts against the class
    others = (~(scores < own)).sum(1) - 1
    wrong = (others >= k) | own.squeeze(1).isnan()
    if isinstance(target, Tensor) and ignored is None:
        return wrong.double().mean().item()
    return (wrong * wanted.share.squeeze(1).double()).sum().item()


def top1_error(scores: Tensor, target: Target) -> float:
    """Give the share whose right class does not score best: `top_error` with k = 1."""
    return top_error(scores, target, 1)


def top5_error(scores: Tensor, target: Target) -> float:
    """Give the share whose right class is not among the five best: `top_error` with k = 5."""
    return top_error(scores, target, 5)
