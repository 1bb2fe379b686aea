"""Part 4 on few letters and few epochs: whole, on a page, and true to its numbers."""

from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from chainrule.glyphs.fonts import find_fonts, open_font
from chainrule.glyphs.letters import build_letters
from chainrule.reader.letters.confusion import Confusion
from chainrule.reader.letters.recipes import RECIPES
from chainrule.report import Part, ReportSettings, part4_runs
from chainrule.report.page import document, page
from chainrule.report.part4 import sections
from chainrule.report.part4_training import _hard_fonts


def small_letters():
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = [open_font(path) for path in find_fonts([folder]) if path.stem.startswith("DejaVuS")]
    return build_letters(fonts, "abcdefghijklmnopqrstuvwxyz", validation_families={"DejaVu Serif"})[
        0
    ]


def few_epochs(epochs):
    """The recipes for few letters: fewer epochs, and smaller steps by the fast one."""
    return {
        name: replace(recipe, settings=replace(recipe.settings, epochs=epochs, learning_rate=rate))
        for (name, recipe), rate in zip(RECIPES.items(), (0.001, 0.02), strict=True)
    }


@pytest.fixture(scope="module")
def found():
    letters = small_letters()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part4_runs, "load_letters", lambda: letters)
        patch.setattr(part4_runs, "RECIPES", few_epochs(8))
        seen = []
        yield list(sections(ReportSettings(), lambda *now: seen.append(now))), letters, seen


def test_the_sections_are_the_originals(found):
    assert [section.number for section in found[0]] == ["4.1", "4.2", "4.3", "4.4", "4.5", "4.6"]


def test_the_network_has_as_many_parameters_as_its_filters(found):
    count = 20 * 26 + 50 * (20 * 25 + 1) + 500 * (50 * 16 + 1) + 26 * (500 * 4 + 1)
    assert found[0][1].results["parameters"] == count


def test_the_numbers_of_the_sections_hang_together(found):
    data, _, training, _, line, jitter = found[0]
    letters = found[1]
    assert data.results["training_letters"] == len(letters.training_rows)
    assert [(run["recipe"], run["jitter"]) for run in training.results["trainings"]] == [
        ("original", False), ("fast", False), ("fast", True),
    ]  # fmt: skip
    assert training.results["recipe"] == "fast"
    last = training.results["trainings"][1]["epochs"][-1]
    without = jitter.results["without jitter"]
    assert without["top1_validation"] == pytest.approx(last["top1_validation"])
    assert without["read"] == line.results["read"]["without jitter"]
    assert line.results["columns"] == 137
    assert line.results["largest_difference_from_windows"] < 1e-4
    truth = "the rat the cat the dog chased killed ate the malt"
    for name, text in line.results["read"].items():
        pairs = [(a, b) for a, b in zip(truth, text, strict=True) if a != " "]
        assert line.results["right"][name] == sum(a == b for a, b in pairs)


def test_the_fewest_fonts_with_half_of_the_mistakes_are_named(found):
    letters = found[1]
    training = found[0][2]
    rows = letters.validation_rows
    fonts = letters.fonts[rows]
    names = [letters.font_names[font] for font in np.unique(fonts)]
    assert set(training.results["fonts_with_half_of_the_mistakes"]) <= set(names)
    # all letters of the last font wrong, and one of the first
    truth, read = letters.labels[rows], letters.labels[rows].copy()
    read[fonts == fonts[-1]] += 1
    read[0] += 1
    runs = part4_runs.Runs(letters, 0, {})
    hard, count = _hard_fonts(runs, Confusion(truth, read, 27))
    assert (hard, count) == ([letters.font_names[fonts[-1]]], len(names))
    assert _hard_fonts(runs, Confusion(truth, truth, 27))[0] == []


def test_the_filters_are_those_of_the_originals_network(found):
    filters = found[0][3]
    assert filters.results["roughness_before"] == pytest.approx(2**0.5, rel=0.1)
    network = found[0][1].results
    assert "20 filters" in filters.figures[0].caption
    assert network["parameters"] > 400_000


def test_an_interrupted_report_of_other_recipes_trains_anew(tmp_path, monkeypatch):
    letters, few = small_letters(), few_epochs(1)
    monkeypatch.setattr(part4_runs, "load_letters", lambda: letters)
    monkeypatch.setattr(part4_runs, "RECIPES", few)
    settings = ReportSettings(unfinished=tmp_path)
    before = part4_runs.run_all(settings, None)
    written = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(written) == 3

    again = part4_runs.run_all(settings, None)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written

    monkeypatch.setattr(part4_runs, "RECIPES", few_epochs(2))
    other = part4_runs.run_all(settings, None)
    for key in before.found:
        assert again.found[key].trained.history == before.found[key].trained.history
        assert len(other.found[key].trained.history) == 2


def test_what_the_script_does_wrong_is_listed(found):
    text = found[0][-1].found
    for word in ("position", "−1 to 3", "whole batch", "validation letters are", "mean", "split"):
        assert word in text


def test_it_makes_a_page(found, read_page):
    part = Part(4, "A network that reads letters", tuple(found[0]))
    shown = read_page(page([part], ReportSettings()))
    assert not shown.loads()
    assert len(shown.all("img")) == 6
    assert document([part], ReportSettings())["sections"][0]["number"] == "4.1"
