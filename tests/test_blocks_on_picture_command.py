"""`chainrule blocks apply` and `chainrule blocks blobs`, as a user runs them."""

import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from chainrule.cli import blocks_apply
from chainrule.practical.on_picture import DEMONSTRATIONS

CHANNELS = {"laplacian": 1, "edges": 2, "relu": 2, "maxpool": 3, "normalize": 3, "random": 10}
LOST = {
    "laplacian": (2, 2),
    "edges": (0, 2),
    "relu": (0, 2),
    "maxpool": (14, 14),
    "normalize": (0, 0),
    "random": (4, 4),
}


@pytest.fixture
def photo(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (90, 100, 3), dtype=np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    return path


def apply_json(command, folder, *arguments):
    result = command("blocks", "apply", *arguments, "--json", cwd=folder)
    assert result.returncode == 0, result
    document = json.loads(result.stdout)
    assert list(document) == ["block", "input_shape", "output_shape", "files"]
    for file in document["files"]:
        with Image.open(folder / file) as picture:
            picture.verify()
    return document, result


@pytest.mark.parametrize("block", DEMONSTRATIONS)
def test_every_block(command, tmp_path, photo, block):
    document, _ = apply_json(command, tmp_path, photo, "--block", block)
    rows, columns = LOST[block]
    assert document["block"] == block
    assert document["input_shape"] == [1, 3, 90, 100]
    assert document["output_shape"] == [1, CHANNELS[block], 90 - rows, 100 - columns]
    files = [f"{block}/{block}.png"]
    if block == "maxpool":
        files.append("maxpool/maxpool-stability.png")
    assert document["files"] == files
    assert sorted(p.name for p in (tmp_path / block).iterdir()) == sorted(
        file.removeprefix(f"{block}/") for file in files
    )


def test_the_photograph_of_the_temple_without_a_picture(command, tmp_path):
    document, result = apply_json(command, tmp_path, "--out", "there")
    assert document["input_shape"] == [1, 3, 427, 640]
    assert document["output_shape"] == [1, 1, 425, 638]
    assert document["files"] == ["there/laplacian.png"]
    assert result.stderr == ""


def test_max_pooling_with_a_window_and_a_stride(command, tmp_path, photo):
    arguments = [photo, "--block", "maxpool", "--window", "4", "--stride", "3"]
    document, _ = apply_json(command, tmp_path, *arguments)
    assert document["output_shape"] == [1, 3, 29, 33]


def test_the_same_seed_draws_the_same_picture(command, command_anew, tmp_path, photo):
    for run, name, seed in ((command, "a", 1), (command_anew, "b", 1), (command, "c", 2)):
        apply_json(run, tmp_path, photo, "--block", "random", "--seed", seed, "--out", name)
    a, b, c = ((tmp_path / name / "random.png").read_bytes() for name in "abc")
    assert a == b != c


def test_text_names_what_was_written(command, tmp_path, photo):
    result = command("blocks", "apply", photo, "--block", "edges", cwd=tmp_path)
    assert result.stdout == (
        "edges: 100x90 pixels of 3 channels to 98x90 pixels of 2 channels\nwrote edges/edges.png\n"
    )


@pytest.mark.parametrize(
    ("mode", "word"),
    [("L", "grey"), ("RGBA", "transparent"), ("I;16", "more than 8 bits"), ("1", "grey")],
)
def test_another_kind_of_picture_is_taken_and_said_in_a_sentence(command, tmp_path, mode, word):
    picture = Image.new(mode, (30, 20), 1 if mode != "RGBA" else (10, 20, 30, 128))
    picture.save(tmp_path / "odd.png")
    document, result = apply_json(command, tmp_path, "odd.png")
    assert document["input_shape"] == [1, 3, 20, 30]
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("chainrule: odd.png ")
    assert word in result.stderr


@pytest.mark.parametrize(("size", "block"), [((1, 40), "normalize"), ((900, 3), "laplacian")])
def test_narrow_pictures(command, tmp_path, size, block):
    Image.new("RGB", size, "teal").save(tmp_path / "narrow.png")
    document, _ = apply_json(command, tmp_path, "narrow.png", "--block", block)
    assert document["input_shape"] == [1, 3, size[1], size[0]]


def test_a_picture_that_would_take_gigabytes_is_made_smaller_and_that_is_said(monkeypatch, capsys):
    monkeypatch.setattr(blocks_apply, "_MOST_PIXELS", 5000)
    assert blocks_apply._within_bounds(Image.new("RGB", (200, 100))).size == (100, 50)
    assert "200 x 100 pixels; it is made smaller, to 100 x 50" in capsys.readouterr().err


def test_a_small_picture_is_pooled_without_its_stability(command, tmp_path):
    Image.new("RGB", (20, 20), "teal").save(tmp_path / "small.png")
    document, result = apply_json(command, tmp_path, "small.png", "--block", "maxpool")
    assert document["files"] == ["maxpool/maxpool.png"]
    assert "stability is left out: the picture has 20x20 pixels" in result.stderr


def bomb(path):
    """A PNG of a few bytes that claims 40,000 by 40,000 pixels."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100)))
        + chunk(b"IEND", b"")
    )


def bad_pictures(folder, photo):
    (folder / "text.png").write_text("no picture")
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes(photo.read_bytes()[:2000])
    (folder / "folder.png").mkdir()
    bomb(folder / "bomb.png")
    Image.new("RGB", (1, 1)).save(folder / "dot.png")


@pytest.mark.parametrize("name", ["apply", "blobs"])
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("missing.png", "cannot be read: No such file"),
        ("folder.png", "cannot be read: Is a directory"),
        ("text.png", "is not a picture that can be read; expected a PNG, a JPEG"),
        ("empty.png", "is empty; expected a picture"),
        ("cut.png", "is truncated); expected a whole picture"),
        ("bomb.png", "claims more pixels than fit: expected at most 89,478,485"),
        ("dot.png", "1x1"),
    ],
)
def test_bad_pictures_are_refused_and_leave_nothing(refused, tmp_path, photo, name, file, words):
    bad_pictures(tmp_path, photo)
    before = sorted(tmp_path.iterdir())
    assert words in refused("blocks", name, file, cwd=tmp_path)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--block", "maxpool", "--stride", "0"], "`stride` is 0; expected a whole number of at"),
        (["--block", "maxpool", "--window", "0"], "`kernel_size` is 0"),
        (["--block", "maxpool", "--window", "91"], "window spans 91x91 pixels, the padded input"),
        (["--block", "random", "--seed", "-1"], "seed: found -1"),
        (["--stride", "2"], "--stride: found 2 with --block laplacian"),
        (["--block", "blur"], "blur"),
        (["--window", "many"], "--window"),
    ],
)
def test_wrong_options_are_refused(refused, tmp_path, photo, options, words):
    assert words in refused("blocks", "apply", photo, *options, cwd=tmp_path)
    assert sorted(tmp_path.iterdir()) == [photo]


@pytest.mark.parametrize("name", ["apply", "blobs"])
def test_an_output_folder_that_cannot_be_made_is_refused(refused, tmp_path, photo, name):
    assert "cannot be written" in refused("blocks", name, "--out", photo / "in", cwd=tmp_path)


def test_blobs(command, tmp_path):
    result = command("blocks", "blobs", "--json", "--iterations", "100", cwd=tmp_path)
    assert result.returncode == 0, result
    document = json.loads(result.stdout)
    assert document["files"] == ["blobs/blobs.png"]
    with Image.open(tmp_path / "blobs" / "blobs.png") as picture:
        picture.verify()
    assert document["objective_end"] < 0.1 * document["objective_start"]
    assert document["blobs_missed"] < 0.1 * document["blobs"]
    assert np.shape(document["weight"]) == (3, 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--learning-rate", "-1"], "learning rate: found -1"),
        (["--iterations", "0"], "--iterations: found '0'; expected a value that is greater"),
        (["--smoothing", "1e9"], "smoothing: found 1e+09; expected 0 to 1000 pixels"),
        (["--momentum", "1"], "momentum: found 1"),
        (["--learning-rate", "1e30"], "the objective is"),
        (["--learning-rate", "1e200"], "learning rate: found 1e+200; expected a number above 0"),
        (["--seed", "-1"], "--seed: found '-1'"),
    ],
)
def test_wrong_options_of_blobs_are_refused(refused, tmp_path, options, words):
    assert words in refused("blocks", "blobs", *options, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["apply", "blobs"])
def test_help_has_an_example(command, name):
    result = command("blocks", name, "--help")
    assert result.returncode == 0
    assert f"Example: chainrule blocks {name}" in result.stdout
