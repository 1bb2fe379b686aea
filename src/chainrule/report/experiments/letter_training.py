"""4.3: training: what the energy is, both curves, both errors, and what is taken for what."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special
from jaxtyping import UInt8

from chainrule.reader.letters.confusion import Confusion
from chainrule.reader.letters.figures import confused_letters, confusion_figure, training_curves
from chainrule.reader.letters.recipes import RECIPES, Recipe, TrainedLetters
from chainrule.report.experiments.letter_runs import LetterRuns, gathered, validation_scores
from chainrule.report.facts.values import Found
from chainrule.report.finding import Figure, Finding, Table, chart, picture
from chainrule.report.formatting import decimals, percent
from chainrule.report.settings import ReportSettings

_PAIRS, _EXAMPLES = 8, 12

History = list[dict[str, Any]]


@dataclass(frozen=True)
class LetterTraining(Finding):
    """The original's network by its own recipe, without jitter, unless a recipe is named.

    energy: on the validation letters before and after. log_likelihood: on the same after, by other
    code. counted: of the validation letters, those whose best class is another, and those
    whose class is not among the five best. hard: the fewest validation fonts with half of the
    mistakes, of `fonts`. exact: the error on the training letters after training, not while the
    weights move; None on a quick page.
    """

    runs: LetterRuns
    energy: tuple[float, float]
    log_likelihood: float
    counted: tuple[int, int]
    mistakes: Confusion
    hard: tuple[str, ...]
    fonts: int
    exact: float | None

    def found(self) -> dict[str, Found]:
        before, after = self.energy
        last = self.history[-1]
        apart = max(abs(line["top1_train"] - line["top1_validation"]) for line in self.history)
        above = max(
            line[f"top5_{kind}"] - line[f"top1_{kind}"]
            for line in self.history
            for kind in ("train", "validation")
        )
        return {
            "4.3.maximised": Found(
                after - before, f"training lowers it, from {decimals(before)} to {decimals(after)}"
            ),
            "4.3.log_likelihood": Found(
                abs(last["energy_validation"] - self.log_likelihood),
                f"energy {decimals(last['energy_validation'], 3)}, log-likelihood "
                f"{decimals(self.log_likelihood, 3)}",
            ),
            "4.3.unequal": Found(apart, f"they are up to {decimals(100 * apart)} points apart"),
            "4.3.training_lower": Found(
                len(self.lower) / len(self.history), self._lower_in_words()
            ),
            "4.3.top5": Found(max(0.0, above), "it never is" if above <= 0 else "it is"),
            "4.3.top1_meaning": self._counted("top1", self.counted[0]),
            "4.3.top5_meaning": self._counted("top5", self.counted[1]),
        }  # fmt: skip

    def _counted(self, name: str, count: int) -> Found:
        letters = len(self.mistakes.truth)
        ours = round(self.history[-1][f"{name}_validation"] * letters)
        return Found(float(abs(ours - count)), f"{count:,} of {letters:,} letters, counted anew")

    def _lower_in_words(self) -> str:
        first = self.lower_from
        since = "" if first is None else f", and from epoch {first} on in all"
        return f"in {len(self.lower)} of {len(self.history)} epochs{since}"

    @property
    def history(self) -> History:
        """A line an epoch of the original's recipe."""
        return self.runs.as_original.trained.history

    @property
    def lower(self) -> list[int]:
        """The epochs in which the training error is below the validation error."""
        return [e["epoch"] for e in self.history if e["top1_train"] < e["top1_validation"]]

    @property
    def lower_from(self) -> int | None:
        """The epoch from which it is so to the end."""
        not_lower = [e["epoch"] for e in self.history if e["epoch"] not in self.lower]
        first = 1 + max(not_lower, default=0)
        return first if first <= len(self.history) else None

    @property
    def recipe(self) -> Recipe:
        """The original's recipe."""
        return RECIPES["original"]

    @property
    def fast(self) -> Recipe:
        """The recipe that stands beside it."""
        return RECIPES["fast"]

    def last(self, name: str, jitter: bool = False) -> dict[str, Any]:
        """The last line of a training's history."""
        return self.runs.trained[name, jitter].trained.history[-1]

    def parameters(self, name: str) -> int:
        """How many parameters a recipe's network has."""
        return self.runs.trained[name, False].network.summary().parameters

    @property
    def pairs(self) -> list[tuple[str, str, int]]:
        """The commonest mistakes: letter, read as, how often."""
        alphabet = self.runs.letters.alphabet
        return [(alphabet[a], alphabet[b], n) for a, b, n in self.mistakes.pairs(_PAIRS)]

    @property
    def hard_names(self) -> str:
        """The first of the hard fonts, as names."""
        shown = [name.split("-latin-")[0].replace("-", " ").title() for name in self.hard[:4]]
        return ", ".join(dict.fromkeys(shown)) + (" and others" if len(self.hard) > 4 else "")

    def figures(self) -> tuple[Figure, ...]:
        alphabet, pairs = self.runs.letters.alphabet, self.mistakes.pairs(_PAIRS)
        made = [
            chart("curves", training_curves(self.history), wide=True),
            chart("confusion", confusion_figure(self.mistakes.matrix, alphabet)),
        ]
        if pairs:
            drawn = confused_letters(pairs, self._examples(pairs), alphabet)
            made.append(picture("confused", drawn))
        return tuple(made)

    def _examples(self, pairs: list[tuple[int, int, int]]) -> list[UInt8[np.ndarray, "_ h w"]]:
        images = self.runs.letters.images[self.runs.letters.validation_rows]
        return [
            images[(self.mistakes.truth == truth) & (self.mistakes.read == read)][:_EXAMPLES]
            for truth, read, _ in pairs
        ]

    def tables(self) -> tuple[Table, ...]:
        rows = []
        for (name, jitter), found in self.runs.trained.items():
            last = found.trained.history[-1]
            rows.append(
                (
                    name + (" with jitter" if jitter else ""),
                    str(last["epoch"]),
                    f"{last['energy_validation']:.3f}",
                    percent(last["top1_validation"], 2),
                    percent(last["top5_validation"], 2),
                )
            )
        header = ("recipe", "epochs", "energy", "top-1 error", "top-5 error")
        return (Table("recipes", header, tuple(rows)),)

    def document(self) -> dict[str, Any]:
        return {
            "trainings": [
                {
                    "recipe": name,
                    "jitter": jitter,
                    "epochs": [_errors(line) for line in found.trained.history],
                }
                for (name, jitter), found in self.runs.trained.items()
            ],
            "energy_validation": list(self.energy),
            "fonts_with_half_of_the_mistakes": list(self.hard),
            "confused": [list(pair) for pair in self.pairs],
        }


