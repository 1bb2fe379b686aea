"""How probable it is that a line is read without an error."""

from collections.abc import Sequence
from math import exp, log
from typing import NamedTuple

from chainrule.reader.search.best_path import LogP
from chainrule.reader.search.rescoring import log_likelihoods

SURE = 0.9
"""The confidence above which nearly all lines are right: see `Calibration`."""


class Calibration(NamedTuple):
    """Of a reader's confidence: c, a and b of the logistic regression below, and the value from
    which it may be above SURE.

    `chainrule reader calibrate` fits them. Below `sure_from` the confidence is what the regression
    says, at most SURE; from it on, 97 % and more of the lines were right that it was fitted to.
    """

    constant: float
    by_doubt: float
    by_length: float
    sure_from: float = log(SURE / (1 - SURE))

    def confidence(self, doubt: float, length: int) -> float:
        """That of a line of so many characters: see `confidence`."""
        value = self.constant + self.by_doubt * log(doubt) + self.by_length * log(length)
        found = 1 / (1 + exp(-value))
        return found if value >= self.sure_from else min(found, SURE)


USUAL = Calibration(-1.328, -1.694, 0.533)
"""That of the package's large reader, and of all that say nothing else."""

BARE = Calibration(0.0, -1.0, 0.0, 0.0)
"""By which a confidence is 1 / (1 + d), whatever the length: see `doubt_of`."""

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
    return calibration.confidence(min(max(-seen, 0.0), 100.0) + _LEAST, len(labels))


def doubt_of(bare: float) -> float:
    """The doubt d of a line with this confidence by BARE."""
    return 1 / bare - 1
