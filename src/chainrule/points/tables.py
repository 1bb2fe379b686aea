"""Tables of points as people have them: text with separators, NumPy files, Parquet."""

import csv
import io
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import FileError
from chainrule.io.names import shown
from chainrule.points.counting import without_counting
from chainrule.points.dialect import Dialect, find_dialect, is_number
from chainrule.points.npz import read_npy, read_npz
from chainrule.points.text import decoded, most_unpacked

LABEL_NAMES = ("label", "labels", "class", "target", "y")  # as a label column is usually called
_MOST_LINES = 2**24 + 2**20  # as many points as a training takes, and a million lines else
_MOST_CELLS = 2**28  # of a Parquet file: 2 GiB of numbers

Values = np.ndarray  # float64, or text of any length (dtype object)


@dataclass(frozen=True)
class Column:
    """A column: its name, and n numbers (float64) or texts."""

    name: str
    values: Values

    @property
    def is_numeric(self) -> bool:
        """Whether every value is a number."""
        return self.values.dtype.kind == "f"


@dataclass(frozen=True)
class Table:
    """Columns of the same length, n >= 1. named: whether the file names them. notes: what was
    left out or taken for something, each a sentence without a full stop."""

    path: Path
    columns: tuple[Column, ...]
    named: bool
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [column.name for column in self.columns]


def read_table(path: str | os.PathLike[str], keep: Sequence[str] = ()) -> Table:
    """Read a text such as CSV (also .gz, .bz2, .xz), an NPY or NPZ, or, with pyarrow, Parquet.

    Text: columns separated by comma, semicolon, tab, bar or blanks; UTF-8, UTF-16, UTF-32 or
    Latin-1; names in the first row or none (then they are called 1, 2, ...); decimal points or
    commas; comment lines with #, % or //; `sep=;`. A column that only numbers the rows and has no
    name, or is called index, id or the like, is left out, unless `keep` names it. Raises FileError
    if the file does not hold a table.
    """
    path = Path(path)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise FileError(f"{shown(path)}: found {found}; expected a file of points")
    suffix = path.suffix.lower()
    if suffix in (".npz", ".npy"):
        npz = suffix == ".npz"
        arrays = (
            read_npz(path, most_unpacked(path.stat().st_size)) if npz else {"x": read_npy(path)}
        )
        table = Table(path, _array_columns(path, arrays), npz)
    elif suffix in (".parquet", ".pq"):
        table = _parquet(path)
    else:
        table = _text_table(path)
    columns, notes = without_counting(table.columns, table.named, keep)
    return replace(table, columns=columns, notes=(*table.notes, *notes))


def _text_table(path: Path) -> Table:
    text, notes = decoded(path)
    lines = max(text.count("\n"), text.count("\r"))
    if lines > _MOST_LINES:  # said before they are parsed, which takes minutes and gigabytes
        raise FileError(f"{shown(path)}: found {lines:,} lines; expected at most {_MOST_LINES:,}")
    dialect = find_dialect(path, text)
    columns = _fast(dialect) or _slow(path, dialect)
    names = dialect.names or [str(k + 1) for k in range(len(columns))]
    named_last = dialect.names and len(columns) == len(names) and names[-1]
    if (
        len(columns) > 1
        and len(columns) >= len(names)
        and not named_last
        and _is_empty(columns[-1])
    ):
        columns = columns[:-1]  # a separator at the end of each row
        names = names[: len(columns)]
    kept = []
    for name, cells in zip(names, columns, strict=True):
        if name == "" and _is_empty(cells):
            continue
        kept.append(Column(name, _values(cells, dialect.decimal)))
    return Table(path, tuple(kept), bool(dialect.names), (*notes, *dialect.notes))


