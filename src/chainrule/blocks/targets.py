"""What losses take beside the scores: classes or signs, soft targets, and weights."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from chainrule.blocks.block import check_number
from chainrule.errors import InputError, ShapeError

Target = Tensor | tuple[Tensor, Tensor]
"""The targets, or a pair of these and their weights."""


class WantedClasses(NamedTuple):
    """Which class each position wants, or to what degree each.

    classes (N, 1, ...): with x's dimensions; None for soft targets.
    share (N, 1, ...): the position's part of the mean, which adds up to 1 (or is 0 everywhere).
    plain (N, 1, ...): the same without the weight of its class.
    soft (N, K, ...): soft targets. weights (1, K, ...): of the classes, 1 if none are given.
    """

    classes: Tensor | None
    share: Tensor
    plain: Tensor
    soft: Tensor | None
    weights: Tensor

    def degrees(self, smoothing: float) -> Tensor:
        """c / D: how much each position wants each class, (N, K, ...)."""
        classes = self.weights.shape[1]
        even = self.plain * self.weights * (smoothing / classes)
        if self.classes is None:
            assert self.soft is not None
            return self.plain * self.weights * self.soft * (1 - smoothing) + even
        even = even.expand(-1, classes, *[-1] * (self.share.ndim - 2)).clone()
        return even.scatter_add_(1, self.classes, self.share * (1 - smoothing))


def read_classes(
    x: Tensor, target: Target, class_weights: Sequence[float] | None, ignored: int | None
) -> WantedClasses:
    """The targets of scores x (N, K, ...). Raises ShapeError, InputError."""
    classes, u = _pair(target)
    weights = _class_weights(x, class_weights)
    if classes.is_floating_point() and classes.shape == x.shape and x.ndim > 1:
        if ignored is not None:
            raise InputError("the targets are soft; expected classes where one is to be ignored")
        share = _share(_weights_of(u, x))
        return WantedClasses(None, share, share, _checked_soft(classes).to(x.dtype), weights)
    index, known = class_index(x, classes, ignored)
    if u is None and class_weights is None and ignored is None:
        share = x.new_full((), 1 / index.numel()).expand(index.shape)
        return WantedClasses(index, share, share, None, weights)
    u = _weights_of(u, x) * known
    weighted = u * weights.flatten()[index]
    total = weighted.sum()
    plain = torch.where(total > 0, u / total, 0.0)
    return WantedClasses(index, _share(weighted), plain, None, weights)


def read_signs(x: Tensor, target: Target) -> tuple[Tensor, Tensor]:
    """The targets -1 and 1 in x's type, and each one's part of the mean, which adds up to 1.

    Raises ShapeError, InputError.
    """
    signs, u = _pair(target)
    if x.shape != signs.shape or x.numel() == 0:
        raise ShapeError(
            f"the scores have shape {tuple(x.shape)}, the targets {tuple(signs.shape)}; expected "
            "the same shape, not empty"
        )
    if not bool((signs.abs() == 1).all()):
        raise InputError("a target is neither -1 nor 1; expected only these")
    if u is None:
        return signs.to(x.dtype), x.new_full((), 1 / x.numel())
    if u.shape not in (x.shape, x.shape[:1]):
        raise ShapeError(
            f"the scores have shape {tuple(x.shape)}, the weights {tuple(u.shape)}; expected "
            f"weights {tuple(x.shape)} or {tuple(x.shape[:1])}"
        )
    u = _checked_weights(u).to(x.dtype).view(*u.shape, *[1] * (x.ndim - u.ndim)).expand_as(x)
    return signs.to(x.dtype), _share(u)


def class_index(x: Tensor, target: Tensor, ignored: int | None = None) -> tuple[Tensor, Tensor]:
    """The target classes (N,) or (N, H, W) with x's dimensions, (N, 1) or (N, 1, H, W).

    And which of them are known: where a target is `ignored` the class is 0, and this False. One
    position, x (N, K, 1, 1), takes a target (N,) too. Raises ShapeError if they don't fit each
    other, InputError if a class is no whole number from 0 to K - 1.
    """
    if x.ndim < 2 or x.numel() == 0:
        raise ShapeError(
            f"the scores have shape {tuple(x.shape)}; expected (N, K) or (N, K, H, W), not empty"
        )
    positions = (x.shape[0], *x.shape[2:])
    one_position = x.shape[2:].numel() == 1 and tuple(target.shape) == positions[:1]
    if tuple(target.shape) != positions and not one_position:
        raise ShapeError(
            f"the scores have shape {tuple(x.shape)}, the target classes {tuple(target.shape)}; "
            f"expected target classes of shape {positions}"
        )
    if target.is_floating_point() or target.is_complex() or target.dtype == torch.bool:
        raise InputError(f"the target classes are {target.dtype}; expected whole numbers")
    index = target.reshape(positions).unsqueeze(1).long()
    known = torch.ones_like(index, dtype=torch.bool)
    if ignored is not None:
        known = index != ignored
        index = index * known
    low, high = index.aminmax()
    if low < 0 or high >= x.shape[1]:
        raise InputError(
            f"the target classes run from {low} to {high}; expected 0 to {x.shape[1] - 1} for "
            f"scores of shape {tuple(x.shape)}"
        )
    return index, known


def checked_class_weights(loss: str, weights: Any) -> tuple[float, ...] | None:
    """The weights as a tuple. Raises InputError if they are not right."""
    if weights is None:
        return None
    if isinstance(weights, Tensor):
        weights = weights.tolist()
    if not isinstance(weights, Sequence) or isinstance(weights, str) or not len(weights):
        raise InputError(
            f"{loss}: `class_weights` is {weights!r}; expected a number for each class"
        )
    for weight in weights:
        check_number(loss, "class_weights", weight, low=0.0)
    return tuple(float(weight) for weight in weights)


def checked_ignored(loss: str, ignored: Any) -> None:
    """Raise InputError unless this is a whole number or None."""
    if ignored is not None and (isinstance(ignored, bool) or not isinstance(ignored, int)):
        raise InputError(f"{loss}: `ignored` is {ignored!r}; expected a whole number, or none")


def _pair(target: Any) -> tuple[Tensor, Tensor | None]:
    if isinstance(target, Tensor):
        return target, None
    several = isinstance(target, tuple | list) and len(target) == 2
    if several and all(isinstance(part, Tensor) for part in target):
        return target[0], target[1]
    raise InputError(
        f"the target is a {type(target).__name__}; expected a tensor, or a pair of the targets and "
        "their weights"
    )


def _weights_of(u: Tensor | None, x: Tensor) -> Tensor:
    """The weights with x's dimensions: (N, 1, ...), 1 if none are given."""
    if u is None:
        return torch.ones_like(x[:, :1])
    positions = (x.shape[0], *x.shape[2:])
    if tuple(u.shape) not in (positions, positions[:1]):
        raise ShapeError(
            f"the scores have shape {tuple(x.shape)}, the weights {tuple(u.shape)}; expected "
            f"weights {positions} or {positions[:1]}"
        )
    u = _checked_weights(u).to(x.dtype)
    return u.view(len(u), 1, *(u.shape[1:] or [1] * (x.ndim - 2))).expand_as(x[:, :1])


