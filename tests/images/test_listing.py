"""What counts as a picture of a class: parts, hidden and tool folders, links, drawings."""

import os
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from chainrule.errors import FileError
from chainrule.images.bursts import with_bursts
from chainrule.images.class_folders import read_class_folders
from chainrule.images.collection import read_collection
from chainrule.images.listing import DRAWING, list_pictures, named_pictures
from chainrule.images.named_listing import NamedListing
from chainrule.images.parts import split_in_halves
from chainrule.io.figures import MARK, png_mark, write_figure


def _tree(root, *names):
    """A picture of its own for each name."""
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2), (number % 256, number // 256, 7)).save(path)
    return root


def _found(root):
    collection = read_collection(root)
    if not any(path.is_symlink() for path in root.rglob("*")):
        _check_by_names_alone(root, collection)
    shows = [collection.classes[c] for c in (collection.truth == 1).argmax(1)]
    return {
        (str(file.relative_to(root)), name, part)
        for file, name, part in zip(collection.files, shows, collection.part, strict=True)
    }


def _check_by_names_alone(root, expected):
    """What a browser gives is listed as on the disk, but for what only a look tells."""
    names = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    found = read_class_folders(Path(), None, NamedListing(sorted(names, reverse=True)))
    assert found.files == tuple(file.relative_to(root) for file in expected.files)
    assert found.classes == expected.classes
    np.testing.assert_array_equal(found.truth, expected.truth)
    assert found.part == expected.part
    looked_at = {s for s in expected.skipped if s.reason in (DRAWING, "a folder without pictures")}
    for skipped in set(expected.skipped) - looked_at:
        assert any((str(root / s.file), s.reason) == (skipped.file, skipped.reason)
                   for s in found.skipped)  # fmt: skip


PARTS = [
    (("train", "test"), ("train", "test")),
    (("train", "val"), ("train", "test")),
    (("Training", "Validation"), ("train", "test")),
    (("TRAIN", "valid"), ("train", "test")),
    (("training_set", "test-set"), ("train", "test")),
    (("train2017", "holdout"), ("train", "test")),
    (("images/train", "images/val"), ("train", "test")),
    (("data/photos/train", "data/photos/test"), ("train", "test")),
    (("train/images", "test/images"), ("train", "test")),
    (("seg_train/seg_train", "seg_test/seg_test"), ("train", "test")),
    (("01_train", "02_test"), ("train", "test")),
    (("animals-train", "animals-val"), ("train", "test")),
    (("trainval", "test1"), ("train", "test")),
]


@pytest.mark.parametrize(("folders", "parts"), PARTS)
def test_parts_with_classes_inside(tmp_path, folders, parts):
    names = [f"{folder}/{c}/{i}.png" for folder in folders for c in ("cat", "dog") for i in (1, 2)]
    assert _found(_tree(tmp_path, *names)) == {
        (name, name.split("/")[-2], parts[any(name.startswith(folders[1]) for _ in (0,))])
        for name in names
    }


def test_val_is_trained_on_where_there_is_a_test_part(tmp_path):
    names = [f"{part}/{c}/1.png" for part in ("train", "val", "test") for c in ("cat", "dog")]
    found = read_collection(_tree(tmp_path, *names))
    assert found.classes == ("cat", "dog")
    expected = ["test" if f.parts[-3] == "test" else "train" for f in found.files]
    assert list(found.part) == expected
    assert split_in_halves(found, 0).tolist() == [part == "train" for part in expected]


def test_classes_with_parts_inside(tmp_path):
    names = [f"{c}/{part}/1.png" for c in ("cat", "dog") for part in ("train", "test")]
    assert _found(_tree(tmp_path, *names)) == {
        (name, name.split("/")[0], name.split("/")[1]) for name in names
    }


def test_a_test_part_without_classes_is_listed(tmp_path):
    root = _tree(tmp_path, "train/cat/1.png", "train/dog/1.png", "test/1.png")
    found = read_collection(root)
    assert found.classes == ("cat", "dog")
    assert [(s.file.rpartition("/")[2], s.reason) for s in found.skipped] == [
        ("1.png", "in no class folder")
    ]


def test_parts_that_hold_pictures_and_no_classes_are_no_classes(tmp_path):
    root = _tree(tmp_path, "images/train/1.png", "images/val/2.png", "images/test/3.png")
    with pytest.raises(FileError, match="hold pictures and no class folders"):
        read_collection(root)


def test_a_word_for_a_part_that_two_folders_do_not_differ_in_names_no_part(tmp_path):
    names = [f"{c}/{view}/1.png" for c in ("test tube", "toy train") for view in ("near", "far")]
    assert read_collection(_tree(tmp_path, *names)).classes == ("test tube", "toy train")


def test_trains_and_cars_are_classes(tmp_path):
    names = ["train/1.png", "car/1.png", "test/1.png"]
    assert read_collection(_tree(tmp_path, *names)).classes == ("car", "test", "train")


def test_hidden_and_tool_folders_are_left_out(tmp_path):
    tools = (".ipynb_checkpoints", "@eaDir", ".thumbnails", ".Trash-1000", "__MACOSX", "#recycle",
             "@__thumb", "@Recently-Snapshot", "_vti_cnf", "CVS")  # fmt: skip
    names = [
        "cat/1.png",
        "dog/1.png",
        *(f"cat/{t}/9.png" for t in tools),
        *(f"{t}/9.png" for t in tools),
    ]
    found = read_collection(_tree(tmp_path, *names, "cat/._1.png", ".hidden.png"))
    assert sorted(f.name for f in found.files) == ["1.png", "1.png"]
    assert found.classes == ("cat", "dog")
    reasons = {s.reason for s in found.skipped}
    assert reasons == {"a hidden folder, or a tool's", "a hidden file"}
    assert len(found.skipped) == 2 * len(tools) + 1


def test_what_pillow_reads_is_found_and_all_else_is_listed(tmp_path):
    read = [
        ".avif",
        ".jfif",
        ".jpe",
        ".tga",
        ".dib",
        ".JPG",
        ".webp",
        ".tif",
        ".j2k",
        ".pnm",
        ".mpo",
    ]
    for i, suffix in enumerate(read):
        _tree(tmp_path, f"cat/{i}{suffix}")
    for name in ("dog/1.png", "root.png"):
        _tree(tmp_path, name)
    others = {
        "notes.txt": "not a picture",
        "p.eps": "lines or pages",
        "r.NEF": "raw",
        "x.jxl": "XL",
    }
    for name in ("cat/.DS_Store", "cat/Thumbs.db", "cat/a.heic", *(f"cat/{o}" for o in others)):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "cat" / "broken.png").symlink_to(tmp_path / "nothing.png")
    found = read_collection(tmp_path)
    reasons = {s.file.rpartition("/")[2]: s.reason for s in found.skipped}
    heic = find_spec("pillow_heif") is not None
    assert len(found.files) == len(read) + 1 + heic
    assert set(reasons) == {"broken.png", "root.png", *others, *([] if heic else ["a.heic"])}
    assert all(words in reasons[name] for name, words in others.items())
    assert heic or "pip install pillow-heif" in reasons["a.heic"]
    assert reasons["broken.png"] == "a link to nothing"
    assert reasons["root.png"] == "in no class folder"


