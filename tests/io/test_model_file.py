"""The one model file: the same bytes again, and no change that goes unnoticed."""

import os
import stat

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.errors import FileError, InputError
from chainrule.io.model_file import read_model_file, write_model_file

EXPECTED = "a thing that a test wrote"
ARRAYS = {"b": np.arange(3, dtype=np.float32), "a": np.array([[1, -2]], np.int64)}


def write(path, arrays=None, settings=None):
    write_model_file(path, "thing", ARRAYS if arrays is None else arrays, settings or {"x": 1})
    return path


@given(
    array=hnp.arrays(
        st.sampled_from(["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u1", "?"]),
        hnp.array_shapes(min_dims=0, min_side=0, max_dims=3),
    ),
    settings=st.dictionaries(st.text(), st.integers() | st.text() | st.none() | st.booleans()),
)
def test_what_was_written_is_read(tmp_path_factory, array, settings):
    path = tmp_path_factory.mktemp("thing") / "thing.safetensors"
    write_model_file(path, "thing", {"array": array}, settings)
    found = read_model_file(path, "thing", EXPECTED)
    assert found.settings == settings
    assert found.arrays["array"].dtype == array.dtype
    np.testing.assert_array_equal(found.arrays["array"], array, strict=True)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.uint8])
def test_tensors_too_even_views_of_one_buffer(tmp_path, dtype):
    buffer = torch.arange(12).to(dtype).reshape(3, 4)
    path = tmp_path / "thing.safetensors"
    write_model_file(path, "thing", {"rows": buffer[1:], "turned": buffer.T}, {})
    found = read_model_file(path, "thing", EXPECTED, as_tensors=True).tensors
    assert torch.equal(found["rows"], buffer[1:])
    assert torch.equal(found["turned"], buffer.T)
    assert found["turned"].dtype == dtype


def test_the_same_content_gives_the_same_bytes(tmp_path):
    one = write(tmp_path / "one.safetensors", settings={"x": 1, "y": 2})
    other = write(tmp_path / "two.safetensors", dict(reversed(ARRAYS.items())), {"y": 2, "x": 1})
    assert one.read_bytes() == other.read_bytes()


def test_no_changed_bit_and_no_missing_byte_is_taken(tmp_path):
    content = write(tmp_path / "thing.safetensors").read_bytes()
    changed = tmp_path / "changed.safetensors"
    for place in range(len(content)):
        for bit in (0, 7) if place % 8 else range(8):
            broken = bytearray(content)
            broken[place] ^= 1 << bit
            changed.write_bytes(broken)
            with pytest.raises(FileError, match=EXPECTED):
                read_model_file(changed, "thing", EXPECTED)
    for length in range(len(content)):
        changed.write_bytes(content[:length])
        with pytest.raises(FileError, match=EXPECTED):
            read_model_file(changed, "thing", EXPECTED)
    changed.write_bytes(content + b"\0")
    with pytest.raises(FileError, match="SHA-256"):
        read_model_file(changed, "thing", EXPECTED)


def test_another_kind_and_no_file_are_said(tmp_path):
    path = write(tmp_path / "thing.safetensors")
    with pytest.raises(FileError, match=r"holds 'thing'; expected 'other': another thing"):
        read_model_file(path, "other", "another thing")
    with pytest.raises(FileError, match="cannot be read: No such file"):
        read_model_file(tmp_path / "none", "thing", EXPECTED)
    with pytest.raises(FileError, match="cannot be read: Is a directory"):
        read_model_file(tmp_path, "thing", EXPECTED)


def test_settings_that_are_no_json_are_refused_before_a_file_is_there(tmp_path):
    for bad in (float("nan"), {1, 2}):
        with pytest.raises(InputError, match="no JSON"):
            write(tmp_path / "thing.safetensors", settings={"x": bad})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_the_mode_is_the_umask_s(tmp_path):
    before = os.umask(0o027)
    try:
        path = write(tmp_path / "thing.safetensors")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
