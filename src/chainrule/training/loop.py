"""Minibatch training of a chain with a loss: batches in, history and checkpoints out."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Unpack

import torch
from torch import Tensor

from chainrule.blocks import Loss
from chainrule.blocks.block import check_loss
from chainrule.chain import Chain
from chainrule.errors import InputError
from chainrule.io.checks import check_option_names
from chainrule.training.evaluation import Metric
from chainrule.training.gradients import rate_factors
from chainrule.training.ranks.cluster import train_on
from chainrule.training.run import Run
from chainrule.training.settings import Settings
from chainrule.training.sources import SharedSource, as_source
from chainrule.training.state import (
    RunOptions,
    described_run,
    first_state,
    resumed_state,
    write_state,
)


@dataclass(frozen=True)
class Trained:
    """What a training gives.

    parameters: after the last epoch; with a patience, those of the best one. history: one dict an
    epoch with "epoch", "seconds" (of the training pass), "images_per_second", "learning_rate" (the
    last one), "energy_train" and "energy_validation" (mean losses), and "NAME_train" and
    "NAME_validation" for each metric (means over the examples). The training figures are taken
    while the weights move; the validation figures, which are there if there is a validation set,
    with the weights at the epoch's end.
    """

    parameters: dict[str, Tensor]
    history: list[dict[str, Any]]


def train(
    chain: Chain,
    parameters: Mapping[str, Tensor],
    loss: Loss,
    data: Any,
    settings: Settings | None = None,
    *,
    validation: Any = None,
    metrics: Mapping[str, Metric] | None = None,
    **options: Unpack[RunOptions],
) -> Trained:
    """Train `chain` from `parameters` (which stay as they are).

    data, validation: a pair (x, y) of arrays or tensors of any kind of float or integer, a
    `torch.utils.data.DataLoader` of such pairs, or a `Source`. For a chain of several inputs, x is
    a mapping by their names, or a tuple in their order. metrics: functions (output, target)
    -> mean over the batch. options: see `RunOptions`.

    Raises InputError if the data, the parameters or the settings do not fit the chain,
    DivergedError when the loss is no longer finite, ClusterError if the executor's cluster cannot
    be used, FileError on a checkpoint that cannot be read
    or is not there, and OtherRunError, a FileError, on one that is of another run.
    """
    check_loss(loss)
    settings = settings or Settings()
    check_option_names("train", options, RunOptions.__annotations__)
    keeping: RunOptions = options
    training = as_source("training data", data, chain.inputs)
    judged = None if validation is None else as_source("validation data", validation, chain.inputs)
    if settings.patience is not None and judged is None:
        raise InputError("patience is set without validation data; expected some to judge by")
    chain.check_parameters(parameters)
    rate_factors(settings.layer_rates, parameters)
    state, described, path = first_state(parameters, settings), {}, keeping.get("checkpoint")
    if path is not None or keeping.get("resume"):
        described = described_run(chain, training, judged, settings, keeping.get("described"))
    ranks, executor = keeping.get("ranks"), keeping.get("executor")
    if ranks is not None and isinstance(training, SharedSource):
        training = training.shared_by(ranks)
    if keeping.get("resume"):
        with nullcontext(path) if ranks is None else ranks.file_of_first(path) as file:
            state = resumed_state(file, described, state.parameters)
    if executor is not None:
        what = {"settings": settings, "validation": judged, "metrics": metrics}
        given = chain, dict(parameters), loss, training
        found: Trained = train_on(executor, train, given, what, dict(options))
        return found
    progress, on_epoch = keeping.get("progress"), keeping.get("on_epoch")
    if ranks is not None and ranks.number:
        path = progress = on_epoch = None
    run = Run(chain, loss, training, judged, settings, state, metrics or {}, progress, ranks)
    until = keeping.get("until")
    while not run.done and (until is None or len(state.history) < until):
        line = run.epoch()
        if path is not None:
            write_state(path, state, described)
        if on_epoch is not None:
            on_epoch(line, state.parameters)
    kept = state.best or state.parameters
    whole = {
        name: value.clone(memory_format=torch.contiguous_format) for name, value in kept.items()
    }
    return Trained(whole, state.history)
