"""Lines with another slant and weight."""

import numpy as np

from chainrule.glyphs.vary import MOST, STEEPEST, vary


def bar():
    """A line with one upright bar in the middle, 4 px wide."""
    image = np.full((33, 61), 255, np.uint8)
    image[:, 29:33] = 0
    return image


def middles(image):
    ink = 255.0 - image
    return ink @ np.arange(image.shape[1]) / ink.sum(1) - (image.shape[1] - 1) / 2


def test_slant_is_symmetric_within_its_limit_and_turns_about_the_middle():
    rng = np.random.default_rng(0)
    slants = []
    for _ in range(400):
        places = middles(vary(bar(), rng)) - 0.5  # the bar itself lies half a pixel to the right
        slope = np.polyfit(np.arange(33) - 16, places, 1)
        assert abs(slope[1]) <= 1
        slants.append(slope[0])
    slants = np.array(slants)
    assert np.abs(slants).max() <= STEEPEST + 0.02
    assert np.abs(slants).max() > 0.8 * STEEPEST
    assert abs(slants.mean()) < 4 * slants.std() / 20
    assert 150 < (np.abs(slants) < 1e-3).sum() < 260  # half of them stay upright


def test_weight_goes_both_ways_by_at_most_its_share():
    rng = np.random.default_rng(1)
    before = (255.0 - bar()).sum()
    ratios = np.array([(255.0 - vary(bar(), rng)).sum() / before for _ in range(400)])
    # the neighbours of a bar 4 px wide make it 6 or 2 px wide
    # (and a little more where a slant has made its sides soft)
    assert ratios.min() >= 1 - MOST / 2 - 0.06
    assert ratios.max() <= 1 + MOST / 2 + 0.06
    assert ratios.min() < 0.85
    assert ratios.max() > 1.15


def test_the_picture_itself_stays_as_it_is():
    image = bar()
    vary(image, np.random.default_rng(2))
    assert (image == bar()).all()
