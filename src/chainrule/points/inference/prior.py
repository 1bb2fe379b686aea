"""What may have drawn the points, before any published run is looked at, and how to move about.

The prior is uniform over what RANGES and CHOICES state (over the scale's logarithm), and over the
seeds of both draws; what is `fixed` has the value given instead.

Known beforehand, and not fitted: 1,000 points of each kind with classes of equal size (all
published errors are whole thousandths, and 50.00 % is what a constant answer gets), initial weights
uniform in [0, 1), and examples drawn with replacement.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from jaxtyping import Float64

from chainrule.points.moons import NOISES, DrawnMoons, HalfMoons

Fixed = tuple[tuple[str, Any], ...]  # names of RANGES and CHOICES with the value they have

# radius 1; the scale is uniform in its logarithm
RANGES = {"width": (0.05, 1.2), "distance": (-0.8, 0.2), "offset": (0.6, 1.4), "scale": (0.3, 10.0)}
CHOICES: dict[str, tuple[Any, ...]] = {
    "noise": NOISES,
    "mirrored_1": (False, True),
    "mirrored_2": (False, True),
    "exchanged": (False, True),
    "centred": (False, True),
    "upper_label": (-1, 1),
}
MOST_SEED = 2**31  # seeds of draws are below
# how often a move is of a kind: the numbers, a draw anew, one to three choices, all but choices
KINDS = {"numbers": 0.4, "training": 0.15, "validation": 0.2, "choices": 0.1, "all": 0.15}


def draw_prior(generator: np.random.Generator, fixed: Fixed = ()) -> DrawnMoons:
    """A candidate from the prior."""
    numbers = [generator.uniform(*_bounds(name)) for name in RANGES]
    choices = {name: values[generator.integers(len(values))] for name, values in CHOICES.items()}
    moons = HalfMoons.from_document({**_values(numbers), **choices, **dict(fixed)})
    return DrawnMoons(moons, _seed(generator), _seed(generator))


def numbers_of(candidates: Sequence[DrawnMoons]) -> Float64[np.ndarray, "n 4"]:
    """width, distance, offset and log scale of each candidate."""
    table = [[getattr(c.moons, name) for name in RANGES] for c in candidates]
    numbers = np.array(table, np.float64)
    numbers[:, 3] = np.log(numbers[:, 3])
    return numbers


def propose(
    candidate: DrawnMoons,
    step: Float64[np.ndarray, "4 4"],
    generator: np.random.Generator,
    fixed: Fixed = (),
) -> DrawnMoons | None:
    """A neighbour of `candidate`, as likely as the way back; None where the prior has nothing.

    step: a matrix whose product with four normal numbers is a step of the numbers.
    """
    kind = str(generator.choice(list(KINDS), p=list(KINDS.values())))
    moons, seeds = candidate.moons, {}
    if kind in ("numbers", "all"):
        length = generator.choice((0.3, 1.0))
        numbers = numbers_of([candidate])[0] + length * step @ generator.standard_normal(4)
        bounds = np.array([_bounds(name) for name in RANGES])
        inside = (bounds[:, 0] <= numbers) & (numbers <= bounds[:, 1])
        if not (inside | [name in dict(fixed) for name in RANGES]).all():
            return None
        moons = HalfMoons.from_document({**asdict(moons), **_values(numbers), **dict(fixed)})
    if kind == "choices":
        flipped = generator.permutation(list(CHOICES))[: generator.integers(1, 4)]
        others = {name: _other(name, getattr(moons, name)) for name in flipped}
        moons = HalfMoons.from_document({**asdict(moons), **others, **dict(fixed)})
    if kind in ("training", "all"):
        seeds["training_seed"] = _seed(generator)
    if kind in ("validation", "all"):
        seeds["validation_seed"] = _seed(generator)
    return replace(candidate, moons=moons, **seeds)


def _other(name: str, value: Any) -> Any:
    return next(choice for choice in CHOICES[name] if choice != value)


def _bounds(name: str) -> tuple[float, float]:
    low, high = RANGES[name]
    return (math.log(low), math.log(high)) if name == "scale" else (low, high)


def _values(numbers: Sequence[float] | np.ndarray) -> dict[str, float]:
    width, distance, offset, log_scale = map(float, numbers)
    return dict(zip(RANGES, (width, distance, offset, math.exp(log_scale)), strict=True))


def _seed(generator: np.random.Generator) -> int:
    return int(generator.integers(MOST_SEED))
