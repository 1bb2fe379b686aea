"""The distance of published and simulated runs, and what is read off a simulated run."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import laplacian_kernel

from chainrule.points import double_moon
from chainrule.points.inference import NEVER, RunSetting
from chainrule.points.inference.distance import distance
from chainrule.points.inference.simulation import simulate
from chainrule.points.training import train

runs = st.lists(
    st.tuples(
        st.floats(0, 1), st.floats(0, 1), st.one_of(st.just(math.inf), st.integers(1, 10**6))
    ),
    min_size=1,
    max_size=6,
).map(lambda rows: np.array(rows, np.float64))


def discrepancy(x, z):
    """The squared maximum mean discrepancy, by scikit-learn's kernel."""
    k = [laplacian_kernel(a[:, None], b[:, None], gamma=1) for a, b in ((x, x), (z, z), (x, z))]
    return k[0].mean() + k[1].mean() - 2 * k[2].mean()


@given(runs, runs)
def test_it_is_the_sum_of_three_discrepancies(published, simulated):
    expected = 0.0
    for column, scaled in enumerate(
        (lambda e: 100 * e, lambda e: 100 * e, lambda t: 4 * np.log(t))
    ):
        # far from everything: the kernel of none and an iteration is 0
        x, z = (
            np.where(np.isinf(a), 1e5, scaled(a))
            for a in (published[:, column], simulated[:, column])
        )
        expected += len(x) * discrepancy(x, z)
    assert distance(published, simulated) == pytest.approx(expected, abs=1e-9)
    assert distance(published, simulated) >= 0


@given(runs)
def test_it_is_zero_where_the_runs_are_the_same(table):
    assert distance(table, table) == pytest.approx(0, abs=1e-12)


def test_what_is_not_stated_counts_for_nothing():
    published = np.array([[0.0, np.nan, np.nan], [np.nan, np.nan, math.inf]])
    simulated = np.array([[0.0, 0.4, math.inf], [0.0, 0.1, math.inf]])
    assert distance(published, simulated) == 0
    # one of two simulated runs has an iteration: 2 * 1/2 - 0 - 1/2
    simulated[0, 2] = 77
    assert distance(published, simulated) == pytest.approx(0.5)


def settled(wrong):
    """The first iteration after which the error never changes again, by looking at all of them."""
    for t in range(len(wrong)):
        if (wrong[t:] == wrong[-1]).all():
            return NEVER if wrong[-1] > 0 and t + 1 > 0.99 * len(wrong) else t + 1
    raise AssertionError


@pytest.mark.parametrize("hidden", [1, 4, 9])
@pytest.mark.parametrize("rate", [0.02, 0.3, 3.0])
@pytest.mark.parametrize("iterations", [1, 499, 500, 501, 1500, 1501, 8000])
def test_a_simulated_run_ends_as_the_training_with_that_seed(hidden, rate, iterations):
    moons = double_moon(60, seed=1), double_moon(80, seed=2)
    setting = RunSetting(hidden, rate, iterations)
    found = simulate(*moons, setting, [np.random.SeedSequence(k) for k in range(6)])
    for k, row in enumerate(found):
        run = train(
            *moons, hidden=hidden, learning_rate=rate, iterations=iterations,
            seed=np.random.SeedSequence(k),
        )  # fmt: skip
        assert row[0] == run.final_train_error
        assert row[1] == run.final_validation_error
        assert row[2] == settled(run.train_wrong)
        if run.converged_at is not None:
            assert row[2] == run.converged_at


def test_runs_end_in_every_way():
    # else the test above would not have seen them: at zero, still above zero, moving to the end
    moons = double_moon(60, seed=1), double_moon(80, seed=2)
    seeds = [np.random.SeedSequence(k) for k in range(6)]
    ends = np.concatenate(
        [simulate(*moons, RunSetting(h, r, 8000), seeds) for h in (1, 4, 9) for r in (0.02, 0.3, 3)]
    )
    moving = np.isinf(ends[:, 2])
    assert ((ends[:, 0] == 0) & ~moving).any()
    assert ((ends[:, 0] > 0) & ~moving).any()
    assert ((ends[:, 0] > 0) & moving).any()


def test_a_run_that_overflows_is_all_wrong():
    moons = double_moon(60, seed=1), double_moon(60, seed=2)
    found = simulate(*moons, RunSetting(4, 1e200, 500), [np.random.SeedSequence(0)])
    assert found.tolist() == [[1, 1, NEVER]]
