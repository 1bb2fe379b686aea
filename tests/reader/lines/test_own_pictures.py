"""Training on own pictures: the real command on digits of a display, drawn."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from chainrule.errors import InputError
from chainrule.glyphs.lines import load_line_fonts, render_line, restrict
from chainrule.glyphs.looks import draw_look
from chainrule.reader.evaluation.error_rates import edit_distance
from chainrule.reader.lines import own_pictures
from chainrule.reader.lines.batches import COLUMNS
from chainrule.reader.lines.labelled import Labelled, read_labelled
from chainrule.reader.lines.network import padded
from chainrule.reader.lines.own_pictures import (
    OWN,
    ZOOMS,
    OwnLines,
    best_zoom,
    changed,
    open_own,
    own_folds,
    split_own,
    train_on_pictures,
)
from chainrule.reader.lines.training import ONWARD_LARGE, train_reader
from chainrule.reader.model_file import load_reader
from chainrule.reader.picture.line_image import crop_line, crop_whole
from chainrule.reader.search.shapes import Shapes


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


def test_pictures_are_read_at_the_zoom_at_which_their_text_is_largest():
    """Digits in the middle third of tall pictures, and such that fill theirs."""
    rng = np.random.default_rng(0)
    start, lines = load_reader("fast"), {1.0: OwnLines([], []), 3.0: OwnLines([], [])}
    font = load_line_fonts()[0]
    for _ in range(12):
        text = "".join(rng.choice(list("0123456789"), 6))
        picture = render_line(font, text).image
        for room, own in lines.items():
            rows = round((room - 1) / 2 * picture.shape[0])
            own.lines.append(Labelled(Path("-"), text))
            own.pictures.append(np.pad(picture, ((rows, rows), (0, 0)), mode="edge"))
    assert best_zoom(start, lines[1.0]) < best_zoom(start, lines[3.0])


def test_narrow_pictures_are_learned_with_the_paper_beside_which_they_are_read(monkeypatch):
    """A network that saw digits without any read none with it (after 40 epochs)."""
    pictures = [render_line(load_line_fonts()[0], digit).image[:, :20] for digit in "0123456789"]
    own = OwnLines([Labelled(Path(digit), digit) for digit in "0123456789"], pictures)
    seen = []

    def looked(chain, parameters, loss, source, settings, *, validation, **options):
        batches = source.batches(8, torch.Generator().manual_seed(0))
        seen.append({x.shape[3] for x, _ in batches})
        seen.append({x.shape[3] for x, _ in validation.batches(8, None)})
        raise KeyboardInterrupt

    monkeypatch.setattr(own_pictures, "train", looked)
    with pytest.raises(KeyboardInterrupt):
        train_on_pictures(own, own, own.alphabet, start=load_reader("fast"))
    assert seen == [{COLUMNS, 2 * COLUMNS}, {COLUMNS}]


def test_a_training_begins_with_what_its_start_reads(folder):
    """With steps of nearly nothing the network stays that of the start, its normalisations too."""
    own, _ = open_own(read_labelled([folder])[0])
    start = load_reader("fast").limited("0123456789")
    settings = replace(OWN.settings, epochs=1, learning_rate=1e-12)
    recipe = replace(OWN, settings=settings, lines=32)
    reader, _ = train_on_pictures(own, None, start.alphabet, recipe, start=start)
    crops = padded([crop_whole(picture).values for picture in own.pictures[:8]], 256)
    expected = start.chain.apply(crops, start.parameters)
    scores = reader.chain.apply(crops, reader.parameters)
    torch.testing.assert_close(scores, expected, rtol=1e-3, atol=1e-3)


def test_a_training_on_fonts_that_keeps_normalisations_begins_with_its_start():
    start = load_reader("fast").limited("0123456789")
    font = restrict(load_line_fonts()[0], start.alphabet)
    settings = replace(ONWARD_LARGE.settings, epochs=1, learning_rate=1e-12)
    recipe = replace(ONWARD_LARGE, settings=settings, lines=32, looks={"display": 0.9})
    reader, _ = train_reader([font], start.alphabet, recipe, start=start)
    crops = torch.from_numpy(crop_line(render_line(font, "0123456789").image).values)[None, None]
    expected = start.chain.apply(crops, start.parameters)
    scores = reader.chain.apply(crops, reader.parameters)
    torch.testing.assert_close(scores, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_the_command_learns_ones_own_pictures(command, folder, tmp_path):
    out = tmp_path / "meter.safetensors"
    start = ("--model", "fast")  # the larger one reads most of these as it is
    options = (*start, "--out", out, "--epochs", 4, "--look", "display", "--no-peers", "--json")
    result = command("reader", "train-lines", "--lines", folder, *options)
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert set(document) == {
        "seconds", "pictures", "held_out", "folds", "character_error_before", "interval_before",
        "character_error_after", "interval_after", "peers", "skipped", "file",
    }  # fmt: skip
    assert (document["pictures"], document["held_out"], document["folds"]) == (45, 15, None)
    assert len(document["skipped"]) == 2
    assert document["character_error_after"] < document["character_error_before"]
    reader = load_reader(out)
    assert reader.whole is not None
    assert reader.whole.zoom in ZOOMS
    assert reader.whole.shapes == Shapes({})  # of digits alone
    assert (tmp_path / "meter.worst.png").stat().st_size > 1000
    assert set(reader.alphabet) <= set("0123456789")


def test_folds_judge_by_every_picture_and_learn_all(command, folder, tmp_path):
    out = tmp_path / "meter.safetensors"
    options = ("--model", "fast", "--out", out, "--epochs", 1, "--no-peers", "--folds", 2)
    result = command("reader", "train-lines", "--lines", folder, *options, "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["pictures"], document["held_out"], document["folds"]) == (60, 60, 2)
    own, _ = open_own(read_labelled([folder])[0])
    judged = [part for _, part in own_folds(own, 2)]
    assert {line for part in judged for line in part.lines} == set(own.lines)
    fast = load_reader("fast")
    read = [" ".join(text.split()) for part in judged for text in fast.texts(part.pictures)]
    wrong = map(edit_distance, read, [text for part in judged for text in part.texts])
    assert document["character_error_before"] == pytest.approx(sum(wrong) / (60 * 4))
    for when in ("before", "after"):
        low, high = document[f"interval_{when}"]
        assert low <= document[f"character_error_{when}"] <= high
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "meter.checkpoint.safetensors", "meter.safetensors", "meter.worst.png",
    ]  # fmt: skip


def test_what_cannot_be_learned_is_refused_before_anything_is_written(refused, folder, tmp_path):
    out = tmp_path / "m.safetensors"
    train = ("reader", "train-lines", "--lines", folder, "--out", out)
    assert "did you mean 'plate'" in refused(*train, "--look", "plates")
    assert "60 groups; expected at least 61" in refused(*train, "--folds", 61)
    assert "without --lines" in refused("reader", "train-lines", "--folds", 2, "--out", out)
    assert "holds no labelled picture" in refused("reader", "train-lines", "--lines", tmp_path)
    assert not list(tmp_path.iterdir())
