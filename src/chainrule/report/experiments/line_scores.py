"""4.5: the letter network, as it is, on a line of text: its size, and what it reads."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from chainrule.chain import Chain
from chainrule.glyphs.lines import Line
from chainrule.reader.letters.figures import line_figure
from chainrule.reader.letters.network import letter_network
from chainrule.reader.letters.reading import Reading, read_at_boxes
from chainrule.reader.letters.recipes import TrainedLetters
from chainrule.reader.letters.score_map import score_map, window_scores
from chainrule.reader.letters.sentence import sentence
from chainrule.report.experiments.letter_runs import gathered
from chainrule.report.facts.values import Found
from chainrule.report.finding import Figure, Finding, Table, picture
from chainrule.report.formatting import percent
from chainrule.report.settings import ReportSettings

_SQUARE, _LINE = (1, 1, 32, 32), (1, 1, 32, 576)


@dataclass(frozen=True)
class LineSizes(Finding):
    """The output of each layer (C, H, W) for a picture of 32x32, and for one of 32x576."""

    layers: tuple[str, ...]
    square: tuple[tuple[int, ...], ...]
    line: tuple[tuple[int, ...], ...]

    def found(self) -> dict[str, Found]:
        changed = [
            name
            for name, a, b in zip(self.layers, self.square, self.line, strict=True)
            if a[:2] != b[:2]
        ]
        channels, height, width = self.line[-1]
        same = f"channels and heights are the same in {len(self.layers) - len(changed)} of"
        return {
            "4.5.A.only_width": Found(float(len(changed)), f"{same} {len(self.layers)} layers"),
            "4.5.A.first_width": Found(str(self.line[0][2])),
            "4.5.A.output": Found(f"{height}x{width}x{channels}"),
        }

    def tables(self) -> tuple[Table, ...]:
        rows = tuple(
            (name, *(" × ".join(map(str, shape)) for shape in shapes))
            for name, *shapes in zip(self.layers, self.square, self.line, strict=True)
        )
        return (Table("sizes", ("layer", "of 32 × 32", "of 32 × 576"), rows),)

    def document(self) -> dict[str, Any]:
        return {"outputs": [list(shape) for shape in self.line]}


@dataclass(frozen=True)
class LineScores(Finding):
    """What networks read of the sentence, and how: the original's, and one trained with jitter.

    recipe: of the one with jitter. apart: the largest difference of the original's scores in one
    pass from those of the windows one by one. error: of the original's on the validation letters.
    """

    recipe: str
    line: Line
    alphabet: str
    maps: dict[str, Tensor]
    readings: dict[str, Reading]
    apart: float
    error: float

    def found(self) -> dict[str, Found]:
        plain = self.readings["without jitter"]
        wrong = 1 - plain.right / plain.letters
        return {
            "4.5.B.sentence": Found(
                wrong / self.error if self.error else np.inf,
                f"“{plain.text}”: {plain.right} of {plain.letters} letters are right",
            ),
            "4.5.B.validation_error": Found(100 * self.error, percent(self.error, 2)),
        }

    @property
    def columns(self) -> int:
        """How many columns of scores the line has."""
        return int(self.maps["without jitter"].shape[1])

    @property
    def every_column(self) -> str:
        """What the network without jitter says in all columns, one letter each."""
        best = self.maps["without jitter"].argmax(0).tolist()
        return "".join(self.alphabet[k] for k in best)

    def figures(self) -> tuple[Figure, ...]:
        drawn = line_figure(
            self.line.image, self.maps, self.alphabet, self.line.text, self.line.boxes
        )
        return (picture("line", drawn, wide=True),)

    def document(self) -> dict[str, Any]:
        return {
            "recipe": self.recipe,
            "columns": self.columns,
            "largest_difference_from_windows": self.apart,
            "read": {name: reading.text for name, reading in self.readings.items()},
            "right": {name: reading.right for name, reading in self.readings.items()},
            "letters": self.readings["with jitter"].letters,
            "validation_error": self.error,
        }


def sizes(settings: ReportSettings, progress: object = None) -> LineSizes:
    """Follow both sizes through the original's network."""
    chain = letter_network()
    names = tuple(name for name, _ in chain.layers)
    return LineSizes(names, _outputs(chain, _SQUARE), _outputs(chain, _LINE))


def run(settings: ReportSettings, progress: object = None, *made: TrainedLetters) -> LineScores:
    """Read the sentence with the original's network, and with one trained with jitter."""
    runs = gathered(settings, *made)
    plain, jittered = runs.as_original, runs.pair[1]
    drawn = sentence()
    maps = {
        "without jitter": scores_of(plain, drawn),
        "with jitter": scores_of(jittered, drawn),
    }
    windows = window_scores(plain.network, plain.parameters, plain.scaling, drawn.image)
    return LineScores(
        runs.recipe,
        drawn,
        plain.alphabet,
        maps,
        {name: read_at_boxes(m, drawn, plain.alphabet) for name, m in maps.items()},
        float((windows - maps["without jitter"]).abs().max()),
        runs.error(plain),
    )


def _outputs(chain: Chain, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """The output of each layer, without the batch, for an input of this shape."""
    outputs = []
    for _, block in chain.layers:
        shape = tuple(block.shape(shape))
        outputs.append(shape[1:])
    return tuple(outputs)


def scores_of(found: TrainedLetters, line: Line) -> Tensor:
    """The score map of a line."""
    return score_map(found.network, found.parameters, found.scaling, line.image)
