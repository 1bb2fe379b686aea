"""Training a reader of lines on rendered lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

import numpy as np
import torch
from torch import Tensor

from chainrule.blocks import BatchNormalization, CTCLoss
from chainrule.chain import Chain
from chainrule.chain.inference.folding import fold_batch_normalization
from chainrule.chain.inference.precision import best_precision
from chainrule.chain.inference.quantized import measured_ranges
from chainrule.errors import InputError
from chainrule.glyphs.lines import Line, LineFont, render_line
from chainrule.reader.evaluation.error_rates import edit_distance
from chainrule.reader.lines.network import Size, line_network
from chainrule.reader.lines.rendered import LineStyle, RenderedLines
from chainrule.reader.lines.texts import training_text
from chainrule.reader.picture.character_boxes import fitted_between
from chainrule.reader.picture.line_image import crop_line
from chainrule.reader.reader import Reader
from chainrule.reader.recognition import Whole
from chainrule.reader.search.best_path import without_blanks
from chainrule.training import Settings, Trained, train
from chainrule.training.state import RunOptions

VALIDATION_LINES = 200
RANGE_LINES = 128  # from which the ranges of the layers are measured
WHOLE = ("plate", "display", "counter")
"""The looks in which the box of the ink is not the text's, so that pictures are taken whole."""

WORLD = {
    "print": 0.24, "screen": 0.12, "scene": 0.24, "plate": 0.12, "display": 0.12, "counter": 0.06,
}  # fmt: skip
CLEAN = {"print": 0.32, "screen": 0.24}
"""How often each look is drawn for a reader of all there is, and for one of clean print; the others
are plain lines."""

# bfloat16 only where the processor multiplies it: elsewhere it takes some twenty times as long
_PRECISION = best_precision()

GROWN = 0.1  # the scale of a new residual block's output

SHORT = (1, 3)  # characters
"""Lines to begin with. On long ones the loss stays for long where all frames are blank."""


@dataclass(frozen=True)
class LineRecipe:
    """How a reader is trained: `short` epochs of short lines, then `settings` on all lengths, these
    `restyled` or not, or in `looks`, each with its share of the lines. size: of the network.

    kept: the normalisations stay as the start has them, folded into the convolutions. By the
    moments of batches of one kind, a network that has learned many reads worse at once.
    """

    settings: Settings
    short: Settings | None
    lines: int  # an epoch
    restyled: bool
    looks: Mapping[str, float] = field(default_factory=dict)
    size: Size = "small"
    kept: bool = False


def line_settings(epochs: int, learning_rate: float) -> Settings:
    """What trainings of line networks have in common."""
    return Settings(
        epochs=epochs,
        batch_size=32,
        learning_rate=learning_rate,
        weight_decay=1e-4,
        nesterov=True,
        schedule="one-cycle",
        precision=_PRECISION,
    )


# for a network of random weights; and for one that goes on from a reader of other fonts
SCRATCH = LineRecipe(line_settings(100, 0.015), line_settings(2, 0.03), 16_384, restyled=True)
ONWARD = LineRecipe(line_settings(10, 0.005), None, 1024, restyled=False)


def kept_settings(epochs: int) -> Settings:
    """Those of trainings that keep the normalisations, whose filters differ in scale: by Adam."""
    return Settings(
        epochs=epochs,
        batch_size=32,
        learning_rate=1e-4,
        schedule="one-cycle",
        optimizer="adam",
        clip_norm=10.0,
        precision=_PRECISION,
    )


# for the large network: it takes five times as long a line, and knows the looks of the world
ONWARD_LARGE = LineRecipe(kept_settings(4), None, 1024, restyled=False, kept=True)


def on_gpu(recipe: LineRecipe) -> LineRecipe:
    """A recipe for a GPU, which takes about as long for a small batch as for one of a thousand
    lines: it waits for the processor to tell it what to do. So 32 times the batch and 8 times the
    lines of an epoch, a quarter of the steps, by Adam, which needs no short lines to begin with.

    In float32, for in bfloat16 the loss fell more slowly.
    """
    rate = recipe.settings.learning_rate
    settings = replace(
        recipe.settings,
        batch_size=32 * recipe.settings.batch_size,
        optimizer="adam",
        learning_rate=rate if recipe.settings.optimizer == "adam" else 0.1 * rate,
        nesterov=False,
        weight_decay=0.0,
        clip_norm=10.0,
        precision="float32",
    )
    return replace(recipe, settings=settings, short=None, lines=8 * recipe.lines)


