"""All trainings of part 4, run once for all its questions."""

from collections.abc import Callable
from dataclasses import dataclass

from chainrule.blocks import SoftmaxLogLoss
from chainrule.errors import OtherRunError
from chainrule.glyphs.letters import Letters, load_letters
from chainrule.reader.letters.batches import LetterBatches
from chainrule.reader.letters.recipes import METRICS, RECIPES, TrainedLetters, train_letters
from chainrule.report.settings import ReportSettings
from chainrule.training import evaluate


@dataclass(frozen=True)
class Runs:
    """The letters, and the trainings by (recipe, with jitter or not)."""

    letters: Letters
    seed: int
    found: dict[tuple[str, bool], TrainedLetters]

    @property
    def recipe(self) -> str:
        """The recipe whose figures are shown: the original's if it was run with jitter, too."""
        return "original" if ("original", True) in self.found else "fast"

    @property
    def pair(self) -> tuple[TrainedLetters, TrainedLetters]:
        """That recipe's trainings without and with jitter."""
        return self.found[self.recipe, False], self.found[self.recipe, True]

    def errors(self, network: TrainedLetters, letters: Letters, validation: bool) -> float:
        """The top-1 error on the pictures of one set of `letters`, as they are."""
        rows = letters.validation_rows if validation else letters.training_rows
        source = LetterBatches(letters, rows, network.scaling)
        return evaluate(
            network.network, network.parameters, SoftmaxLogLoss(), source, metrics=METRICS
        )["top1"]


def run_all(settings: ReportSettings, progress: Callable[[int, int], None] | None) -> Runs:
    """Train by the fast recipe without and with jitter, and by the original's without.

    If asked for, by the original's with jitter, too.
    """
    letters = load_letters()
    wanted = [("original", False), ("fast", False), ("fast", True)]
    if settings.original_recipe:
        wanted.insert(1, ("original", True))
    size = len(letters.training_rows)
    total = size * sum(RECIPES[name].settings.epochs for name, _ in wanted)
    found, before = {}, 0
    for name, jitter in wanted:
        shown = _shifted(progress, before, total)
        found[name, jitter] = _trained(letters, name, jitter, settings, shown)
        before += size * RECIPES[name].settings.epochs
    return Runs(letters, settings.seed, found)


def _trained(
    letters: Letters,
    name: str,
    jitter: bool,
    settings: ReportSettings,
    progress: Callable[[int, int], None] | None,
) -> TrainedLetters:
    """One training. It goes on from its checkpoint, unless that is of another recipe or data."""
    checkpoint = None
    if settings.unfinished is not None:
        kind = "jittered" if jitter else "plain"
        checkpoint = settings.unfinished / f"letters-{name}-{kind}-{settings.seed}.safetensors"

    def run(resume: bool) -> TrainedLetters:
        return train_letters(
            letters,
            RECIPES[name],
            seed=settings.seed,
            jitter=jitter,
            checkpoint=checkpoint,
            resume=resume,
            progress=progress,
        )

    try:
        return run(resume=checkpoint is not None and checkpoint.exists())
    except OtherRunError:
        return run(resume=False)


def percent(error: float) -> str:
    """A fraction as a percentage with two decimals."""
    return f"{100 * error:.2f} %"


def _shifted(
    progress: Callable[[int, int], None] | None, before: int, total: int
) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda done, _: progress(before + done, total)
