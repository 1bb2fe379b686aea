"""The kernel against brute force: every output of every point after every step."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.points import double_moon, kernel
from chainrule.points.kernel import sgd_steps, sgd_with_errors


def start(h, d, seed, spread=1.0, low=0.0):
    """Parameters as the kernel takes them: uniform in [low, 1) times `spread`."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(low, 1, shape) * spread for shape in ((h, d), h, h, 1)]


def count_all(parameters, points, labels, n):
    """The wrong ones among the first n points and among the rest; sums in the stated order."""
    W_in, b_in, w_out, b_out = parameters
    output = np.zeros(len(labels))
    for j in range(len(w_out)):
        z = np.full(len(labels), b_in[j])
        for k in range(len(points)):
            z = z + W_in[j, k] * points[k]
        output = output + w_out[j] * np.where(z > 0, z, 0.0)
    wrong = (output + b_out[0] > 0) != (labels > 0)
    return wrong[:n].sum(), wrong[n:].sum()


def hold_against_brute_force(parameters, X, y, validation, labels, order, rate, cuts=()):
    """Run the kernel in pieces, and brute force step by step; both must say the same."""
    points = np.ascontiguousarray(np.concatenate([X, validation]).T)
    both = np.concatenate([y, labels])
    ours = [p.copy() for p in parameters]
    train, other = np.empty(len(order), np.int32), np.empty(len(order), np.int32)
    finished = len(order)
    edges = [0, *cuts, len(order)]
    for first, last in itertools.pairwise(edges):
        failed = sgd_with_errors(
            *ours, X, y, order[first:last], rate, points, both, train[first:last], other[first:last]
        )
        if failed >= 0:
            finished = first + failed
            break
    plain = [p.copy() for p in parameters]
    with np.errstate(all="ignore"):
        for t in range(finished):
            assert sgd_steps(*plain, X, y, order[t : t + 1], rate) == -1
            assert (train[t], other[t]) == count_all(plain, points, both, len(y)), t
    if finished < len(order):
        assert sgd_steps(*plain, X, y, order[finished : finished + 1], rate) == 0
    else:
        for a, b in zip(ours, plain, strict=True):
            np.testing.assert_array_equal(a, b)
    return train[:finished], other[:finished]


def ways_taken(parameters, X, y, validation, labels, order, rate):
    """How often the kernel made ring 1, ring 2, none for a while, counted all, used float32."""
    W_in, b_in, w_out, b_out = (p.copy() for p in parameters)
    points = np.ascontiguousarray(np.concatenate([X, validation]).T)
    tally = np.zeros(5, np.int64)
    wrong = np.empty((2, len(order)), np.int32)
    kernel._counted_steps(
        kernel._packed(W_in, b_in, w_out), b_out, len(w_out), X, y, order, rate, points,
        np.concatenate([y, labels]), *wrong, tally,
    )  # fmt: skip
    return tally


def both_ways(*arguments):
    """Hold against brute force; return the ways that were taken in doing so."""
    hold_against_brute_force(*arguments)
    return ways_taken(*arguments)


def test_every_count_where_the_rings_hold_for_many_steps():
    moons, others = double_moon(500, seed=1), double_moon(500, seed=2)
    order = np.random.default_rng(3).integers(0, 500, 4000)
    outer, inner, paused, all_counted, narrow = both_ways(
        start(7, 2, 7), moons.features, moons.labels, others.features, others.labels, order, 0.02
    )
    assert 0 < outer < inner < 1000  # each ring was made and outlasted by the ring around it
    assert all_counted < 400
    assert paused <= all_counted
    assert 1000 < narrow < len(order) - all_counted  # for the others the network had moved too far


def test_every_count_where_rings_do_not_pay():
    moons, others = double_moon(500, seed=1), double_moon(500, seed=2)
    order = np.random.default_rng(3).integers(0, 500, 2000)
    outer, _, paused, all_counted, _ = both_ways(
        start(7, 2, 7), moons.features, moons.labels, others.features, others.labels, order, 20.0
    )
    assert paused > 10
    assert all_counted > 1500
    assert outer > 5  # it tried again


