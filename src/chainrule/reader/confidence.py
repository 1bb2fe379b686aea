"""How probable it is that a line is read without an error."""

from collections.abc import Sequence
from math import exp, log
from typing import NamedTuple

from chainrule.reader.search.best_path import LogP
from chainrule.reader.search.rescoring import log_likelihoods


class Calibration(NamedTuple):
    """Of a reader's confidence: c, a and b of the logistic regression below.

    Each of the package's readers has its own, fitted on the development half of real lines of eight
    kinds, c then lowered so that nearly all of the lines over 0.9 there are right: the confidence
    is rather too low than too high.
    """

    constant: float
    by_doubt: float
    by_length: float


USUAL = Calibration(-1.328, -1.694, 0.533)
"""That of the package's large reader, and of all that say nothing else."""


_LEAST = 1e-3  # of the doubt


def confidence(log_p: LogP, labels: Sequence[int], calibration: Calibration = USUAL) -> float:
    r"""The probability that a line, log_p (K, T), read as these n labels, is right in all of them.

    With the doubt d = -log P(labels | log_p), the sum over all paths that spell them,

        1 / (1 + exp(-(c + a log d + b log n)))

    since a long line may be doubted more before it is wrong. 0 where nothing is read.
    """
    if not labels:
        return 0.0
    seen = log_likelihoods(log_p, [list(labels)])[0]
    doubt = min(max(-seen, 0.0), 100.0) + _LEAST
    c, a, b = calibration
    value = c + a * log(doubt) + b * log(len(labels))
    return 1 / (1 + exp(-value))
