"""Pictures of several trainings: a panel a setting, the means of each stretch."""

import numpy as np
import pytest

from chainrule.points.network_figures import chain_diagram
from chainrule.points.trial_figures import trial_curves


@pytest.mark.parametrize("panels", [1, 2, 4, 5, 6])
def test_each_setting_has_a_panel_and_each_trial_a_line(panels):
    errors = {f"trial {k}": np.linspace(0.5, 0, 1000) for k in range(3)}
    figure = trial_curves({f"rate {p}": errors for p in range(panels)})
    assert [axes.get_title() for axes in figure.axes] == [f"rate {p}" for p in range(panels)]
    assert all(len(axes.lines) == 3 for axes in figure.axes)
    assert "iteration" in figure.get_supxlabel()
    assert "%" in figure.get_supylabel()


@pytest.mark.parametrize("length", [1, 7, 499, 500, 501, 20_000])
def test_a_line_keeps_the_mean_of_the_run(length):
    errors = np.random.default_rng(length).random(length)
    (axes,) = trial_curves({"one": {"trial": errors}}).axes
    iterations, percent = axes.lines[0].get_data()
    assert len(percent) == min(length, 500)
    assert np.all(np.diff(iterations) > 0)
    assert iterations[-1] * 1000 <= length
    if length % 500 == 0 or length < 500:  # all stretches are of the same length
        assert np.mean(percent) == pytest.approx(100 * errors.mean(), rel=1e-12)


def test_what_comes_after_the_start_lies_within_the_panel():
    errors = np.concatenate([np.full(1000, 0.9), np.full(99_000, 0.06)])
    (axes,) = trial_curves({"one": {"trial": errors}}).axes
    assert 6 < axes.get_ylim()[1] < 10


def test_the_diagram_names_every_quantity_and_parameter(tmp_path):
    figure = chain_diagram()
    texts = " ".join(text.get_text() for text in figure.axes[0].texts)
    for name in ("$x$", "$z$", "$H$", "hat{y}", "$s$", "W_", "b_", "w_"):
        assert name in texts
    figure.savefig(tmp_path / "chain.svg")
