"""`chainrule reader evaluate FOLDER`: the real command on pictures whose texts are known."""

import json

import pytest
from PIL import Image

from chainrule.glyphs.lines import load_line_fonts, render_line

TEXTS = ("The cat sat", "on 12 mats", "and slept")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("lines")
    font = next(font for font in load_line_fonts() if font.name == "lato-latin-400-normal")
    for number, text in enumerate(TEXTS):
        Image.fromarray(render_line(font, text).image).save(path / f"{number}.png")
        (path / f"{number}.gt.txt").write_text(text.upper() if number else text)
    (path / "3.png").write_text("no picture")
    (path / "3.gt.txt").write_text("nothing")
    return path


def test_the_rates_of_a_folder(command, folder):
    result = command("reader", "evaluate", folder, "--no-peers", "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert set(document) == {"score", "rows", "skipped"}
    (skipped,) = document["skipped"]
    assert skipped["file"].endswith("3.png")
    assert [row["reader"] for row in document["rows"]] == ["chainrule", "without words"]
    row = document["rows"][0]
    letters = sum(c.isalpha() for text in TEXTS[1:] for c in text)  # capitals in the truth
    assert (row["lines"], row["characters"]) == (3, sum(map(len, TEXTS)))
    assert row["character_error_rate"] == pytest.approx(letters / row["characters"], abs=0.05)
    assert row["interval"][0] <= row["character_error_rate"] <= row["interval"][1]
    assert row["lines_right"] == pytest.approx(1 / 3)
    assert {"true": "T", "read": "t", "count": 2} in row["confusions"]


def test_the_score_says_what_counts(command, folder):
    result = command(
        "reader",
        "evaluate",
        folder,
        "--no-peers",
        "--score",
        "nocase",
        "--words",
        "none",
        "--workers",
        "1",
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[0] == "score: nocase"
    assert " 0.00%" in result.stdout.splitlines()[2]
    assert "left out: " in result.stderr


def test_what_cannot_be_evaluated_is_refused(refused, folder, tmp_path):
    assert "expected some of exact" in refused("reader", "evaluate", folder, "--score", "loose")
    assert "holds no labelled picture" in refused("reader", "evaluate", tmp_path)
    assert "is not there" in refused("reader", "evaluate", tmp_path / "none")


def test_how_often_sure_lines_are_right_is_drawn(command, refused, tmp_path):
    font = next(font for font in load_line_fonts() if font.name == "lato-latin-400-normal")
    for text in ("reduction", "contained"):
        Image.fromarray(render_line(font, text).image).save(tmp_path / f"{text}.png")
        (tmp_path / f"{text}.gt.txt").write_text(text)
    figure = tmp_path / "sure.svg"
    options = ("--no-peers", "--workers", "1", "--model", "fast", "--reliability", figure)
    result = command("reader", "evaluate", tmp_path, *options)
    assert result.returncode == 0, result.stderr
    assert "2 of 2 lines are over 0.9: 100.0% of these are right" in result.stdout
    assert "0.9 to 1.0" in result.stdout
    assert b"confidence of the line" in figure.read_bytes() or figure.stat().st_size > 5000
    assert "without FOLDER" in refused("reader", "evaluate", "--reliability", figure)
    assert "expected a name that ends in" in refused(
        "reader", "evaluate", tmp_path, "--reliability", tmp_path / "sure.txt"
    )
