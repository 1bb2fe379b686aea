"""Files that are far too long are refused before they are read."""

import os

import pytest

from chainrule.io.texts import read_content, read_text

LONG = 20 << 30


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("points", "derive", "--example"), "more than 268,435,456 bytes"),
        (("points", "infer", "--out", "o", "--table"), "more than 268,435,456 bytes"),
        (("points", "history"), "more than 2,147,483,648 bytes"),
        (("points", "train", "--out", "o", "--data"), "more than 2,147,483,648 bytes"),
        (("points", "derive", "--x", "1,2", "--y", "1", "--weights"), "is no file of chainrule's"),
    ],
)
def test_a_file_of_twenty_gigabytes(refused, tmp_path, arguments, said):
    with (tmp_path / "long.csv").open("wb") as file:
        try:
            file.truncate(LONG)  # without taking room on the disk
        except OSError:
            pytest.skip("a file system without files of that length")
    assert said in refused(*arguments, "long.csv", cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["long.csv"]


def test_a_device_has_no_end():
    with pytest.raises(OSError, match="it is a device"):
        read_content("/dev/zero")


def test_the_bound_is_the_last_byte_that_is_read_of_files_and_of_pipes(tmp_path):
    (tmp_path / "a").write_bytes(b"one\r\ntwo\r")
    assert read_text(tmp_path / "a", most=9) == "one\ntwo\n"
    with pytest.raises(OSError, match="more than 8 bytes"):
        read_text(tmp_path / "a", most=8)


@pytest.mark.parametrize("most", [8, 9])
def test_a_pipe_is_read_to_the_bound(most):
    ours, theirs = os.pipe()
    os.write(theirs, b"123456789")
    os.close(theirs)
    try:
        found = read_content(f"/dev/fd/{ours}", most)
    except OSError as error:
        found = error.strerror
    os.close(ours)
    assert found == (b"123456789" if most == 9 else "it has more than 8 bytes")
