"""4.4: the filters of the first layer, before and after training."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from chainrule.reader.letters.figures import first_filters
from chainrule.reader.letters.recipes import TrainedLetters
from chainrule.report.experiments.letter_runs import gathered
from chainrule.report.facts.values import Found
from chainrule.report.finding import Figure, Finding, picture
from chainrule.report.formatting import decimals, percent
from chainrule.report.settings import ReportSettings


@dataclass(frozen=True)
class LetterFilters(Finding):
    """By the original's recipe, without jitter; pairs are before and after training.

    roughness: the root mean square difference of weights side by side, in their standard
    deviations (noise: 1.41). correlation: the largest of two filters. errors: validation, top-1.
    """

    before: Float[Tensor, "filters 1 h w"]
    after: Float[Tensor, "filters 1 h w"]
    roughness: tuple[float, float]
    correlation: tuple[float, float]
    errors: tuple[float, float]

    def found(self) -> dict[str, Found]:
        before, after = self.errors
        largest = self.correlation[1]
        return {
            "4.4.learned": Found(
                after / before, f"validation error {percent(before)} before, {percent(after)} after"
            ),
            "4.4.own_feature": Found(
                largest, f"no two are alike: correlations up to {decimals(largest)}"
                if largest < 0.95 else f"two have a correlation of {decimals(largest)}"
            ),
        }  # fmt: skip

    def figures(self) -> tuple[Figure, ...]:
        return (picture("filters", first_filters(self.before, self.after), exact=True),)

    def document(self) -> dict[str, Any]:
        return {
            "roughness_before": self.roughness[0],
            "roughness_after": self.roughness[1],
            "largest_correlation": self.correlation[1],
        }


def run(settings: ReportSettings, progress: object = None, *made: TrainedLetters) -> LetterFilters:
    """Compare the first layer's filters with those that training began with."""
    runs = gathered(settings, *made)
    shown = runs.as_original
    before, after = (p["conv1.weight"] for p in (shown.initial_parameters, shown.parameters))
    untrained, trained = runs.judge(shown, untrained=True)["top1"], runs.error(shown)
    return LetterFilters(
        before,
        after,
        (_roughness(before.numpy()), _roughness(after.numpy())),
        (_largest_correlation(before.numpy()), _largest_correlation(after.numpy())),
        (untrained, trained),
    )


def _roughness(weights: np.ndarray) -> float:
    each = (weights - weights.mean((1, 2, 3), keepdims=True)) / weights.std(
        (1, 2, 3), keepdims=True
    )
    return float(np.sqrt(np.mean(np.diff(each, axis=3) ** 2)))


def _largest_correlation(weights: np.ndarray) -> float:
    between = np.corrcoef(weights.reshape(len(weights), -1))
    np.fill_diagonal(between, 0)
    return float(np.abs(between).max())