def run(settings: ReportSettings, progress: object = None, *made: TrainedLetters) -> LetterTraining:
    """Judge the trained network, and count its mistakes."""
    runs = gathered(settings, *made)
    shown = runs.as_original
    before = runs.judge(shown, untrained=True)["energy"]
    after = shown.trained.history[-1]["energy_validation"]
    scores, truth = (array.numpy() for array in validation_scores(runs, shown))
    order = np.argsort(-scores, axis=1, kind="stable")
    wrong, beyond = ((order[:, :k] != truth[:, None]).all(1).sum() for k in (1, 5))
    log_p = scipy.special.log_softmax(scores, axis=1)[np.arange(len(truth)), truth]
    mistakes = Confusion(truth, order[:, 0], len(runs.letters.alphabet))
    hard, fonts = hard_fonts(runs, mistakes)
    return LetterTraining(
        runs,
        (before, after),
        float(log_p.mean()),
        (int(wrong), int(beyond)),
        mistakes,
        tuple(hard),
        fonts,
        None if settings.quick else runs.judge(shown, validation=False)["top1"],
    )


def hard_fonts(runs: LetterRuns, mistakes: Confusion) -> tuple[list[str], int]:
    """The fewest validation fonts that hold half of the mistakes, the hardest first; of how many.

    None if there is no mistake.
    """
    fonts = runs.letters.fonts[runs.letters.validation_rows]
    wrong = np.bincount(
        fonts[mistakes.truth != mistakes.read], minlength=len(runs.letters.font_names)
    )
    order = np.argsort(-wrong, kind="stable")
    enough = int(np.searchsorted(np.cumsum(wrong[order]), wrong.sum() / 2)) + 1
    names = [runs.letters.font_names[font] for font in order[:enough] if wrong[font]]
    return names, len(np.unique(fonts))


def _errors(line: dict[str, Any]) -> dict[str, Any]:
    """A line of the history without what differs from run to run: seconds and letters a second."""
    return {name: value for name, value in line.items() if "second" not in name}
