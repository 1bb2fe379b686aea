"""The confidence of a line."""

import numpy as np
import pytest

from chainrule.reader.confidence import confidence
from chainrule.reader.search.rescoring import log_likelihoods


def frames(sure, count):
    """log_p (3, count) of label 1 and a blank in turn, each with this probability."""
    p = np.full((3, count), (1 - sure) / 2)
    p[1, ::2], p[0, 1::2] = sure, sure
    return np.log(p)


def sure(log_p, labels):
    return confidence(log_likelihoods(log_p, [labels])[0], len(labels))


def test_it_falls_with_the_doubt_and_is_a_probability():
    found = [sure(frames(p, 9), [1] * 5) for p in (0.5, 0.9, 0.99, 0.9999)]
    assert found == sorted(found)
    assert 0 < found[0] < 0.2
    assert 0.9 < found[-1] < 1


def test_nothing_read_has_none_and_what_cannot_be_read_hardly_any():
    log_p = frames(0.99, 9)
    assert sure(log_p, []) == 0
    assert sure(log_p, [2] * 5) < 0.01
    assert sure(log_p, [1] * 50) == pytest.approx(0, abs=0.01)  # more labels than frames
