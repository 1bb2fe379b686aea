"""One random direction instead of every entry: sum(dx * e) beside the slope along e."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from chainrule.checking.differentiable import Differentiable, split
from chainrule.checking.rounding import moved
from chainrule.checking.slopes import KINK, Noise, Slope, slope

MOST = 0.9
KNOWN = 1e-7  # how well a slope is known where a step suits, as a part of it


@dataclass(frozen=True)
class Projection:
    """ours: sum(dx * e); numeric: sum(dy * slope along e), off by no more than `unknown`.

    size: of dx along e, were it random: the root of the sum of (dx * e)^2. step: that was taken.
    left_out: how many outputs were left out of both because a kink was within reach.
    """

    ours: float
    numeric: float
    unknown: float
    size: float
    step: float
    left_out: int

    def wrong(self, tolerance: float) -> bool:
        """They differ by more than `tolerance` of the larger of them and what is not known."""
        limit = tolerance * max(abs(self.numeric), self.size) + self.unknown
        return not abs(self.ours - self.numeric) <= limit


@dataclass(frozen=True)
class Search:
    """Which steps to try, by which method (see `slope`), until one suits.

    One suits if the slope is known to `enough` of it.
    """

    steps: Sequence[float]
    method: str = "richardson"
    enough: float = KNOWN
    kink: float = KINK


def project(
    form: Differentiable,
    arrays: dict[str, Tensor],
    direction: dict[str, Tensor],
    dy: np.ndarray,
    noise: Noise,
    search: Search,
) -> Projection | None:
    """Go along `direction` by the first step that suits, or by the one that suits best.

    dy: by output, in one row. None if every output is near a kink, whatever the step.
    """
    here = form.vector(arrays)
    best: tuple[float, float, Slope] | None = None

    def line(t: float) -> np.ndarray:
        return form.vector(moved(arrays, direction, t))

    for step in search.steps:
        found = slope(line, 0.0, step, here, noise, search.method, search.kink)
        if found.kink.all() and found.kink.size:
            continue
        kept = ~found.kink
        known = abs((dy * found.value)[kept].sum())
        unknown = float(np.linalg.norm((dy * found.rounding)[kept]))
        off = (dy * found.truncation)[kept]  # a sum that cancels does not say that it is small
        unknown += max(abs(float(off.sum())), float(np.linalg.norm(off)))
        if best is not None and step > best[1]:
            # far away a function may look straight and be another: what is known must still hold
            both = ~(found.kink | best[2].kink)
            if both.sum() < MOST * (~best[2].kink).sum():
                break  # and most of it lies beyond a kink
            if abs((dy * (found.value - best[2].value))[both].sum()) > unknown + best[0]:
                break
        if best is None or unknown < best[0]:
            best = unknown, step, found
        if unknown / search.enough <= known:
            break
    if best is None:
        return None
    unknown, step, found = best
    used = np.where(found.kink, 0.0, dy)
    outputs = form.outputs(arrays)
    given = form.derivatives(arrays, split(used, outputs))
    parts = [_product(given[name], e) for name, e in direction.items()]
    return Projection(
        ours=float(sum(part.sum() for part in parts)),
        numeric=float(np.dot(used, np.where(found.kink, 0.0, found.value))),
        unknown=float(unknown),
        size=float(np.sqrt(sum((part**2).sum() for part in parts))),
        step=step,
        left_out=int(found.kink.sum()),
    )


def _product(derivative: Tensor | None, e: Tensor) -> np.ndarray:
    """dx * e by entry; NaN if dx has another shape."""
    if derivative is None:
        return np.zeros(tuple(e.shape))
    if derivative.shape != e.shape:
        return np.array([np.nan])
    return (derivative.to(e) * e).cpu().numpy()