def _fast(dialect: Dialect) -> list[Sequence[str] | np.ndarray] | None:
    """The columns by pandas, if it is installed and every row has the same length; else None."""
    if len(dialect.lines) < 2000:
        return None
    try:
        import pandas as pd
    except ImportError:
        return None
    try:
        frame = pd.read_csv(
            io.StringIO("\n".join(dialect.lines)),
            sep=r"\s+" if dialect.separator == " " else dialect.separator,
            header=None,
            index_col=False,
            decimal=dialect.decimal,
            skipinitialspace=True,
            keep_default_na=False,
            low_memory=False,
            dtype=dict.fromkeys(_columns_of_words(dialect), "category"),
        )
    except (ValueError, pd.errors.ParserError, pd.errors.ParserWarning):
        return None
    columns = [_of_pandas(frame[name]) for name in frame]
    short = any("" in set(cells) for cells in columns if not isinstance(cells, np.ndarray))
    if short or frame.isna().any(axis=None) or len(frame) != len(dialect.lines):
        return None  # a row may be cut off: the csv module tells which
    return columns


def _columns_of_words(dialect: Dialect) -> list[int]:
    """Where the first rows hold words: each is kept once, and a row has its number."""
    found = set()
    for row in itertools.islice(dialect.rows(), 100):
        words = (cell.replace(",", ".") if dialect.decimal == "," else cell for cell in row)
        found |= {k for k, cell in enumerate(words) if not is_number(cell)}
    return sorted(found)


def _of_pandas(series: Any) -> Sequence[str] | np.ndarray:
    if series.dtype.kind in "iuf":
        numbers: np.ndarray = series.to_numpy(np.float64)
        return numbers
    if series.dtype.name == "category":
        words = [str(word).strip() for word in series.cat.categories]
        return [words[k] for k in series.cat.codes.tolist()]  # -1, a missing one, is looked for
    return [str(value).strip() for value in series]


def _slow(path: Path, dialect: Dialect) -> list[Sequence[str] | np.ndarray]:
    """The columns by the csv module, with a sentence for the first row that does not fit."""
    rows: list[list[str]] = []
    expected = len(dialect.names) or None
    reader = dialect.rows()
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if expected is not None and len(cells) == expected + 1 and not cells[-1]:
                cells.pop()  # a separator at the end
            expected = expected or len(cells)
            if len(cells) != expected:
                raise FileError(
                    f"{shown(path)}, line {dialect.line_number(len(rows))}: found {len(cells)} "
                    f"column(s); expected {expected} as in the first line"
                )
            rows.append(cells)
    except csv.Error as error:
        line = dialect.line_number(len(rows))
        raise FileError(f"{shown(path)}, line {line} is no CSV: {error}") from error
    if not rows:
        raise FileError(
            f"{shown(path)}: found no rows under the names; expected at least one point"
        )
    return list(map(list, zip(*rows, strict=True)))


def _is_empty(cells: Sequence[str] | np.ndarray) -> bool:
    return not isinstance(cells, np.ndarray) and not any(cells)


def _values(cells: Sequence[str] | np.ndarray, decimal: str) -> Values:
    """Numbers, if every cell is one; else the texts."""
    if isinstance(cells, np.ndarray):
        return cells
    written = [cell.replace(",", ".") for cell in cells] if decimal == "," else cells
    try:
        return np.array(written, dtype=np.float64)
    except ValueError:
        return np.array(cells, dtype=object)


def _array_columns(path: Path, arrays: dict[str, np.ndarray]) -> tuple[Column, ...]:
    """An (n, k) array gives k columns, name[0], name[1], ...; an (n, 1) array one, its name."""
    lengths = {name: array.shape[0] if array.ndim else 0 for name, array in arrays.items()}
    if not lengths or 0 in lengths.values() or len(set(lengths.values())) != 1:
        found = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "no array"
        raise FileError(
            f"{shown(path)}: found {found}; expected arrays with the same number of rows, at least "
            "one"
        )
    columns: list[Column] = []
    for name, stored in arrays.items():
        if stored.dtype.names:  # a table that NumPy itself read, with names
            columns += _array_columns(path, {field: stored[field] for field in stored.dtype.names})
            continue
        is_bytes = stored.dtype.kind == "S"
        array = np.char.decode(stored, "utf-8", "replace") if is_bytes else stored
        if array.dtype.kind not in "biufU":
            raise FileError(
                f"{shown(path)}: found {name} of {array.dtype}; expected numbers or text"
            )
        if array.ndim > 2:
            raise FileError(
                f"{shown(path)}: found {name} {array.shape}; expected one or two dimensions"
            )
        parts = array.reshape(len(array), -1)
        if name.lower() in LABEL_NAMES and _is_one_of_k(parts):
            raise FileError(
                f"{shown(path)}: found {name} {array.shape}, a column for each class; expected one "
                f"label a row: {name}.argmax(axis=1)"
            )
        values = [
            _values(part.tolist(), ".") if array.dtype.kind == "U" else part.astype(np.float64)
            for part in parts.T
        ]
        if len(values) == 1:
            columns.append(Column(name, values[0]))
        else:
            columns += [Column(f"{name}[{k}]", value) for k, value in enumerate(values)]
    return tuple(columns)


