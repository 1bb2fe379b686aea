"""Letter networks: the original's recipe against the fast one, jitter's cost, a line's cost."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import torch

from chainrule.blocks import SoftmaxLogLoss
from chainrule.glyphs.letters import SIDE, Letters, load_letters
from chainrule.io.progress import Progress
from chainrule.reader.letters.batches import LetterBatches
from chainrule.reader.letters.recipes import RECIPES, Recipe, changes_of, scaling_of, train_letters
from chainrule.reader.letters.score_map import STRIDE, score_map, window_scores
from chainrule.reader.letters.sentence import sentence
from chainrule.training import train

Told = Callable[[dict[str, Any]], None]

_ROUNDS = 9  # alternating, and their median: other work on the machine then hits both alike


def measure(
    seeds: Sequence[int] = (0, 1, 2), progress: Progress | None = None, told: Told | None = None
) -> dict[str, Any]:
    """Train by both recipes from each seed, one after the other in this process.

    Errors are those on the validation families. Seconds are of the training passes alone:
    "seconds_to_original" is the fast recipe's time to the end of the first epoch at which its top-1
    error is at most the original recipe's final one, "original_seconds" what the original recipe
    takes to be there. told: gets each run as it is done.
    """
    letters = load_letters()
    per_seed = sum(recipe.settings.epochs for recipe in RECIPES.values())
    total = len(seeds) * per_seed * len(letters.training_rows)
    rows, before = [], 0
    for seed in seeds:
        runs = {}
        for name in ("original", "fast"):
            report = None if progress is None else _shifted(progress, before, total)
            runs[name] = train_letters(
                letters, RECIPES[name], seed=seed, progress=report
            ).trained.history
            before += RECIPES[name].settings.epochs * len(letters.training_rows)
        rows.append({"seed": seed, **_compared(runs["original"], runs["fast"])})
        if told is not None:
            told(rows[-1])
    return {
        "threads": torch.get_num_threads(),
        "training_letters": len(letters.training_rows),
        "validation_letters": len(letters.validation_rows),
        "rows": rows,
        "jitter": {name: _jitter_cost(letters, recipe) for name, recipe in RECIPES.items()},
        "line": {name: _line_cost(letters, recipe) for name, recipe in RECIPES.items()},
    }


def _compared(original: Sequence[dict[str, Any]], fast: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One seed's line: both recipes' final errors and times."""
    goal = original[-1]["top1_validation"]
    takes = sum(line["seconds"] for line in original)
    seconds, reached = 0.0, None
    for line in fast:
        seconds += line["seconds"]
        if reached is None and line["top1_validation"] <= goal:
            reached = seconds
    return {
        "original_top1": goal,
        "original_top5": original[-1]["top5_validation"],
        "fast_top1": fast[-1]["top1_validation"],
        "fast_top5": fast[-1]["top5_validation"],
        "error_ratio": fast[-1]["top1_validation"] / goal,
        "original_seconds": takes,
        "fast_seconds": seconds,
        "seconds_to_original": reached,
        "time_ratio": None if reached is None else reached / takes,
        "original_epochs": [line["top1_validation"] for line in original],
        "fast_epochs": [line["top1_validation"] for line in fast],
    }


def _jitter_cost(letters: Letters, recipe: Recipe) -> dict[str, float]:
    """Seconds of the recipe for 2,000 letters without and with jitter."""
    scaling = scaling_of(letters, recipe)
    network = recipe.network(len(letters.alphabet))
    start = network.initial_parameters(
        torch.Generator().manual_seed(0), initialization=recipe.initialization
    )
    rows = letters.training_rows[:: len(letters.training_rows) // 2000][:2000]
    few = LetterBatches(letters, letters.validation_rows[:100], scaling)

    def seconds(jitter: bool) -> float:
        source = LetterBatches(letters, rows, scaling, changes_of(letters, recipe, jitter))
        settings = replace(recipe.settings, epochs=1)
        history = train(network, start, SoftmaxLogLoss(), source, settings, validation=few).history
        return float(history[0]["seconds"])

    pairs = [(seconds(False), seconds(True)) for _ in range(_ROUNDS)]
    return {
        "seconds_without": median(plain for plain, _ in pairs),
        "seconds_with": median(jittered for _, jittered in pairs),
        "ratio": median(jittered / plain for plain, jittered in pairs),
    }


def _line_cost(letters: Letters, recipe: Recipe) -> dict[str, float]:
    """Milliseconds to score the sentence's 137 windows: in one pass, cut out as a batch, alone."""
    scaling = scaling_of(letters, recipe)
    network = recipe.network(len(letters.alphabet))
    parameters = network.initial_parameters(torch.Generator().manual_seed(0))
    picture = sentence().image

    def milliseconds(function: Callable[..., Any]) -> float:
        started = time.perf_counter()
        function(network, parameters, scaling, picture)
        return 1000 * (time.perf_counter() - started)

    def one_by_one(network: Any, parameters: Any, scaling: Any, picture: Any) -> None:
        for left in range(0, picture.shape[1] - SIDE + 1, STRIDE):
            score_map(network, parameters, scaling, picture[:, left : left + SIDE])

    ways = (score_map, window_scores, one_by_one)
    # the first round finds the kernels
    times = [[milliseconds(way) for way in ways] for _ in range(_ROUNDS + 1)][1:]
    return {
        "milliseconds_line": median(line for line, _, _ in times),
        "milliseconds_windows": median(windows for _, windows, _ in times),
        "milliseconds_one_by_one": median(alone for _, _, alone in times),
        "ratio": median(line / windows for line, windows, _ in times),
        "ratio_one_by_one": median(line / alone for line, _, alone in times),
    }


def _shifted(progress: Progress, before: int, total: int) -> Progress:
    return lambda done, _: progress(before + done, total)
