"""Charts that the report alone needs; they take data and give Matplotlib figures."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter

_COLOURS = ("#2166ac", "#b35806", "#1b7837", "#762a83")
_RIGHT, _WRONG = "#1b7837", "#b2182b"


def endings_grid(reached_zero: Bool[np.ndarray, "weights orders"]) -> Figure:
    """A square a run: initial weights down, orders of the points across."""
    rows, columns = reached_zero.shape
    figure = Figure(figsize=(5.4, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.imshow(reached_zero, cmap=ListedColormap(["#d9d9d9", "#2166ac"]), vmin=0, vmax=1)
    axes.set_xticks(range(columns), [str(k + 1) for k in range(columns)])
    axes.set_yticks(range(rows), [str(k + 1) for k in range(rows)])
    axes.set(xlabel="order of the points", ylabel="initial weights")
    axes.set_xticks(np.arange(-0.5, columns), minor=True)
    axes.set_yticks(np.arange(-0.5, rows), minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)
    handles = [
        Patch(color="#2166ac", label="reaches zero"),
        Patch(color="#d9d9d9", label="does not"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False)
    return figure


def dying_units(
    looks: Sequence[int],
    active: Mapping[str, Int[np.ndarray, " looks"]],
    wrong: Mapping[str, Int[np.ndarray, " looks"]],
) -> Figure:
    """The hidden units that any training point activates, and the error, at some iterations.

    wrong: training points, of 1,000.
    """
    figure = Figure(figsize=(9.6, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True)
    for (name, units), colour in zip(active.items(), _COLOURS, strict=False):
        left.step(looks, units, where="post", color=colour, label=name, linewidth=1.4)
        right.plot(looks, wrong[name] / 10, color=colour, label=name, linewidth=1.1)
    left.set(xlabel="iteration", ylabel="active hidden units", xscale="log")
    left.set_ylim(bottom=-0.2)
    left.yaxis.set_major_locator(MaxNLocator(integer=True))
    right.set(xlabel="iteration", ylabel="training error (% of the points)")
    right.set_ylim(bottom=0)
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    right.legend(frameon=False, fontsize=9)
    return figure


def longer_runs(
    first_zero: Mapping[str, Sequence[int | None]], iterations: Mapping[str, int], times: int
) -> Figure:
    """Of runs not at zero after so many iterations: the share that is, by how long they go on."""
    figure = Figure(figsize=(7.2, 4), layout="constrained")
    axes = figure.subplots()
    grid = np.linspace(1, times, 500)
    for (name, found), colour in zip(first_zero.items(), _COLOURS, strict=False):
        if not found:
            continue
        at = np.array([np.inf if i is None else i for i in found]) / iterations[name]
        share = (at[:, None] <= grid).mean(0)
        label = f"{name}: {len(found)} runs"
        axes.plot(grid, share, color=colour, label=label, linewidth=1.5)
    axes.set(
        xlabel="iterations, as a multiple of the original's",
        ylabel="at zero for good (%)",
        xlim=(1, times),
        ylim=(-0.02, 1.02),
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=9)
    return figure


def score_steps(change: np.ndarray, alphabet: str, truth: str, read: str) -> Figure:
    """How one step against the log-loss's gradient changes each score of one letter."""
    figure = Figure(figsize=(9.6, 3.2), layout="constrained")
    axes = figure.subplots()
    colours = [_RIGHT if c == truth else _WRONG if c == read else "#969696" for c in alphabet]
    axes.bar(range(len(alphabet)), change, color=colours)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(range(len(alphabet)), list(alphabet))
    axes.set(xlabel="class", ylabel="change of the score, rate 1")
    axes.grid(axis="y", alpha=0.3)
    handles = [
        Patch(color=_RIGHT, label=f"{truth}, the right class"),
        Patch(color=_WRONG, label=f"{read}, with the smallest log-loss"),
    ]
    axes.legend(handles=handles, frameon=False, fontsize=9)
    return figure


def reliability(stated: np.ndarray, right: np.ndarray, counts: np.ndarray) -> Figure:
    """The share of right answers against the probability that was stated, with its intervals."""
    from chainrule.points.study import wilson_interval

    figure = Figure(figsize=(5.4, 4.2), layout="constrained")
    axes = figure.subplots()
    filled = counts > 0
    hits = np.round(right * counts).astype(int)
    ends = [
        wilson_interval(int(h), int(n)) for h, n in zip(hits[filled], counts[filled], strict=True)
    ]
    low, high = np.array(ends).T
    errors = np.abs(np.stack([right[filled] - low, high - right[filled]]))
    axes.plot([0, 1], [0, 1], color="#969696", linewidth=1, label="as stated")
    axes.errorbar(
        stated[filled], right[filled], yerr=errors, fmt="o", color=_COLOURS[0], capsize=3,
        label="letters, with 95 % intervals",
    )  # fmt: skip
    axes.set(xlabel="probability of the best class", ylabel="share that is right",
             xlim=(0, 1.02), ylim=(0, 1.02))  # fmt: skip
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=9)
    return figure
