"""Minibatch training of a chain: the loop, its steps, its schedules, its checkpoints."""

from chainrule.training.loop import (
    Metric,
    OnEpoch,
    Settings,
    Source,
    Trained,
    evaluate,
    train,
)

__all__ = ["Metric", "OnEpoch", "Settings", "Source", "Trained", "evaluate", "train"]
