"""3.1.A: every derivative of a scalar loss has the size of what it is taken by."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from chainrule.blocks import (
    BatchNormalization,
    Convolution,
    Flatten,
    FullyConnected,
    MaxPooling,
    ReLU,
    SoftmaxLogLoss,
)
from chainrule.chain import Chain
from chainrule.report.facts.values import Found
from chainrule.report.finding import Finding, Table
from chainrule.report.settings import ReportSettings

Shape = tuple[int, ...]


@dataclass(frozen=True)
class DerivativeShapes(Finding):
    """The shape of each array and of its derivative; outputs, weights: of the last layer."""

    loss: Shape
    shapes: dict[str, tuple[Shape, Shape]]
    outputs: int
    weights: int

    def found(self) -> dict[str, Found]:
        text = f"{self.same} of {len(self.shapes)} have it"
        return {"3.1.A.size": Found(self.same / len(self.shapes), text)}

    @property
    def same(self) -> int:
        """How many derivatives have their array's shape."""
        return sum(own == of_derivative for own, of_derivative in self.shapes.values())

    def tables(self) -> tuple[Table, ...]:
        rows = tuple((f"`{n}`", _text(own), _text(d)) for n, (own, d) in self.shapes.items())
        return (Table("shapes", ("array", "its shape", "its derivative's shape"), rows),)

    def document(self) -> dict[str, Any]:
        return {"derivatives": len(self.shapes), "same_shape": self.same}


def run(settings: ReportSettings, progress: object = None) -> DerivativeShapes:
    """One pass forward and back through six blocks and a loss, on eight pictures of 32x32."""
    chain = Chain(
        [
            ("conv", Convolution(3, 4, 5, stride=2)),
            ("norm", BatchNormalization(4)),
            ("relu", ReLU()),
            ("pool", MaxPooling(3, 2)),
            ("flatten", Flatten()),
            ("full", FullyConnected(4 * 6 * 6, 10)),
        ],
        input_shape=(8, 3, 32, 32),
    )
    generator = torch.Generator().manual_seed(settings.seed)
    params = chain.initial_parameters(generator)
    x = torch.randn(8, 3, 32, 32, generator=generator)
    target = torch.randint(10, (8,), generator=generator)
    loss = SoftmaxLogLoss()
    y, saved = chain.forward(x, params)
    value, kept = loss.forward(y, target)
    dx, derivatives = chain.backward(loss.backward(1.0, target, kept), params, saved)
    pairs = {"x": (x, dx)} | {name: (params[name], d) for name, d in derivatives.items()}
    shapes = {name: (_shape(own), _shape(d)) for name, (own, d) in pairs.items()}
    return DerivativeShapes(_shape(value), shapes, y.numel(), params["full.weight"].numel())


def _shape(array: Tensor) -> Shape:
    return tuple(array.shape)


def _text(shape: Shape) -> str:
    return " × ".join(map(str, shape)) if shape else "()"
