"""The trainings of the letter network: one piece of work each, for they take longest."""

from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from chainrule.blocks import SoftmaxLogLoss
from chainrule.errors import OtherRunError
from chainrule.glyphs.letters import Letters, load_letters
from chainrule.io.progress import Progress
from chainrule.reader.letters.batches import LetterBatches
from chainrule.reader.letters.recipes import METRICS, RECIPES, TrainedLetters, train_letters
from chainrule.report.settings import ReportSettings
from chainrule.training import evaluate

QUICK_SHARE = 8  # a quick page has an eighth of the epochs


@dataclass(frozen=True)
class LetterRuns:
    """The letters, and the trainings by (recipe, with jitter or not)."""

    letters: Letters
    seed: int
    trained: dict[tuple[str, bool], TrainedLetters]

    @property
    def recipe(self) -> str:
        """The recipe whose figures are shown: the original's if it was run with jitter, too."""
        return "original" if ("original", True) in self.trained else "fast"

    @property
    def pair(self) -> tuple[TrainedLetters, TrainedLetters]:
        """That recipe's trainings without and with jitter."""
        return self.trained[self.recipe, False], self.trained[self.recipe, True]

    @property
    def as_original(self) -> TrainedLetters:
        """The original's network by its own recipe, without jitter."""
        return self.trained["original", False]

    def error(self, network: TrainedLetters) -> float:
        """The top-1 error on the validation letters as they are, after the last epoch."""
        return float(network.trained.history[-1]["top1_validation"])

    def judge(
        self,
        network: TrainedLetters,
        *,
        letters: Letters | None = None,
        validation: bool = True,
        untrained: bool = False,
    ) -> dict[str, float]:
        """Energy, top-1 and top-5 error on the pictures of one set, as they are.

        letters: others than these. untrained: with the initial parameters.
        """
        letters = letters or self.letters
        rows = letters.validation_rows if validation else letters.training_rows
        parameters = network.initial_parameters if untrained else network.parameters
        source = LetterBatches(letters, rows, network.scaling)
        return evaluate(network.network, parameters, SoftmaxLogLoss(), source, metrics=METRICS)


def original(settings: ReportSettings, progress: Progress | None = None) -> TrainedLetters:
    """By the original's recipe."""
    return _trained(settings, "original", False, progress)


def original_jittered(settings: ReportSettings, progress: Progress | None = None) -> TrainedLetters:
    """By the original's recipe, with jitter."""
    return _trained(settings, "original", True, progress)


def fast(settings: ReportSettings, progress: Progress | None = None) -> TrainedLetters:
    """By the fast recipe."""
    return _trained(settings, "fast", False, progress)


def fast_jittered(settings: ReportSettings, progress: Progress | None = None) -> TrainedLetters:
    """By the fast recipe, with jitter."""
    return _trained(settings, "fast", True, progress)


def gathered(settings: ReportSettings, *made: TrainedLetters) -> LetterRuns:
    """All trainings with their letters; the order of `made` is that of `KINDS`."""
    kinds = KINDS if settings.original_recipe else KINDS[:-1]
    return LetterRuns(load_letters(), settings.seed, dict(zip(kinds, made, strict=True)))


def validation_scores(
    runs: LetterRuns, network: TrainedLetters
) -> tuple[Float64[Tensor, "n classes"], Int64[Tensor, " n"]]:
    """The scores of the validation letters as they are, and their classes, in order."""
    judge = network.network.in_inference()
    source = LetterBatches(runs.letters, runs.letters.validation_rows, network.scaling)
    scores, truth = [], []
    for x, target in source.batches(500, None):
        scores.append(judge.apply(x, network.parameters)[:, :, 0, 0])
        truth.append(target.flatten())
    return torch.cat(scores).double(), torch.cat(truth)


# by recipe, with jitter or not; the last only if it is asked for
KINDS = [("original", False), ("fast", False), ("fast", True), ("original", True)]


def _trained(
    settings: ReportSettings, name: str, jitter: bool, progress: Progress | None
) -> TrainedLetters:
    """One training. It goes on from its checkpoint, unless that is of another recipe or data."""
    letters = load_letters()
    checkpoint = None
    if settings.unfinished is not None:
        kind = "jittered" if jitter else "plain"
        checkpoint = settings.unfinished / f"letters-{name}-{kind}-{settings.seed}.safetensors"

    epochs = RECIPES[name].settings.epochs

    def run(resume: bool) -> TrainedLetters:
        return train_letters(
            letters,
            RECIPES[name],
            seed=settings.seed,
            jitter=jitter,
            checkpoint=checkpoint,
            resume=resume,
            progress=None if progress is None else _of_quick(progress, settings.quick),
            until=-(-epochs // QUICK_SHARE) if settings.quick else None,
        )

    try:
        return run(resume=checkpoint is not None and checkpoint.exists())
    except OtherRunError:
        return run(resume=False)


def _of_quick(progress: Progress, quick: bool) -> Progress:
    """A quick run is done where a whole one is at its share."""
    share = QUICK_SHARE if quick else 1
    return lambda done, total: progress(done, max(total // share, done))
