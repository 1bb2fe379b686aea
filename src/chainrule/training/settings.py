"""How to train: one object that holds it, checked when it is made."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chainrule.errors import InputError
from chainrule.training.adam import Adam
from chainrule.training.optimizer import Optimizer, check_learning_rate
from chainrule.training.schedules import schedule
from chainrule.training.sgd import SGD

OPTIMIZERS = ("sgd", "adam")
PRECISIONS = ("float32", "bfloat16", "float64")


@dataclass(frozen=True)
class Settings:
    """How to train. Raises InputError on a setting out of range.

    epochs: passes over the data. batch_size: examples a step; with `drop_last` those that are left
    over at the end of an epoch are left out. seed: of the order, and of all else that is drawn.

    optimizer: "sgd", with `momentum` and `nesterov`, or "adam", whose beta1 is `momentum`, with
    `beta2` and `epsilon`; both with `weight_decay`. learning_rate: of the `schedule` at its
    height. layer_rates: what the rate is multiplied by in a layer ("conv1") or for one parameter
    ("conv1.bias"), the longest name that fits; 0 keeps it as it is.

    clip_norm: the largest norm that the gradient of all parameters together may have; a larger one
    is scaled down to it. patience: so many epochs without a lower validation loss end the training,
    which then gives the parameters of its best epoch.

    precision: that of the passes; the parameters and the steps keep their own. "bfloat16" saves
    time where the processor multiplies it (AVX-512 BF16 or AMX), and takes many times as long
    elsewhere.
    """

    epochs: int = 15
    batch_size: int = 100
    learning_rate: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 0.0
    nesterov: bool = False
    schedule: str = "constant"
    precision: str = "float32"
    seed: int = 0
    drop_last: bool = False
    optimizer: str = "sgd"
    beta2: float = 0.999
    epsilon: float = 1e-8
    layer_rates: Mapping[str, float] = field(default_factory=dict)
    clip_norm: float | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            _check_whole(name, getattr(self, name), 1)
        _check_whole("seed", self.seed)
        if self.patience is not None:
            _check_whole("patience", self.patience, 1)
        check_learning_rate(self.learning_rate)
        for name, known in (("precision", PRECISIONS), ("optimizer", OPTIMIZERS)):
            if getattr(self, name) not in known:
                raise InputError(
                    f"{name}: found {getattr(self, name)!r}; expected {', '.join(known[:-1])} or "
                    f"{known[-1]}"
                )
        schedule(self.schedule)
        self.make_optimizer()
        if self.clip_norm is not None and not 0 < self.clip_norm < math.inf:
            raise InputError(f"clip_norm: found {self.clip_norm}; expected a number above 0")
        object.__setattr__(self, "layer_rates", dict(self.layer_rates))
        for name, rate in self.layer_rates.items():
            if not 0 <= rate < math.inf:
                raise InputError(
                    f"layer_rates: found {rate} for {name!r}; expected a number of at least 0"
                )

    def make_optimizer(self) -> Optimizer:
        """The optimizer that these settings name."""
        if self.optimizer == "adam":
            if self.nesterov:
                raise InputError("nesterov: found True with adam; expected it with sgd only")
            return Adam(self.momentum, self.beta2, self.epsilon, self.weight_decay)
        return SGD(self.momentum, self.weight_decay, self.nesterov)


def _check_whole(name: str, value: Any, least: int | None = None) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or (least is not None and value < least):
        expected = "a whole number" if least is None or not whole else f"at least {least}"
        raise InputError(f"{name}: found {value!r}; expected {expected}")
