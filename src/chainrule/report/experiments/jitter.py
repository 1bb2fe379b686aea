"""4.6: training with jitter: the gap between the errors, and the sentence."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch

from chainrule.glyphs.jitter import SIDEWAYS, UPRIGHT, Jitter
from chainrule.glyphs.letters import Letters
from chainrule.reader.letters.reading import Reading, read_at_boxes
from chainrule.reader.letters.recipes import TrainedLetters
from chainrule.reader.letters.sentence import sentence
from chainrule.report.experiments.letter_runs import LetterRuns, gathered
from chainrule.report.experiments.line_scores import scores_of
from chainrule.report.facts.values import Found
from chainrule.report.finding import Finding, Table
from chainrule.report.formatting import decimals, percent
from chainrule.report.settings import ReportSettings


class Errors(NamedTuple):
    """Top-1 errors after training: on the letters as they are, and on jittered validation ones."""

    training: float
    validation: float
    validation_jittered: float

    @property
    def gap(self) -> float:
        """Validation less training error."""
        return self.validation - self.training


@dataclass(frozen=True)
class JitterFinding(Finding):
    """Errors and readings by "without jitter" and "with jitter"."""

    recipe: str
    errors: dict[str, Errors]
    readings: dict[str, Reading]

    def found(self) -> dict[str, Found]:
        without, jittered = (self.errors[name].gap for name in ("without jitter", "with jitter"))
        reading = self.readings["with jitter"]
        return {
            "4.6.gap": Found(
                100 * (jittered - without),
                f"{decimals(100 * jittered)} points with it, {decimals(100 * without)} without",
            ),
            "4.6.sentence": Found(
                reading.right / reading.letters,
                f"“{reading.text}”: {reading.right} of {reading.letters} letters are right",
            ),
        }

    @property
    def shifts(self) -> tuple[int, int]:
        """How far letters are shifted sideways and up or down, in pixels."""
        return SIDEWAYS, UPRIGHT

    def tables(self) -> tuple[Table, ...]:
        header = ("training", "training letters", "validation letters", "validation, jittered")
        rows = tuple((name, *(percent(e, 2) for e in found)) for name, found in self.errors.items())
        return (Table("errors", header, rows),)

    def document(self) -> dict[str, Any]:
        return {
            name: {
                "top1_train": found.training,
                "top1_validation": found.validation,
                "top1_validation_jittered": found.validation_jittered,
                "read": self.readings[name].text,
            }
            for name, found in self.errors.items()
        }


def run(settings: ReportSettings, progress: object = None, *made: TrainedLetters) -> JitterFinding:
    """Judge both networks of the shown recipe."""
    runs = gathered(settings, *made)
    plain, jittered = runs.pair
    moved = _jittered_validation(runs)
    line = sentence()
    errors, readings = {}, {}
    for name, found in (("without jitter", plain), ("with jitter", jittered)):
        errors[name] = Errors(
            runs.judge(found, validation=False)["top1"],
            runs.error(found),
            runs.judge(found, letters=moved)["top1"],
        )
        readings[name] = read_at_boxes(scores_of(found, line), line, found.alphabet)
    return JitterFinding(runs.recipe, errors, readings)


def _jittered_validation(runs: LetterRuns) -> Letters:
    """The letters with those for validation jittered once, the same for the same seed."""
    rows = runs.letters.validation_rows
    images = runs.letters.images.copy()
    generator = torch.Generator().manual_seed(runs.seed)
    images[rows] = Jitter(runs.letters)(torch.from_numpy(images[rows]), generator).numpy()
    return replace(runs.letters, images=images)
