"""4.2.A: the layers of the letter network, and what its filters measure."""

from dataclasses import dataclass
from typing import Any

import torch

from chainrule.blocks import Convolution, MaxPooling, ReLU, SoftmaxLogLoss
from chainrule.chain.summary import Summary
from chainrule.reader.letters.network import letter_network
from chainrule.reader.letters.recipes import RECIPES
from chainrule.report.facts.values import Found
from chainrule.report.finding import Finding, Table
from chainrule.report.settings import ReportSettings

_NAMES: dict[type, str] = {
    Convolution: "convolution",
    MaxPooling: "max pooling",
    ReLU: "ReLU",
    SoftmaxLogLoss: "softmax log-loss",
}


@dataclass(frozen=True)
class LetterNetwork(Finding):
    """layers: their kinds in order, the loss last. filters: of each convolution, as it is named."""

    layers: tuple[str, ...]
    filters: tuple[str, ...]
    largest_bias: float
    summary: Summary

    def found(self) -> dict[str, Found]:
        filters = {f"4.2.A.filters{k}": Found(text) for k, text in enumerate(self.filters, start=1)}
        return {
            "4.2.A.layers": Found(", ".join(self.layers)),
            "4.2.A.count": Found(str(len(self.layers))),
            **filters,
            "4.2.A.biases": Found(self.largest_bias, f"the largest is {self.largest_bias:g}"),
        }

    def tables(self) -> tuple[Table, ...]:
        rows = tuple(
            (
                row.layer,
                " × ".join(map(str, row.output_shape[1:])),
                "" if row.receptive_field is None else _size(row.receptive_field.size),
                f"{row.parameters:,}",
            )
            for row in self.summary.rows
        )
        return (Table("layers", ("layer", "output (C × H × W)", "sees", "parameters"), rows),)

    def document(self) -> dict[str, Any]:
        return {"parameters": self.summary.parameters, "filters": list(self.filters)}


def run(settings: ReportSettings, progress: object = None) -> LetterNetwork:
    """Take the network apart, with the initial parameters of the original's recipe."""
    chain = letter_network()
    initial = chain.initial_parameters(
        torch.Generator().manual_seed(settings.seed),
        initialization=RECIPES["original"].initialization,
    )
    biases = [float(value.abs().max()) for name, value in initial.items() if name.endswith("bias")]
    shapes = [tuple(value.shape) for name, value in initial.items() if name.endswith("weight")]
    return LetterNetwork(
        tuple(_NAMES[type(block)] for block in (*(b for _, b in chain.layers), SoftmaxLogLoss())),
        tuple(f"{out} of {height}x{width}x{into}" for out, into, height, width in shapes),
        max(biases),
        chain.summary(),
    )


def _size(size: tuple[float, float]) -> str:
    return f"{size[0]:g} × {size[1]:g}"
