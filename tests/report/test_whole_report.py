"""All parts on little data: every fact once, and numbers that hang together."""

import json
import re
from collections import Counter

import numpy as np
import pytest

from chainrule.reader.letters.confusion import Confusion
from chainrule.report.experiments import letter_runs
from chainrule.report.experiments.letter_training import hard_fonts
from chainrule.report.facts import FACTS
from chainrule.report.page import anchor, document, page
from chainrule.report.settings import ReportSettings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results(whole):
    """The sections of `results.json` by number."""
    settings, parts = whole
    text = json.dumps(document(parts, settings), allow_nan=False)
    return {s["number"]: s["results"] for s in json.loads(text)["sections"]}


def test_every_fact_stands_once_on_the_page_and_once_in_the_document(whole, read_page):
    settings, parts = whole
    ids = Counter(read_page(page(parts, settings)).ids)
    rows = Counter(row["id"] for row in document(parts, settings)["facts"])
    for fact in FACTS:
        assert ids[anchor(fact.id)] == 1, fact.id
        assert rows[fact.id] == 1, fact.id
    assert rows.total() == len(FACTS)


def test_the_page_fetches_nothing_and_leaves_no_template_behind(whole, read_page):
    settings, parts = whole
    read = read_page(page(parts, settings))
    assert read.loads() == []
    assert all(image["alt"] for image in read.all("img"))
    assert not re.search(r"\{\{|\{%|\bnan\b|\bNone\b(?! of)|\binf\b", read.text)
    assert len(read.all("math")) >= 30


def test_every_section_has_its_words(whole):
    for part in whole[1]:
        for section in part.sections:
            answer = section.texts["answer"]
            assert answer.endswith("."), section.number
            assert "\n" not in answer.strip(), section.number
            assert section.texts["question"]
            for figure in section.figures:
                assert section.texts[f"caption_{figure.name}"]
                assert section.texts[f"alt_{figure.name}"]
            for table in section.tables:
                assert section.texts[f"table_{table.name}"]
                assert all(len(row) == len(table.header) for row in table.rows)


def test_table_1_comes_out_to_every_digit(whole):
    facts = {f.fact.id: f for part in whole[1] for s in part.sections for f in s.facts}
    table = [f for name, f in facts.items() if re.fullmatch(r"1\.2\.B\.\w+\.\w+", name)]
    assert len(table) == 16
    for fact in table:
        assert fact.verdict == "agrees", fact
        assert fact.here == fact.fact.text


def test_errors_of_the_originals_are_found_on_any_data(whole):
    """Those that need no training of ours."""
    facts = {f.fact.id: f.verdict for part in whole[1] for s in part.sections for f in s.facts}
    wrong = {name for name, verdict in facts.items() if verdict == "the original errs"}
    assert {
        "1.2.B.delta",
        "1.3.C.rate2.trial1",
        "1.3.C.rate0.002.trial1",
        "1.3.C.rate0.002.trial3",
        "2.2.two_layer",
        "2.3.dimension",
        "4.2.A.filters4",
        "4.2.B.smaller_log_loss",
        "4.3.maximised",
        "4.3.log_likelihood",
    } <= wrong


def test_tiles_never_agree(whole):
    facts = [f for part in whole[1] for s in part.sections for f in s.facts if s.number == "5.2"]
    figures = [f for f in facts if f.fact.id != "5.2.C"]
    assert len(figures) == 9
    assert {f.verdict for f in figures} == {"cannot be compared"}


def test_the_studies_have_the_originals_settings_and_the_map(results):
    def settings(number):
        return [(s["hidden"], s["learning_rate"], s["iterations"])
                for s in results[number]["settings"]]  # fmt: skip

    assert settings("1.3.B") == [(7, 0.02, 100_000)]
    assert results["1.3.B"]["settings"][0]["trials"] >= 5
    assert sorted(settings("1.3.C")) == [
        (7, 0.002, 300_000),
        (7, 0.02, 100_000),
        (7, 0.2, 100_000),
        (7, 2.0, 100_000),
    ]
    assert settings("1.3.D") == [(h, 0.02, 100_000) for h in (1, 2, 5, 7, 10, 100)]
    cells = settings("1.3+")
    # every other row and column of 12 by 12, since it is a quick report
    assert len({h for h, _, _ in cells}) == len({rate for _, rate, _ in cells}) == 6
    assert len(set(cells)) == len(cells) == 36


def test_every_published_row_stands_with_its_interval_and_probability(whole, results):
    (section,) = (s for part in whole[1] for s in part.sections if s.number == "1.3.A+")
    (table,) = (t for t in section.tables if t.name == "rows")
    rows = results["1.3.A+"]["rows"]
    assert len(rows) == len(table.rows) == 35
    for row, cells in zip(rows, table.rows, strict=True):
        assert cells[0].split() == [row["id"], *(["(held", "out)"] if row["held_out"] else [])]
        for cell, name in zip(
            cells[2:5], ("train_error", "validation_error", "iteration"), strict=True
        ):
            if row[name] is None:
                assert cell == "not stated"
                continue
            assert f"; {row[name]['tail']:.2f})" in cell
            assert ("*outside*" in cell) == (row[name]["tail"] < 0.05)
    count = results["1.3.A+"]["within"]["all"]["within"]
    assert f" {count} of its 35 runs" in section.texts["answer"]
    # whatever is not explained is named
    assert all(row["within"] or row["id"] in section.texts["found"] for row in rows)


