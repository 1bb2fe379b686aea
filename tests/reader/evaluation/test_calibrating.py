"""A confidence that is fitted: to lines whose chances are known, and by the real command."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from chainrule.errors import InputError
from chainrule.reader.confidence import BARE, SURE, Calibration, doubt_of
from chainrule.reader.evaluation.calibrating import Doubts, across, fitted_calibration
from chainrule.reader.model_file import load_reader

TRUE = Calibration(0.5, -1.5, 0.7)


def drawn(count, chance):
    """Lines that are right with the chance that a calibration gives them."""
    rng = np.random.default_rng(0)
    doubt, length = np.exp(rng.normal(-1, 2, count)), rng.integers(1, 60, count)
    lines = Doubts(doubt, length, np.zeros(count, bool))
    return lines._replace(right=rng.random(count) < lines.confidences(chance))


NONE = drawn(0, TRUE)


def test_the_chances_that_lines_were_drawn_with_are_found_again():
    lines = drawn(20_000, TRUE)
    found = fitted_calibration(lines, NONE)
    assert found[:3] == pytest.approx(TRUE[:3], abs=0.2)
    sure = lines.confidences(found) > SURE
    assert sure.sum() > 5_000
    assert lines.right[sure].mean() > 0.97
    # those of lines that were not fitted to are right as often, too
    later = across(lines, NONE)
    for low in (0.1, 0.3, 0.5, 0.7):
        near = (later > low) & (later <= low + 0.2)
        assert later[near].mean() == pytest.approx(lines.right[near].mean(), abs=0.05)


def test_the_confidence_never_rises_with_the_doubt_nor_passes_what_was_promised():
    calibration = Calibration(0.5, -1.5, 0.7, sure_from=4.0)
    found = [calibration.confidence(doubt, 10) for doubt in np.geomspace(1e-3, 100, 400)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.98
    assert not [one for one in found if SURE < one < 1 / (1 + np.exp(-4.0))]
    assert doubt_of(BARE.confidence(0.25, 7)) == pytest.approx(0.25)


def test_what_nothing_can_be_fitted_to_is_refused():
    lines = drawn(500, TRUE)
    with pytest.raises(InputError, match="at least 20 of each"):
        fitted_calibration(lines._replace(right=np.ones(500, bool)), NONE)
    with pytest.raises(InputError, match="no more often wrong"):
        fitted_calibration(lines._replace(right=lines.doubt > 1), NONE)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Clean lines beside what is read in them, and blurred ones beside a text that is not."""
    folder, font = tmp_path_factory.mktemp("lines"), ImageFont.load_default(24)
    clean = []
    for number in range(44):
        line = Image.new("L", (170, 40), 255)
        ImageDraw.Draw(line).text((10, 6), f"line {number * 7919 % 1000:03}", 0, font)
        clean.append(line.filter(ImageFilter.GaussianBlur(0 if number < 22 else 2)))
        clean[-1].save(folder / f"{number:02}.png")
    texts = load_reader("fast").texts([np.asarray(line) for line in clean])
    for number, text in enumerate(texts):
        (folder / f"{number:02}.gt.txt").write_text(text if number < 22 else "Wrong!")
    return folder


def test_a_reader_is_calibrated_and_reads_as_before(command, pictures, tmp_path):
    out = tmp_path / "sure.safetensors"
    (pictures / "broken.png").write_bytes(b"no picture")
    (pictures / "broken.gt.txt").write_text("a line")
    options = ("--model", "fast", "--words", "none", "--rendered", 3, "--out", out, "--json")
    result = command("reader", "calibrate", pictures, *options)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["before"]["lines"] == found["after"]["lines"] > 40
    (skipped,) = found["skipped"]
    assert skipped["file"].endswith("broken.png")
    reader, before = load_reader(out), load_reader("fast")
    assert list(reader.calibration) == list(found["calibration"].values())
    assert reader.calibration != before.calibration
    files = sorted(pictures.glob("[0-9]*.png"))
    same = [line.text for line in before.read(files)]
    assert [line.text for line in reader.read(files)] == same


def test_what_cannot_be_calibrated_is_refused(refused, pictures, tmp_path):
    calibrate, out = ("reader", "calibrate"), tmp_path / "a.safetensors"
    few = tmp_path / "few.csv"
    few.write_text(f"file,text\n{pictures / '00.png'},line 000\n")
    assert "at least 20 of each" in refused(*calibrate, few, "--model", "fast", "--out", out)
    bad = tmp_path / "a.npz"
    assert "ends in .safetensors" in refused(*calibrate, few, "--model", "fast", "--out", bad)
    (folder := tmp_path / "b.safetensors").mkdir()  # said before anything is read
    assert "is a folder" in refused(*calibrate, few, "--model", "none", "--out", folder)
    assert not out.exists()
