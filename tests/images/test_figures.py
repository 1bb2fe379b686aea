"""What figures are made of, where names and numbers of classes are as they are out there."""

import json

import numpy as np
import pytest
from PIL import Image

from chainrule.images.figures import confusion_figure


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
    assert {p.name for p in sheets.iterdir()} == pages
