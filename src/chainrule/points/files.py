"""The files of the points bench: weights, histories and study tables."""

import csv
import hashlib
import io
import os
import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Integer

from chainrule.errors import FileError, InputError
from chainrule.io.files import write_text, written_whole
from chainrule.io.model_file import read_model_file, write_model_file
from chainrule.io.texts import read_text
from chainrule.points.network import PARAMETERS
from chainrule.points.npz import read_npz
from chainrule.points.stepping import Parameters
from chainrule.points.study import Summary

_COLUMNS = (
    "iteration",
    "iterations",
    "train_wrong",
    "train_points",
    "validation_wrong",
    "validation_points",
    "crc32",
)
_WEIGHTS = "weights of a two-layer network"
_NETWORKS = "weights of two-layer networks, one a class"
_MOST = np.iinfo(np.int32).max  # points that a count can hold


@dataclass(frozen=True)
class History:
    """Both error counts after each iteration; train_wrong, validation_wrong (T,)."""

    train_wrong: Integer[np.ndarray, " T"]
    validation_wrong: Integer[np.ndarray, " T"]
    n_train: int
    n_validation: int


def save_history(path: str | os.PathLike[str], history: History) -> None:
    """Write a history as CSV or, if the name ends in .npz, as NumPy arrays.

    Every line of the CSV says how many iterations and points there are in all, so that a file
    that was cut off is known as one, and ends with the CRC-32 of what is before its last comma.
    Raises FileError; InputError on another suffix.
    """
    if _suffix(path) == ".npz":
        with written_whole(path) as temporary:
            np.savez_compressed(
                temporary,
                train_wrong=history.train_wrong,
                validation_wrong=history.validation_wrong,
                train_points=history.n_train,
                validation_points=history.n_validation,
            )
        return
    total = len(history.train_wrong)
    with written_whole(path) as temporary, temporary.open("w", newline="\n") as stream:
        stream.write(",".join(_COLUMNS) + "\n")
        for t in range(total):
            line = (
                f"{t + 1},{total},{history.train_wrong[t]},{history.n_train},"
                f"{history.validation_wrong[t]},{history.n_validation}"
            )
            stream.write(f"{line},{zlib.crc32(line.encode())}\n")


def load_history(path: str | os.PathLike[str]) -> History:
    """Read a history that `save_history` wrote.

    Raises FileError if it cannot be read, is no history, or was cut off; InputError on a suffix
    that is neither .csv nor .npz.
    """
    found = _read_npz(path) if _suffix(path) == ".npz" else _read_csv(path)
    for counts, points in (
        (found.train_wrong, found.n_train),
        (found.validation_wrong, found.n_validation),
    ):
        if not 1 <= points <= _MOST or counts.min() < 0 or counts.max() > points:
            raise FileError(
                f"{path}: found {counts.min()} to {counts.max()} wrong points of {points}; "
                "expected counts between 0 and the number of points"
            )
    return History(
        found.train_wrong.astype(np.int32),
        found.validation_wrong.astype(np.int32),
        found.n_train,
        found.n_validation,
    )


def save_weights(
    path: str | os.PathLike[str], parameters: Parameters, settings: Mapping[str, Any]
) -> None:
    """Write W_in (h, d), b_in (h,), w_out (h,), b_out () as safetensors.

    Of k networks, one a class, each has k in front. `settings` (JSON values) travel as the file's
    metadata. Raises FileError.
    """
    arrays = {name: parameters[name] for name in PARAMETERS}
    kind = _NETWORKS if arrays["b_out"].ndim else _WEIGHTS
    write_model_file(path, kind, arrays, settings)


def weights_digest(parameters: Parameters) -> str:
    """The SHA-256 of W_in, b_in, w_out, b_out as little-endian float64: of all their bits."""
    digest = hashlib.sha256()
    for name in PARAMETERS:
        digest.update(np.ascontiguousarray(parameters[name], "<f8").tobytes())
    return digest.hexdigest()


def load_weights(path: str | os.PathLike[str]) -> tuple[Parameters, dict[str, Any]]:
    """Read the parameters and the settings that `save_weights` wrote. Raises FileError."""
    expected = "weights of a two-layer network that `chainrule points train` wrote"
    found = read_model_file(path, _WEIGHTS, expected)
    return {name: found.arrays[name] for name in PARAMETERS}, found.settings