def test_part_2_finds_what_the_formulas_say(results):
    assert results["2.1"]["norm_after_worst_error"] < 1e-6
    assert results["2.2"]["relative_error"] < 1e-12 < results["2.2"]["relative_error_with_relu"]
    assert results["2.2"]["filter_size"] == [11, 11]
    assert results["2.3"]["sizes"] == [[427, 640], [413, 626], [28, 42]]
    assert set(results["2.3"]["shifts"]) == {"none", "average", "max"}
    assert set(results["2.3"]["turns"]["max"]) == {str(d) for d in range(1, 9)}


def test_part_3_finds_right_derivatives_and_the_lesson(results):
    assert results["3.1.A"] == {"derivatives": 7, "same_shape": 7}
    for row in results["3.2"]["blocks"].values():
        assert row["worst_relative_error_numeric"] < 1e-6
        assert row["worst_error_autograd"] < 1e-11
    for row in results["3.2"]["projection"]:
        assert row["relative_error"] < (1e-6 if row["method"] == "central" else 1e-4)
    new = results["3.3"]["pictures"]["new"]
    assert new["missed"] < 0.15 * new["blobs"]
    ends = results["3.3+"]["objective_end"]
    assert ends["median not subtracted"][1] > 2 * ends["as it should be"][1]
    assert ends["no momentum"][0] > ends["as it should be"][0]


def test_part_4_hangs_together(results):
    count = 20 * 26 + 50 * (20 * 25 + 1) + 500 * (50 * 16 + 1) + 26 * (500 * 4 + 1)
    assert results["4.2.A"]["parameters"] == count
    trainings = results["4.3"]["trainings"]
    assert [(run["recipe"], run["jitter"]) for run in trainings] == [
        ("original", False), ("fast", False), ("fast", True),
    ]  # fmt: skip
    last = trainings[1]["epochs"][-1]
    without = results["4.6"]["without jitter"]
    assert without["top1_validation"] == pytest.approx(last["top1_validation"])
    line = results["4.5.B"]
    assert results["4.6"]["with jitter"]["read"] == line["read"]["with jitter"]
    assert line["columns"] == 137
    assert line["largest_difference_from_windows"] < 1e-4
    truth = "the rat the cat the dog chased killed ate the malt"
    for name, text in line["read"].items():
        pairs = [(a, b) for a, b in zip(truth, text, strict=True) if a != " "]
        assert line["right"][name] == sum(a == b for a, b in pairs)
    assert results["4.4"]["roughness_before"] == pytest.approx(2**0.5, rel=0.1)
    assert results["4.2.B"]["only_right_score_rises"] == 1
    right = results["4.2.B"]["right_class_has_smallest_log_loss"]
    assert right == pytest.approx(1 - trainings[0]["epochs"][-1]["top1_validation"])


def test_part_5_names_what_is_there(results):
    names = [image["classes"][0]["name"] for image in results["5.1"]["images"]]
    assert names == ["espresso", "Egyptian cat", "moped"]
    kinds = [row["features"] for row in results["5.2"]["rows"]]
    assert kinds == [kind for kind in ("cnn", "bovw") for _ in range(7)]


def test_the_fewest_fonts_with_half_of_the_mistakes_are_named(little):
    letters = letter_runs.load_letters()
    runs = letter_runs.LetterRuns(letters, 0, {})
    rows = letters.validation_rows
    fonts = letters.fonts[rows]
    # all letters of the last font wrong, and one of the first
    truth, read = letters.labels[rows], letters.labels[rows].copy()
    read[fonts == fonts[-1]] += 1
    read[0] += 1
    hard, count = hard_fonts(runs, Confusion(truth, read, 27))
    assert (hard, count) == ([letters.font_names[fonts[-1]]], len(np.unique(fonts)))
    assert hard_fonts(runs, Confusion(truth, truth, 27))[0] == []


def test_an_interrupted_report_of_other_recipes_trains_anew(
    little, few_epochs, tmp_path, monkeypatch
):
    monkeypatch.setattr(letter_runs, "RECIPES", few_epochs(1))
    settings = ReportSettings(unfinished=tmp_path)
    before = letter_runs.fast(settings)
    (checkpoint,) = tmp_path.iterdir()
    written = checkpoint.stat().st_mtime_ns
    again = letter_runs.fast(settings)
    assert checkpoint.stat().st_mtime_ns == written
    monkeypatch.setattr(letter_runs, "RECIPES", few_epochs(2))
    other = letter_runs.fast(settings)
    assert again.trained.history == before.trained.history
    assert len(other.trained.history) == 2
