from .average_precision import average_precision, average_precision_11_point
from .collection import Collection, read_collection
from .duplicates import near_duplicates
from .estimator import PhotoClassifier, PhotoFeatures
from .evaluation import evaluate
from .explanation import Explanation
from .network import Guess, Network
from .networks import load_network
from .training import Training, TrainingSettings, train_classifier

__all__ = [
    "Collection",
    "Explanation",
    "Guess",
    "Network",
    "PhotoClassifier",
    "PhotoFeatures",
    "Training",
    "TrainingSettings",
    "average_precision",
    "average_precision_11_point",
    "evaluate",
    "load_network",
    "near_duplicates",
    "read_collection",
    "train_classifier",
]
