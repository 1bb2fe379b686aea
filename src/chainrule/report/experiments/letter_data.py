"""4.1, beyond the original: the letters that stand in for its own."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.glyphs.figures import letter_sheet
from chainrule.reader.letters.recipes import TrainedLetters
from chainrule.report.experiments.letter_runs import LetterRuns, gathered
from chainrule.report.finding import Figure, Finding, picture
from chainrule.report.settings import ReportSettings


@dataclass(frozen=True)
class LetterData(Finding):
    """Letters, fonts and families, each of the training and of the validation set."""

    runs: LetterRuns
    letters: tuple[int, int]
    fonts: tuple[int, int]
    families: tuple[int, int]

    @property
    def classes(self) -> int:
        """How many different letters there are."""
        return len(self.runs.letters.alphabet)

    def figures(self) -> tuple[Figure, ...]:
        letters = self.runs.letters
        shown = letters.alphabet.index("a") if "a" in letters.alphabet else 0
        sheet = letter_sheet(letters, letters.alphabet[shown])
        return (picture("sheet", sheet, wide=True),)

    def document(self) -> dict[str, Any]:
        return {
            "fonts": sum(self.fonts),
            "families": sum(self.families),
            "training_letters": self.letters[0],
            "validation_letters": self.letters[1],
        }


def run(settings: ReportSettings, progress: object = None, *made: TrainedLetters) -> LetterData:
    """Count."""
    runs = gathered(settings, *made)
    both = runs.letters.training_rows, runs.letters.validation_rows
    fonts = [len(np.unique(runs.letters.fonts[rows])) for rows in both]
    families = [len(np.unique(runs.letters.families[rows])) for rows in both]
    return LetterData(
        runs, (len(both[0]), len(both[1])), (fonts[0], fonts[1]), (families[0], families[1])
    )
