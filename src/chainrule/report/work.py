"""The work that answers the report's questions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainrule.report.experiments import (
    blob_filter,
    blocks_on_picture,
    classification,
    derivation,
    derivative_checks,
    derivative_shapes,
    gradient_table,
    hidden_units,
    inferred_points,
    initial_weights,
    jitter,
    learning_rates,
    letter_data,
    letter_filters,
    letter_network,
    letter_runs,
    letter_training,
    line_scores,
    linear_chain,
    log_loss,
    longer_runs,
    max_pooling,
    momentum_and_median,
    numerical_derivative,
    one_training,
    photograph_classes,
    photographs,
    table_runs,
    trainability_map,
)
from chainrule.report.settings import ReportSettings


@dataclass(frozen=True)
class Work:
    """A piece of work that one core does.

    run: called with the settings, a progress (done, total) or None, and what `needs` gave.
    seconds: about how long it takes one core, for the time that is left; quick: for a quick page.
    """

    run: Callable[..., Any]
    needs: tuple[str, ...] = ()
    seconds: float = 1.0
    quick: float = 1.0


def work(settings: ReportSettings) -> dict[str, Work]:
    """All work by its name, each after what it needs; what takes longest comes last."""
    trainings = {
        "letters_original": Work(letter_runs.original, seconds=76, quick=15),
        "letters_fast": Work(letter_runs.fast, seconds=49, quick=8),
        "letters_fast_jittered": Work(letter_runs.fast_jittered, seconds=52, quick=9),
    }
    if settings.original_recipe:
        jittered = Work(letter_runs.original_jittered, seconds=80, quick=16)
        trainings["letters_original_jittered"] = jittered
    letters = tuple(trainings)
    tables, longer = "table_runs", "longer_runs"
    return {
        "derivation": Work(derivation.run),
        "numerical_derivative": Work(numerical_derivative.run),
        "gradient_table": Work(gradient_table.run),
        "table_runs": Work(table_runs.run, seconds=32, quick=7),
        "longer_runs": Work(longer_runs.run, (tables,), seconds=12, quick=2),
        "inferred_points": Work(inferred_points.run, seconds=32),
        "one_training": Work(one_training.run, (tables,), seconds=4, quick=3),
        "initial_weights": Work(initial_weights.run, (tables, longer), seconds=3),
        "learning_rates": Work(learning_rates.run, (tables, longer), seconds=5, quick=2),
        "hidden_units": Work(hidden_units.run, (tables,), seconds=2),
        "trainability_map": Work(trainability_map.run, seconds=20, quick=5),
        "blocks_on_picture": Work(blocks_on_picture.run, seconds=3, quick=3),
        "linear_chain": Work(linear_chain.run),
        "max_pooling": Work(max_pooling.run, seconds=2, quick=2),
        "derivative_shapes": Work(derivative_shapes.run),
        "derivative_checks": Work(derivative_checks.run, seconds=10, quick=4),
        "blob_filter": Work(blob_filter.run, seconds=3, quick=3),
        "momentum_and_median": Work(momentum_and_median.run, seconds=15, quick=8),
        "photographs": Work(photographs.fetch),
        "classification": Work(classification.run, ("photographs",), seconds=3, quick=3),
        "photograph_classes": Work(photograph_classes.run, ("photographs",), seconds=6, quick=4),
        **trainings,
        "letter_data": Work(letter_data.run, letters, seconds=2, quick=2),
        "letter_network": Work(letter_network.run),
        "log_loss": Work(log_loss.run, letters, seconds=2, quick=2),
        "letter_training": Work(letter_training.run, letters, seconds=5, quick=5),
        "letter_filters": Work(letter_filters.run, letters, seconds=3, quick=3),
        "line_sizes": Work(line_scores.sizes),
        "line_scores": Work(line_scores.run, letters, seconds=3, quick=3),
        "jitter": Work(jitter.run, letters, seconds=5, quick=5),
    }
