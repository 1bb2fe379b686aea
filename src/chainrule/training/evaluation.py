"""How a chain does on data: the mean of its loss and of each metric."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from chainrule.blocks import Loss
from chainrule.chain import Chain
from chainrule.training.inputs import as_inputs, check_lengths, each
from chainrule.training.sources import as_source

Metric = Callable[[Tensor, Any], float]


def evaluate(
    chain: Chain,
    parameters: Mapping[str, Tensor],
    loss: Loss,
    data: Any,
    *,
    batch_size: int = 500,
    metrics: Mapping[str, Metric] | None = None,
) -> dict[str, float]:
    """The mean loss ("energy") and the mean of each metric over one unjittered pass.

    data: as `chainrule.training.train` takes it. The pass runs in the parameters' own precision.
    """
    judge, sums = chain.in_inference(), Sums()
    like = next((v for v in parameters.values() if v.is_floating_point()), torch.empty(0))
    for given, target in as_source("data", data, chain.inputs).batches(batch_size, None):
        here = target.to(like.device) if isinstance(target, Tensor) else target
        x = as_inputs("x", given, chain.inputs)
        y = judge.apply(each(x, lambda part: part.to(like)), parameters)
        sums.add(check_lengths("x", x), float(loss.forward(y, here)[0]), y, here, metrics or {})
    return sums.means()


class Sums:
    """Sums over examples, for the means of an epoch."""

    def __init__(self) -> None:
        self.count = 0
        self._sums: dict[str, float] = {}

    def add(
        self, n: int, energy: float, y: Tensor, target: Any, metrics: Mapping[str, Metric]
    ) -> None:
        """Add a batch of n examples with the mean loss `energy`."""
        values = {"energy": energy} | {k: float(m(y, target)) for k, m in metrics.items()}
        self.count += n
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + n * value

    def means(self, suffix: str = "") -> dict[str, float]:
        """The means by name, with the suffix behind an underscore."""
        ending = f"_{suffix}" if suffix else ""
        return {f"{name}{ending}": value / self.count for name, value in self._sums.items()}
