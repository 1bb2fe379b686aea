"""The stability of pooling, against SciPy's filters and pictures whose change is known."""

import math

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import maximum_filter, uniform_filter

from chainrule.errors import InputError
from chainrule.io.pictures import sample_picture
from chainrule.practical.stability import SHIFTS, TURNS, stability

FILTERS = {
    "none": lambda x: x,
    "average": lambda x: uniform_filter(x, (5, 5, 1)),
    "max": lambda x: maximum_filter(x, (5, 5, 1)),
}


@pytest.fixture(scope="module")
def temple():
    return sample_picture()


@pytest.fixture(scope="module")
def found(temple):
    return stability(temple)


@pytest.mark.parametrize("name", FILTERS)
def test_shifts_and_turns_as_scipy_pools_them(temple, name):
    """Pool pictures that are moved first, at the window's centres away from the border."""
    image = temple.crop((100, 100, 220, 200))
    found = stability(image, window=5)
    pool, border = FILTERS[name], 0 if name == "none" else 2
    whole = np.asarray(image, dtype=np.float64) / 255

    def output(part):
        pooled = pool(part)
        return pooled[border : pooled.shape[0] - border, border : pooled.shape[1] - border]

    def part(down, right):
        return output(whole[8 - down : 92 - down, 8 - right : 112 - right])

    def change(before, others):
        scale = math.sqrt(2 * before.var((0, 1)).mean())
        return (
            np.mean([np.sqrt(np.mean((o - before) ** 2)) / scale for o in others]),
            np.mean([np.mean(np.abs(o - before) <= 1 / 255 + 1e-7) for o in others]),
        )

    for d in (1, 5, 8):
        moved = [part(d, 0), part(-d, 0), part(0, d), part(0, -d)]
        relative, unchanged = change(part(0, 0), moved)
        assert found.shifts[name][d].relative == pytest.approx(relative, rel=1e-4)
        # an output just a grey level away falls to either side in float32
        assert found.shifts[name][d].unchanged == pytest.approx(unchanged, abs=0.02)


def test_what_the_report_says_of_the_photograph(found):
    for moved, moves in ((found.shifts, SHIFTS), (found.turns, TURNS)):
        for d in moves:
            none, average, largest = (moved[n][d] for n in ("none", "average", "max"))
            assert largest.unchanged > max(none.unchanged, average.unchanged)
            assert average.relative < largest.relative
    assert found.shifts["max"][1].unchanged > 0.85
    assert found.shifts["max"][8].relative == pytest.approx(
        found.shifts["none"][8].relative, rel=0.05
    )
    assert found.turns["max"][8].relative > found.turns["none"][8].relative


def test_a_picture_that_repeats_itself_does_not_change_when_shifted_by_its_period():
    tile = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    found = stability(Image.fromarray(np.tile(tile, (20, 20, 1))), window=3)
    for changes in found.shifts.values():
        assert changes[1].relative > 0
        for d in (4, 8):
            assert changes[d].relative == 0
            assert changes[d].unchanged == 1


def test_pure_noise_is_unrelated_after_a_shift():
    pixels = np.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=np.uint8)
    found = stability(Image.fromarray(pixels), window=3)
    assert found.shifts["none"][8].relative == pytest.approx(1, abs=0.01)
    assert found.shifts["max"][8].relative == pytest.approx(1, abs=0.02)


def test_too_small_and_empty_pictures_are_refused():
    with pytest.raises(InputError, match="40x20 pixels, too few to shift and turn"):
        stability(Image.new("RGB", (40, 20)))
    with pytest.raises(InputError, match="one colour only"):
        stability(Image.new("RGB", (100, 100), "teal"))
