"""Weights, histories and study tables: what is written is read back, what is damaged is refused."""

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.errors import FileError, InputError
from chainrule.points.files import (
    History,
    load_history,
    load_weights,
    save_history,
    save_study,
    save_weights,
)
from chainrule.points.study import Setting, Summary, Trial

SETTINGS = {"hidden": 2, "learning_rate": 0.02, "class_names": ["−", "+"]}


def history(T=12, n=31, m=7):
    generator = np.random.default_rng(T)
    return History(
        generator.integers(0, n, T, np.int32), generator.integers(0, m + 1, T, np.int32), n, m
    )


def parameters(h=2, d=3):
    generator = np.random.default_rng(h)
    shapes = {"W_in": (h, d), "b_in": (h,), "w_out": (h,), "b_out": ()}
    return {name: np.asarray(generator.normal(size=shape)) for name, shape in shapes.items()}


@pytest.mark.parametrize("suffix", ["csv", "npz"])
@pytest.mark.parametrize("T", [1, 2, 1000])
def test_a_history_is_read_back_as_it_was(tmp_path, suffix, T):
    path = tmp_path / f"history.{suffix}"
    save_history(path, history(T))
    read = load_history(path)
    np.testing.assert_array_equal(read.train_wrong, history(T).train_wrong)
    np.testing.assert_array_equal(read.validation_wrong, history(T).validation_wrong)
    assert (read.n_train, read.n_validation) == (31, 7)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_pandas_reads_the_csv(tmp_path):
    save_history(tmp_path / "history.csv", history())
    table = pd.read_csv(tmp_path / "history.csv")
    assert table["iteration"].tolist() == list(range(1, 13))
    assert table["train_wrong"].tolist() == history().train_wrong.tolist()
    assert set(table["validation_points"]) == {7}


@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_a_history_cut_off_anywhere_is_refused(tmp_path, suffix):
    path = tmp_path / f"history.{suffix}"
    save_history(path, history())
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(FileError, match="history"):
            load_history(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("3,12,", "4,12,", "out of order"),
        ("\n3,12,", "\n3,11,", "differing iterations"),
        (",31,", ",0,", "line 2 was changed: its CRC-32"),
        (",31,", ",-30,", "line 2 was changed: its CRC-32"),
        ("\n3,12,", "\n3,12,9,", "whole numbers"),
        ("\n3,12,", "\n3,12.5,", "whole numbers"),
        ("\n3,12,", "\n3,99999999999999999999,", "whole numbers"),
        ("train_wrong", "wrong", "first line"),
    ],
)
def test_a_csv_that_is_no_history_is_refused(tmp_path, old, new, message):
    path = tmp_path / "history.csv"
    save_history(path, history())
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(FileError, match=message):
        load_history(path)


def test_no_bit_of_a_csv_can_change_unnoticed(tmp_path):
    path = tmp_path / "history.csv"
    save_history(path, history(4))
    content = path.read_bytes()
    for place in range(len(content)):
        for bit in range(8):
            changed = bytearray(content)
            changed[place] ^= 1 << bit
            path.write_bytes(changed)
            with pytest.raises(FileError):
                load_history(path)


def test_arrays_that_are_no_history_are_refused(tmp_path):
    path = tmp_path / "history.npz"
    good = {
        "train_wrong": np.zeros(3, int),
        "validation_wrong": np.zeros(3, int),
        "train_points": 5,
        "validation_points": 5,
    }
    for change in (
        {"train_wrong": np.zeros(2, int)},
        {"train_wrong": np.zeros((3, 1), int)},
        {"train_wrong": np.full(3, 6)},
        {"train_wrong": np.zeros(0, int), "validation_wrong": np.zeros(0, int)},
        {"train_points": 5.0},
        {"train_points": np.array(None, dtype=object)},
    ):
        np.savez(path, **{**good, **change})
        with pytest.raises(FileError, match="history"):
            load_history(path)
    np.save(tmp_path / "array.npy", np.zeros(3))
    path.write_bytes((tmp_path / "array.npy").read_bytes())
    with pytest.raises(FileError, match="history"):
        load_history(path)


def test_a_history_has_one_of_two_suffixes(tmp_path):
    with pytest.raises(InputError, match="json"):
        save_history(tmp_path / "history.json", history())
    with pytest.raises(FileError, match="missing"):
        load_history(tmp_path / "missing.csv")
    with pytest.raises(FileError, match="missing"):
        load_history(tmp_path / "missing.npz")


@given(
    st.integers(1, 5).flatmap(
        lambda h: st.tuples(*(hnp.arrays(np.float64, shape) for shape in [(h, 3), h, h, ()]))
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_weights_are_read_back_bit_for_bit(tmp_path, arrays):
    path = tmp_path / "weights.safetensors"
    given_weights = dict(zip(("W_in", "b_in", "w_out", "b_out"), arrays, strict=True))
    save_weights(path, given_weights, SETTINGS)
    read, settings_read = load_weights(path)
    assert settings_read == SETTINGS
    for name, array in given_weights.items():
        assert read[name].shape == array.shape
        assert read[name].tobytes() == array.tobytes()


def test_damaged_weights_are_never_loaded(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(path, parameters(), SETTINGS)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(FileError, match="weights"):
            load_weights(path)
    original, _ = load_weights_of(path, content)
    for k in range(len(content)):
        damaged = bytearray(content)
        damaged[k] ^= 0x01
        try:
            read, settings_read = load_weights_of(path, bytes(damaged))
        except FileError:
            continue
        # a changed blank between the JSON's words may pass, but nothing that it says
        assert settings_read == SETTINGS
        for name, array in original.items():
            np.testing.assert_array_equal(read[name], array)


def load_weights_of(path, content):
    path.write_bytes(content)
    return load_weights(path)


def test_weights_have_the_mode_of_any_new_file(tmp_path):
    save_weights(tmp_path / "weights.safetensors", parameters(), SETTINGS)
    (tmp_path / "plain").touch()
    assert (tmp_path / "weights.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_study_tables_say_what_the_document_says(tmp_path):
    summaries = [
        Summary(
            Setting(7, 0.02, 1000, 2),
            (Trial(0, 0.0, 0.25, 900, "converged"), Trial(1, 0.5, 0.75, None, "dead")),
        ),
        Summary(Setting(1, 2.0, 10, 1), (Trial(0, 1.0, 1.0, None, "diverged"),)),
    ]
    save_study(tmp_path / "settings.csv", tmp_path / "runs.csv", summaries)
    settings_rows = list(csv.DictReader((tmp_path / "settings.csv").read_text().splitlines()))
    runs = list(csv.DictReader((tmp_path / "runs.csv").read_text().splitlines()))
    assert [row["converged_at_median"] for row in settings_rows] == ["900.0", ""]
    assert float(settings_rows[0]["train_error_median"]) == 0.25
    assert float(settings_rows[0]["zero_share"]) == 0.5
    low, high = summaries[0].document()["zero_share_interval"]
    assert float(settings_rows[0]["zero_share_interval_low"]) == low
    assert float(settings_rows[0]["zero_share_interval_high"]) == high
    assert [(row["hidden"], row["seed"], row["state"]) for row in runs] == [
        ("7", "0", "converged"),
        ("7", "1", "dead"),
        ("1", "0", "diverged"),
    ]
