"""4.5 and 4.6: the network on a line of text, and jitter."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from chainrule.glyphs.jitter import SIDEWAYS, UPRIGHT, Jitter
from chainrule.glyphs.letters import Letters
from chainrule.reader.letters.figures import line_figure
from chainrule.reader.letters.reading import Reading, read_at_boxes
from chainrule.reader.letters.recipes import TrainedLetters
from chainrule.reader.letters.score_map import score_map, window_scores
from chainrule.reader.letters.sentence import SENTENCE, sentence
from chainrule.report.part4_runs import Runs, percent
from chainrule.report.section import NOT_STATED, Figure, Row, Section, Table

# what the practical's own script does, against what it says
_SCRIPT = (
    "The neighbours are drawn by their position among all pictures instead of among the training "
    "ones: they come from the first letters of the alphabet only, and from validation fonts.",
    "The vertical shift runs from −1 to 3 px instead of from −2 to 2.",
    "One shift serves a whole batch.",
    "The validation letters are jittered too.",
    "The mean that is taken out is that of both sets.",
    "The split cuts font families in two: one style trains, another of the same design validates.",
)


def line(runs: Runs) -> Section:
    """4.5: the network on the sentence."""
    plain, jittered = runs.pair
    drawn = sentence()
    maps = {
        "without jitter": _scores(plain, drawn.image),
        "with jitter": _scores(jittered, drawn.image),
    }
    readings = {name: read_at_boxes(m, drawn, plain.alphabet) for name, m in maps.items()}
    windows = window_scores(plain.network, plain.parameters, plain.scaling, drawn.image)
    apart = float((windows - maps["without jitter"]).abs().max())
    height, width = drawn.image.shape
    columns = maps["without jitter"].shape[1]
    return Section(
        number="4.5",
        title="The network on a line of text",
        question=f"Apply the network, as it is, to a picture of the sentence “{SENTENCE}” in Lato. "
        "What does it read?",
        original="A 32x576 picture gives 137 columns of scores. The network does not read the "
        "line: its letters were alone and in the middle of their pictures.",
        found=f"Lato is not among the training families. The {height}x{width} picture gives "
        f"{columns} columns in one pass, the same scores as its {columns} windows one by one "
        f"(largest difference {apart:.1g}). In the window nearest to each letter, the network "
        f"trained without jitter reads {_right(readings['without jitter'])}: "
        f"“{readings['without jitter'].text}”. Between letters it must say a letter too: it has no "
        "class for nothing.",
        verdict="As in the original, a network that knows only centred letters by themselves "
        "misreads a part of the line."
        if readings["without jitter"].right < readings["without jitter"].letters
        else "It reads each letter at its place, which the original's did not; what it says "
        "between the letters is no text.",
        comparison=(
            Row("columns for 32x576", "137", str(columns)),
            Row("letters right at their places, no jitter", NOT_STATED,
                _right(readings["without jitter"])),
            Row("letters right at their places, with jitter", NOT_STATED,
                _right(readings["with jitter"])),
        ),
        figures=(
            Figure.drawn(
                line_figure(drawn.image, maps, plain.alphabet, drawn.text, drawn.boxes),
                "The line, each column's best letter (green: right, red: wrong, grey: between two "
                "letters), and the probabilities of all letters.",
                kind="png",
                wide=True,
                alt="A line of text over two score maps.",
            ),
        ),
        results={
            "columns": columns,
            "largest_difference_from_windows": apart,
            "read": {name: reading.text for name, reading in readings.items()},
            "right": {name: reading.right for name, reading in readings.items()},
            "letters": readings["with jitter"].letters,
        },
        agrees="yes"
        if readings["without jitter"].right < readings["without jitter"].letters
        else "partly",
    )  # fmt: skip


def jitter(runs: Runs) -> Section:
    """4.6: training with jitter."""
    plain, jittered = runs.pair
    moved = _jittered_validation(runs)
    errors = {
        name: (
            runs.errors(found, runs.letters, False),
            runs.errors(found, runs.letters, True),
            runs.errors(found, moved, True),
        )
        for name, found in (("without jitter", plain), ("with jitter", jittered))
    }
    drawn = sentence()
    read = {
        name: read_at_boxes(_scores(found, drawn.image), drawn, found.alphabet)
        for name, found in (("without jitter", plain), ("with jitter", jittered))
    }
    better = read["with jitter"].right > read["without jitter"].right
    gaps = {name: validation - train for name, (train, validation, _) in errors.items()}
    return Section(
        number="4.6",
        title="Jitter",
        question="Train with a random letter on either side, and small shifts. How do training and "
        "validation error change, and what does the network read in the sentence?",
        original="With jitter the network reads the line. Its errors are not stated here.",
        found=f"Each training letter gets neighbours from training families, uniform over the "
        f"alphabet, and shifts to {SIDEWAYS} px sideways and {UPRIGHT} px up or down, all drawn "
        "anew each time; validation letters are not jittered. Errors on the letters as they are: "
        + "; ".join(
            f"{name} {percent(train)} in training and {percent(validation)} in validation, a gap "
            f"of {100 * gaps[name]:.2f} points"
            for name, (train, validation, _) in errors.items()
        )
        + ". On validation letters that are jittered: "
        + ", ".join(f"{percent(last)} {name}" for name, (*_, last) in errors.items())
        + ". In the sentence: "
        + "; ".join(f"{name} “{r.text}”, {_right(r)}" for name, r in read.items())
        + ".\n\nThe practical's own script does not do what it says. "
        + " ".join(_SCRIPT)
        + " None of these is repeated here.",
        verdict=(
            "Jitter makes the network read the line, as in the original: "
            if better
            else "Jitter does not read more of the line here, against the original: "
        )
        + f"{_right(read['with jitter'])} instead of {read['without jitter'].right}.",
        comparison=(
            Row("letters right at their places", "the line is read", _right(read["with jitter"])),
            Row("gap between the errors, without jitter", NOT_STATED,
                f"{100 * gaps['without jitter']:.2f} points"),
            Row("gap between the errors, with jitter", NOT_STATED,
                f"{100 * gaps['with jitter']:.2f} points"),
        ),
        tables=(
            Table(
                ("training", "training letters", "validation letters", "validation, jittered"),
                tuple((name, *map(percent, found)) for name, found in errors.items()),
                "Top-1 errors after the last epoch",
            ),
        ),
        results={
            name: {
                "top1_train": train,
                "top1_validation": validation,
                "top1_validation_jittered": last,
                "read": read[name].text,
            }
            for name, (train, validation, last) in errors.items()
        },
        agrees="yes" if better else "no",
    )  # fmt: skip


def _scores(found: TrainedLetters, picture: UInt8[np.ndarray, "h w"]) -> Tensor:
    return score_map(found.network, found.parameters, found.scaling, picture)


def _right(reading: Reading) -> str:
    return f"{reading.right} of {reading.letters} letters"


def _jittered_validation(runs: Runs) -> Letters:
    """The letters with those for validation jittered once, the same for the same seed."""
    rows = runs.letters.validation_rows
    images = runs.letters.images.copy()
    generator = torch.Generator().manual_seed(runs.seed)
    images[rows] = Jitter(runs.letters)(torch.from_numpy(images[rows]), generator).numpy()
    return replace(runs.letters, images=images)
