"""The real commands on folders as people have them."""

import csv
import json
import os
import resource
import shutil
import struct
import unicodedata
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from chainrule.io.files import write_text

pytestmark = pytest.mark.slow


def _run(command, *arguments, cwd=None):
    result = command("images", *arguments, "--json", cwd=cwd)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout), result.stderr


@pytest.fixture
def parts(shapes, tmp_path):
    """train and test parts, the labels of two test pictures wrong."""
    root, train, test = tmp_path / "parts", "seg_train/images", "seg_test/images"
    for c in ("disc", "square"):
        for part, names in ((train, range(8)), (test, range(8, 12))):
            (root / part / c).mkdir(parents=True)
            for i in names:
                shutil.copy(shapes / c / f"{i:02}.png", root / part / c / f"{c}{i}.png")
    for c, i in (("disc", 8), ("square", 8)):
        other = "square" if c == "disc" else "disc"
        shutil.move(root / test / c / f"{c}{i}.png", root / test / other / f"{c}{i}.png")
    return root


def test_the_test_part_is_held_out(command, parts, tmp_path):
    document, _ = _run(command, "train", parts, "--out", tmp_path / "m.safetensors")
    assert document["classes"] == ["disc", "square"]
    assert document["test"]["pictures"] == 8
    assert document["pictures"] <= 16
    assert document["test"]["error"] >= 0.25  # the two planted ones at least
    result = command("images", "train", parts, "--out", tmp_path / "m.safetensors")
    assert result.stdout.startswith("error on the test part, 8 pictures: ")
    tested, _ = _run(command, "test", tmp_path / "m.safetensors", parts)
    assert tested["error"] == pytest.approx(document["test"]["error"])
    assert tested["confusion"] == document["test"]["confusion"]
    assert set(tested["average_precision"]) == {"disc", "square"}


def test_the_test_rows_of_a_list_are_held_out(command, parts, tmp_path):
    rows = [
        f"{file.relative_to(tmp_path)},{file.parent.name},{part}"
        for part in ("train", "test")
        for file in sorted((parts / f"seg_{part}").rglob("*.png"))
    ]
    write_text(tmp_path / "list.csv", "file,classes,split\n" + "\n".join(rows) + "\n")
    document, _ = _run(command, "train", tmp_path / "list.csv", "--out", tmp_path / "m.safetensors")
    assert document["test"]["pictures"] == 8
    assert document["pictures"] <= 16


def test_a_second_run_does_not_read_its_own_drawings(command, shapes, tmp_path):
    arguments = (
        "train",
        shapes,
        "--out",
        tmp_path / "m.safetensors",
        "--sheets",
        shapes / "sheets",
    )
    first, _ = _run(command, *arguments)
    second, _ = _run(command, *arguments)
    assert second["classes"] == first["classes"] == ["disc", "square"]
    assert second["pictures"] == first["pictures"]


