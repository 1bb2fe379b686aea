"""How probable it is that a line is read without an error."""

from collections.abc import Sequence
from math import exp, log

from chainrule.reader.search.best_path import LogP
from chainrule.reader.search.rescoring import log_likelihoods

CONSTANT, BY_DOUBT, BY_LENGTH = -1.68, -1.687, 0.602
"""Of the logistic regression below: fitted on the development half of real lines of eight kinds,
then lowered by 1.8, so that nearly all of the lines over 0.9 there are right. It is rather too low
than too high."""
_LEAST = 1e-3  # of the doubt


def confidence(log_p: LogP, labels: Sequence[int]) -> float:
    r"""The probability that a line, log_p (K, T), read as these n labels, is right in all of them.

    With the doubt d = -log P(labels | log_p), the sum over all paths that spell them,

        1 / (1 + exp(-(c + a log d + b log n)))

    since a long line may be doubted more before it is wrong. 0 where nothing is read.
    """
    if not labels:
        return 0.0
    seen = log_likelihoods(log_p, [list(labels)])[0]
    doubt = min(max(-seen, 0.0), 100.0) + _LEAST
    value = CONSTANT + BY_DOUBT * log(doubt) + BY_LENGTH * log(len(labels))
    return 1 / (1 + exp(-value))
