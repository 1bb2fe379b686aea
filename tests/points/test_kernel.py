"""The kernel against brute force: every output of every point after every step."""

import hashlib
import itertools
import os
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.errors import InputError
from chainrule.points import double_moon
from chainrule.points.kernel import reference, sgd_steps, sgd_with_errors, tally
from chainrule.points.kernel.run import BLOCK, axes_of, sgd_in_blocks


def start(h, d, seed, spread=1.0, low=0.0):
    """Parameters as the kernel takes them: uniform in [low, 1) times `spread`."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(low, 1, shape) * spread for shape in ((h, d), h, h, 1)]


def moons(n, seed, **shape):
    points = double_moon(n, seed=seed, **shape)
    return points.features, points.labels


def drawn(n, steps, seed=3):
    """The order of the examples."""
    return np.random.default_rng(seed).integers(0, n, steps)


def together(X, y, validation, labels):
    """All points as the kernel takes them."""
    points = np.ascontiguousarray(np.concatenate([X, validation]).T)
    return points, np.concatenate([y, labels])


def hold_against_brute_force(parameters, X, y, validation, labels, order, rate, cuts=()):
    """Run the kernel in pieces, and brute force step by step; both must say the same."""
    points, both = together(X, y, validation, labels)
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
            wrong = (reference.output(*plain, points) > 0) != (both > 0)
            assert (train[t], other[t]) == (wrong[: len(y)].sum(), wrong[len(y) :].sum()), t
    if finished < len(order):
        assert sgd_steps(*plain, X, y, order[finished : finished + 1], rate) == 0
    for a, b in zip(ours, plain, strict=True):
        np.testing.assert_array_equal(a, b)
    return train[:finished], other[:finished]


def in_blocks(parameters, X, y, validation, labels, order, rate, block=BLOCK, axes=None):
    """What the kernel leaves and counts, and how much of what it did (named as in tally.py)."""
    ours = [p.copy() for p in parameters]
    counts, wrong = np.zeros(tally.LENGTH, np.int64), np.zeros((2, len(order)), np.int32)
    all_points = together(X, y, validation, labels)
    axes = axes or axes_of(X.shape[1])
    failed = sgd_in_blocks(*ours, X, y, order, rate, *all_points, *wrong, axes, block, counts)
    places = {name.lower(): place for name, place in vars(tally).items() if name.isupper()}
    done = SimpleNamespace(**{name: counts[p] for name, p in places.items() if name != "length"})
    return [*ours, *wrong, failed], done


def held(*arguments):
    """Hold against brute force; return how much of what was done."""
    hold_against_brute_force(*arguments)
    return in_blocks(*arguments)[1]


def test_every_count_where_few_points_are_active():
    done = held(start(7, 2, 7), *moons(500, 1), *moons(500, 2), drawn(500, 4000), 0.02)
    assert (done.blocks, done.parts, done.frozen) == (4, 125, 0)
    in_a_block, in_a_part = done.active_in_blocks / 4, done.active_in_parts / 125
    assert 0 < in_a_part < in_a_block / 2 < 250  # of 1000
    assert 0 < done.decided < 400  # of 4,000,000


def test_every_count_where_most_points_are_active():
    done = held(start(7, 2, 7), *moons(500, 1), *moons(500, 2), drawn(500, 1000), 0.5)
    assert done.active_in_parts / done.parts > 100
    assert done.active_in_blocks / done.blocks > 900


@pytest.mark.parametrize("features", [1, 2, 3, 8])
@pytest.mark.parametrize("hidden", [1, 8, 9, 17, 40])
def test_every_count_at_the_edges_of_a_vector(features, hidden):
    rng = np.random.default_rng(hidden)
    for n, m in ((1, 1), (7, 9), (8, 8), (9, 24), (40, 1)):
        X, validation = rng.normal(size=(n, features)), rng.normal(size=(m, features))
        y, labels = np.sign(X.sum(axis=1)), np.sign(validation.sum(axis=1))
        parameters = start(hidden, features, hidden, spread=0.5, low=-1.0)
        hold_against_brute_force(
            parameters, X, y, validation, labels, rng.integers(0, n, 300), 0.05, (100, 132)
        )


@pytest.mark.parametrize("hidden", [1, 7, 20])
@pytest.mark.parametrize("rate", [0.002, 0.02, 0.2, 2.0, 20.0])
def test_every_count_on_the_half_moons(hidden, rate):
    train, _ = hold_against_brute_force(
        start(hidden, 2, hidden), *moons(300, 1), *moons(300, 2), drawn(300, 1200), rate, (1, 777)
    )
    assert len(np.unique(train)) > 1  # something happened


def test_every_count_when_the_network_dies():
    shape = {"width": 0.62, "distance": -0.3, "scale": 1.5}
    (X, y), (others, labels) = (moons(200, seed, **shape) for seed in (1, 2))
    order = drawn(200, 1500)
    died = frozen = 0
    for seed in range(6):
        parameters = start(3, 2, seed)
        ours = [p.copy() for p in parameters]
        sgd_steps(*ours, X, y, order, 5.0)
        died += not (X @ ours[0].T + ours[1] > 0).any()
        # at points that lie farther off, units are active after they died on the training points
        frozen += held(parameters, X, y, others * 4, labels, order, 5.0).frozen
    assert died > 0
    assert frozen > 300


def test_every_count_of_a_frozen_network_with_many_different_outputs():
    rng = np.random.default_rng(0)
    X = np.full((8, 1), -1.0)  # no unit is active here: only b_out moves
    y = np.tile([1.0, -1.0], 4)
    for n in (10, 200):  # fewer and more than there is room for
        validation, labels = rng.uniform(0, 1, (n, 1)), rng.choice([-1.0, 1.0], n)
        parameters = [np.ones((1, 1)), np.zeros(1), np.full(1, 0.3), np.full(1, -0.2)]
        done = held(parameters, X, y, validation, labels, drawn(8, 100), 0.2)
        assert done.frozen == (100 if n == 10 else 0)


@settings(max_examples=100)
@given(
    h=st.integers(1, 12),
    d=st.integers(1, 4),
    n=st.integers(1, 40),
    m=st.integers(1, 40),
    rate=st.floats(1e-4, 1e3),
    size=st.sampled_from([1e-45, 1e-20, 1e-3, 1.0, 1e3, 1e17, 1e20, 1e150]),
    offset=st.sampled_from([0.0, 1.0, 1e6, 1e12]),
    low=st.sampled_from([0.0, -1.0]),
    seed=st.integers(0, 2**20),
)
def test_every_count_on_any_points(h, d, n, m, rate, size, offset, low, seed):
    rng = np.random.default_rng(seed)
    X, validation = rng.normal(size=(n, d)) * size + offset, rng.normal(size=(m, d)) * size + offset
    y, labels = rng.choice([-1.0, 1.0], n), rng.choice([-1.0, 1.0], m)
    parameters = start(h, d, seed, low=low)
    hold_against_brute_force(
        parameters, X, y, validation, labels, rng.integers(0, n, 150), rate, (40,)
    )


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
def test_every_count_of_weights_of_any_size(scale):
    """The weights of both layers so scaled that y_hat stays; float32 may be too small for them."""
    parameters = start(7, 2, 7, low=-1.0)
    parameters[0] *= scale
    parameters[1] *= scale
    parameters[2] /= scale
    # a step moves W by s w x, which is large if w is
    rate = 0.02 * min(scale, 1 / scale) ** 2
    hold_against_brute_force(
        parameters, *moons(100, 1), *moons(100, 2), drawn(100, 300), rate, (100,)
    )


def near_the_boundary(parameters, n, seed, distance):
    """Points (n, 2) of a network that is linear there, at which |y_hat| is about `distance`."""
    rng = np.random.default_rng(seed)
    W_in, b_in, w_out, b_out = parameters
    X = rng.uniform(0, 1, (n, 2))
    slope, offset = w_out @ W_in, w_out @ b_in + b_out[0]
    X[:, 1] = (rng.uniform(-distance, distance, n) - offset - slope[0] * X[:, 0]) / slope[1]
    return X


@pytest.mark.parametrize("distance", [1e-15, 1e-12, 1e-9, 1e-7, 1e-5])
def test_every_count_where_float32_has_the_wrong_sign(distance):
    decided = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        W_in, b_in, w_out = rng.uniform(0.1, 1, (7, 2)), rng.uniform(5, 6, 7), rng.uniform(-1, 1, 7)
        # the boundary goes through the middle of the unit square, in which all units are active
        parameters = [W_in, b_in, w_out, -w_out @ (W_in.sum(axis=1) / 2 + b_in)[:, np.newaxis]]
        X, y = rng.normal(size=(400, 2)) * 3, rng.choice([-1.0, 1.0], 400)
        X[::100] = near_the_boundary(parameters, 4, seed, distance)
        order = rng.integers(0, 400, 60)
        # a step moves an output by less than most points are away from the boundary
        rate = distance * 1e-3
        decided += held(parameters, X, y, X[200:] + 1.0, y[200:], order, rate).decided
    assert decided > 2 * 60 * 30  # two and more of the four points that lie there


@pytest.mark.parametrize("far", [1e6, 1e9, 1e12, 1e15])
def test_every_count_of_points_far_from_the_origin(far):
    """b takes away what W x is there; of terms of 1e15 little more than their rounding is left."""
    (X, y), (others, labels) = moons(60, 1), moons(60, 2)
    parameters = start(5, 2, 7, low=-1.0)
    parameters[1] -= parameters[0] @ np.full(2, far)
    done = held(parameters, X + far, y, others + far, labels, drawn(60, 800), 1.0 / far**2)
    assert (done.decided > 10_000) == (far == 1e15)


def standing(w_out, b_out):
    """A network at rate 0 whose hidden sums are 1 at the only point, a positive one."""
    h = len(w_out)
    parameters = [np.ones((h, 1)), np.zeros(h), np.array(w_out), np.array([b_out])]
    X, y = np.ones((1, 1)), np.ones(1)
    return parameters, X, y, X, y, np.zeros(3, np.int64), 0.0


def test_every_count_where_float32_loses_a_thousand_small_terms():
    unit = 2.0**-24
    # beside 1 each of the small ones is rounded away; their exact sum is 490 units
    for last in (300, 600):
        arguments = standing([*[0.49 * unit] * 1000, -1 - last * unit], 1.0)
        outputs = reference.output(*arguments[0][:3], 1.0 * arguments[0][3], np.ones((1, 1)))
        assert (outputs[0] > 0) == (last < 490)
        hold_against_brute_force(*arguments)


def test_every_count_where_float32_underflows():
    least = 2.0**-149  # the smallest float32: 0.6 of it is rounded to it
    hold_against_brute_force(*standing([0.6 * least, 0.6 * least], -1.4 * least))


def test_a_frozen_network_whose_output_is_exactly_0_is_negative():
    X, y, order = np.full((4, 1), -1.0), np.tile([1.0, -1.0], 2), drawn(4, 40)
    parameters = [np.ones((1, 1)), np.zeros(1), np.ones(1), np.full(1, -0.5)]
    now, seen = [p.copy() for p in parameters], []
    for t in range(len(order)):
        sgd_steps(*now, X, y, order[t : t + 1], 0.02)
        seen.append(now[3][0])
    # at x > 0 the output is x + b_out: 0 after one of the steps
    validation = -np.array(seen[5:15])[:, np.newaxis]
    labels = np.ones(len(validation))
    done = held(parameters, X, y, validation, labels, order, 0.02)
    assert done.frozen == len(order)


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
        X[2] += weights[0]  # here the unit is active
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


def test_the_reference_takes_the_same_steps_and_counts_the_same():
    X, y = moons(100, 1)
    points, labels = together(X, y, *moons(100, 2))
    order = drawn(100, 500)
    answers = []
    for function in (sgd_with_errors, reference.sgd_with_errors):
        parameters, wrong = start(7, 2, 7), np.zeros((2, 500), np.int32)
        assert function(*parameters, X, y, order, 0.02, points, labels, *wrong) == -1
        answers.append([*parameters, *wrong])
    for ours, plain in zip(*answers, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-10)


@pytest.mark.parametrize("steps", [1, 20, 300])
def test_the_active_points_are_those_that_interval_arithmetic_finds(steps):
    X, y = moons(500, 1)
    others, labels = moons(500, 2)
    parameters, order = start(7, 2, 7), drawn(500, 2000)
    sgd_steps(*parameters, X, y, order, 0.02)
    order, now, after = order[:steps], [p.copy() for p in parameters], []
    for i in range(steps):
        sgd_steps(*now, X, y, order[i : i + 1], 0.02)
        after.append([p.copy() for p in now])
    points, _ = together(X, y, others, labels)
    low, high = reference.bounds(*(np.array(p) for p in zip(*after, strict=True)), points)
    outputs = np.array([reference.output(*p, points) for p in after])
    assert (low <= outputs.min(axis=0) + 1e-12).all()
    assert (high >= outputs.max(axis=0) - 1e-12).all()
    expected = ((low <= 0) & (high > 0)).sum()
    _, done = in_blocks(parameters, X, y, others, labels, order, 0.02)
    assert done.blocks == 1
    # the kernel's bounds are moved outwards for float32
    assert expected <= done.active_in_blocks <= expected + 3


def test_blocks_of_any_length_and_code_for_any_number_of_features_say_the_same():
    arguments = start(7, 2, 7), *moons(200, 1), *moons(200, 2), drawn(200, 2000), 0.2
    expected, _ = in_blocks(*arguments)
    for block, axes, blocks in (
        (1, (0, 0), 63),
        (100, (0, 0), 16),
        (5000, (0, 0), 1),
        (BLOCK, 2, 2),
    ):
        ours, done = in_blocks(*arguments, block=block, axes=axes)
        assert done.blocks == blocks
        for a, b in zip(ours, expected, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("before", [0, 31, 32, 1024, 1500])
@pytest.mark.parametrize("kind", ["output", "parameter"])
def test_the_step_is_known_at_which_a_number_is_no_longer_finite(before, kind):
    # the last point makes y_hat overflow, or is on the wrong side with a step that does
    X = np.array([[1.0], [1e200 if kind == "output" else 1e300]])
    y = np.array([1.0, -1.0])
    parameters = [np.array([[1e150 if kind == "output" else 1e-290]]), *np.zeros((3, 1))]
    parameters[2][:] = 1.0
    order = np.r_[np.zeros(before, np.int64), 1, 0, 0]
    rate = 0.0 if kind == "output" else 1e10
    train, _ = hold_against_brute_force(parameters, X, y, X, y, order, rate)
    assert len(train) == before


def test_more_points_than_can_be_counted_are_refused():
    points, labels = np.empty((1, 2**24 + 1)), np.empty(2**24 + 1)
    with pytest.raises(InputError, match="16,777,217 points; expected at most 16,777,216"):
        sgd_with_errors(*start(1, 1, 0), None, None, None, 0.1, points, labels, None, None)


def digest():
    """Of what runs leave and count, at rates that converge and that blow up."""
    both = moons(300, 1), moons(300, 2)
    answers = hashlib.sha256()
    for rate in (0.02, 2.0):
        (X, y), (others, labels) = both
        arguments = start(7, 2, 7), X, y, others, labels, drawn(300, 3000), rate
        for array in in_blocks(*arguments)[0]:
            answers.update(np.asarray(array).tobytes())
    return answers.hexdigest()


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names x86 processors")
@pytest.mark.parametrize("processor", ["x86-64", "znver3"])
def test_processors_without_the_newest_instructions_give_the_same_bits(processor, tmp_path):
    """The first has no fused multiply-add, and vectors of two float64; the second of four."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    named = {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": ""}
    result = subprocess.run(
        [sys.executable, "-c", code + "import test_kernel; print(test_kernel.digest())"],
        env={**os.environ, **named, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == digest()
