"""The points behind published runs, inferred from the runs' numbers."""

from chainrule.points.inference.inference import Inference, infer
from chainrule.points.inference.prediction import Predicted, Prediction, predict
from chainrule.points.inference.published import (
    NEVER,
    PublishedRun,
    RunSetting,
    held_out,
    original_runs,
    read_runs,
)
from chainrule.points.inference.sampler import Generation, Particle, Population
from chainrule.points.inference.settings import InferenceSettings
from chainrule.points.inference.stored import StoredInference, stored_inference

__all__ = [
    "NEVER",
    "Generation",
    "Inference",
    "InferenceSettings",
    "Particle",
    "Population",
    "Predicted",
    "Prediction",
    "PublishedRun",
    "RunSetting",
    "StoredInference",
    "held_out",
    "infer",
    "original_runs",
    "predict",
    "read_runs",
    "stored_inference",
]
