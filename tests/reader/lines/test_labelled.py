"""Folders and lists of pictures with their texts."""

import json
from pathlib import Path

import pytest
from PIL import Image

from chainrule.errors import FileError, InputError
from chainrule.reader.lines.labelled import (
    Labelled,
    read_labelled,
    split_in_folds,
    split_in_two,
)


def picture(path):
    path.parent.mkdir(exist_ok=True)
    Image.new("L", (20, 20)).save(path)
    return path


def test_a_folder_as_tesstrain_has_it(tmp_path):
    for name in ("a", "b.c", "d", "e", "f", "g"):
        picture(tmp_path / f"{name}.png")
    picture(tmp_path / "g.jpg")
    (tmp_path / "a.gt.txt").write_text("\ufeffone  line\n", "utf-8")
    (tmp_path / "b.c.gt.txt").write_bytes("caf\u00e9".encode())
    (tmp_path / "d.gt.txt").write_text("two\nlines\n")
    (tmp_path / "e.gt.txt").write_bytes(b"\xff\xfe")
    (tmp_path / "g.gt.txt").write_text("which")
    (tmp_path / "h.gt.txt").write_text("none")
    found, skipped = read_labelled([tmp_path])
    assert found == [
        Labelled(tmp_path / "a.png", "one line"),
        Labelled(tmp_path / "b.c.png", "caf\u00e9"),
    ]
    reasons = {one.file.rpartition("/")[2]: one.reason for one in skipped}
    assert reasons == {
        "d.png": "its text has 2 lines; expected one",
        "e.png": "its text cannot be read (it is no text in UTF-8)",
        "f.png": "there is no f.gt.txt beside it",
        "g.gt.txt": "2 pictures are called g; expected one",
        "h.gt.txt": "0 pictures are called h; expected one",
    }


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_a_list_of_files(suffix, tmp_path):
    rows = [
        {"file_name": "p/1.png", "text": 'a, "b"', "group": "x"},
        {"file_name": "p/2.png", "text": "", "group": "x"},
        {"file_name": "p/3.png", "text": "c", "group": "y"},
    ]
    picture(tmp_path / "p" / "1.png")
    picture(tmp_path / "p" / "2.png")
    listed = {
        "csv": 'file_name,text,group\np/1.png,"a, ""b""",x\np/2.png,,x\np/3.png,c,y\n',
        "tsv": 'file_name\ttext\tgroup\np/1.png\ta, "b"\tx\np/2.png\t\tx\np/3.png\tc\ty\n',
        "jsonl": "\n".join(map(json.dumps, rows)),
    }[suffix]
    path = tmp_path / f"list.{suffix}"
    path.write_text(listed)
    for source in (path, tmp_path):  # the list, and the folder that holds it
        found, skipped = read_labelled([source])
        assert found == [Labelled(tmp_path / "p" / "1.png", 'a, "b"', "x")]
        assert [one.reason for one in skipped] == ["its text is empty", "there is no such file"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "is not there"),
        ("a.csv", "file,words_of\n1.png,x\n", "expected the columns file and text"),
        ("a.csv", "file,text\n1.png,x\n", "holds no labelled picture; the first of 1: there is no"),
        ("a.jsonl", "[1]", "line 1 is no JSON object"),
        ("a.jsonl", "{", "line 1 is no JSON"),
        ("a.jsonl", "[" * 100_000, "line 1 is no JSON"),
    ],
)
def test_lists_that_are_none(name, content, message, tmp_path):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(FileError, match=message):
        read_labelled([tmp_path / name])


def test_a_folder_without_texts_and_one_with_two_lists(tmp_path):
    picture(tmp_path / "a.png")
    with pytest.raises(FileError, match="holds no labelled picture; expected pictures beside"):
        read_labelled([tmp_path])
    (tmp_path / "a.csv").write_text("file,text\n")
    (tmp_path / "b.csv").write_text("file,text\n")
    with pytest.raises(FileError, match=r"holds 2 lists \(a.csv, b.csv\)"):
        read_labelled([tmp_path])


def test_a_split_keeps_groups_together_and_stays_when_others_come(tmp_path):
    rows = [Labelled(tmp_path / f"{i}.png", "x", f"g{i % 20}") for i in range(100)]
    first, second = split_in_two(rows, 0.25)
    assert len(second) == 25
    assert not {row.group for row in first} & {row.group for row in second}
    assert sorted(first + second, key=rows.index) == rows
    alone = [Labelled(tmp_path / f"{i}.png", "x") for i in range(40)]
    assert len(split_in_two(alone, 0.25)[1]) == 10
    assert split_in_two(alone, 0.25, seed=1) != split_in_two(alone, 0.25)
    with pytest.raises(InputError, match="are of 1 group; expected at least two"):
        split_in_two(rows[::20], 0.5)


def test_folds_hold_each_row_once_and_cut_no_group():
    rows = [Labelled(Path(f"{number}.png"), "a", f"g{number // 2}") for number in range(14)]
    folds = split_in_folds(rows, 3)
    assert sorted(map(len, folds)) == [4, 4, 6]
    assert {row.file for fold in folds for row in fold} == {row.file for row in rows}
    groups = [{row.group for row in fold} for fold in folds]
    assert sum(map(len, groups)) == 7
    assert split_in_folds(rows[::-1], 3, 0)[0] == folds[0][::-1]
    assert split_in_folds(rows, 3, seed=1) != folds
    with pytest.raises(InputError, match="are of 7 groups; expected at least 8"):
        split_in_folds(rows, 8)
