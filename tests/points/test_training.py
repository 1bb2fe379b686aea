"""One training: the same bits from the same seed, and what its ending is called."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import DivergedError
from chainrule.points import Points, double_moon, train
from chainrule.points.training import children, converged_at, initial_parameters, state

MOONS = double_moon(100, seed=1), double_moon(100, seed=2)


def same(a, b):
    return all(
        a[name].tobytes() == b[name].tobytes() for name in ("W_in", "b_in", "w_out", "b_out")
    )


def test_the_same_seed_gives_the_same_bits_wherever_the_run_is_cut():
    whole = train(*MOONS, iterations=25_000, seed=4)
    cut = train(*MOONS, iterations=25_000, seed=4, snapshots=(0, 1, 7_777, 25_000))
    assert same(whole.parameters, cut.parameters)
    assert (whole.train_wrong == cut.train_wrong).all()
    assert (whole.validation_wrong == cut.validation_wrong).all()
    assert sorted(cut.snapshots) == [0, 1, 7_777, 25_000]
    assert same(cut.snapshots[0], cut.initial)
    assert same(cut.snapshots[25_000], cut.parameters)
    assert same(cut.snapshots[7_777], train(*MOONS, iterations=7_777, seed=4).parameters)


def test_a_seed_rewinds_to_the_same_initial_weights_and_another_seed_does_not():
    sequence = np.random.SeedSequence(4)
    first, again = (train(*MOONS, iterations=n, seed=sequence) for n in (1, 300))
    assert same(first.initial, again.initial)
    assert same(first.initial, train(*MOONS, iterations=1, seed=4).initial)
    assert not same(first.initial, train(*MOONS, iterations=1, seed=5).initial)


@pytest.mark.parametrize(("initialization", "mean", "spread"), [
    ("uniform", 0.5, 12**-0.5),
    ("normal", 0, 1),
    ("he", 0, (2 / 3) ** 0.5),
])  # fmt: skip
def test_the_initial_weights_have_their_distribution(initialization, mean, spread):
    drawn = initial_parameters(3, 20_000, initialization, np.random.SeedSequence(1))
    W_in = drawn["W_in"].ravel()
    assert abs(W_in.mean() - mean) < 5 * spread / len(W_in) ** 0.5
    assert W_in.std() == pytest.approx(spread, rel=0.02)
    if initialization == "uniform":
        assert all(((array >= 0) & (array < 1)).all() for array in drawn.values())
    if initialization == "he":
        assert drawn["w_out"].std() == pytest.approx((2 / 20_000) ** 0.5, rel=0.05)
        assert not drawn["b_in"].any()


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30))
def test_a_run_converges_after_its_last_error(counts):
    found = converged_at(np.array(counts, np.int32))
    # the definition, word by word: the first iteration from which on there is no error
    from_there = [t for t in range(1, len(counts) + 1) if not any(counts[t - 1 :])]
    assert found == (from_there[0] if from_there else None)


LINE = Points(np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([-1.0, 1.0, 1.0, -1.0]))


def network(W_in, b_in, w_out, b_out):
    return {
        "W_in": np.array(W_in, float)[:, None],
        "b_in": np.array(b_in, float),
        "w_out": np.array(w_out, float),
        "b_out": np.array(b_out, float),
    }


MOVING, STILL = [1, 2] * 50, [1, 2] * 45 + [1] * 10


@pytest.mark.parametrize(("counts", "parameters", "ending"), [
    ([*MOVING[:-1], 0], network([1], [0], [1], 0), "converged"),
    # z <= 0 at every point
    (MOVING, network([1, -1], [-2, -3], [1, 1], 1), "dead"),
    # one unit, active on all: y_hat = x + 5 - 5, a line
    (MOVING, network([1], [5], [1], -5), "plateau"),
    # one unit, active on all but one: relu(x + 1.5) - 2 has the signs of the line x - 0.5
    (MOVING, network([1], [1.5], [1], -2), "plateau"),
    # y_hat = 1.5 - |x| has two zeros, and no line has
    (MOVING, network([1, -1], [0, 0], [-1, -1], 1.5), "oscillating"),
    (STILL, network([1, -1], [0, 0], [-1, -1], 1.5), "plateau"),
])  # fmt: skip
def test_how_a_run_ended(counts, parameters, ending):
    assert state(np.array(counts, np.int32), parameters, LINE) == ending


def test_a_run_whose_outputs_overflow_at_its_end_has_diverged():
    far = Points(np.array([[1e200], [-1e200]]), np.array([-1.0, 1.0]))
    draws = ((s, np.random.default_rng(children(s)[1]).integers(0, 2, 1)[0]) for s in range(50))
    seed = next(s for s, drawn in draws if drawn == 0)
    # a step on the first point makes W_in and w_out about -1e300: at the second -1e300 * 1e500
    with pytest.raises(DivergedError, match="outputs overflowed at iteration 1 "):
        train(far, far, learning_rate=1e100, iterations=1, seed=seed)


def test_progress_counts_iterations_up_to_the_end():
    seen = []
    train(*MOONS, iterations=25_000, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (25_000, 25_000)
    assert seen == sorted(seen)


def test_weights_and_order_can_come_from_two_seeds():
    own = train(*MOONS, iterations=2_000, seed=4)
    other = train(*MOONS, iterations=2_000, seed=4, order_seed=5)
    assert same(own.initial, other.initial)
    assert not same(own.parameters, other.parameters)
    assert same(own.parameters, train(*MOONS, iterations=2_000, seed=4, order_seed=4).parameters)
    # with the weights of seed 5 and its own order nothing of seed 4 is left
    fifth = train(*MOONS, iterations=2_000, seed=5)
    assert same(train(*MOONS, iterations=2_000, seed=5, order_seed=5).parameters, fifth.parameters)
