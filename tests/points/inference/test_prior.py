"""The prior and the moves through it."""

import numpy as np
import pytest
from scipy.stats import binomtest, kstest

from chainrule.points.inference.prior import (
    CHOICES,
    RANGES,
    draw_prior,
    numbers_of,
    propose,
)
from chainrule.points.moons import DrawnMoons

STEP = np.diag([0.2, 0.2, 0.2, 0.6])


def uniform(candidates):
    """Each number's place in its range, 0 to 1 (the scale's by its logarithm)."""
    numbers = numbers_of(candidates)
    bounds = np.array(list(RANGES.values()))
    bounds[3] = np.log(bounds[3])
    return (numbers - bounds[:, 0]) / (bounds[:, 1] - bounds[:, 0])


def check_is_the_prior(candidates):
    places = uniform(candidates)
    for column in range(4):
        assert kstest(places[:, column], "uniform").pvalue > 1e-4
    for name, values in CHOICES.items():
        first = sum(getattr(c.moons, name) == values[0] for c in candidates)
        assert binomtest(first, len(candidates)).pvalue > 1e-4
    seeds = [s / 2**31 for c in candidates for s in (c.training_seed, c.validation_seed)]
    assert kstest(seeds, "uniform").pvalue > 1e-4


def test_draws_are_uniform():
    check_is_the_prior([draw_prior(np.random.default_rng(k)) for k in range(1500)])


def test_moves_leave_the_prior_as_it_is():
    moved = []
    for k in range(1500):
        generator = np.random.default_rng(k)
        candidate = draw_prior(generator)
        for _ in range(8):
            candidate = propose(candidate, STEP, generator) or candidate
        moved.append(candidate)
    check_is_the_prior(moved)


def test_moves_reach_every_choice_and_both_draws():
    generator = np.random.default_rng(0)
    start = candidate = draw_prior(generator)
    seen = set()
    for _ in range(6000):
        candidate = propose(candidate, STEP, generator) or candidate
        seen.add(tuple(getattr(candidate.moons, name) for name in CHOICES))
    assert len(seen) == 2 ** len(CHOICES)
    assert candidate.training_seed != start.training_seed
    assert candidate.validation_seed != start.validation_seed


def test_a_candidate_survives_json_and_draws_its_points_again():
    candidate = draw_prior(np.random.default_rng(7))
    again = DrawnMoons.from_document(candidate.document())
    assert again == candidate
    for a, b in zip(candidate.draw(20), again.draw(20), strict=True):
        np.testing.assert_array_equal(a.features, b.features)
        np.testing.assert_array_equal(a.labels, b.labels)
    training, validation = candidate.draw(20)
    assert not np.array_equal(training.features, validation.features)


def test_the_scale_is_a_number_of_the_original_kind():
    # numbers_of has the logarithm: a step up and down by the same factor is as likely
    candidate = draw_prior(np.random.default_rng(1))
    assert np.exp(numbers_of([candidate])[0, 3]) == pytest.approx(candidate.moons.scale)


def test_what_is_fixed_stays_in_draws_and_moves():
    fixed = (("width", 0.3), ("scale", 20.0), ("noise", "square"), ("mirrored_1", True))
    generator = np.random.default_rng(0)
    candidate = draw_prior(generator, fixed)
    moved = 0
    for _ in range(300):
        other = propose(candidate, STEP * [[0], [1], [1], [0]], generator, fixed)
        moved += other is not None and other != candidate
        candidate = other or candidate
        assert [getattr(candidate.moons, name) for name, _ in fixed] == [v for _, v in fixed]
    assert moved > 100  # the scale is beyond its range, and the others move all the same
