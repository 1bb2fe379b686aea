"""How probable it is that a line is read without an error."""

from math import exp, log
from typing import NamedTuple

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


USUAL = Calibration(-1.328, -1.694, 0.533, log(0.98 / 0.02))
"""That of all readers that say nothing else, such as those of one's own pictures; the package's
have their own in their files. It was fitted to an earlier large reader of the package, and the
value from which on lines are over SURE to pictures that readers of meters, plates and drums had not
learned from."""

BARE = Calibration(0.0, -1.0, 0.0, 0.0)
"""By which a confidence is 1 / (1 + d), whatever the length: see `doubt_of`."""

_LEAST = 1e-3  # of the doubt


def confidence(seen: float, length: int, calibration: Calibration = USUAL) -> float:
    r"""The probability that a line read as n characters is right in all of them.

    seen: log P(text | frames), the sum over all paths that spell it. With the doubt d = -seen,

        1 / (1 + exp(-(c + a log d + b log n)))

    since a long line may be doubted more before it is wrong. 0 where nothing is read.
    """
    if not length:
        return 0.0
    return calibration.confidence(min(max(-seen, 0.0), 100.0) + _LEAST, length)


def doubt_of(bare: float) -> float:
    """The doubt d of a line with this confidence by BARE."""
    return 1 / bare - 1
