"""A learner that shares every batch with other processes."""

from typing import Any

import torch
from torch import Tensor

from chainrule.blocks import Loss
from chainrule.chain import Chain
from chainrule.training.inputs import Inputs, check_lengths, each, shapes_of, tensors_of
from chainrule.training.learner import PlainLearner, placed
from chainrule.training.ranks.normalization import shared_normalization
from chainrule.training.ranks.ranks import Ranks
from chainrule.training.settings import Settings
from chainrule.training.state import State


class SharedLearner(PlainLearner):
    """The steps of `PlainLearner` on the whole batch, up to rounding, each process its rows.

    The loss is the mean over a batch of n. A process with m of the rows has the mean over those, so
    m / n of its loss is its part of the whole, and the parts' derivatives add up:

        loss = sum_r (m_r / n) loss_r,      dw = sum_r (m_r / n) dw_r

    With dy scaled by m / n, what each `backward` gives is added up as it is. Batch normalisation
    takes its moments over all rows: see `SharedNormalization`. All else is row by row.
    """

    def __init__(
        self, chain: Chain, loss: Loss, state: State, settings: Settings, ranks: Ranks
    ) -> None:
        super().__init__(chain, loss, state, settings)
        self._ranks = ranks
        self._shared = shared_normalization(self._chain, ranks)

    def gradients(self, x: Inputs, target: Any) -> tuple[Tensor, float]:
        """Go forwards and backwards: the whole batch's output and loss. The moments move."""
        state, ranks, n = self._state, self._ranks, check_lengths("x", x)
        alone = n < ranks.size  # then all do the same, and nothing is added up
        chain = self._chain if alone else self._shared
        parameters = {name: value.to(self._dtype) for name, value in state.parameters.items()}
        drawn = chain.draw(shapes_of(x), state.generator)
        part = ranks.part(n)
        x = placed(each(x, lambda whole: whole[part]), parameters, self._dtype)
        device = tensors_of(x)[0].device
        parameters |= {name: value[part].to(device) for name, value in drawn.items()}
        y, saved = chain.forward(x, parameters)
        y = y.to(torch.float32) if self._dtype == torch.bfloat16 else y
        target = target.to(y.device)[part]
        energy, saved_loss = self._loss.forward(y, target)
        share = len(y) / n
        dy = self._loss.backward(torch.full_like(energy, share), target, saved_loss)
        found = chain.parameter_derivatives(dy.to(self._dtype), parameters, saved)
        state.parameters.update(chain.moments(state.parameters, saved))
        if alone:
            self._gradients = found
            return y, float(energy)
        whole = torch.zeros(n, *y.shape[1:], dtype=y.dtype, device=y.device)
        whole[part] = y
        total = energy.double().reshape(1) * share
        self._gradients = ranks.summed_by_name(found)
        (whole,), (total,) = ranks.summed(whole), ranks.summed(total)
        return whole, float(total)
