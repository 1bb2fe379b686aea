"""Part 4 on few letters and few epochs: whole, on a page, and true to its numbers."""

from dataclasses import replace
from pathlib import Path

import matplotlib
import pytest

from chainrule.glyphs.fonts import find_fonts, open_font
from chainrule.glyphs.letters import build_letters
from chainrule.reader.recipes import RECIPES, train_letters
from chainrule.report import Part, ReportSettings, part4_runs
from chainrule.report.page import document, page
from chainrule.report.part4 import sections


@pytest.fixture(scope="module")
def found():
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = [open_font(path) for path in find_fonts([folder]) if path.stem.startswith("DejaVuS")]
    letters = build_letters(
        fonts, "abcdefghijklmnopqrstuvwxyz", validation_families={"DejaVu Serif"}
    )[0]
    fast = RECIPES["fast"]
    few = replace(fast, settings=replace(fast.settings, epochs=8, learning_rate=0.004))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part4_runs, "load_letters", lambda: letters)
        patch.setattr(
            part4_runs,
            "train_letters",
            lambda letters, _, **options: train_letters(letters, few, **options),
        )
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
    last = training.results["trainings"][0]["epochs"][-1]
    without = jitter.results["without jitter"]
    assert without["top1_validation"] == pytest.approx(last["top1_validation"])
    assert without["read"] == line.results["read"]["without jitter"]
    assert line.results["columns"] == 137
    assert line.results["largest_difference_from_windows"] < 1e-4
    truth = "the rat the cat the dog chased killed ate the malt"
    for name, text in line.results["read"].items():
        pairs = [(a, b) for a, b in zip(truth, text, strict=True) if a != " "]
        assert line.results["right"][name] == sum(a == b for a, b in pairs)


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
