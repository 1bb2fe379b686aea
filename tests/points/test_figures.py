"""The pictures show what the data say."""

import io

import numpy as np
import pytest
from PIL import Image

from chainrule.errors import InputError
from chainrule.points import double_moon
from chainrule.points.data import Points
from chainrule.points.figures import (
    boundary_animation,
    decision_boundaries,
    error_curves,
    study_map,
    study_shares,
)
from chainrule.points.study import Setting, Summary, Trial

# y_hat = relu(x1) - relu(-x1) = x1: the boundary is the second axis
UPRIGHT = {
    "W_in": np.array([[1.0, 0.0], [-1.0, 0.0]]),
    "b_in": np.zeros(2),
    "w_out": np.array([1.0, -1.0]),
    "b_out": np.zeros(()),
}
TRAINING, VALIDATION = double_moon(60, seed=0), double_moon(40, seed=1)


def summary(hidden, rate, converged):
    runs = tuple(
        Trial(k, 0.0, 0.0, found, "converged") if found else Trial(k, 0.1, 0.1, None, "dead")
        for k, found in enumerate(converged)
    )
    return Summary(Setting(hidden, rate, 1000, len(runs)), runs)


def test_short_curves_are_drawn_point_by_point():
    error = np.linspace(0.5, 0, 500)
    (axes,) = error_curves(error, error / 2).axes
    lines = {line.get_label(): line for line in axes.lines}
    np.testing.assert_array_equal(lines["training"].get_xdata(), np.arange(1, 501))
    np.testing.assert_array_equal(lines["training"].get_ydata(), error)
    np.testing.assert_array_equal(lines["validation"].get_ydata(), error / 2)


@pytest.mark.parametrize("T", [1001, 30_000, 99_999])
def test_long_curves_keep_every_spike_and_the_mean(T):
    error = np.zeros(T)
    error[[0, T // 3, T - 1]] = 0.4, 0.9, 0.7
    (axes,) = error_curves(error, error).axes
    band = axes.collections[0].get_paths()[0].vertices
    for height in (0.4, 0.9, 0.7):
        assert np.isclose(band[:, 1], height).any()
    mean = axes.lines[0].get_ydata()
    bins = np.diff(np.linspace(0, T, len(mean) + 1).astype(int))
    assert mean @ bins == pytest.approx(error.sum())


def test_the_line_lies_where_the_output_is_zero_and_all_points_are_drawn():
    figure = decision_boundaries({0: UPRIGHT, 7: UPRIGHT}, TRAINING, VALIDATION)
    first, second, bar = figure.axes
    assert "probability of class +1" in bar.get_ylabel()
    wrong = np.mean((TRAINING.features[:, 0] > 0) != (TRAINING.labels > 0))
    assert first.get_title() == f"iteration 0: {wrong:.1%} wrong"
    assert second.get_title().startswith("iteration 7:")
    for axes in (first, second):
        contour = axes.collections[0]
        (line,) = (path for path in contour.get_paths() if len(path.vertices))
        np.testing.assert_allclose(line.vertices[:, 0], 0, atol=1e-12)
        drawn = np.concatenate([c.get_offsets() for c in axes.collections[1:]])
        expected = np.concatenate([TRAINING.features, VALIDATION.features])
        assert sorted(map(tuple, drawn)) == sorted(map(tuple, expected))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7])
def test_there_is_one_panel_an_iteration(count):
    figure = decision_boundaries({10 * k: UPRIGHT for k in range(count)}, TRAINING, VALIDATION)
    assert [a.get_title().split(":")[0] for a in figure.axes[:-1]] == [
        f"iteration {10 * k}" for k in range(count)
    ]
    figure.savefig(io.BytesIO(), format="png")


def test_a_network_with_one_sign_has_no_line():
    positive = {**UPRIGHT, "b_out": np.array(1e4)}
    axes = decision_boundaries({0: positive}, TRAINING, VALIDATION).axes[0]
    assert len(axes.collections) == 4  # the points alone


def test_the_shading_is_blue_where_the_positive_class_is():
    stream = io.BytesIO(boundary_animation({0: UPRIGHT, 5: UPRIGHT}, TRAINING, VALIDATION))
    with Image.open(stream) as animation:
        assert animation.n_frames == 2
        pixels = np.asarray(animation.convert("RGB"), float)
    height, width = pixels.shape[:2]
    left, right = (pixels[int(0.6 * height), int(k * width)] for k in (0.14, 0.8))
    assert left[0] > left[2]  # orange
    assert right[2] > right[0]  # blue


def test_a_boundary_needs_two_features():
    points = Points(np.zeros((2, 3)), np.array([-1.0, 1.0]))
    for draw in (decision_boundaries, boundary_animation):
        with pytest.raises(InputError, match="3 features; expected 2"):
            draw({0: UPRIGHT}, points, points)


def test_the_map_shows_shares_and_medians_in_their_cells():
    summaries = [
        summary(2, 0.5, [None, None]),
        summary(2, 0.1, [100, None]),
        summary(9, 0.1, [12_000, 34_000]),
        summary(9, 0.5, [7000, None]),
    ]
    left, right = study_map(summaries).axes
    for axes, texts in ((left, "50 0 100 50"), (right, "0.1 – 23 7.0")):
        assert [t.get_text() for t in axes.get_xticklabels()] == ["0.1", "0.5"]
        assert [t.get_text() for t in axes.get_yticklabels()] == ["2", "9"]
        cells = sorted(axes.texts, key=lambda t: t.get_position()[::-1])
        assert " ".join(t.get_text() for t in cells) == texts


def test_a_map_without_one_convergence_is_drawn():
    summaries = [summary(h, rate, [None]) for h in (1, 2) for rate in (0.1, 0.2)]
    study_map(summaries).savefig(io.BytesIO(), format="png")


def test_a_map_needs_every_combination_once():
    with pytest.raises(InputError, match="3 settings"):
        study_map([summary(h, rate, [1]) for h, rate in ((1, 0.1), (1, 0.2), (2, 0.1))])


def test_the_shares_have_their_intervals():
    summaries = [summary(2, 0.5, [None] * 4), summary(3, 0.5, [5, 6, None, None])]
    (axes,) = study_shares(summaries).axes
    marks, _, (bars,) = axes.containers[0]
    np.testing.assert_array_equal(marks.get_xdata(), [0, 0.5])
    ends = [segment[:, 0].tolist() for segment in bars.get_segments()]
    expected = [s.document()["zero_share_interval"] for s in summaries]
    np.testing.assert_allclose(ends, expected)


@pytest.mark.parametrize(
    "figure",
    [
        error_curves(np.zeros(5), np.zeros(5)),
        study_map([summary(h, rate, [1]) for h in (1, 2) for rate in (0.1, 0.2)]),
    ],
)
def test_every_axis_says_what_it_shows(figure):
    for axes in figure.axes:
        assert axes.get_xlabel()
        assert axes.get_ylabel()
