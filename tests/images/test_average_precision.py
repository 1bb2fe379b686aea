import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve

from chainrule.errors import InputError, ShapeError
from chainrule.images.average_precision import (
    average_precision,
    average_precision_11_point,
    bootstrap_interval,
    precision_recall,
)

# few distinct scores make ties likely
RANKINGS = st.lists(
    st.tuples(st.one_of(st.integers(-3, 3), st.floats(-1e6, 1e6)), st.booleans()),
    min_size=1,
    max_size=60,
)


@given(RANKINGS)
def test_area_is_scikit_learns(pairs):
    scores, relevant = (np.array(column) for column in zip(*pairs, strict=True))
    # with no positive scikit-learn gives 0, with a warning
    expected = average_precision_score(relevant, scores) if relevant.any() else 0.0
    assert average_precision(scores, relevant) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("distinct", [2, 5, 100_000])
def test_area_and_curve_are_scikit_learns_on_large_rankings(distinct):
    generator = np.random.default_rng(distinct)
    scores = generator.integers(distinct, size=5000) / distinct
    relevant = generator.random(5000) < scores
    assert average_precision(scores, relevant) == pytest.approx(
        average_precision_score(relevant, scores), abs=1e-12
    )
    curve = precision_recall(scores, relevant)
    precision, recall, threshold = precision_recall_curve(relevant, scores)
    np.testing.assert_allclose(curve.precision, precision[-2::-1], atol=1e-12)
    np.testing.assert_allclose(curve.recall, recall[-2::-1], atol=1e-12)
    np.testing.assert_array_equal(curve.threshold, threshold[::-1])
    assert (curve.positives, curve.negatives) == (relevant.sum(), 5000 - relevant.sum())


def test_all_negative_and_all_positive():
    scores = [0.3, 0.1, 0.2]
    with pytest.warns(UserWarning, match="No positive class"):
        expected = average_precision_score([0, 0, 0], scores)
    assert average_precision(scores, [0, 0, 0]) == expected == 0
    assert average_precision_11_point(scores, [0, 0, 0]) == 0
    assert average_precision(scores, [1, 1, 1]) == average_precision_score([1, 1, 1], scores) == 1
    assert average_precision_11_point(scores, [1, 1, 1]) == 1


def test_no_picture_at_all():
    assert average_precision([], []) == average_precision_11_point([], []) == 0


def test_eleven_points_worked_by_hand():
    # the ranking + - + + - : (recall, precision) 1/3, 1; 1/3, 1/2; 2/3, 2/3; 1, 3/4; 1, 3/5.
    # the best precision at a recall >= t is 1 for t = 0 ... 0.3, and 3/4 for t = 0.4 ... 1
    value = average_precision_11_point([5, 4, 3, 2, 1], [1, 0, 1, 1, 0])
    assert value == pytest.approx((4 * 1 + 7 * 0.75) / 11, abs=1e-15)


def test_eleven_points_reach_recalls_that_are_whole_tenths():
    # ten positives, a negative after each: after the third positive the recall is 3/10, exactly
    relevant = [1, 0] * 10
    precision = [(i + 1) / (2 * i + 1) for i in range(10)]  # at recall (i + 1) / 10, falling
    expected = (1 + sum(precision)) / 11
    value = average_precision_11_point(np.arange(20, 0, -1), relevant)
    assert value == pytest.approx(expected, abs=1e-15)


def _development_kit(scores, truth):
    """VOCevalcls of the VOC 2007 development kit, line for line: truth is 1, 0 (difficult), -1."""
    order = np.argsort(-np.asarray(scores), kind="stable")
    truth = np.asarray(truth)[order]
    tp, fp = np.cumsum(truth > 0), np.cumsum(truth < 0)
    recall = tp / np.sum(truth > 0)
    with np.errstate(invalid="ignore"):
        precision = tp / (tp + fp)
    total = 0.0
    for t in range(11):
        reached = precision[recall >= t / 10 - 1e-12]
        total += np.nanmax(reached) if len(reached) else 0.0
    return total / 11


@given(st.lists(st.sampled_from([1, 0, -1]), min_size=1, max_size=40), st.randoms())
def test_eleven_points_and_difficult_pictures_as_the_development_kit(truth, random):
    truth = [*truth, 1]
    scores = list(range(len(truth)))
    random.shuffle(scores)
    truth_array = np.array(truth)
    value = average_precision_11_point(scores, truth_array > 0, truth_array == 0)
    assert value == pytest.approx(_development_kit(scores, truth), abs=1e-12)


def test_difficult_pictures_count_as_neither():
    curve = precision_recall([4, 3, 2, 1], [1, 1, 0, 0], [0, 1, 0, 1])
    assert (curve.positives, curve.negatives) == (1, 1)


def test_interval_covers_the_mean_of_repeated_samples():
    generator = np.random.default_rng(0)
    relevant = np.arange(400) < 100
    samples = generator.normal(size=(500, 400)) + relevant
    mean = np.mean([average_precision_score(relevant, scores) for scores in samples])
    intervals = [
        bootstrap_interval(scores, relevant, generator=generator, resamples=200)
        for scores in samples[:60]
    ]
    # of sixty 95 % intervals 57 should cover; fewer than 50 has a chance below 1 in 10,000
    assert sum(low <= mean <= high for low, high in intervals) >= 50


def test_interval_counts_a_picture_as_often_as_it_is_drawn():
    generator = np.random.default_rng(1)
    scores, relevant = generator.integers(5, size=30), np.arange(30) % 3 == 0
    ours = bootstrap_interval(
        scores, relevant, generator=np.random.default_rng(2), resamples=50, level=0.5
    )
    same = np.random.default_rng(2)
    order = np.argsort(-scores, kind="stable")
    scores, relevant = scores[order], relevant[order]
    values = []
    for _ in range(50):
        groups = [np.flatnonzero(relevant), np.flatnonzero(~relevant)]
        drawn = np.concatenate([g[same.integers(len(g), size=len(g))] for g in groups])
        values.append(average_precision_score(relevant[drawn], scores[drawn]))
    assert ours == pytest.approx(np.quantile(values, [0.25, 0.75]), abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([1, 2], [1]), ShapeError, r"\(2,\).*\(1,\)"),
        (([[1, 2]], [[1, 0]]), ShapeError, r"one number a picture"),
        (([1, np.nan], [1, 0]), InputError, "score 1 is not a finite number"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        precision_recall(*arguments)