def test_links_to_folders_are_followed_once(tmp_path):
    _tree(tmp_path, "elsewhere/a.png", "photos/cat/1.png", "photos/dog/1.png")
    (tmp_path / "photos" / "cat" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "cat" / "loop").symlink_to(tmp_path / "photos" / "cat")
    found = read_collection(tmp_path / "photos")
    assert sorted(f.name for f in found.files) == ["1.png", "1.png", "a.png"]
    assert [s.reason for s in found.skipped] == ["a link to a folder that it lies in"]


def test_a_link_to_a_folder_around_its_class_brings_no_other_class(tmp_path):
    _tree(tmp_path, "photos/cat/1.png", "photos/dog/1.png", "away/bird/1.png")
    (tmp_path / "photos" / "cat" / "up").symlink_to("..")
    (tmp_path / "photos" / "bird").symlink_to(tmp_path / "away" / "bird")
    (tmp_path / "away" / "bird" / "back").symlink_to(tmp_path / "photos")
    found = read_collection(tmp_path / "photos")
    assert [(f.parent.name, f.name) for f in found.files] == [
        ("bird", "1.png"), ("cat", "1.png"), ("dog", "1.png"),
    ]  # fmt: skip
    assert {s.reason for s in found.skipped} == {"a link to a folder that it lies in"}


