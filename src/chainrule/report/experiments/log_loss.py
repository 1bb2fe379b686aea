"""4.2.B: softmax and log-loss: what they give, and whose score a step makes larger."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special
import torch
from jaxtyping import Float64, Int64

from chainrule.blocks import Softmax, SoftmaxLogLoss
from chainrule.reader.letters.recipes import TrainedLetters
from chainrule.report.drawings import reliability, score_steps
from chainrule.report.experiments.letter_runs import LetterRuns, gathered, validation_scores
from chainrule.report.facts.values import Found
from chainrule.report.finding import Figure, Finding, chart
from chainrule.report.formatting import percent, scientific
from chainrule.report.settings import ReportSettings

_BINS = 10


@dataclass(frozen=True)
class Example:
    """A letter that is misread: its class, what is read, and each score's change by a step."""

    truth: str
    read: str
    alphabet: str
    change: Float64[np.ndarray, " classes"]


@dataclass(frozen=True)
class LogLossFinding(Finding):
    """Measured on the validation letters, with the original's network.

    formula_error: of our softmax against scipy's. outside: of [0, 1]. sum_error: of the sums
    against 1. only_right_rises: the share of letters on which a step against the gradient raises
    the right score and lowers all others. smallest_is_right: the share on which the right class
    has the smallest log-loss. stated, right: by bin, the mean probability of the best class and
    the share of right answers; counts: letters in each bin.
    """

    formula_error: float
    outside: float
    sum_error: float
    only_right_rises: float
    smallest_is_right: float
    stated: Float64[np.ndarray, " bins"]
    right: Float64[np.ndarray, " bins"]
    counts: Int64[np.ndarray, " bins"]
    example: Example | None

    def found(self) -> dict[str, Found]:
        return {
            "4.2.B.softmax": Found(
                self.formula_error, f"to {scientific(self.formula_error)} of scipy's"
            ),
            "4.2.B.range": Found(self.outside, "none lies outside" if self.outside == 0 else ""),
            "4.2.B.sum": Found(self.sum_error, f"1, to {scientific(self.sum_error)}"),
            "4.2.B.probabilities": Found(
                self.calibration_error,
                f"stated and found shares differ by {percent(self.calibration_error)} in the mean",
            ),
            "4.2.B.right_neuron": Found(
                self.only_right_rises, f"on {percent(self.only_right_rises)} of the letters"
            ),
            "4.2.B.smaller_log_loss": Found(
                self.smallest_is_right, f"on {percent(self.smallest_is_right)} of the letters"
            ),
        }

    @property
    def calibration_error(self) -> float:
        """The mean over letters of |stated - right| of their bin (expected calibration error)."""
        filled = self.counts > 0
        gaps = np.abs(self.stated - self.right)[filled]
        return float((gaps * self.counts[filled]).sum() / self.counts.sum())

    def figures(self) -> tuple[Figure, ...]:
        made = [chart("reliability", reliability(self.stated, self.right, self.counts))]
        if self.example is not None:
            one = self.example
            drawing = score_steps(one.change, one.alphabet, one.truth, one.read)
            made.insert(0, chart("step", drawing, wide=True))
        return tuple(made)

    def document(self) -> dict[str, Any]:
        return {
            "only_right_score_rises": self.only_right_rises,
            "right_class_has_smallest_log_loss": self.smallest_is_right,
            "expected_calibration_error": self.calibration_error,
        }


def run(settings: ReportSettings, progress: object = None, *made: TrainedLetters) -> LogLossFinding:
    """Score all validation letters, and take one step of the scores of each."""
    runs = gathered(settings, *made)
    scores, truth = validation_scores(runs, runs.as_original)
    p = Softmax().forward(scores, {})[0]
    _, saved = SoftmaxLogLoss().forward(scores, truth)
    steps = -SoftmaxLogLoss().backward(float(len(truth)), truth, saved)
    rises = steps > 0
    own = torch.zeros_like(rises).scatter_(1, truth[:, None], True)
    best = p.argmax(1)
    stated, right, counts = _calibration(p.max(1).values.numpy(), (best == truth).numpy())
    return LogLossFinding(
        float(np.abs(p.numpy() - scipy.special.softmax(scores.double().numpy(), axis=1)).max()),
        float(max(0.0, -float(p.min()), float(p.max()) - 1)),
        float((p.double().sum(1) - 1).abs().max()),
        float((rises == own).all(1).double().mean()),
        float((best == truth).double().mean()),
        stated,
        right,
        counts,
        _misread(runs, truth, best, p, steps),
    )


def _calibration(probability: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, ...]:
    """By bin of the probability: its mean, the share of right answers, the count."""
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    safe = np.maximum(counts, 1)
    stated = np.bincount(bins, probability, _BINS) / safe
    return stated, np.bincount(bins, right, _BINS) / safe, counts


def _misread(
    runs: LetterRuns, truth: torch.Tensor, best: torch.Tensor, p: torch.Tensor, steps: torch.Tensor
) -> Example | None:
    """Of the misread letters, the one whose right class is the likeliest."""
    wrong = torch.nonzero(best != truth)[:, 0]
    if not len(wrong):
        return None
    one = int(wrong[p[wrong, truth[wrong]].argmax()])
    alphabet = runs.letters.alphabet
    return Example(
        alphabet[int(truth[one])], alphabet[int(best[one])], alphabet, steps[one].double().numpy()
    )
