"""4.3 and 4.4: training the network, and its first filters."""

from typing import Any

import numpy as np

from chainrule.reader.letters.batches import LetterBatches
from chainrule.reader.letters.confusion import Confusion, confusion
from chainrule.reader.letters.figures import (
    confused_letters,
    confusion_figure,
    first_filters,
    training_curves,
)
from chainrule.reader.letters.recipes import RECIPES, TrainedLetters
from chainrule.report.part4_runs import Runs, percent
from chainrule.report.section import NOT_STATED, Figure, Row, Section, Table

ERROR = 0.07  # the original's on its validation letters
BAND = (0.05, 0.09)  # within which this run is said to agree
_PAIRS, _EXAMPLES = 8, 12


def training(runs: Runs) -> Section:
    """4.3: training, its curves, and what is taken for what."""
    shown, _ = runs.pair
    last = shown.trained.history[-1]
    error = last["top1_validation"]
    as_original = runs.found["original", False]
    same = as_original.trained.history[-1]
    mistakes = _mistakes(runs, shown)
    hard, fonts = _hard_fonts(runs, _mistakes(runs, as_original))
    pairs = mistakes.pairs(_PAIRS)
    return Section(
        number="4.3",
        title="Training",
        question="Train by stochastic gradient descent; watch energy, top-1 and top-5 error on "
        "both sets.",
        original="After 15 epochs (batches of 100, rate 0.001, momentum 0.9, weight decay 0.0005) "
        "7 % of the validation letters are wrong.",
        found=_recipes(runs)
        + f"The recipe shown is `{runs.recipe}`: {percent(error)} of the validation letters wrong "
        f"after {len(shown.trained.history)} epochs, {percent(last['top5_validation'])} not among "
        "the five best. The training curves are means while the weights still move"
        + (", and of warped letters." if RECIPES[runs.recipe].warp else ".")
        + " The commonest mistakes: "
        + ", ".join(f"{_letter(shown, a)} read as {_letter(shown, b)} ({n})" for a, b, n in pairs)
        + ".",
        verdict=_verdict(same["top1_validation"], hard, fonts),
        comparison=(
            Row("validation top-1 error", "7 %", percent(same["top1_validation"])),
            Row("validation top-5 error", NOT_STATED, percent(same["top5_validation"])),
            Row("validation top-1 error, recipe `fast`", NOT_STATED,
                percent(runs.found["fast", False].trained.history[-1]["top1_validation"])),
            Row("validation fonts with half of the mistakes", NOT_STATED,
                f"{len(hard)} of {fonts}"),
        ),
        tables=(_table(runs),),
        figures=(
            Figure.drawn(
                training_curves(shown.trained.history),
                "Energy, top-1 and top-5 error.",
                wide=True,
                alt="Three panels with falling curves for training and validation.",
            ),
            Figure.drawn(
                confusion_figure(mistakes.matrix, shown.alphabet),
                "The confusion matrix of the validation letters.",
                kind="png",
                alt="A matrix with a bright diagonal.",
            ),
            Figure.drawn(
                confused_letters(pairs, _examples(runs, mistakes, pairs), shown.alphabet),
                "The commonest mistakes, as they were drawn.",
                kind="png",
                alt="Rows of small letters that were taken for another.",
            ),
        ),
        results={
            "recipe": runs.recipe,
            "trainings": [
                {"recipe": name, "jitter": jitter, "epochs": [_errors(e) for e in run]}
                for (name, jitter), found in runs.found.items()
                if (run := found.trained.history)
            ],
            "fonts_with_half_of_the_mistakes": hard,
            "confused": [
                [shown.alphabet[truth], shown.alphabet[read], count] for truth, read, count in pairs
            ],
        },
        agrees="yes" if BAND[0] <= same["top1_validation"] <= BAND[1] else "partly",
    )  # fmt: skip


