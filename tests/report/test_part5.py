"""Part 5 on photographs that packages install, and on a folder."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

KINDS = ["cnn", "bovw", "fisher"]


@pytest.fixture
def shapes(tmp_path):
    """A folder of two classes, eight discs and eight squares on noise."""
    generator = np.random.default_rng(5)
    for name in ("disc", "square"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(8):
            image = Image.fromarray(generator.integers(0, 60, (64, 64, 3), dtype=np.uint8))
            draw = ImageDraw.Draw(image)
            x, y = generator.integers(4, 20, 2).tolist()
            shape = draw.ellipse if name == "disc" else draw.rectangle
            shape((x, y, x + 36, y + 36), fill=(200, 180, 150))
            image.save(tmp_path / "photos" / name / f"{i}.png")
    return tmp_path / "photos"


def _check_page(out, page):
    assert page.loads() == []
    assert len(page.all("img")) + len(page.all("svg")) >= 3
    first, second = json.loads((out / "results.json").read_text())["sections"]
    assert (first["number"], second["number"]) == ("5.1", "5.2")
    assert second["agrees"] in ("yes", "no")
    return first["results"], second["results"]


@pytest.mark.slow
def test_the_packaged_photographs(command, read_page, tmp_path):
    out = tmp_path / "out"
    result = command("report", "--parts", "5", "--out", out, timeout=900)
    assert result.returncode == 0, result.stderr
    page = read_page((out / "index.html").read_text(encoding="utf-8"))
    named, ranked = _check_page(out, page)
    assert [image["classes"][0]["name"] for image in named["images"]] == [
        "espresso", "Egyptian cat", "moped",
    ]  # fmt: skip
    assert [row["features"] for row in ranked["rows"]] == [k for k in KINDS for _ in range(7)]
    assert "0.937" in page.text
    assert "not VOC 2007" in page.text


@pytest.mark.slow
def test_a_folder_of_photographs(command, read_page, shapes, tmp_path):
    (shapes / "disc" / "cut.png").write_bytes((shapes / "disc" / "0.png").read_bytes()[:99])
    out = tmp_path / "out"
    result = command("report", "--parts", "5", "--photos", shapes, "--out", out, timeout=900)
    assert result.returncode == 0, result.stderr
    page = read_page((out / "index.html").read_text(encoding="utf-8"))
    named, ranked = _check_page(out, page)
    assert len(named["images"]) == 2
    assert {row["class"] for row in ranked["rows"]} == {"disc", "square"}
    assert ranked["skipped"] == 1


def test_a_folder_without_classes_is_refused(refused, tmp_path):
    (tmp_path / "photos").mkdir()
    sentence = refused(
        "report", "--parts", "5", "--photos", tmp_path / "photos", "--out", tmp_path / "out"
    )
    assert "holds no class folder" in sentence
    assert not (tmp_path / "out" / "index.html").exists()
