"""Training on own pictures: the real command on digits of a display, drawn."""

import json

import numpy as np
import pytest
from PIL import Image

from chainrule.errors import InputError
from chainrule.glyphs.looks import draw_look
from chainrule.reader.lines.labelled import read_labelled
from chainrule.reader.lines.own_pictures import OwnLines, changed, open_own, split_own
from chainrule.reader.model_file import load_reader


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sixty displays with their texts, one file that is no picture, one that is too narrow."""
    path = tmp_path_factory.mktemp("displays")
    rng = np.random.default_rng(0)
    for number in range(60):
        text = f"{rng.integers(10000):04d}"
        Image.fromarray(draw_look("display", rng, [], text)).save(path / f"{number}.png")
        (path / f"{number}.gt.txt").write_text(text)
    (path / "bad.png").write_text("none")
    (path / "bad.gt.txt").write_text("1")
    Image.new("L", (10, 40)).save(path / "narrow.png")
    (path / "narrow.gt.txt").write_text("1234567890123456789012345")
    return path


def test_pictures_that_cannot_be_used_are_left_out_with_the_reason(folder):
    own, skipped = open_own(read_labelled([folder])[0])
    assert len(own.lines) == len(own.pictures) == 60
    assert set(own.alphabet) <= set("0123456789")
    reasons = {one.file.rpartition("/")[2]: one.reason for one in skipped}
    assert set(reasons) == {"bad.png", "narrow.png"}
    assert "too narrow for 25 characters" in reasons["narrow.png"]
    learned, held_out = split_own(own)
    assert (len(learned.lines), len(held_out.lines)) == (45, 15)
    for part in (learned, held_out):
        for line, picture in zip(part.lines, part.pictures, strict=True):
            assert picture is own.pictures[own.lines.index(line)]
    with pytest.raises(InputError, match="no labelled picture can be used"):
        split_own(OwnLines([], []))


def test_a_changed_picture_is_another_each_time_and_the_same_for_a_generator(folder):
    own, _ = open_own(read_labelled([folder])[0])
    one, other = (changed(own.pictures[0], np.random.default_rng(seed)) for seed in (0, 1))
    again = changed(own.pictures[0], np.random.default_rng(0))
    np.testing.assert_array_equal(one.values, again.values)
    assert one.values.shape != other.values.shape or not np.allclose(one.values, other.values)


@pytest.mark.slow
def test_the_command_learns_ones_own_pictures(command, folder, tmp_path):
    out = tmp_path / "meter.safetensors"
    start = ("--model", "fast")  # the larger one reads most of these as it is
    options = (*start, "--out", out, "--epochs", 6, "--look", "display", "--no-peers", "--json")
    result = command("reader", "train-lines", "--lines", folder, *options)
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert set(document) == {
        "seconds", "pictures", "held_out", "character_error_before", "character_error_after",
        "peers", "skipped", "file",
    }  # fmt: skip
    assert (document["pictures"], document["held_out"]) == (45, 15)
    assert len(document["skipped"]) == 2
    assert document["character_error_after"] < document["character_error_before"]
    reader = load_reader(out)
    assert reader.whole
    assert (tmp_path / "meter.worst.png").stat().st_size > 1000
    assert set(reader.alphabet) <= set("0123456789")


def test_what_cannot_be_learned_is_refused_before_anything_is_written(refused, folder, tmp_path):
    out = tmp_path / "m.safetensors"
    train = ("reader", "train-lines", "--lines", folder, "--out", out)
    assert "did you mean 'plate'" in refused(*train, "--look", "plates")
    assert "holds no labelled picture" in refused("reader", "train-lines", "--lines", tmp_path)
    assert not list(tmp_path.iterdir())
