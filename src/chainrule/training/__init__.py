"""Minibatch training of a chain: the loop, its steps, its schedules, its checkpoints."""

from chainrule.training.adam import Adam
from chainrule.training.evaluation import Metric, evaluate
from chainrule.training.loop import Trained, train
from chainrule.training.settings import Settings
from chainrule.training.sgd import SGD
from chainrule.training.sources import LoaderSource, Source, TensorSource
from chainrule.training.state import OnEpoch, RunOptions

__all__ = [
    "SGD",
    "Adam",
    "LoaderSource",
    "Metric",
    "OnEpoch",
    "RunOptions",
    "Settings",
    "Source",
    "TensorSource",
    "Trained",
    "evaluate",
    "train",
]