def _checked_weights(u: Tensor) -> Tensor:
    if not bool(torch.isfinite(u).all()) or bool((u < 0).any()):
        raise InputError("a weight is negative or not finite; expected numbers of at least 0")
    return u


def _class_weights(x: Tensor, weights: Sequence[float] | None) -> Tensor:
    classes = x.shape[1] if x.ndim > 1 else 0
    shape = (1, classes, *[1] * (x.ndim - 2))
    if weights is None:
        return x.new_ones(shape)
    if len(weights) != classes:
        raise ShapeError(
            f"the scores have shape {tuple(x.shape)}, of {classes} classes; there are "
            f"{len(weights)} `class_weights`; expected as many"
        )
    return x.new_tensor(list(weights)).view(shape)


def _checked_soft(q: Tensor) -> Tensor:
    near = 0.02 if q.dtype.itemsize < 4 else 1e-4
    if bool((q < 0).any()) or not bool(((q.sum(1) - 1).abs() < near).all()):
        raise InputError(
            "the soft targets are no probabilities; expected numbers of at least 0 whose sum over "
            "the classes is 1"
        )
    return q


def _share(weights: Tensor) -> Tensor:
    """Each one's part of all; 0 where all are."""
    total = weights.sum()
    return torch.where(total > 0, weights / total, 0.0)