def train_reader(
    fonts: Sequence[LineFont],
    alphabet: str,
    recipe: LineRecipe,
    *,
    start: Reader | None = None,
    seed: int = 0,
    workers: int = 0,
    device: str = "cpu",
    **options: Unpack[RunOptions],
) -> tuple[Reader, Trained]:
    """Train a reader of `alphabet` on lines of the fonts that are not held out.

    The error is measured on clean lines of held-out words in held-out fonts; if no font is held
    out, in the training fonts. With `start` its network goes on: the scores of the characters that
    both know are kept. History: "energy_..." is the CTC loss a line, "character_errors_validation"
    the character error rate of the best path. That many `workers` (processes) draw lines ahead;
    the steps are taken on `device`, as torch names it.
    options: as `chainrule.training.train` takes them.
    """
    training = [font for font in fonts if not font.validation]
    validation = [font for font in fonts if font.validation]
    judged = RenderedLines(validation or training, alphabet, VALIDATION_LINES, seed=seed)
    chain = line_network(len(alphabet) + 1, recipe.size)
    parameters = chain.initial_parameters(torch.Generator().manual_seed(seed))
    if start is not None:
        parameters = continued(parameters, start, alphabet)
    parameters = {name: value.to(device) for name, value in parameters.items()}
    if recipe.short is not None and not options.get("resume"):
        settings = replace(recipe.short, seed=seed + 1)
        with RenderedLines(
            training or validation, alphabet, recipe.lines, LineStyle(SHORT), workers=workers
        ) as short:
            alike: Any = {
                name: options.get(name) for name in ("progress", "ranks", "executor", "processes")
            }
            parameters = train(
                chain, parameters, CTCLoss(), short, settings, validation=judged, **alike
            ).parameters
    learned = chain
    if recipe.kept:
        learned, parameters = fold_batch_normalization(chain.in_inference(), parameters)
    with RenderedLines(
        training or validation,
        alphabet,
        recipe.lines,
        LineStyle(restyled=recipe.restyled, looks=recipe.looks),
        workers=workers,
    ) as lines:
        trained = train(
            learned,
            parameters,
            CTCLoss(),
            lines,
            replace(recipe.settings, seed=seed),
            validation=judged,
            metrics={"character_errors": character_errors},
            **options,
        )
    parameters = {name: value.cpu() for name, value in trained.parameters.items()}
    if recipe.kept:
        parameters = unfolded(chain, parameters)
    reader = _measured(chain, parameters, training or validation, alphabet, recipe, seed)
    return reader, trained


def _measured(
    chain: Chain,
    parameters: dict[str, Tensor],
    fonts: Sequence[LineFont],
    alphabet: str,
    recipe: LineRecipe,
    seed: int,
) -> Reader:
    """A reader of a trained network, with what is found out from lines in the training fonts: where
    characters end, and the layers' ranges."""
    reader = Reader(chain, parameters, alphabet)
    plain = _plain_lines(fonts, alphabet, seed)
    crops = [crop_line(line.image) for line in plain]
    between = fitted_between(plain, crops, reader.log_probabilities(crops), alphabet)
    some = RenderedLines(fonts, alphabet, RANGE_LINES, LineStyle(looks=recipe.looks))
    inputs = (x for x, _ in some.batches(32, torch.Generator().manual_seed(seed)))
    ranges = measured_ranges(chain, parameters, inputs)
    whole = Whole() if recipe.looks and set(recipe.looks) <= set(WHOLE) else None
    return Reader(chain, parameters, alphabet, between, ranges, whole=whole)


def _plain_lines(fonts: Sequence[LineFont], alphabet: str, seed: int) -> list[Line]:
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(100):
        font = fonts[int(rng.integers(len(fonts)))]
        known = "".join(c for c in alphabet if c in font.index)
        lines.append(render_line(font, training_text(rng, known, 12)))
    return lines


def character_errors(scores: Tensor, target: Tensor) -> float:
    """The character error rate of the best path through scores (N, K, 1, T), each line by itself,
    the mean over the lines."""
    rates = []
    best = scores[:, :, 0].argmax(1).cpu().numpy()
    for own, row in zip(best, target.tolist(), strict=True):
        true = [label for label in row if label > 0]
        rates.append(edit_distance(without_blanks(own), true) / len(true))
    return sum(rates) / len(rates)


def continued(parameters: dict[str, Tensor], start: Reader, alphabet: str) -> dict[str, Tensor]:
    """The parameters of `start`, its scores put where `alphabet` has the same characters.

    Residual blocks that only the larger network has begin with a small share of their own:
    `parameters` with the last scale set to GROWN, so that it reads as `start` did, nearly. Raises
    InputError if the networks' convolutions are of different widths.
    """
    if start.parameters["conv4.weight"].shape != parameters["conv4.weight"].shape:
        raise InputError(
            f"the reader to go on from has a {start.size} network; expected that size, or small "
            "for medium"
        )
    going_on = {
        name: torch.full_like(value, GROWN)
        if "norm" in name and name.endswith("weight")
        else value.clone()
        for name, value in parameters.items()
    } | {name: value.clone() for name, value in start.parameters.items() if name in parameters}
    place = {character: number for number, character in enumerate(start.alphabet, 1)} | {"": 0}
    for name in ("scores.weight", "scores.bias"):
        # two frames of all classes each: see Interleave
        old = torch.stack(start.parameters[name].chunk(2))
        new = torch.stack(parameters[name].chunk(2))
        for number, character in enumerate(("", *alphabet)):
            if character in place:
                new[:, number] = old[:, place[character]]
        going_on[name] = new.flatten(0, 1)
    return going_on


def unfolded(chain: Chain, folded: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Parameters of a line network that do what folded ones do: its normalisations only add the
    biases."""
    found = {}
    for name, shape in chain.parameter_shapes().items():
        added, _, kind = name.rpartition(".")
        if name in folded:
            found[name] = folded[name]
        elif kind == "bias":
            found[name] = folded[f"{added.replace('norm', 'conv')}.bias"]
        elif kind == "mean":
            found[name] = torch.zeros(shape)
        elif kind == "variance":
            found[name] = torch.full(shape, 1.0 - BatchNormalization.epsilon)
        else:
            found[name] = torch.ones(shape)
    return found