def test_every_count_where_rounding_is_larger_than_the_thresholds():
    moons, others = double_moon(60, seed=1), double_moon(60, seed=2)
    order = np.random.default_rng(3).integers(0, 60, 800)
    # y_hat is a small difference of terms of 1e12
    for far in (1e9, 1e12):
        ways = both_ways(
            start(5, 2, 7, low=-1.0), moons.features + far, moons.labels,
            others.features + far, others.labels, order, 1e-26,
        )  # fmt: skip
        assert ways[3] > 100


@pytest.mark.parametrize("features", [1, 2, 3, 8])
@pytest.mark.parametrize("hidden", [1, 8, 9, 17])
def test_every_count_at_the_edges_of_a_vector(features, hidden):
    rng = np.random.default_rng(hidden)
    for n, m in ((1, 1), (7, 9), (8, 8), (9, 24), (40, 1)):
        X, validation = rng.normal(size=(n, features)), rng.normal(size=(m, features))
        y, labels = np.sign(X.sum(axis=1)), np.sign(validation.sum(axis=1))
        parameters = start(hidden, features, hidden, spread=0.5, low=-1.0)
        hold_against_brute_force(
            parameters, X, y, validation, labels, rng.integers(0, n, 300), 0.05, (100,)
        )


@pytest.mark.parametrize("hidden", [1, 7, 20])
@pytest.mark.parametrize("rate", [0.002, 0.02, 0.2, 2.0, 20.0])
def test_every_count_on_the_half_moons(hidden, rate):
    moons, others = double_moon(300, seed=1), double_moon(300, seed=2)
    order = np.random.default_rng(3).integers(0, 300, 1200)
    train, _ = hold_against_brute_force(
        start(hidden, 2, hidden), moons.features, moons.labels, others.features, others.labels,
        order, rate, cuts=(1, 777),
    )  # fmt: skip
    assert len(np.unique(train)) > 1  # something happened


def test_every_count_when_the_network_dies():
    moons, others = (double_moon(200, width=0.62, distance=-0.3, scale=1.5, seed=k) for k in (1, 2))
    # moving the validation points off keeps units active there after they died on the training
    far = others.features * 4
    order = np.random.default_rng(3).integers(0, 200, 1500)
    died = 0
    for seed in range(6):
        parameters = start(3, 2, seed)
        ours = [p.copy() for p in parameters]
        sgd_steps(*ours, moons.features, moons.labels, order, 5.0)
        died += not (moons.features @ ours[0].T + ours[1] > 0).any()
        hold_against_brute_force(
            parameters, moons.features, moons.labels, far, others.labels, order, 5.0, cuts=(700,)
        )
    assert died > 0


@settings(max_examples=60)
@given(
    h=st.integers(1, 12),
    d=st.integers(1, 6),
    n=st.integers(1, 40),
    m=st.integers(1, 40),
    rate=st.floats(1e-4, 1e3),
    size=st.sampled_from([1e-3, 1.0, 1e3, 1e150]),
    offset=st.sampled_from([0.0, 1.0, 1e6]),
    low=st.sampled_from([0.0, -1.0]),
    seed=st.integers(0, 2**20),
)
def test_every_count_on_any_points(h, d, n, m, rate, size, offset, low, seed):
    rng = np.random.default_rng(seed)
    X, validation = rng.normal(size=(n, d)) * size + offset, rng.normal(size=(m, d)) * size + offset
    y, labels = rng.choice([-1.0, 1.0], n), rng.choice([-1.0, 1.0], m)
    order = rng.integers(0, n, 150)
    hold_against_brute_force(
        start(h, d, seed, low=low), X, y, validation, labels, order, rate, cuts=(40,)
    )


def near_the_boundary(parameters, n, seed, distance):
    """Points (n, 2) of a network that is linear there, at which |y_hat| is about `distance`."""
    rng = np.random.default_rng(seed)
    W_in, b_in, w_out, b_out = parameters
    X = rng.uniform(0, 1, (n, 2))
    slope, offset = w_out @ W_in, w_out @ b_in + b_out[0]
    X[:, 1] = (rng.uniform(-distance, distance, n) - offset - slope[0] * X[:, 0]) / slope[1]
    return X


