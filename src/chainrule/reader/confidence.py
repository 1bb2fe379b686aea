"""How probable it is that a line is read without an error."""

from collections.abc import Sequence

import numpy as np

from chainrule.reader.search.best_path import LogP
from chainrule.reader.search.rescoring import log_likelihoods


def confidence(log_p: LogP, labels: Sequence[int]) -> float:
    """The probability that the network gives to these labels, of all there are, at log_p (K, T)."""
    return min(float(np.exp(log_likelihoods(log_p, [list(labels)])[0])), 1.0)
