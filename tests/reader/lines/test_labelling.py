"""Labelling by the real command: least sure first, what was corrected is kept."""

import json

import numpy as np
import pytest
from PIL import Image

from chainrule.glyphs.lines import load_line_fonts, render_line

TEXTS = ("reduction", "contained", "queen of hearts")


@pytest.fixture
def folder(tmp_path):
    font = next(font for font in load_line_fonts() if font.name == "lato-latin-400-normal")
    for number, text in enumerate(TEXTS):
        Image.fromarray(render_line(font, text).image).save(tmp_path / f"{number}.png")
    Image.fromarray(np.full((32, 200), 255, np.uint8)).save(tmp_path / "blank.png")
    (tmp_path / "notes.md").write_text("mine")
    return tmp_path


def test_texts_are_written_the_least_sure_first_and_corrected_ones_are_kept(command, folder):
    (folder / "2.gt.txt").write_text("mine")
    first = json.loads(command("reader", "label", folder, "--json").stdout)
    assert first["kept"] == [str(folder / "2.png")]
    found = {one["file"].rpartition("/")[2]: one for one in first["written"]}
    assert set(found) == {"0.png", "1.png", "blank.png"}
    assert first["written"][0]["file"].endswith("blank.png")
    sure = [one["confidence"] for one in first["written"]]
    assert sure == sorted(sure)
    assert "no text" in found["blank.png"]["reason"]
    assert not (folder / "blank.gt.txt").exists()
    assert (folder / "0.gt.txt").read_text() == TEXTS[0] + "\n"
    (folder / "1.gt.txt").write_text("corrected\n")
    said = command("reader", "label", folder)
    assert said.returncode == 0
    assert "1 texts written" in said.stdout
    assert "2 of yours kept" in said.stdout
    assert (folder / "1.gt.txt").read_text() == "corrected\n"
    assert (folder / "2.gt.txt").read_text() == "mine"


def test_what_cannot_be_labelled_is_refused(refused, tmp_path):
    assert "is not there" in refused("reader", "label", tmp_path / "none")
    assert "holds no picture" in refused("reader", "label", tmp_path)
    Image.new("L", (40, 40)).save(tmp_path / "a.png")
    (tmp_path / "read-by-chainrule.json").write_text("[]")
    assert "is not what `reader label` writes" in refused("reader", "label", tmp_path)
    assert not (tmp_path / "a.gt.txt").exists()