def load_networks(path: str | os.PathLike[str]) -> tuple[Parameters, dict[str, Any]]:
    """As `load_weights`, of one network or of k, one a class. Raises FileError."""
    expected = "weights that `chainrule points train` wrote"
    found = read_model_file(path, (_WEIGHTS, _NETWORKS), expected)
    return {name: found.arrays[name] for name in PARAMETERS}, found.settings


def save_study(
    table: str | os.PathLike[str], runs: str | os.PathLike[str], summaries: Sequence[Summary]
) -> None:
    """Write one CSV line a setting to `table` and one a run to `runs`. Raises FileError."""
    settings = [_flat(summary.document()) for summary in summaries]
    write_text(table, _as_csv([{k: v for k, v in s.items() if k != "runs"} for s in settings]))
    write_text(
        runs,
        _as_csv(
            [
                {"hidden": s["hidden"], "learning_rate": s["learning_rate"],
                 "iterations": s["iterations"], **run}
                for s in settings
                for run in s["runs"]
            ]
        ),
    )  # fmt: skip


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """{"a": {"b": 1}, "c": [2, 3]} becomes {"a_b": 1, "c_low": 2, "c_high": 3}."""
    flat: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            flat.update({f"{name}_{inner}": entry for inner, entry in value.items()})
        elif name == "zero_share_interval":
            flat.update({f"{name}_low": value[0], f"{name}_high": value[1]})
        else:
            flat[name] = value
    return flat


def _as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows under their names; None is an empty field."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _suffix(path: str | os.PathLike[str]) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in (".csv", ".npz"):
        raise InputError(f"history {path}: found the suffix {suffix!r}; expected .csv or .npz")
    return suffix


def _read_csv(path: str | os.PathLike[str]) -> History:
    try:
        text = read_text(path, most=2 << 30)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is no text; expected the CSV of a history") from error
    header, _, body = text.partition("\n")
    if header != ",".join(_COLUMNS):
        raise FileError(
            f"{path} is no history: found the first line {header[:60]!r}; expected "
            f"{','.join(_COLUMNS)!r}"
        )
    if not body.endswith("\n"):
        raise FileError(
            f"{path} was cut off in line {text.count(chr(10)) + 1}; expected a whole line for "
            "every iteration"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # NumPy 2.0 takes 12.5 for 12
            table = np.loadtxt(io.StringIO(body), np.int64, delimiter=",", comments=None, ndmin=2)
        iteration, total, train_wrong, n_train, validation_wrong, n_validation, _ = table.T
    except (ValueError, OverflowError, DeprecationWarning) as error:
        raise FileError(
            f"{path} is no history ({error}); expected {len(_COLUMNS)} whole numbers in each line"
        ) from error
    if (iteration != np.arange(1, len(iteration) + 1)).any():
        raise FileError(f"{path}: found iterations out of order; expected 1, 2, 3 and so on")
    for name, column in zip(_COLUMNS[1:6:2], (total, n_train, n_validation), strict=True):
        if (column != column[0]).any():
            raise FileError(f"{path}: found differing {name}; expected the same in every line")
    if len(iteration) != total[0]:
        raise FileError(
            f"{path} was cut off: found {len(iteration)} iterations; expected {total[0]}"
        )
    for number, line in enumerate(body.splitlines(), 2):
        values, _, check = line.rpartition(",")
        if str(zlib.crc32(values.encode())) != check:
            raise FileError(
                f"{path}, line {number} was changed: its CRC-32 does not match; expected the CSV "
                "of a history as it was written"
            )
    return History(train_wrong, validation_wrong, int(n_train[0]), int(n_validation[0]))


def _read_npz(path: str | os.PathLike[str]) -> History:
    arrays = read_npz(path)
    names = _COLUMNS[2:6]
    missing = [name for name in names if name not in arrays]
    if missing:
        raise FileError(
            f"{path} is no history: found no {', '.join(missing)}; expected the arrays "
            + ", ".join(names)
        )
    train_wrong, validation_wrong = arrays["train_wrong"], arrays["validation_wrong"]
    whole = all(arrays[name].dtype.kind in "iu" for name in names)
    scalars = arrays["train_points"].ndim == arrays["validation_points"].ndim == 0
    same = train_wrong.ndim == 1 and train_wrong.shape == validation_wrong.shape
    if not (whole and scalars and same and len(train_wrong)):
        found = {name: (str(array.dtype), array.shape) for name, array in arrays.items()}
        raise FileError(f"{path} is no history: found {found}; expected two equally long counts")
    return History(
        train_wrong,
        validation_wrong,
        int(arrays["train_points"]),
        int(arrays["validation_points"]),
    )