def filters(runs: Runs) -> Section:
    """4.4: the first layer's filters."""
    shown = runs.found["original", False]
    before, after = (p["conv1.weight"] for p in (shown.initial_parameters, shown.parameters))
    smooth = tuple(_roughness(w.numpy()) for w in (before, after))
    return Section(
        number="4.4",
        title="The filters of the first layer",
        question="What do the 20 filters look like before and after training?",
        original="Noise before training; edges and strokes of several directions after it. Their "
        "numbers are not stated here.",
        found="By the original's recipe, without jitter, neighbouring weights of a filter differ "
        f"by {smooth[0]:.2f} standard deviations before training (noise: 1.41) and by "
        f"{smooth[1]:.2f} after it.",
        verdict="The filters become smooth: pieces of edges and strokes."
        if smooth[1] < 0.9 * smooth[0]
        else "The filters keep most of the noise that they began with.",
        comparison=(
            Row("difference of neighbouring weights, before", NOT_STATED, f"{smooth[0]:.2f}"),
            Row("difference of neighbouring weights, after", NOT_STATED, f"{smooth[1]:.2f}"),
        ),
        figures=(
            Figure.drawn(
                first_filters(before, after),
                "The 20 filters before and after training.",
                kind="png",
                alt="Two rows of ten grey 5x5 squares, twice.",
            ),
        ),
        results={"roughness_before": smooth[0], "roughness_after": smooth[1]},
        agrees="yes" if smooth[1] < 0.9 * smooth[0] else "partly",
    )


def _recipes(runs: Runs) -> str:
    settings = RECIPES["fast"].settings
    theirs, ours = (runs.found[name, False] for name in ("original", "fast"))
    return (
        "Beside the original's recipe and its network of "
        f"{theirs.network.summary().parameters:,} parameters stands the recipe `fast` with a "
        f"network of its own: {ours.network.summary().parameters:,} parameters, six convolutions "
        "and batch normalisation, scores for the same windows. It was chosen on well used "
        f"families, part of them held out for it: batches of {settings.batch_size}, rate up to "
        f"{settings.learning_rate:g} in two one-cycles, weight decay {settings.weight_decay:g}, "
        f"{settings.epochs} epochs of letters that are warped a little, He's initial weights. "
        "Its error is "
        f"{percent(ours.trained.history[-1]['top1_validation'])}, that of the original's recipe "
        f"{percent(theirs.trained.history[-1]['top1_validation'])}. "
    )


def _mistakes(runs: Runs, network: TrainedLetters) -> Confusion:
    source = LetterBatches(runs.letters, runs.letters.validation_rows, network.scaling)
    return confusion(network.network, network.parameters, source, len(network.alphabet))


def _hard_fonts(runs: Runs, mistakes: Confusion) -> tuple[list[str], int]:
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


def _verdict(error: float, hard: list[str], fonts: int) -> str:
    few = (
        f"It depends on how many of the fonts are hard: half of the mistakes are in {len(hard)} of "
        f"{fonts} ({_the_first(hard)})."
        if hard
        else ""
    )
    if error < BAND[0]:
        return f"Fewer errors than the original's 7 %: {percent(error)}, on other fonts. {few}"
    if error > BAND[1]:
        return f"More errors than the original's 7 %: {percent(error)}, on other fonts. {few}"
    return f"The original's 7 % and {percent(error)} agree, on other fonts. {few}"


def _the_first(names: list[str], count: int = 4) -> str:
    shown = [name.split("-latin-")[0].replace("-", " ").title() for name in names[:count]]
    return ", ".join(dict.fromkeys(shown)) + (" and others" if len(names) > count else "")


def _table(runs: Runs) -> Table:
    rows = []
    for (name, jitter), found in runs.found.items():
        last = found.trained.history[-1]
        rows.append(
            (
                name + (" with jitter" if jitter else ""),
                str(last["epoch"]),
                f"{last['energy_validation']:.3f}",
                percent(last["top1_validation"]),
                percent(last["top5_validation"]),
            )
        )
    header = ("recipe", "epochs", "energy", "top-1 error", "top-5 error")
    return Table(header, tuple(rows), "On the validation letters, after the last epoch")


def _errors(line: dict[str, Any]) -> dict[str, Any]:
    """A line of the history without what differs from run to run: seconds and letters a second."""
    return {name: value for name, value in line.items() if "second" not in name}


def _examples(
    runs: Runs, mistakes: Confusion, pairs: list[tuple[int, int, int]]
) -> list[np.ndarray]:
    images = runs.letters.images[runs.letters.validation_rows]
    return [
        images[(mistakes.truth == truth) & (mistakes.read == read)][:_EXAMPLES]
        for truth, read, _ in pairs
    ]


def _letter(shown: TrainedLetters, index: int) -> str:
    return shown.alphabet[index]


def _roughness(weights: np.ndarray) -> float:
    """The root mean square difference of weights side by side, in their standard deviations."""
    each = (weights - weights.mean((1, 2, 3), keepdims=True)) / weights.std(
        (1, 2, 3), keepdims=True
    )
    return float(np.sqrt(np.mean(np.diff(each, axis=3) ** 2)))
