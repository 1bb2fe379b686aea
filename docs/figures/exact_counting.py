"""Draws docs/images/exact-counting.png: which points interval arithmetic leaves to be counted.

python docs/figures/exact_counting.py
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from chainrule.io.figures import write_figure
from chainrule.points import double_moon
from chainrule.points.kernel import reference, sgd_steps
from chainrule.points.training import children, initial_parameters

PICTURE = Path(__file__).parents[1] / "images" / "exact-counting.png"
BEFORE, BLOCK, PART = 5000, 1024, 32
RATE, SEED = 0.02, 1
PALE, DARK, CHANGING = "#c9d8ea", "#4a7ab0", "#d95f02"


class Screened(NamedTuple):
    """points (2, N); outputs (T, N) after each step; low, high (N,): their bounds; states of it."""

    points: np.ndarray
    outputs: np.ndarray
    low: np.ndarray
    high: np.ndarray
    states: list[np.ndarray]

    @property
    def active(self) -> np.ndarray:
        """The points whose bounds leave the sign open."""
        return (self.low <= 0) & (self.high > 0)

    @property
    def changing(self) -> np.ndarray:
        """The points whose sign is not the same after all of the steps."""
        positive = self.outputs > 0
        return positive.any(axis=0) & ~positive.all(axis=0)


def measure() -> tuple[Screened, Screened]:
    """The default half-moons, seed 1, after 5000 steps: the next 1024, and the first 32 of them."""
    training, validation = (double_moon(1000, seed=s) for s in np.random.SeedSequence(0).spawn(2))
    points = np.ascontiguousarray(np.concatenate([training.features, validation.features]).T)
    for_weights, for_order = children(SEED)
    start = initial_parameters(2, 7, "uniform", for_weights)
    now = [start["W_in"], start["b_in"], start["w_out"], start["b_out"].reshape(1)]
    order = np.random.default_rng(for_order).integers(0, 1000, BEFORE + BLOCK)
    X, y = training.features, training.labels
    sgd_steps(*now, X, y, order[:BEFORE], RATE)
    states = []
    for t in range(BEFORE, BEFORE + BLOCK):
        sgd_steps(*now, X, y, order[t : t + 1], RATE)
        states.append([parameter.copy() for parameter in now])
    block, part = (screen(states[:steps], points) for steps in (BLOCK, PART))
    return block, part


def screen(states: list[list[np.ndarray]], points: np.ndarray) -> Screened:
    outputs = np.array([reference.output(*state, points) for state in states])
    stacked = [np.array(parameter) for parameter in zip(*states, strict=True)]
    return Screened(points, outputs, *reference.bounds(*stacked, points), stacked)


def draw(block: Screened, part: Screened) -> Figure:
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    _draw_points(left, block, part)
    _draw_bounds(right, part)
    return figure


def _draw_points(axes: Axes, block: Screened, part: Screened) -> None:
    x, y = block.points
    grid = np.meshgrid(*(np.linspace(v.min() - 0.3, v.max() + 0.3, 400) for v in (x, y)))
    flat = np.array([g.ravel() for g in grid])
    for screened, colour in ((block, PALE), (part, DARK)):
        low, high = reference.bounds(*screened.states, flat)
        inside = ((low <= 0) & (high > 0)).reshape(grid[0].shape)
        axes.contourf(*grid, inside, levels=[0.5, 1.5], colors=[colour])
    quiet = ~block.active
    axes.plot(x[quiet], y[quiet], ".", color="0.72", markersize=2)
    for chosen, colour in ((block.active, "0.25"), (part.changing, CHANGING)):
        axes.plot(x[chosen], y[chosen], ".", color=colour, markersize=3)
    axes.set(xlabel="x", ylabel="y", aspect="equal")
    axes.legend(
        handles=[
            Patch(color=PALE, label=f"sign open in 1024 steps: {block.active.sum()} points"),
            Patch(color=DARK, label=f"in the first 32 of them: {part.active.sum()}"),
            Line2D(
                [], [], color=CHANGING, marker=".", ls="", label=f"changes: {part.changing.sum()}"
            ),
            Line2D([], [], color="0.72", marker=".", ls="", label=f"of {len(x)}"),
        ],
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=2,
        frameon=False,
        fontsize=9,
    )


def _draw_bounds(axes: Axes, part: Screened) -> None:
    chosen = np.flatnonzero(part.active)
    chosen = chosen[np.argsort(part.outputs[0, chosen])]
    rank = np.arange(len(chosen))
    axes.vlines(rank, part.low[chosen], part.high[chosen], color=DARK, linewidth=1)
    for marker, changing in ((CHANGING, True), ("0.25", False)):
        these = part.changing[chosen] == changing
        lowest, highest = part.outputs[:, chosen].min(axis=0), part.outputs[:, chosen].max(axis=0)
        axes.vlines(rank[these], lowest[these], highest[these], color=marker, linewidth=2.2)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(
        xlabel="the points whose sign is open in 32 steps",
        ylabel="output: bounds (blue), values taken",
    )


def main(arguments: list[str]) -> None:
    path = Path(arguments[0]) if arguments else PICTURE
    write_figure(path, draw(*measure()), dots_per_inch=110)


if __name__ == "__main__":
    main(sys.argv[1:])