def test_a_folder_that_cannot_be_read_is_listed(tmp_path, monkeypatch):
    root = _tree(tmp_path, "cat/1.png", "dog/1.png", "cat/closed/2.png")
    scandir = os.scandir

    def refused(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    found = read_collection(root)
    assert [(s.file, s.reason) for s in found.skipped] == [
        (str(root / "cat" / "closed"), "cannot be read: Permission denied")
    ]


def test_drawings_of_chainrule_are_never_pictures(tmp_path):
    root = _tree(tmp_path, "cat/1.png", "dog/1.png")
    (root / "named").mkdir()
    write_figure(root / "named" / "1.png", Figure(figsize=(1, 1)))
    Image.new("L", (2, 2)).save(root / "named" / "2.png", pnginfo=png_mark())
    frames = [Image.new("P", (2, 2), colour) for colour in range(2)]
    frames[0].save(root / "named" / "3.gif", comment=MARK, save_all=True, append_images=frames[1:])
    found = read_collection(root)
    assert found.classes == ("cat", "dog")
    assert [s.reason for s in found.skipped] == [
        *["a drawing that chainrule made"] * 3, "a folder without pictures",
    ]  # fmt: skip
    assert list_pictures(root)[0] == [root / "cat" / "1.png", root / "dog" / "1.png"]


def test_listing_takes_a_time_that_grows_as_the_files_do(tmp_path):
    for c in ("cat", "dog"):
        (tmp_path / c).mkdir()
        for i in range(2000):
            (tmp_path / c / f"{i}.jpg").touch()
            (tmp_path / c / f"{i}.txt").touch()
    counts = []
    started = time.process_time()
    found = read_collection(tmp_path, lambda done, total: counts.append((done, total)))
    assert time.process_time() - started < 5  # 10 s when it was quadratic, of a fifth of this
    assert len(found.files) == 4000
    assert len(found.skipped) == 4000
    assert counts[-1][0] >= 7900


def test_patterns_folders_and_files_are_named(tmp_path):
    root = _tree(tmp_path, "a/1.png", "a/2.jpg")
    (root / "a" / "x.txt").touch()
    assert named_pictures([str(root / "a")])[0] == [root / "a" / "1.png", root / "a" / "2.jpg"]
    assert named_pictures([str(root / "*" / "*.jpg")])[0] == [root / "a" / "2.jpg"]
    os.mkfifo(root / "a" / "3.jpg")  # to read it would take for ever
    found, skipped = named_pictures([str(root / "a" / "*.jpg")])
    assert found == [root / "a" / "2.jpg"]
    assert [s.file for s in skipped] == [str(root / "a" / "3.jpg")]
    (root / "a" / "3.jpg").unlink()
    assert [s.reason for s in named_pictures([str(root / "a")])[1]] == ["not a picture by its name"]
    with pytest.raises(FileError, match="matches no file"):
        named_pictures([str(root / "*.gif")])


def test_one_row_a_label_and_groups(tmp_path):
    _tree(tmp_path, "a.png", "b.png", "c.png")
    (tmp_path / "list.csv").write_text(
        "file,classes,group\na.png,cat,1\na.png,dog,1\nb.png,dog,1\nc.png,cat,\nd.png,cat,\n"
    )
    found = read_collection(tmp_path / "list.csv")
    assert [f.name for f in found.files] == ["a.png", "b.png", "c.png"]
    assert found.truth.tolist() == [[1, 1], [-1, 1], [1, -1]]
    assert found.group == ("1", "1", "")
    assert [(s.file.rpartition("/")[2], s.reason) for s in found.skipped] == [
        ("d.png", "is not there")
    ]
    for seed in range(8):
        train = split_in_halves(found, seed)
        assert train[0] == train[1]


def test_pictures_of_a_burst_stay_together(tmp_path):
    for i, seconds in enumerate((0, 2, 4, 40, 41)):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = f"2024:05:01 12:00:{seconds:02}"
        (tmp_path / "cat").mkdir(exist_ok=True)
        Image.new("RGB", (2, 2), (i, 0, 0)).save(tmp_path / "cat" / f"{i}.jpg", exif=exif)
    _tree(tmp_path, "dog/1.png")
    group = with_bursts(read_collection(tmp_path), 3).group
    assert group[0] == group[1] == group[2] != group[3] == group[4]
    assert group[5] == ""


def test_names_that_are_no_text(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    _tree(tmp_path, f"{name}/1.png", "dog/1.png")
    assert read_collection(tmp_path).classes == (name, "dog")
    assert np.sum(read_collection(tmp_path).truth == 1) == 2
