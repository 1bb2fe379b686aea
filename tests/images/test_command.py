"""The real commands on photographs that packages install, and on pictures made here."""

import json

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

from chainrule.io.files import write_text

pytestmark = pytest.mark.slow


@pytest.fixture
def photos(tmp_path, photographs):
    """Photographs with names as they are out there, and files that are none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    names = {"coffee": "a cup.png", "chelsea": 'the "cat".png', "rocket": "two\nlines.jpg"}
    for key, name in names.items():
        (folder / name).write_bytes(photographs[key].read_bytes())
    (folder / "cut.jpg").write_bytes(photographs["rocket"].read_bytes()[:9000])
    (folder / "empty.png").touch()
    (folder / "text.jpg").write_text("no picture")
    Image.new("RGB", (1, 1), "red").save(folder / "one pixel.png")
    return folder


def test_classify_names_photographs_and_draws_them(command, photos, tmp_path):
    out = tmp_path / "named"
    result = command("images", "classify", photos, "--explain", "--out", out, "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["model"] == "efficientnet-lite0"
    best = {image["file"].rpartition("/")[2]: image["classes"] for image in document["images"]}
    assert best["a cup.png"][0]["name"] == "espresso"
    assert best['the "cat".png'][0]["name"] == "Egyptian cat"
    assert best["two\nlines.jpg"][0]["name"] == "missile"
    for classes in best.values():
        values = [c["probability"] for c in classes]
        assert len(values) == 5
        assert values == sorted(values, reverse=True)
        assert sum(values) <= 1 + 1e-9
    skipped = [s["file"].rpartition("/")[2] for s in document["skipped"]]
    assert skipped == ["cut.jpg", "empty.png", "text.jpg"]
    assert sum(line.startswith("skipped: ") for line in result.stderr.splitlines()) == 3
    pictures = sorted(out.iterdir())
    assert len(pictures) == 4
    for picture in pictures:
        with Image.open(picture) as image:
            assert image.width > 1000


def test_classify_turns_pictures_and_takes_patterns(command, photographs, tmp_path):
    image = Image.open(photographs["chelsea"]).rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    result = command("images", "classify", str(tmp_path / "*.jpg"))
    assert result.returncode == 0, result.stderr
    assert "Egyptian cat" in result.stdout


def test_a_drawing_never_replaces_the_photograph(refused, photographs, tmp_path):
    content = photographs["coffee"].read_bytes()
    folder = tmp_path / "photographs"  # the cache lies beside it
    folder.mkdir()
    (folder / "coffee.png").write_bytes(content)
    sentence = refused("images", "classify", "coffee.png", "--out", folder, cwd=folder)
    assert "`--out` would write over" in sentence
    assert [p.name for p in folder.iterdir()] == ["coffee.png"]
    assert (folder / "coffee.png").read_bytes() == content


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["absent.jpg"], "absent.jpg cannot be read"),
        (["empty.png"], "empty.png is empty"),
        (["nothing*.jpg"], "matches no file"),
        (["text.jpg", "--model", "resnet"], "network resnet; expected efficientnet-lite0"),
        (["text.jpg", "--model", "absent.mat"], "absent.mat is not there"),
        (["text.jpg", "--explain"], "expected `--out FOLDER`"),
        (["text.jpg", "--top", "0"], "--top"),
        (["."], "holds no picture"),
    ],
)
def test_classify_refuses_in_one_sentence(refused, tmp_path, arguments, words):
    if arguments != ["."]:
        (tmp_path / "empty.png").touch()
        (tmp_path / "text.jpg").write_text("no picture")
    assert words in refused("images", "classify", *arguments, cwd=tmp_path)


def test_features_evaluate_train_and_predict(command, shapes, tmp_path):
    (shapes / "disc" / "bad.jpg").write_text("no picture")
    out = tmp_path / "f.safetensors"
    result = command("images", "features", shapes, "--out", out, "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["pictures"], document["dimensions"]) == (24, 1280)
    assert len(document["skipped"]) == 1
    with safe_open(out, framework="numpy") as file:
        assert file.get_tensor("features").shape == (24, 1280)

    folder = tmp_path / "evaluation"
    kinds = ("--features", "cnn", "--features", "bovw", "--features", "fisher")
    result = command("images", "evaluate", shapes, *kinds, "--out", folder, "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert [(r["features"], r["class"]) for r in document["rows"]] == [
        (kind, name) for kind in ("cnn", "bovw", "fisher") for name in ("disc", "square")
    ]
    for row in document["rows"]:
        assert row["average_precision"] > 0.9
        assert 0 <= row["interval"][0] <= row["interval"][1] <= 1
        # the halves were drawn before one file turned out to be no picture
        assert row["positives"] + row["negatives"] in (11, 12)
        assert 0 < row["average_precision_11_point"] <= 1
    assert document["seconds"] > 0
    assert {p.name for p in folder.iterdir()} == {
        "table.json", "precision_recall.svg", "precision_recall.png", "ranked.png",
    }  # fmt: skip

    model, sheets = tmp_path / "m.safetensors", tmp_path / "sheets"
    result = command("images", "train", shapes, "--out", model, "--sheets", sheets, "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["classes"] == ["disc", "square"]
    assert document["error"] <= 0.1
    assert np.sum(document["confusion"]) == 24
    assert {"confusion.png", "best_and_worst.png", "suspects.csv", "suspects.json"} <= {
        p.name for p in sheets.iterdir()
    }
    table = tmp_path / "answers.csv"
    result = command(
        "images", "predict", model, shapes / "square", "--json", "--top", "2", "--out", table
    )
    assert result.returncode == 0, result.stderr
    answers = json.loads(result.stdout)["images"]
    assert sum(a["class"] == "square" for a in answers) >= 11
    for answer in answers:
        assert sum(guess["probability"] for guess in answer["best"]) == pytest.approx(1)
    lines = table.read_text().splitlines()
    assert lines[0] == "file,class,familiarity,class_1,probability_1,class_2,probability_2"
    assert len(lines) == 13

    # the same from the file of features
    result = command(
        "images", "train", "--features", out, "--out", tmp_path / "n.safetensors", "--json"
    )
    assert json.loads(result.stdout)["confusion"] == document["confusion"]
    result = command("images", "predict", tmp_path / "n.safetensors", "--features", out, "--json")
    by_file = {a["file"]: a["class"] for a in json.loads(result.stdout)["images"]}
    assert all(by_file[a["file"]] == a["class"] for a in answers)
    result = command("images", "evaluate", "--features", out, "--json")
    assert [row["class"] for row in json.loads(result.stdout)["rows"]] == ["disc", "square"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["features", "absent", "--out", "f.safetensors"], "absent is not there"),
        (["features", "two/a", "--out", "f.safetensors"], "is empty"),
        (["features", ".", "--out", "f.npz"], "ends in .safetensors"),
        (["evaluate", "two/a"], "holds no class folder"),
        (["train", "two/a", "--out", "m.safetensors"], "holds no class folder"),
        (["train", "two", "--out", "m.safetensors", "--C", "inf"], "`C`: found inf"),
        (["evaluate", "two", "--C", "nan"], "`C`: found nan"),
        (["evaluate", "two", "--seed", "4294967296"], "`seed`: found 4294967296"),
        (["predict", "absent.safetensors", "x.jpg"], "absent.safetensors"),
        (["predict", "m.safetensors", "x.jpg", "--unsure", "2"], "--unsure: found 2.0"),
        (["predict", "m.safetensors", "x.jpg", "--unsure", "nan"], "--unsure: found nan"),
        (
            ["predict", "pickle.safetensors", "x.jpg"],
            "is no file of chainrule's",
        ),
    ],
)
def test_the_others_refuse_in_one_sentence(refused, tmp_path, arguments, words):
    for name in ("a", "b"):
        (tmp_path / "two" / name).mkdir(parents=True)
        (tmp_path / "two" / name / "1.png").touch()
    (tmp_path / "pickle.safetensors").write_bytes(b"\x80\x04\x8c\x05posix\x94.")
    assert words in refused("images", *arguments, cwd=tmp_path)
    assert not list(tmp_path.glob("*.npz"))
    assert not (tmp_path / "f.safetensors").exists()


def test_a_csv_list_with_several_classes_a_picture(command, shapes, tmp_path):
    rows = ["file,classes"]
    for i, file in enumerate(sorted(shapes.rglob("*.png"))):
        extra = ";even" if i % 2 else ""
        rows.append(f"{file.relative_to(tmp_path)},{file.parent.name}{extra}")
    write_text(tmp_path / "list.csv", "\n".join(rows) + "\n")
    result = command("images", "evaluate", tmp_path / "list.csv", "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert [row["class"] for row in document["rows"]] == ["disc", "even", "square"]


def test_every_command_says_what_it_does(command):
    names = ("classify", "features", "evaluate", "train", "test", "predict", "clean", "similar",
             "export", "pull", "fetch")  # fmt: skip
    for name in names:
        result = command("images", name, "--help")
        assert result.returncode == 0
        assert f"Example: chainrule images {name}" in " ".join(result.stdout.split())
