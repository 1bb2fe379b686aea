"""What kind of mistake makes a derivative differ from the numerical one in just this way.

Each guess is a hypothesis with a test of its own: the wrong derivative must equal, to
1e-5 of the largest entry, what that mistake would have made of the right one. So a kind is
named only where the numbers say so, and the first that fits is given, the most specific first.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from chainrule.checking.kinds import Kind

MATCH = 1e-5
SMALL = 0.01  # of the largest entry


@dataclass(frozen=True)
class Evidence:
    """All that a diagnosis may look at, beside the two derivatives.

    wrong: which entries are. unknown: how far the numerical derivative may be off. dy: that of the
    first output. by_sample(b) gives the numerical derivative of sample b's outputs alone.
    """

    name: str
    arrays: dict[str, Tensor]
    numeric: dict[str, Tensor]
    wrong: Tensor
    unknown: Tensor
    dy: Tensor
    by_sample: Callable[[int], Tensor]

    def same(self, a: Tensor, b: Tensor) -> bool:
        """Equal to `match` of the largest entry of b."""
        if a.shape != b.shape or not a.numel():
            return False
        return bool((a - b).abs().max() <= self.match * b.abs().max())

    @property
    def match(self) -> float:
        """What is equal: to five digits, or to what the differences can tell."""
        size = float(self.numeric[self.name].abs().max())
        return max(MATCH, float(self.unknown.max()) / size) if size else MATCH


def diagnose(ours: Tensor | None, evidence: Evidence) -> tuple[Kind, str] | None:
    """The likely kind of mistake and a few words on it; None where the numbers do not tell."""
    right = evidence.numeric[evidence.name]
    if ours is None:
        return "missing", "no derivative is given"
    if ours.shape != right.shape:
        return _wrong_shape(ours, right, evidence)
    if not bool(torch.isfinite(ours).all()):
        return "not finite", "it holds NaN or infinity"
    if not ours.any():
        return "zero", "it is zero everywhere"
    if bool((right.abs() <= evidence.unknown).all()):
        return "mask", "it should be zero everywhere: the function does not depend on it"
    for guess in (
        _rounded,
        _small,
        _without_dy,
        _scaled,
        _identity,
        _swapped,
        _permuted,
        _flipped,
        _one_sample,
        _only_some,
        _scaled_by_channel,
        _offset,
        _shifted,
        _border,
    ):
        found = guess(ours, right, evidence)
        if found is not None:
            return found
    return None


def _rounded(ours: Tensor, right: Tensor, evidence: Evidence) -> tuple[Kind, str] | None:
    """Every wrong entry is right to the digits of a type that has fewer than float64."""
    wrong = evidence.wrong
    error = ((ours - right).abs()[wrong] / right.abs().max()).max()
    if bool(error < MATCH) and not _by_much(ours, right, wrong):
        return "precision", f"it is right to {float(error):.0e} alone: computed in float32?"
    for dtype in (torch.float16, torch.bfloat16):
        if bool(error < 4 * torch.finfo(dtype).eps) and torch.equal(ours.to(dtype).to(ours), ours):
            return "precision", f"it is right to {float(error):.0e} alone: computed in {dtype}?"
    return None


def _small(ours: Tensor, right: Tensor, evidence: Evidence) -> tuple[Kind, str] | None:
    """All wrong entries are small beside the largest, and wrong by much for their size."""
    if not evidence.same(ours, right):
        return None
    wrong = evidence.wrong
    part = float(right[wrong].abs().max() / right.abs().max())
    if part > SMALL:
        return None
    turned = (ours + right).abs() <= 1e-3 * right.abs() + evidence.unknown
    signs = "; their signs are wrong" if bool(turned[wrong].all()) else ""
    return "small", f"the wrong entries are small, at most {part:.0e} of the largest{signs}"


def _without_dy(ours: Tensor, right: Tensor, evidence: Evidence) -> tuple[Kind, str] | None:
    dy = evidence.dy
    if dy.shape not in (ours.shape, ()) or not evidence.same(ours * dy, right):
        return None
    return "not linear", "dy is left out: times dy it is right"


def _by_much(ours: Tensor, right: Tensor, wrong: Tensor) -> bool:
    """Some wrong entry is off by a thousandth of itself."""
    return bool(((ours - right).abs() > 1e-3 * right.abs())[wrong].any())


def _wrong_shape(ours: Tensor, right: Tensor, evidence: Evidence) -> tuple[Kind, str]:
    shapes = f"it has shape {tuple(ours.shape)}, its parameter {tuple(right.shape)}"
    for count in range(1, ours.dim() + 1):
        for axes in itertools.combinations(range(ours.dim()), count):
            summed = ours.sum(axes)
            if summed.numel() == right.numel() and evidence.same(
                summed.reshape(right.shape), right
            ):
                over = "the batch" if axes == (0,) else f"axes {axes}"
                return "batch sum", f"{shapes}; summed over {over} it is right"
    for order in itertools.permutations(range(ours.dim())):
        if evidence.same(ours.permute(order), right):
            return "transpose", f"{shapes}; with its axes in the order {order} it is right"
    return "shape", shapes


def _scaled(ours: Tensor, right: Tensor, evidence: Evidence) -> tuple[Kind, str] | None:
    if not right.any():
        return None
    factor = float((ours * right).sum() / (right * right).sum())
    if factor == 0 or not evidence.same(ours / factor, right):
        return None
    if abs(factor + 1) <= evidence.match:
        return "sign", "every sign is wrong"
    names = ", ".join(_names_of_factor(abs(factor), evidence))
    words = f"it is {factor:.6g} times the right one" + (f" ({names})" if names else "")
    return ("sign", words) if factor < 0 else ("factor", words)


def _names_of_factor(factor: float, evidence: Evidence) -> Iterator[str]:
    x, y = evidence.arrays.get("x", evidence.dy), evidence.dy
    weight = evidence.arrays.get("weight")
    counts = {
        "the batch N": x.shape[0] if x.dim() else 1,
        "the positions H W": y[0, 0].numel() if y.dim() > 2 else 1,
        "the pixels H W": x[0, 0].numel() if x.dim() > 2 else 1,
        "N H W": y[:, 0].numel() if y.dim() > 2 else 1,
        "the channels C": x.shape[1] if x.dim() > 1 else 1,
        "the outputs": y.numel(),
        "the entries of a filter": weight[0, 0].numel() if weight is not None and weight.dim() > 2
        else 1,
        "2": 2,
    }  # fmt: skip
    for name, count in counts.items():
        if count > 1:
            value = "" if name == str(count) else f" = {count}"
            if abs(factor / count - 1) <= evidence.match:
                yield name + value
            elif abs(factor * count - 1) <= evidence.match:
                yield f"one over {name}{value}"


def _identity(ours: Tensor, right: Tensor, evidence: Evidence) -> tuple[Kind, str] | None:
    dy = evidence.dy
    if dy.shape != ours.shape:
        return None
    if evidence.same(ours, dy):
        return "identity", "it is dy, passed on unchanged"
    if evidence.same(ours + dy, right):
        return "term", "dy is missing from the sum"
    if evidence.same(ours - dy, right):
        return "term", "dy is added once too often"
    return None


def _swapped(ours: Tensor, right: Tensor, evidence: Evidence) -> tuple[Kind, str] | None:
    for name, other in evidence.numeric.items():
        if name != evidence.name and evidence.same(ours, other):
            return "swapped", f"it is the derivative by {name}"
    return None


def _permuted(ours: Tensor, right: Tensor, evidence: Evidence) -> tuple[Kind, str] | None:
    """Axes swapped, or swapped without moving the entries (a reshape for a transpose)."""
    for order in itertools.permutations(range(right.dim())):
        turned = right.permute(order)
        if turned.shape == ours.shape and evidence.same(ours, turned):
            return "transpose", f"it is right with its axes in the order {order}"
        back = ours.permute(order).reshape(ours.shape)
        if evidence.same(ours, turned.reshape(ours.shape)) or evidence.same(back, right):
            return "transpose", f"it is reshaped where its axes want the order {order}"
    return None


def _flipped(ours: Tensor, right: Tensor, evidence: Evidence) -> tuple[Kind, str] | None:
    for count in range(1, right.dim() + 1):
        for axes in itertools.combinations(range(right.dim()), count):
            if evidence.same(ours, right.flip(axes)):
                return "flip", f"it is turned round along {_axes(axes)}"
    return None


def _one_sample(ours: Tensor, right: Tensor, evidence: Evidence) -> tuple[Kind, str] | None:
    samples = evidence.dy.shape[0] if evidence.dy.dim() else 0
    if evidence.name == "x" or samples < 2:
        return None
    for sample in range(samples):
        if evidence.same(ours, evidence.by_sample(sample)):
            return "batch sum", f"it is that of sample {sample} alone, not the sum over the batch"
    return None


def _scaled_by_channel(ours: Tensor, right: Tensor, evidence: Evidence) -> tuple[Kind, str] | None:
    """ours = factor of the channel * right: such as a parameter left out."""
    for axis in range(right.dim()):
        others = tuple(a for a in range(right.dim()) if a != axis)
        # one entry a channel would make any two arrays proportional
        if right.numel() < 2 * right.shape[axis]:
            continue
        square = (right * right).sum(others, keepdim=True)
        factors = (ours * right).sum(others, keepdim=True) / square.clamp_min(1e-300)
        if not evidence.same(ours, factors * right):
            continue
        for name, parameter in evidence.arrays.items():
            if parameter.numel() == factors.numel() and name != evidence.name:
                known = parameter.reshape(factors.shape)
                if evidence.same(factors * known, torch.ones_like(factors)):
                    return "factor", f"the factor {name} is left out"
                if evidence.same(factors, known):
                    return "factor", f"the factor {name} is there once too often"
        return "factor", f"a factor is wrong that differs along {_axes((axis,))}"
    return None


def _offset(ours: Tensor, right: Tensor, evidence: Evidence) -> tuple[Kind, str] | None:
    """ours - right is the same number along some axes."""
    difference = ours - right
    for count in range(right.dim(), 0, -1):
        for axes in itertools.combinations(range(right.dim()), count):
            size = 1
            for axis in axes:
                size *= right.shape[axis]
            if size >= 3 and evidence.same(
                difference.mean(axes, keepdim=True).expand_as(right), difference
            ):
                return "offset", f"it differs by the same number along {_axes(axes)}: a mean or sum"
    return None


def _only_some(ours: Tensor, right: Tensor, evidence: Evidence) -> tuple[Kind, str] | None:
    """All wrong entries are zero in one of the two, and others are right and not zero."""
    limit = evidence.match * right.abs().max()
    wrong = (ours - right).abs() > limit
    if not (~wrong & (right.abs() > limit)).any():
        return None
    count = f"{int(wrong.sum())} of {right.numel()} entries"
    if not ours[wrong].any():
        return "dropped", f"{count} are zero that should not be"
    if (right[wrong].abs() <= limit).all():
        return "mask", f"{count} should be zero: the function is flat there"
    return None


def _shifted(ours: Tensor, right: Tensor, evidence: Evidence) -> tuple[Kind, str] | None:
    if right.dim() < 4:
        return None
    height, width = right.shape[-2:]
    for down, across in sorted(
        itertools.product(range(-2, 3), repeat=2), key=lambda by: abs(by[0]) + abs(by[1])
    ):
        rows, columns = height - abs(down), width - abs(across)
        if (down, across) == (0, 0) or rows < 1 or columns < 1 or rows * columns < 4:
            continue
        here = ours[..., max(down, 0) : height + min(down, 0), :]
        here = here[..., max(across, 0) : width + min(across, 0)]
        there = right[..., max(-down, 0) : height + min(-down, 0), :]
        there = there[..., max(-across, 0) : width + min(-across, 0)]
        if evidence.same(here, there):
            return "shift", f"it is moved by {down} down and {across} across: padding or offset"
    return None


def _border(ours: Tensor, right: Tensor, evidence: Evidence) -> tuple[Kind, str] | None:
    if right.dim() < 4:
        return None
    for wide in (1, 2):
        inside = (..., slice(wide, -wide), slice(wide, -wide))
        if right[inside].numel() >= 4 and evidence.same(ours[inside], right[inside]):
            return "border", f"it is right but for {wide} along the border: padding"
    return None


def _axes(axes: tuple[int, ...]) -> str:
    return ("axis " if len(axes) == 1 else "axes ") + ", ".join(map(str, axes))