@pytest.mark.parametrize("distance", [1e-12, 1e-9, 1e-7, 1e-5])
def test_every_count_where_float32_has_the_wrong_sign(distance):
    for seed in range(30):
        rng = np.random.default_rng(seed)
        W_in, b_in, w_out = rng.uniform(0.1, 1, (7, 2)), rng.uniform(5, 6, 7), rng.uniform(-1, 1, 7)
        parameters = [W_in, b_in, w_out, np.array([-0.5])]
        X, y = rng.normal(size=(400, 2)) * 3, rng.choice([-1.0, 1.0], 400)
        # few: the others that are counted with them are far enough for float32
        X[::100] = near_the_boundary(parameters, 4, seed, distance)
        order = rng.integers(0, 400, 60)
        # a step moves an output by less than most points are away from the boundary
        ways = both_ways(parameters, X, y, X[200:] + 1.0, y[200:], order, distance * 1e-3)
        assert ways[4] > 50


@pytest.mark.parametrize("size", [1e8, 1e25, 1e60])
def test_weights_too_large_for_float32_are_counted_in_float64(size):
    moons, others = double_moon(60, seed=1), double_moon(60, seed=2)
    parameters = start(5, 2, 7, low=-1.0)
    parameters[0] *= size
    parameters[1] *= size
    parameters[2] /= size
    order = np.random.default_rng(3).integers(0, 60, 400)
    ways = both_ways(
        parameters, moons.features, moons.labels, others.features, others.labels, order,
        0.02 / size**2,
    )  # fmt: skip
    assert ways[3] < 200  # the rings held
    assert (ways[4] > 0) == (size < 1e9)


def test_points_that_lie_on_the_boundary_count_as_negative():
    X = np.array([[1.0], [1.0], [2.0]])
    y = np.array([1.0, -1.0, 1.0])
    parameters = [np.array([[1.0]]), np.array([-1.0]), np.array([1.0]), np.array([0.0])]
    # rate 0: nothing moves, and y_hat is exactly 0 at the first two
    train, _ = hold_against_brute_force(parameters, X, y, X, y, np.array([0, 1]), 0.0)
    assert train.tolist() == [1, 1]


@pytest.mark.parametrize("features", [1, 2, 3])
def test_the_sums_are_not_fused(features):
    rng = np.random.default_rng(features)
    for _ in range(20):
        weights = rng.normal(size=(1, features))
        X = np.zeros((3, features))
        X[:, 0] = rng.normal()
        X[2] += weights[0]  # here the unit is active: the network is not dead
        # b + w x is 0 when the product is rounded, and its rounding error when it is not
        parameters = [weights, -weights[:, 0] * X[0, 0], np.array([1.0]), np.array([0.0])]
        y = np.ones(3)
        train, _ = hold_against_brute_force(parameters, X, y, X, y, np.zeros(3, np.int64), 0.0)
        assert train.tolist() == [2, 2, 2]  # y_hat is 0: the negative class


@pytest.mark.parametrize(("h", "d", "rate"), [(1, 1, 0.1), (7, 2, 0.02), (5, 9, 0.3)])
def test_the_steps_are_autograds(h, d, rate):
    rng = np.random.default_rng(h)
    X, y = rng.normal(size=(20, d)), rng.choice([-1.0, 1.0], 20)
    order = rng.integers(0, 20, 200)
    ours = start(h, d, 1)
    theirs = [torch.tensor(p, requires_grad=True) for p in ours]
    assert sgd_steps(*ours, X, y, order, rate) == -1
    for i in order:
        W_in, b_in, w_out, b_out = theirs
        y_hat = w_out @ torch.relu(W_in @ torch.tensor(X[i]) + b_in) + b_out[0]
        loss = torch.nn.functional.softplus(-y[i] * y_hat, threshold=1e9)
        for p, g in zip(theirs, torch.autograd.grad(loss, theirs), strict=True):
            p.data -= rate * g
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b.detach().numpy(), rtol=1e-9, atol=1e-11)
