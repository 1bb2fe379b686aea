"""What figures are made of, where names and numbers of classes are as they are out there."""

import itertools
import json
import logging

import numpy as np
import pytest
from PIL import Image

from chainrule.images import lettering as module
from chainrule.images.average_precision import precision_recall
from chainrule.images.evaluation import Row
from chainrule.images.figures import (
    Tile,
    classification_figure,
    confusion_figure,
    contact_sheet,
    precision_recall_figure,
)
from chainrule.images.lettering import caption


@pytest.mark.parametrize(("classes", "counts", "names"), [(3, 9, 3), (40, 1600, 40), (300, 0, 38)])
def test_a_confusion_matrix_of_many_classes_stays_small(classes, counts, names):
    figure = confusion_figure(np.eye(classes, dtype=int), [f"${i}$" for i in range(classes)])
    axis = figure.axes[0]
    assert len(axis.texts) == counts
    assert len(axis.get_yticklabels()) == names
    assert max(figure.get_size_inches()) < 26
    first, last = axis.get_yticklabels()[0], axis.get_yticklabels()[-1]
    assert first.get_text() == "$0$"
    assert last.get_text() == f"${round(last.get_position()[1])}$"


@pytest.mark.slow
def test_many_classes_with_odd_names_fill_several_pages(command, tmp_path):
    generator = np.random.default_rng(0)
    photos = tmp_path / "photos"
    names = ["$\\frac$", "two\nlines", "日本", *(f"class {i}" for i in range(18))]
    for name in names:
        (photos / name).mkdir(parents=True)
        for i in range(2):
            pixels = generator.integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(photos / name / f"{i}.png")
    sheets, out = tmp_path / "sheets", ("--out", tmp_path / "m.safetensors")
    result = command("images", "train", photos, *out, "--sheets", sheets, "--json")
    assert result.returncode == 0, result.stderr
    assert "Warning" not in result.stderr
    assert sorted(json.loads(result.stdout)["classes"]) == sorted(names)
    pages = {"confusion.png", "best_and_worst.png", "best_and_worst-2.png"}
    assert pages <= {p.name for p in sheets.iterdir()}


def test_names_are_shown_whatever_their_letters_and_length():
    assert caption("cat") == "cat"
    assert caption("日本") == "日本" or caption("日本") == "U+65E5U+672C"
    assert caption("a\nb\udce9") == "a bU+DCE9"
    long = caption("x" * 50 + "end", 20)
    assert 19 <= len(long) <= 22  # letters of about the usual width
    assert long.startswith("xxxx")
    assert long.endswith("end")
    assert len(caption("W" * 50, 20)) < len(caption("i" * 50, 20)) < 50
    assert caption("\ue000" * 9, 20).count("U+E000") == 2  # numbers are left out whole


def test_forty_bars_and_their_names_have_room():
    figure = classification_figure(
        Image.new("RGB", (40, 30)), [f"class {i}" for i in range(40)], [0.025] * 40
    )
    figure.draw_without_rendering()
    labels = [label.get_window_extent() for label in figure.axes[-1].get_yticklabels()]
    for above, below in itertools.pairwise(labels):
        assert below.y1 <= above.y0 + 1


def test_the_legend_lies_beside_the_curve():
    curve = precision_recall(np.arange(8), [True, False] * 4)
    row = Row("cnn", "cat", 0.1, 0.1, (0.0, 0.2), 4, 4, curve, (), ())
    figure = precision_recall_figure([row])
    figure.draw_without_rendering()
    (panel,) = figure.axes
    legend, inside = panel.get_legend().get_window_extent(), panel.get_window_extent()
    assert legend.y1 <= inside.y0


def test_a_contact_sheet_names_its_pictures(shapes):
    files = sorted((shapes / "disc").iterdir())[:3]
    figure = contact_sheet([("disc", [Tile(file, (file.name, "disc")) for file in files])])
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == [f"{file.name}\ndisc" for file in files]


def test_lines_under_pictures_never_meet(shapes):
    files = sorted((shapes / "disc").iterdir())[:6]
    lines = (
        "WWWW MMMM WWWW MMMM",
        "개 사진 긴 이름의 클래스입니다",
        "قطة 猫の写真とても長い名前の 12.5",
    )
    figure = contact_sheet([("W" * 99, [Tile(file, lines) for file in files])])
    figure.draw_without_rendering()
    places = [text.get_window_extent() for text in figure.axes[0].texts]
    for left, right in itertools.pairwise(places):
        assert left.x1 <= right.x0
    assert contact_sheet([("t" * 99, [Tile(files[0], ())])]).get_figwidth() > 4
    title = figure.axes[0].get_title(loc="left")
    assert len(title) < 40


def test_letters_that_no_font_has_are_told_of_once(monkeypatch, caplog):
    monkeypatch.setattr(module, "_said", [])
    monkeypatch.setattr(module, "_installed", lambda: {})
    module._families.cache_clear()
    module._letters_of.cache_clear()
    with caplog.at_level(logging.WARNING, "chainrule"):
        with module.lettering(["猫"]):
            assert caption("猫") == "U+732B"
        with module.lettering(["犬"]):
            pass
    (record,) = caplog.records
    assert "no font of this machine has the letters 猫" in record.getMessage()
    module._families.cache_clear()
    module._letters_of.cache_clear()
