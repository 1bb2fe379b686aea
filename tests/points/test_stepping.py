"""A training that is held and taken back has the bits of one that was not."""

import itertools

import numpy as np
import pytest

from chainrule.errors import DivergedError
from chainrule.points import double_moon, train
from chainrule.points.stepping import Stepping
from chainrule.points.training import children, initial_parameters

POINTS, OTHERS = double_moon(60, seed=1), double_moon(40, seed=2)


def stepping(rate=0.2, seed=3):
    weights, order = children(seed)
    return Stepping(POINTS, OTHERS, initial_parameters(2, 7, "uniform", weights), rate, order)


def advance(found, steps):
    counts = np.empty((2, steps), np.int32)
    found.advance(*counts)
    return counts


def same(a, b):
    return all(
        a[name].tobytes() == b[name].tobytes() for name in ("W_in", "b_in", "w_out", "b_out")
    )


@pytest.mark.parametrize("cuts", [(1, 2, 3, 500), (499,), (7, 77, 250, 251)])
def test_it_may_be_cut_anywhere(cuts):
    whole = train(POINTS, OTHERS, learning_rate=0.2, iterations=501, seed=3)
    found = stepping()
    edges = [0, *cuts, 501]
    counts = np.concatenate([advance(found, b - a) for a, b in itertools.pairwise(edges)], axis=1)
    assert found.iteration == 501
    assert same(found.parameters, whole.parameters)
    np.testing.assert_array_equal(counts[0], whole.train_wrong)
    np.testing.assert_array_equal(counts[1], whole.validation_wrong)


def test_it_goes_back_and_takes_the_same_steps_again():
    found = stepping()
    advance(found, 101)
    mark = found.mark()
    first = advance(found, 300)
    end = found.parameters
    found.back_to(mark)
    assert found.iteration == 101
    np.testing.assert_array_equal(advance(found, 300), first)
    assert same(found.parameters, end)


def test_a_mark_is_not_changed_by_what_follows():
    found = stepping()
    mark = found.mark()
    advance(found, 50)
    advance_again = stepping()
    advance_again.back_to(mark)
    assert same(advance_again.parameters, stepping().parameters)


def test_it_says_where_it_overflowed():
    found = stepping(rate=1e200)
    with pytest.raises(
        DivergedError, match=r"overflowed at iteration (\d+) with learning rate 1e\+200"
    ):
        advance(found, 5000)
    fresh = stepping(rate=1e200)
    advance(fresh, found.failed_at - 1)
    assert all(np.isfinite(array).all() for array in fresh.parameters.values())
    with pytest.raises(DivergedError):
        advance(fresh, 1)
