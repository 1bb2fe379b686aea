"""Whether a line's confidence is how often such lines are right."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from chainrule.reader.confidence import SURE
from chainrule.reader.evaluation.scoring import Score
from chainrule.reader.lines.labelled import Labelled
from chainrule.reader.reader import Reader

_BINS = 10


class Sureness(NamedTuple):
    """The lines with a confidence above `low`, up to `high`: how many, what it is on average, the
    share of them that is right, and that share's 95 % interval (Wilson's)."""

    low: float
    high: float
    lines: int
    confidence: float
    right: float
    interval: tuple[float, float]


def judged(
    reader: Reader, lines: Sequence[Labelled], score: Score
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of each labelled picture the confidence of what is read, and whether it is right under a
    score."""
    found = reader.read([line.file for line in lines])
    right = [score(one.text) == score(line.text) for one, line in zip(found, lines, strict=True)]
    return np.array([one.confidence for one in found]), np.array(right, bool)


def reliability_table(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> list[Sureness]:
    """The lines by tenths of their confidence; a tenth without lines is left out. What is sure by
    nothing at all, as where nothing is read, is in the first.

    Source: DeGroot and Fienberg, The comparison and evaluation of forecasters, 1983.
    """
    place = np.clip(np.ceil(sure * _BINS).astype(int) - 1, 0, _BINS - 1)
    return [
        _row(number / _BINS, (number + 1) / _BINS, sure[place == number], right[place == number])
        for number in np.unique(place).tolist()
    ]


def over(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> Sureness | None:
    """The lines over SURE; None if there are none."""
    above = sure > SURE
    return _row(SURE, 1.0, sure[above], right[above]) if above.any() else None


def reliability_figure(table: Sequence[Sureness]) -> Figure:
    """The share of lines that are right by their confidence, with its interval, above how many
    there are; on the diagonal the confidence is what it says."""
    figure = Figure(figsize=(5, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=[3, 1], sharex=True)
    above.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    means, shares = ([getattr(row, name) for row in table] for name in ("confidence", "right"))
    lows, highs = ([row.interval[side] for row in table] for side in (0, 1))
    above.vlines(means, lows, highs, color="#9db8d6", linewidth=3)
    above.plot(means, shares, "o-", color="#1f5fa8")
    above.set_ylabel("share of lines that are right")
    above.set_ylim(-0.02, 1.02)
    lefts, counts = [row.low for row in table], [row.lines for row in table]
    below.bar(lefts, counts, 1 / _BINS, align="edge", color="#1f5fa8", edgecolor="white")
    below.set_ylabel("lines")
    below.set_xlabel("confidence of the line")
    return figure


def _row(low: float, high: float, sure: NDArray[np.float64], right: NDArray[np.bool_]) -> Sureness:
    from scipy.stats import binomtest

    found = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    interval = float(found.low), float(found.high)
    return Sureness(low, high, len(right), float(sure.mean()), float(right.mean()), interval)
