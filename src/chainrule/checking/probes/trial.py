"""What every probe may look at: the layer, a point, and its derivatives there."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from chainrule.checking.differentiable import Derivatives, Differentiable
from chainrule.checking.rounding import Rounding
from chainrule.checking.structure import largest
from chainrule.checking.subject import Subject
from chainrule.checking.verdict import Mistake


@dataclass(frozen=True)
class Difference:
    """words: where two derivatives differ; relative: by how much, as a part of the largest.

    is_finite: the one that should equal the other holds numbers.
    """

    words: str
    relative: float
    is_finite: bool = True

    @property
    def is_rounding(self) -> bool:
        """As much as computing in float32 makes."""
        return self.relative < 1e-5


@dataclass(frozen=True)
class Trial:
    """arrays: the point; other: another one; claims: what the layer says its derivatives are at
    the point, for dy, which differences confirm up to `unknown`. first: the outputs and
    derivatives there of a copy that was never called before, where one could be made.
    """

    subject: Subject
    form: Differentiable
    arrays: dict[str, Tensor]
    other: dict[str, Tensor]
    dy: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    claims: dict[str, Tensor | None]
    unknown: dict[str, Tensor]
    rounding: Rounding
    generator: np.random.Generator
    first: tuple[tuple[Tensor, ...], Derivatives] | None = None

    @property
    def loose(self) -> float:
        """What is the same but for rounding, as a part of an array's largest entry."""
        return max(1e-9, 1e3 * self.rounding.relative)

    def differs(
        self,
        given: Derivatives,
        expected: Derivatives | None = None,
        only: Iterable[str] | None = None,
    ) -> Difference | None:
        """The first array whose derivative differs by more than rounding; None if none does.

        From the claims, unless others are expected.
        """
        for name in self.arrays if only is None else only:
            now, then = (
                torch.zeros_like(self.arrays[name]) if d is None else d.detach()
                for d in (given.get(name), (expected or self.claims).get(name))
            )
            if now.shape != then.shape:
                words = f"d{name} has shape {tuple(now.shape)}, not {tuple(then.shape)}"
                return Difference(words, np.inf)
            size = largest(then)
            error = (now.to(then) - then).abs()
            wrong = ~(error <= self.loose * size + self.unknown[name])
            wrong &= ~(now.isnan() & then.isnan())
            if bool(wrong.any()):
                place = tuple(int(i) for i in wrong.nonzero()[0])
                at = f"d{name}{list(place)}" if place else f"d{name}"
                return Difference(
                    f"{at} is {float(now[place]):.9g}, not {float(then[place]):.9g}",
                    largest(error) / size if size else np.inf,
                    bool(torch.isfinite(now).all()),
                )
        return None

    def outputs_differ(self, given: Iterable[Tensor]) -> bool:
        """The outputs differ from those at the point by more than rounding."""
        return any(
            now.shape != then.shape
            or not largest(now.detach().to(then) - then) <= self.loose * largest(then)
            for now, then in zip(given, self.outputs, strict=True)
        )


Probe = Callable[[Trial], Mistake | None]
