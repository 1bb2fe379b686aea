import numpy as np
import pytest
from PIL import Image

from chainrule.errors import FileError, InputError
from chainrule.images.collection import read_collection
from chainrule.images.duplicates import without_copies
from chainrule.images.parts import split_in_halves


def test_class_folders(shapes):
    (shapes / "disc" / "notes.txt").write_text("no picture")
    (shapes / "nothing").mkdir()
    found = read_collection(shapes)
    assert found.classes == ("disc", "square")
    assert found.truth.sum(0).tolist() == [0, 0]
    assert [s.reason for s in found.skipped] == [
        "not a picture by its name",
        "a folder without pictures",
    ]
    assert all((found.truth[i] == 1)[found.classes.index(f.parent.name)]
               for i, f in enumerate(found.files))  # fmt: skip


def _voc(root, lists):
    main = root / "ImageSets" / "Main"
    main.mkdir(parents=True)
    (root / "JPEGImages").mkdir()
    for name, lines in lists.items():
        (main / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return root


def test_voc_tree_with_several_classes_a_picture_and_difficult_ones(tmp_path):
    root = _voc(
        tmp_path / "VOCdevkit" / "VOC2007",
        {
            "cat_trainval": ["000001  1", "000002 -1"],
            "cat_test": ["000003  0", "000004 -1"],
            "dog_trainval": ["000001  1", "000002  1"],
            "dog_test": ["000003 -1", "000004  1"],
            "trainval": ["000001", "000002"],
        },
    )
    found = read_collection(tmp_path)
    assert found.classes == ("cat", "dog")
    assert [f.name for f in found.files] == [f"00000{i}.jpg" for i in range(1, 5)]
    assert found.files[0].parent == root / "JPEGImages"
    assert found.truth.tolist() == [[1, 1], [-1, 1], [0, -1], [-1, 1]]
    assert split_in_halves(found, 0).tolist() == [True, True, False, False]


def test_voc_without_a_test_part_uses_train_and_val(tmp_path):
    _voc(tmp_path, {"cat_train": ["1 1"], "cat_val": ["2 -1"], "cat_trainval": ["1 1", "2 -1"]})
    assert read_collection(tmp_path).part == ("train", "test")


def test_csv_list(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text('file,classes,split\n"a, ""b"".jpg",cat;dog,train\nc.jpg,,test\n')
    for name in ('a, "b".jpg', "c.jpg"):
        (tmp_path / name).touch()
    found = read_collection(path)
    assert [f.name for f in found.files] == ['a, "b".jpg', "c.jpg"]
    assert found.classes == ("cat", "dog")
    assert found.truth.tolist() == [[1, 1], [-1, -1]]
    assert found.part == ("train", "test")


@pytest.mark.parametrize(
    "text",
    [
        "file;classes;split\nx/a.jpg;cat;TRAIN\nb.jpg;dog;hold-out\n",
        "set\tfile\tclasses\ntraining\tx\\a.jpg\tcat\nTest_set\tb.jpg\tdog\n",
        "file,classes,usage,width\nx\\a.jpg,cat,Training,9\nb.jpg,dog,Validation,9\n",
    ],
)
def test_lists_as_other_programs_write_them(tmp_path, text):
    (tmp_path / "x").mkdir()
    for name in ("x/a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "list.csv").write_text(text)
    found = read_collection(tmp_path / "list.csv")
    assert [f.name for f in found.files] == ["a.jpg", "b.jpg"]
    assert (found.classes, found.part) == (("cat", "dog"), ("train", "test"))


def test_a_listed_name_may_hold_a_line_break(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text('file,classes\n"two\nlines.jpg",cat\nb.jpg,dog\n')
    for name in ("two\nlines.jpg", "b.jpg"):
        (tmp_path / name).touch()
    assert [f.name for f in read_collection(path).files] == ["two\nlines.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,classes\na.jpg,cat\n", "columns classes, name; expected `file`"),
        ("file,classes,split\na.jpg,cat,half\n", "line 2: .*split 'half'"),
        ("file,classes,split\na.jpg,cat,test\nb.jpg,cat,\n", "all of them or none"),
        (
            "file,classes,is_valid\na.jpg,cat,True\nb.jpg,cat,False\n",
            "column is_valid; expected `sp",
        ),
        ("file,classes\na.jpg,\n", "names no class"),
        ("file,classes,split\na.jpg,cat,test\na.jpg,cat,train\n", "the split 'test' and 'train'"),
        ("file,classes,group\na.jpg,cat,1\na.jpg,cat,2\n", "the group '1' and '2'"),
        ("file,classes\na.jpg,cat\nb.jpg,dog\n", "names 2 files, and none is there, such as"),
        ("", "columns of nothing"),
        (f"file,classes\n{'x' * 200_000},cat\n", "is no CSV list .field larger than"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(tmp_path, text, words):
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(FileError, match=words):
        read_collection(path)


def test_folders_that_hold_nothing_are_refused(tmp_path):
    with pytest.raises(FileError, match="holds no class folder with pictures"):
        read_collection(tmp_path)
    with pytest.raises(FileError, match="is not there"):
        read_collection(tmp_path / "absent")
    _voc(tmp_path, {"cat_train": ["1 2"], "cat_val": ["1 1"]})
    with pytest.raises(FileError, match=r"cat_train\.txt, line 1: '1 2'"):
        read_collection(tmp_path)


def test_pictures_of_the_same_content_are_used_once(shapes):
    copy = shapes / "disc" / "copy.png"
    copy.write_bytes((shapes / "disc" / "03.png").read_bytes())
    found = without_copies(read_collection(shapes))
    assert len(found.files) == 24
    assert found.skipped[0].file.endswith("copy.png")
    assert "the same picture as" in found.skipped[0].reason


def test_two_folders_of_the_same_pictures_are_refused(shapes):
    (shapes / "second").mkdir()
    for file in (shapes / "disc").iterdir():
        (shapes / "second" / file.name).write_bytes(file.read_bytes())
    with pytest.raises(InputError, match="every picture of class 'disc' is in another class"):
        without_copies(read_collection(shapes))


def test_halves_are_balanced_and_follow_the_seed(tmp_path):
    for name, count in (("a", 7), ("b", 4), ("c", 1)):
        (tmp_path / name).mkdir()
        for i in range(count):
            Image.new("L", (2, 2), i).save(tmp_path / name / f"{i}.png")
    found = read_collection(tmp_path)
    first, again, other = (split_in_halves(found, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    for half in (first, other):
        assert [int(half[found.truth[:, c] == 1].sum()) for c in range(3)] == [4, 2, 1]
