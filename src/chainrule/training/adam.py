"""One step of Adam.

With the batch's gradient g (and weight decay lambda: g + lambda w in its place), each parameter w
keeps running means of g and of its square (Kingma and Ba 2015, algorithm 1):

    m <- beta1 m + (1 - beta1) g
    v <- beta2 v + (1 - beta2) g^2

Both begin at 0, so that early they are too small. After t steps, written out,

    m_t = (1 - beta1) sum_{i=1..t} beta1^(t-i) g_i

and where the gradients have one mean E g, the geometric series (1 - beta1) sum_{k<t} beta1^k
= 1 - beta1^t gives E m_t = (1 - beta1^t) E g. So the means are m / (1 - beta1^t), and likewise
v / (1 - beta2^t), and the step is

    w <- w - eta (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)

which has about the size eta whatever the gradient's scale: a factor in g is one in m and sqrt(v).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from chainrule.training.optimizer import check_optimizer_number


@dataclass(frozen=True)
class Adam:
    """beta1 and beta2 in [0, 1), epsilon and weight decay >= 0.

    It remembers m ("mean.NAME") and v ("square.NAME") for each parameter, and t ("steps").
    Raises InputError on a setting out of range.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        check_optimizer_number("momentum (Adam's beta1)", self.beta1, 1)
        check_optimizer_number("beta2", self.beta2, 1)
        for name, value in (("epsilon", self.epsilon), ("weight decay", self.weight_decay)):
            check_optimizer_number(name, value, float("inf"))

    def start(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Means of 0, and no step taken."""
        kinds = [(kind, name) for kind in ("mean", "square") for name in parameters]
        zeros = {f"{kind}.{name}": torch.zeros_like(parameters[name]) for kind, name in kinds}
        return {"steps": torch.zeros((), dtype=torch.int64), **zeros}

    def step(
        self,
        parameters: Mapping[str, Tensor],
        moments: Mapping[str, Tensor],
        gradients: Mapping[str, Tensor],
        learning_rate: float,
        factors: Mapping[str, float] | None = None,
    ) -> None:
        """Take one step for each name in `gradients`, as `Optimizer.step` says."""
        t = int(moments["steps"].add_(1))
        share_m, share_v = 1 - self.beta1**t, 1 - self.beta2**t
        for name, gradient in gradients.items():
            w, m, v = parameters[name], moments[f"mean.{name}"], moments[f"square.{name}"]
            rate = learning_rate * (factors or {}).get(name, 1.0)
            g = gradient.to(w.dtype)
            if self.weight_decay:
                g = g.add(w, alpha=self.weight_decay)
            m.lerp_(g, 1 - self.beta1)
            v.mul_(self.beta2).addcmul_(g, g, value=1 - self.beta2)
            w.addcdiv_(m, (v / share_v).sqrt_().add_(self.epsilon), value=-rate / share_m)
