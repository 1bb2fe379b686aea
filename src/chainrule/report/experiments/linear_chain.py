"""2.2: to what does a chain without non-linearity reduce?"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from chainrule.blocks import Convolution, ReLU
from chainrule.chain import Chain
from chainrule.io.pictures import sample_picture
from chainrule.points.example import report_example
from chainrule.points.network import forward
from chainrule.practical.folding import fold
from chainrule.practical.on_picture import as_tensor
from chainrule.report.facts.values import Found
from chainrule.report.finding import Finding, Table
from chainrule.report.formatting import decimals, scientific
from chainrule.report.settings import ReportSettings


@dataclass(frozen=True)
class LinearChain(Finding):
    """Three convolutions against the one filter they fold into.

    Errors are relative to the largest output. affine: the largest |f(u) + f(v) - f(0) - f(u + v)|
    of the chain, which an affine map has at 0; the same of it with ReLUs, and of part 1's network.
    """

    error: float
    error_with_relu: float
    affine: float
    affine_with_relu: float
    affine_of_part_1: float
    filter_size: tuple[int, int]
    stride: int
    parameters: int
    folded_parameters: int

    def found(self) -> dict[str, Found]:
        return {
            "2.2.two_layer": Found(
                self.affine,
                f"one affine map: it departs from one by {scientific(self.affine)}, part 1's "
                f"network by {decimals(self.affine_of_part_1)}",
            )
        }

    def tables(self) -> tuple[Table, ...]:
        rows = (
            ("three convolutions", scientific(self.affine)),
            ("the same with ReLUs between them", decimals(self.affine_with_relu)),
            ("part 1's network", decimals(self.affine_of_part_1)),
        )
        return (Table("affine", ("network", "departure from an affine map"), rows),)

    def document(self) -> dict[str, Any]:
        return {
            "relative_error": self.error,
            "relative_error_with_relu": self.error_with_relu,
            "departure_from_affine": self.affine,
            "departure_from_affine_with_relu": self.affine_with_relu,
            "departure_from_affine_of_part_1": self.affine_of_part_1,
            "filter_size": list(self.filter_size),
            "parameters": {"chain": self.parameters, "folded": self.folded_parameters},
        }


def run(settings: ReportSettings, progress: object = None) -> LinearChain:
    """Fold the chain, and compare it with its one filter on a photograph (float64)."""
    layers = [
        ("conv1", Convolution(3, 8, 5)),
        ("conv2", Convolution(8, 8, 3, stride=2)),
        ("conv3", Convolution(8, 4, 3)),
    ]
    chain = Chain(layers)
    bent = Chain([layers[0], ("relu1", ReLU()), layers[1], ("relu2", ReLU()), layers[2]])
    generator = torch.Generator().manual_seed(settings.seed)
    params = _drawn(chain, generator)
    one, folded = fold(chain, params)
    x = as_tensor(sample_picture()).double()
    apart, together = chain.apply(x, params), one.apply(x, folded)
    largest = float(apart.abs().max())
    u, v = (torch.randn(1, 3, 32, 32, generator=generator, dtype=torch.float64) for _ in range(2))
    return LinearChain(
        float((apart - together).abs().max()) / largest,
        float((bent.apply(x, params) - together).abs().max()) / largest,
        _departure(lambda a: chain.apply(a, params), u, v),
        _departure(lambda a: bent.apply(a, params), u, v),
        _departure(_part_1, *torch.randn(2, 8, 2, generator=generator, dtype=torch.float64)),
        (one.window.kernel[0], one.window.kernel[1]),
        one.window.stride[0],
        sum(p.numel() for p in params.values()),
        sum(p.numel() for p in folded.values()),
    )


def _departure(function, u: Tensor, v: Tensor) -> float:  # type: ignore[no-untyped-def]
    """How far f is from affine, relative to its outputs: 0 if f(u) + f(v) = f(u + v) + f(0)."""
    one, two, both, none = function(u), function(v), function(u + v), function(torch.zeros_like(u))
    size = float(torch.stack([one, two, both]).abs().max())
    return float((one + two - both - none).abs().max()) / size


def _part_1(points: Tensor) -> Tensor:
    """The output of part 1's network, with the original's own weights."""
    return torch.from_numpy(forward(points.numpy(), report_example().parameters).y_hat)


def _drawn(chain: Chain, generator: torch.Generator) -> dict[str, Tensor]:
    """Initial weights, and biases drawn too: with zeros there folding them would go untested."""
    drawn = chain.initial_parameters(generator, dtype=torch.float64)
    return {
        name: value
        if name.endswith("weight")
        else torch.randn(value.shape, generator=generator, dtype=torch.float64)
        for name, value in drawn.items()
    }
