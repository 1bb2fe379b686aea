"""The compiled search for the box of text, against NumPy."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import uniform_filter

from chainrule.reader.picture.text_box import _median, _median_distance, _smoothed, find_text_box

SHADES = arrays(np.uint8, st.integers(1, 60))


@given(SHADES)
def test_medians_are_numpys(shades):
    counts = np.bincount(shades, minlength=256)
    paper = _median(counts)
    assert paper == np.median(shades)
    assert _median_distance(counts, paper) == np.median(np.abs(shades - paper))


@given(st.integers(0, 2**32 - 1))
def test_band_core_and_strokes_of_noisy_bars(seed):
    """Upright bars in a box, of known number, on noisy paper: dark or light."""
    rng = np.random.default_rng(seed)
    bars, bar, gap = rng.integers(3, 12), rng.integers(3, 6), rng.integers(3, 8)
    top, tall, left = rng.integers(4, 10), rng.integers(10, 20), rng.integers(4, 10)
    dark = rng.random() < 0.5
    picture = np.full((40, 30 + bars * (bar + gap)), 230 if dark else 20, np.int64)
    for number in range(bars):
        first = left + number * (bar + gap)
        picture[top : top + tall, first : first + bar] = 20 if dark else 230
    noisy = (picture + rng.integers(-5, 6, picture.shape)).clip(0, 255).astype(np.uint8)
    smooth = uniform_filter(noisy.astype(float), 3, mode="nearest").round()
    np.testing.assert_array_equal(_smoothed(noisy), smooth)
    box = find_text_box(noisy)
    edge = np.concatenate([smooth[0], smooth[-1], smooth[:, 0], smooth[:, -1]])
    assert box.paper == np.median(edge)
    assert box.sign == (-1 if dark else 1)
    right = left + bars * (bar + gap) - gap
    assert np.abs(np.array(box[2:6]) - (left, top, right, top + tall)).max() <= 1
    assert box.strokes == bars
    assert abs(box.core - tall) <= 1


def test_an_even_picture_has_no_band():
    even = np.full((20, 50), 128, np.uint8)
    assert find_text_box(even) is None