def test_wrong_labels_duplicates_and_damaged_files_are_listed(command, shapes, tmp_path):
    (shapes / "disc" / "01.png").rename(shapes / "square" / "planted.png")
    Image.open(shapes / "disc" / "02.png").resize((100, 100)).save(shapes / "disc" / "again.png")
    (shapes / "disc" / "bad.jpg").write_text("no picture")
    before = sorted((p, p.stat().st_mtime) for p in shapes.rglob("*"))
    document, _ = _run(command, "clean", shapes, "--out", tmp_path / "found")
    assert document["suspects"][0]["file"].endswith("planted.png")
    assert document["suspects"][0]["answer"] == "disc"
    groups = [{Path(file).name for file in files} for files in document["duplicates"]]
    assert any({"02.png", "again.png"} <= group for group in groups)
    assert any(s["file"].endswith("bad.jpg") for s in document["skipped"])
    assert sorted((p, p.stat().st_mtime) for p in shapes.rglob("*")) == before
    with (tmp_path / "found" / "suspects.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [entry["file"] for entry in document["suspects"]]


def test_similar_pictures(command, shapes, tmp_path):
    Image.open(shapes / "disc" / "02.png").resize((90, 90)).save(tmp_path / "query.png")
    document, _ = _run(command, "similar", tmp_path / "query.png", shapes, "--top", "3")
    assert document["similar"][0]["file"].endswith("disc/02.png")
    assert len(document["similar"]) == 3
    cosines = [entry["cosine"] for entry in document["similar"]]
    assert cosines == sorted(cosines, reverse=True)
    _run(command, "features", shapes, "--out", tmp_path / "f.safetensors")
    again, _ = _run(
        command, "similar", tmp_path / "query.png", "--features", tmp_path / "f.safetensors",
        "--top", "3",
    )  # fmt: skip
    assert [e["file"] for e in again["similar"]] == [e["file"] for e in document["similar"]]


def test_features_of_pictures_without_classes(command, shapes, tmp_path):
    document, _ = _run(command, "features", shapes / "disc", "--out", tmp_path / "f.safetensors")
    assert document["pictures"] == 12


def test_none_of_these(command, shapes, photographs, tmp_path):
    _run(command, "train", shapes, "--out", tmp_path / "m.safetensors")
    document, _ = _run(
        command, "predict", tmp_path / "m.safetensors", *photographs.values(), "--unknown"
    )
    assert all(image["class"] == "unknown" for image in document["images"])
    plain, _ = _run(command, "predict", tmp_path / "m.safetensors", *photographs.values())
    assert all(image["class"] in ("disc", "square") for image in plain["images"])


def test_export_gives_the_answers_of_predict(command, shapes, photographs, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = tmp_path / "m.safetensors"
    _run(command, "train", shapes, "--out", model)
    _run(command, "export", model, "--out", tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    files = [shapes / "disc" / "00.png", shapes / "square" / "03.png", photographs["coffee"]]
    document, _ = _run(command, "predict", model, *files)
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["classes"]) == ["disc", "square"]
    for file, answer in zip(files, document["images"], strict=True):
        pixels = np.asarray(Image.open(file).convert("RGB"))
        scores, familiarity = session.run(["scores", "familiarity"], {"picture": pixels})
        # resized by another library, and bfloat16 against float32
        np.testing.assert_allclose(scores, list(answer["scores"].values()), atol=0.05)
        assert familiarity == pytest.approx(answer["familiarity"], abs=0.03)


def _places(row):
    """The places of a terminal before the row's first share."""
    before = row[: row.index("%")]
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in before)


def test_folders_named_in_bytes_that_are_no_text(command, shapes, tmp_path):
    (shapes / "disc").rename(shapes / os.fsdecode(b"caf\xe9"))
    document, _ = _run(command, "train", shapes, "--out", tmp_path / "m.safetensors",
                       "--sheets", tmp_path / "sheets")  # fmt: skip
    assert len(document["classes"]) == 2
    long = (shapes / "square").rename(shapes / ("猫の写真" * 12))
    result = command("images", "train", shapes, "--out", tmp_path / "m.safetensors")
    assert result.returncode == 0, result.stderr
    first, second = (_places(r) for r in result.stdout.splitlines() if "caf" in r or "猫の" in r)
    assert first == second < 60
    (long / "01.png").rename(shapes / os.fsdecode(b"caf\xe9") / "wrong.png")
    table = tmp_path / "answers.csv"
    result = command("images", "predict", tmp_path / "m.safetensors", shapes, "--out", table)
    assert result.returncode == 0, result.stderr
    assert b"caf\xe9" + os.sep.encode() + b"00.png,caf\xe9," in table.read_bytes()
    result = command("images", "clean", shapes, "--out", tmp_path / "found")
    assert result.returncode == 0, result.stderr
    assert b"caf\xe9" in (tmp_path / "found" / "suspects.csv").read_bytes()


def test_a_name_of_250_bytes_is_answered_and_drawn(command, photographs, tmp_path):
    long = tmp_path / ("n" * 250 + ".png")
    shutil.copy(photographs["coffee"], long)
    result = command("images", "classify", long, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "espresso" in result.stdout
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_forty_classes_have_room(command, photographs, tmp_path):
    result = command(
        "images", "classify", photographs["coffee"], "--top", "40", "--out", tmp_path / "out"
    )
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "out" / "coffee.png") as image:
        assert image.height > 1200


def test_a_full_disk_is_said_in_a_sentence(command, shapes, tmp_path):
    """Files of more than 20 KB cannot be written, as where no room is left."""
    import subprocess
    import sys

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    for name in ("features", "train"):
        result = subprocess.run(
            [sys.executable, "-m", "chainrule", "images", name, shapes,
             "--out", tmp_path / "x.safetensors", "--cache", tmp_path / "cache"],
            capture_output=True, text=True, preexec_fn=limited, check=False,
        )  # fmt: skip
        assert result.returncode == 2, result.stderr
        assert "cannot be written" in result.stderr
        assert "Traceback" not in result.stderr
        assert "going on without" in result.stderr
        assert not (tmp_path / "x.safetensors").exists()


def test_a_cache_that_cannot_be_written_is_done_without(command, shapes, tmp_path):
    (tmp_path / "file").touch()
    document, stderr = _run(
        command, "features", shapes, "--out", tmp_path / "f.safetensors",
        "--cache", tmp_path / "file" / "cache",
    )  # fmt: skip
    assert document["pictures"] == 24
    assert stderr.count("going on without") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict", "two", "x.jpg"], "two is a folder; expected a classifier"),
        (["classify", "x.jpg", "--model", "two"], "network two is a folder"),
        (["pull", "vgg16", "--mirror", "nonsense"], "nonsense"),
        (["pull", "vgg16", "--mirror", "ftp:"], "ftp:"),
        (["fetch", "voc2007", "--out", "v", "--mirror", "no address"], "no address"),
        (["train", "two", "--out", "two"], "ends in .safetensors"),
        (["train", "--out", "m.safetensors"], "either a folder"),
        (["train", "two", "--out", "m.safetensors", "--bursts", "-1"], "`--bursts`: found -1"),
        (["predict", "m.safetensors"], "m.safetensors"),
        (["predict", "m.safetensors", "x.jpg", "--out", "a.txt"], "ends in .csv"),
        (["export", "m.safetensors", "--out", "m.pt"], "m.safetensors cannot be read"),
        (["evaluate"], "nothing to evaluate"),
        (["train", "gone.csv", "--out", "m.safetensors"], "names 2 files, and none is there"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(refused, tmp_path, arguments, words):
    for name in ("a", "b"):
        (tmp_path / "two" / name).mkdir(parents=True)
        (tmp_path / "two" / name / "1.png").touch()
    write_text(tmp_path / "gone.csv", "file,classes\na.png,cat\nb.png,dog\n")
    assert words in refused("images", *arguments, cwd=tmp_path)


def test_a_classifier_of_a_mat_file_says_where_it_looked(command, refused, shapes, tmp_path):
    from scipy.io import savemat

    generator = np.random.default_rng(0)
    filters = generator.standard_normal((5, 5, 3, 6)).astype(np.float32)
    layer = {"type": "conv", "weights": np.array([filters, np.zeros(6, np.float32)], dtype=object)}
    last = {"type": "conv", "weights": np.array(
        [generator.standard_normal((28, 28, 6, 2)).astype(np.float32), np.zeros(2, np.float32)],
        dtype=object)}  # fmt: skip
    net = {"layers": np.array([layer, {"type": "relu"}, last], dtype=object),
           "normalization": {"imageSize": np.array([32.0, 32.0, 3.0])}}  # fmt: skip
    savemat(tmp_path / "my.mat", net)
    model = tmp_path / "m.safetensors"
    _run(command, "train", shapes, "--out", model, "--model", "my.mat", cwd=tmp_path)
    document, _ = _run(command, "predict", model, shapes / "disc", cwd=tmp_path)
    assert len(document["images"]) == 12
    (tmp_path / "my.mat").rename(tmp_path / "moved.mat")
    sentence = refused("images", "predict", model, shapes / "disc", cwd=tmp_path)
    assert "trained with the network my.mat" in sentence
    assert "`--model`" in sentence
    again, _ = _run(
        command, "predict", model, shapes / "disc", "--model", "moved.mat", cwd=tmp_path
    )
    assert again["images"] == document["images"]


def test_metadata_of_three_megabytes_and_numbers_of_no_picture(command, photographs, tmp_path):
    content = photographs["coffee"].read_bytes()
    data = b"zTXt" + b"note\0\0" + zlib.compress(bytes(3_000_000))
    chunk = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    (tmp_path / "a.png").write_bytes(content[:33] + chunk + content[33:])
    tifffile.imwrite(tmp_path / "b.tif", np.full((4, 4), np.nan, "f4"))
    with Image.open(photographs["coffee"]) as coffee:
        signed = np.asarray(coffee.convert("RGB")).astype("i2") * 128
    tifffile.imwrite(tmp_path / "c.tif", signed, photometric="rgb")
    document, stderr = _run(
        command, "classify", *(tmp_path / n for n in ("a.png", "b.tif", "c.tif"))
    )
    named = [answer["classes"][0]["name"] for answer in document["images"]]
    assert named == ["espresso", "espresso"]
    assert "b.tif holds no finite number" in stderr


def test_what_cannot_be_looked_for_is_refused_before_anything_is_computed(
    shapes, refused, tmp_path
):
    cache = tmp_path / "cache"
    said = refused("images", "similar", shapes / "disc", shapes, "--cache", cache)
    assert said == f"chainrule: {shapes / 'disc'} cannot be read: Is a directory\n"
    assert not cache.exists()
