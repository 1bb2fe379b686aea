"""Bench 1: the two-layer network on points. Loads no PyTorch, and Numba only to train."""

from typing import Any

from chainrule.points.data import Dataset, Points, double_moon, load_dataset, load_points, split
from chainrule.points.study import (
    MAP,
    REPORT,
    REPORT_HIDDEN,
    REPORT_RATES,
    REPORT_SEEDS,
    Setting,
    Summary,
    Trial,
    grid,
    run_study,
    wilson_interval,
)
from chainrule.points.training import Run, train


def __getattr__(name: str) -> Any:
    # scikit-learn takes a second to import, and only this needs it
    if name == "TwoLayerClassifier":
        from chainrule.points.estimator import TwoLayerClassifier

        return TwoLayerClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "MAP",
    "REPORT",
    "REPORT_HIDDEN",
    "REPORT_RATES",
    "REPORT_SEEDS",
    "Dataset",
    "Points",
    "Run",
    "Setting",
    "Summary",
    "Trial",
    "TwoLayerClassifier",
    "double_moon",
    "grid",
    "load_dataset",
    "load_points",
    "run_study",
    "split",
    "train",
    "wilson_interval",
]
