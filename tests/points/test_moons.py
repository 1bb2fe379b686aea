"""Half-moons in any position: where their points lie."""

import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import InputError
from chainrule.points.moons import HalfMoons

FLAGS = st.fixed_dictionaries(
    {name: st.booleans() for name in ("mirrored_1", "mirrored_2", "exchanged", "centred")}
)
SETTINGS = st.builds(
    lambda flags, **numbers: HalfMoons(**numbers, **flags),
    FLAGS,
    width=st.floats(0, 1.2),
    distance=st.floats(-0.8, 0.3),
    offset=st.floats(0.5, 1.5),
    scale=st.floats(0.1, 20),
    noise=st.sampled_from(["band", "square"]),
    upper_label=st.sampled_from([-1, 1]),
)


@given(SETTINGS, st.integers(2, 60))
def test_half_of_the_points_are_of_each_class(moons, n):
    labels = moons.draw(n, 0).labels
    assert (labels == moons.upper_label).sum() == (n + 1) // 2
    assert (labels == -moons.upper_label).sum() == n // 2


@given(SETTINGS)
def test_each_point_lies_on_its_moon(moons):
    points = moons.draw(100, 3)
    # undo scale, exchange and mirrors, one after the other
    at = points.features / moons.scale
    if moons.centred:
        middle = np.array([moons.offset / 2, -moons.distance / 2])
        middle *= [-1 if moons.mirrored_1 else 1, -1 if moons.mirrored_2 else 1]
        at = at + (middle[::-1] if moons.exchanged else middle)
        at = at + (moons.width / 2 if moons.noise == "square" else 0)
    if moons.exchanged:
        at = at[:, ::-1]
    at = at * [-1 if moons.mirrored_1 else 1, -1 if moons.mirrored_2 else 1]
    upper = points.labels == moons.upper_label
    reach = moons.width * (0.5 if moons.noise == "band" else math.sqrt(2)) + 1e-12
    for moon, centre, sign in (
        (at[upper], (0, 0), 1),
        (at[~upper], (moons.offset, -moons.distance), -1),
    ):
        x, y = (moon - centre).T
        assert (np.abs(np.hypot(x, y) - 1) <= reach).all()
        assert (sign * y >= -moons.width - 1e-12).all()


def test_square_noise_in_closed_form():
    # the mean of a half circle of radius 2 that opens to the left is (4 / pi, 0); its noise,
    # uniform in [0, 0.6] for both features, adds 0.3. The other one is turned about and moved
    moons = HalfMoons(
        width=0.3, distance=-0.4, offset=0.9, scale=2.0, noise="square", mirrored_1=True,
        exchanged=True, upper_label=-1,
    )  # fmt: skip
    points = moons.draw(200_000, 1)
    negative, positive = (points.features[points.labels == c] for c in (-1, 1))
    expected = np.array([4 / math.pi + 0.3, 0.3])
    np.testing.assert_allclose(negative.mean(axis=0), expected, atol=0.02)
    moved = np.array([-4 / math.pi + 0.3 + 0.8, 0.3 - 1.8])
    np.testing.assert_allclose(positive.mean(axis=0), moved, atol=0.02)
    assert negative[:, 0].min() >= 0
    assert (np.abs(negative[:, 1] - 0.3) <= 2.3).all()


def test_the_radius_of_a_band_is_uniform():
    moons = HalfMoons(width=0.6, distance=0.0)
    points = moons.draw(40_000, 5)
    radius = np.hypot(*points.features[points.labels == 1].T)
    assert radius.min() >= 0.7
    assert radius.max() <= 1.3
    assert radius.mean() == pytest.approx(1, abs=0.005)
    assert radius.var() == pytest.approx(0.6**2 / 12, rel=0.03)


@given(SETTINGS)
def test_centred_moons_have_their_middle_at_the_origin(moons):
    points = replace(moons, centred=True).draw(20_000, 2)
    middle = points.features.mean(axis=0) / moons.scale
    # both moons bulge alike in opposite directions, so their means cancel but for the noise
    np.testing.assert_allclose(middle, 0, atol=0.05)


def test_the_points_move_smoothly_with_the_settings():
    moons = HalfMoons(0.5, -0.3, noise="square")
    a, b = (m.draw(50, 4).features for m in (moons, replace(moons, width=0.5 + 1e-9)))
    assert 0 < np.abs(a - b).max() < 1e-8
    assert (a != moons.draw(50, 5).features).any()
    np.testing.assert_array_equal(a, moons.draw(50, 4).features)


def test_settings_survive_json():
    moons = HalfMoons(0.5, -0.3, 0.9, 2.0, "square", True, False, True, True, -1)
    assert HalfMoons.from_document(asdict(moons)) == moons


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"width": -0.1}, "width: found -0.1; expected a finite number of at least 0"),
        ({"width": 2.5}, "width: found 2.5; expected at most 2"),
        ({"scale": 0.0}, "scale: found 0.0; expected a finite number above 0"),
        ({"distance": math.inf}, "distance: found inf; expected a finite number"),
        ({"offset": math.nan}, "offset: found nan; expected a finite number"),
        ({"noise": "round"}, "noise: found 'round'; expected one of band, square"),
        ({"upper_label": 0}, "upper label: found 0; expected -1 or 1"),
    ],
)
def test_settings_out_of_range_are_refused(change, sentence):
    with pytest.raises(InputError, match=sentence):
        HalfMoons(**{"width": 0.5, "distance": 0.0, **change})


def test_one_point_is_refused():
    with pytest.raises(InputError, match="found 1; expected a whole number of at least 2"):
        HalfMoons(0.5, 0.0).draw(1, 0)
