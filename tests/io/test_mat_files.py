"""MATLAB files of every kind of value; bombs, and every bit of a small file changed."""

import contextlib
import io

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from chainrule.errors import FileError
from chainrule.io import mat_files
from chainrule.io.mat_files import read_mat


def test_structs_cells_text_and_numbers(tmp_path):
    cells = np.empty(2, dtype=object)
    cells[:] = [np.eye(2, dtype=np.float32), "text"]
    savemat(
        tmp_path / "a.mat",
        {"net": {"size": 3.0, "name": "n", "layers": cells}, "x": np.arange(6).reshape(2, 3)},
        do_compression=True,
    )
    found = read_mat(tmp_path / "a.mat")
    assert set(found) == {"net", "x"}
    np.testing.assert_array_equal(found["x"], np.arange(6).reshape(2, 3))
    net = found["net"]
    assert net["name"] == "n"
    assert float(net["size"].item()) == 3.0
    np.testing.assert_array_equal(net["layers"][0], np.eye(2))
    assert net["layers"][0].dtype == np.float32
    assert net["layers"][1] == "text"


def test_a_bomb_is_refused_before_it_goes_off(tmp_path):
    savemat(tmp_path / "b.mat", {"x": np.zeros((20_000, 15_000), np.uint8)}, do_compression=True)
    assert (tmp_path / "b.mat").stat().st_size < 400_000
    with pytest.raises(FileError, match=r"b\.mat unpacks to more than 268,435,456 bytes"):
        read_mat(tmp_path / "b.mat")


def test_a_claim_of_more_memory_than_fits_ends_the_child_alone(tmp_path):
    stream = io.BytesIO()
    cells = np.empty((1, 3), dtype=object)
    cells[0] = [1.0, 2.0, 3.0]
    savemat(stream, {"x": cells})
    content = bytearray(stream.getvalue())
    place = content.index(np.array([1, 3], "<i4").tobytes())
    content[place : place + 8] = np.array([2**15, 2**15], "<i4").tobytes()
    (tmp_path / "c.mat").write_bytes(content)
    with pytest.raises(FileError, match="is damaged or no MATLAB file"):
        read_mat(tmp_path / "c.mat")


def test_version_7_3_is_named(tmp_path):
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (tmp_path / "d.mat").write_bytes(header + bytes(400))
    with pytest.raises(FileError, match=r"is a MATLAB file of version 7\.3"):
        read_mat(tmp_path / "d.mat")


def test_a_reader_that_hangs_is_ended(tmp_path, monkeypatch):
    savemat(tmp_path / "e.mat", {"x": 1.0})
    monkeypatch.setattr(mat_files, "_SECONDS", 0.01)
    with pytest.raises(FileError, match="was not read in 0 s"):
        read_mat(tmp_path / "e.mat")


@pytest.mark.slow
def test_changed_bits_give_values_or_one_sentence(tmp_path):
    """Among them such as end SciPy's reader, and the process with it."""
    stream = io.BytesIO()
    savemat(stream, {"net": {"layers": np.array([{"type": "relu"}], dtype=object)}})
    whole = stream.getvalue()
    generator = np.random.default_rng(0)
    path = tmp_path / "f.mat"
    said = 0
    for place in generator.choice(np.arange(128, len(whole)), 24, replace=False):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << generator.integers(8)
        path.write_bytes(damaged)
        with contextlib.suppress(FileError):
            read_mat(path)
            continue
        said += 1
    assert said > 3
    path.write_bytes(whole)
    assert loadmat(path)["net"].dtype.names == ("layers",)
