"""Whether a line's confidence is how often such lines are right."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from chainrule.reader.evaluation.scoring import Score
from chainrule.reader.lines.labelled import Labelled
from chainrule.reader.reader import Reader

SURE = 0.9
_BINS = 10


def judged(
    reader: Reader, lines: Sequence[Labelled], score: Score
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of each labelled picture the confidence of what is read, and whether it is right under a
    score."""
    found = reader.read([line.file for line in lines])
    right = [score(one.text) == score(line.text) for one, line in zip(found, lines, strict=True)]
    return np.array([one.confidence for one in found]), np.array(right, bool)


def reliability_figure(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> Figure:
    """The share of lines that are right in each tenth of the confidence, beside how many there are;
    on the diagonal the confidence is what it says.

    Source: DeGroot and Fienberg, The comparison and evaluation of forecasters, 1983.
    """
    edges = np.linspace(0, 1, _BINS + 1)
    place = np.clip((sure * _BINS).astype(int), 0, _BINS - 1)
    counts = np.bincount(place, minlength=_BINS)
    filled = counts > 0
    shares = np.bincount(place, right, _BINS)[filled] / counts[filled]
    means = np.bincount(place, sure, _BINS)[filled] / counts[filled]
    figure = Figure(figsize=(5, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=[3, 1], sharex=True)
    above.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    above.plot(means, shares, "o-", color="#1f5fa8")
    above.set_ylabel("share of lines that are right")
    above.set_ylim(-0.02, 1.02)
    below.bar(edges[:-1], counts, 1 / _BINS, align="edge", color="#1f5fa8", edgecolor="white")
    below.set_ylabel("lines")
    below.set_xlabel("confidence of the line")
    return figure