def _is_one_of_k(rows: np.ndarray) -> bool:
    """Is there exactly one 1 in each row, and else 0?"""
    return bool(
        rows.shape[1] > 1
        and rows.dtype.kind in "biuf"
        and (rows != 0).sum() == len(rows)
        and (rows.max(axis=1) == 1).all()
        and (rows.min(axis=1) == 0).all()
    )


def _parquet(path: Path) -> Table:
    try:
        from pyarrow import ArrowException, parquet, types
    except ImportError as error:
        raise FileError(
            f"{shown(path)} is a Parquet file; expected pyarrow to read it: pip install pyarrow"
        ) from error
    try:
        told, schema = parquet.read_metadata(path), parquet.read_schema(path)
        _check_size(path, told)
        # texts as numbers of a dictionary: one long text may be there a million times
        frame = parquet.read_table(path, read_dictionary=_texts(path, schema))
    except FileError:
        raise
    except (ArrowException, OSError) as error:
        raise FileError(f"{shown(path)} is no Parquet file that can be read ({error})") from error
    index = (frame.schema.pandas_metadata or {}).get("index_columns", [])
    names = sorted(frame.column_names, key=lambda name: name not in index)  # never the label, last
    columns = []
    for name in names:
        column = frame.column(name)
        if types.is_dictionary(column.type):
            columns.append(Column(name, _texts_of(column)))
            continue
        values = column.to_pandas().to_numpy()
        numeric = values.dtype.kind in "biuf"
        columns.append(Column(name, values.astype(np.float64) if numeric else _texts_of(column)))
    if not columns or not len(columns[0].values):
        raise FileError(f"{shown(path)}: found no rows; expected at least one point")
    return Table(path, tuple(columns), True)


def _texts(path: Path, schema: Any) -> list[str]:
    """The columns of text. Raises FileError at a column of neither numbers nor text."""
    from pyarrow import types

    texts = []
    for field in schema:
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        if types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind):
            texts.append(field.name)
        elif not (types.is_primitive(kind) or types.is_decimal(kind) or types.is_null(kind)):
            found = f"column {field.name!r}: found {field.type}"
            raise FileError(f"{shown(path)}, {found}; expected numbers or text")
    return texts


def _texts_of(column: Any) -> Values:
    """The values of a column as texts, each text once in memory; a missing one is empty."""
    from pyarrow import types

    if types.is_dictionary(column.type):
        coded = column.unify_dictionaries().combine_chunks()
        parts = coded.chunks if hasattr(coded, "chunks") else [coded]
        words = [_as_text(word) for word in parts[0].dictionary.to_pylist()] if parts else []
        codes = [code for part in parts for code in part.indices.to_pylist()]
        texts = ["" if code is None else words[code] for code in codes]
    else:
        texts = [_as_text(value) for value in column.to_pylist()]
    return np.array(texts, dtype=object)


def _as_text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else value


def _check_size(path: Path, told: Any) -> None:
    """Equal numbers by the billion pack to nothing. Raises FileError if there are too many."""
    size = sum(told.row_group(group).total_byte_size for group in range(told.num_row_groups))
    if size > (most := most_unpacked(path.stat().st_size)):
        raise FileError(
            f"{shown(path)}: found {size:,} bytes once unpacked; expected at most {most:,}"
        )
    if told.num_rows > _MOST_LINES or told.num_rows * told.num_columns > _MOST_CELLS:
        raise FileError(
            f"{shown(path)}: found {told.num_rows:,} rows of {told.num_columns:,} columns; "
            f"expected at most {_MOST_LINES:,} rows and {_MOST_CELLS:,} cells"
        )
