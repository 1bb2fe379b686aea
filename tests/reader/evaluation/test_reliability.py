"""The table of how often lines are right by how sure they are, by hand, beside scikit-learn."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from chainrule.reader.evaluation.reliability import over, reliability_figure, reliability_table


def test_a_table_by_hand():
    sure = np.array([0.0, 0.05, 0.35, 0.95, 1.0, 0.9])
    right = np.array([False, False, True, True, False, True])
    table = reliability_table(sure, right)
    assert [(row.low, row.lines) for row in table] == [(0.0, 2), (0.3, 1), (0.8, 1), (0.9, 2)]
    assert (table[3].confidence, table[3].right) == (pytest.approx(0.975), 0.5)
    # Wilson's 95 % interval of 1 in 2, by his formula with z^2 = 3.8415
    z2 = 3.841459
    half = np.sqrt(z2 * (0.25 / 2 + z2 / 16)) / (1 + z2 / 2)
    assert table[3].interval == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)
    surest = over(sure, right)
    assert surest is not None
    assert (surest.lines, surest.right) == (2, 0.5)
    assert over(np.array([0.9]), np.array([True])) is None


def test_it_is_the_calibration_curve_of_scikit_learn():
    rng = np.random.default_rng(0)
    sure = rng.random(500)
    right = rng.random(500) < sure
    table = reliability_table(sure, right)
    shares, means = calibration_curve(right, sure, n_bins=10)
    assert [row.right for row in table] == pytest.approx(list(shares))
    assert [row.confidence for row in table] == pytest.approx(list(means))
    above = reliability_figure(table).axes[0]
    np.testing.assert_allclose(above.lines[1].get_xydata(), np.stack([means, shares], 1))
