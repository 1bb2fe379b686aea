"""A table of published runs: the file's form, and which rows are kept out of a fit."""

import csv
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from chainrule.errors import FileError, InputError
from chainrule.io.texts import read_text
from chainrule.points.training import check_settings

COLUMNS = (
    "id", "hidden", "learning_rate", "iterations", "train_error_percent",
    "validation_error_percent", "iteration", "same_as",
)  # fmt: skip
NEVER = math.inf  # the iteration of a run of which the table says "none"


class RunSetting(NamedTuple):
    """What a run was made with."""

    hidden: int
    learning_rate: float
    iterations: int


@dataclass(frozen=True)
class PublishedRun:
    """One row of a published table.

    Both errors are fractions after the last iteration. iteration: the first one from which the
    training error keeps its last value, NEVER where the table says that there is none. None: not
    stated. same_as: the id of an earlier row that is the same run, printed twice.
    """

    id: str
    setting: RunSetting
    train_error: float | None
    validation_error: float | None
    iteration: float | None
    same_as: str | None = None

    @property
    def numbers(self) -> tuple[float | None, float | None, float | None]:
        """Training error, validation error, iteration."""
        return self.train_error, self.validation_error, self.iteration


def original_runs() -> tuple[PublishedRun, ...]:
    """The 35 rows of the original report's Tables 2 to 4, in their order."""
    text = files("chainrule.points.inference").joinpath("data/original-runs.csv").read_text("utf-8")
    return _table("the original's runs", _csv_rows("the original's runs", text))


def read_runs(path: str | os.PathLike[str]) -> tuple[PublishedRun, ...]:
    """Read a table from a CSV file with the columns COLUMNS, or a JSON list of such objects.

    Percentages are 0 to 100; an empty cell (null) is a number that the publication does not state;
    an iteration may be `none`. A row with `same_as` holds the id of an earlier row.

    Raises FileError, with the row, if the file does not hold that.
    """
    file = Path(path)
    try:
        text = read_text(file, "utf-8-sig")
    except OSError as error:
        raise FileError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{file}: found bytes that are no text; expected CSV or JSON") from error
    rows = _json_rows if file.suffix.lower() == ".json" else _csv_rows
    return _table(str(file), rows(str(file), text))


def held_out(runs: Sequence[PublishedRun], every: int) -> tuple[bool, ...]:
    """Which rows are kept out of a fit: every third (for every = 3) in the table's order; 0: none.

    A row that repeats an earlier one goes with it, whatever its place, as it is the same run.
    """
    place = {run.id: k for k, run in enumerate(runs, start=1)}
    firsts = [place[run.same_as] if run.same_as else place[run.id] for run in runs]
    return tuple(bool(every) and first % every == 0 for first in firsts)


def _csv_rows(name: str, text: str) -> list[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        found = ",".join(reader.fieldnames or ()) or "an empty file"
        raise FileError(f"{name}: found the columns {found[:200]}; expected {','.join(COLUMNS)}")
    try:
        rows = list(reader)
    except csv.Error as error:
        raise FileError(f"{name}, line {reader.line_num} is no CSV: {error}") from error
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():
            raise FileError(f"{name}, row {number}: expected {len(COLUMNS)} columns")
    return [dict(row) for row in rows]


def _json_rows(name: str, text: str) -> list[dict[str, Any]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{name} is no JSON: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise FileError(f"{name}: expected a list of objects with the fields {', '.join(COLUMNS)}")
    for number, row in enumerate(rows, start=1):
        if set(row) != set(COLUMNS):
            wrong = sorted(set(row) ^ set(COLUMNS))
            raise FileError(
                f"{name}, row {number}: found too many or too few fields ({', '.join(wrong)}); "
                f"expected {', '.join(COLUMNS)}"
            )
    return rows


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> tuple[PublishedRun, ...]:
    if not rows:
        raise FileError(f"{name}: found no rows; expected at least one published run")
    runs: dict[str, PublishedRun] = {}
    for number, row in enumerate(rows, start=1):
        where = f"{name}, row {number}"
        run = _run(where, row)
        if run.id in runs:
            raise FileError(f"{where}: found the id {run.id!r} twice; expected each once")
        if run.same_as is not None:
            first = runs.get(run.same_as)
            if first is None or first.same_as is not None:
                raise FileError(
                    f"{where}: found same_as {run.same_as!r}; expected the id of an earlier row "
                    "that repeats no other"
                )
            if (first.setting, first.numbers) != (run.setting, run.numbers):
                raise FileError(f"{where}: found other numbers than row {run.same_as!r} has")
        runs[run.id] = run
    return tuple(runs.values())


def _run(where: str, row: Mapping[str, Any]) -> PublishedRun:
    cells = {column: _cell(row[column]) for column in COLUMNS}
    setting = RunSetting(
        int(_number(where, "hidden", cells["hidden"], whole=True)),
        _number(where, "learning_rate", cells["learning_rate"]),
        int(_number(where, "iterations", cells["iterations"], whole=True)),
    )
    try:
        check_settings(*setting)
    except InputError as error:
        raise FileError(f"{where}: {error}") from error
    if not cells["id"]:
        raise FileError(f"{where}: found no id; expected a name")
    run = PublishedRun(
        cells["id"],
        setting,
        _fraction(where, "train_error_percent", cells["train_error_percent"]),
        _fraction(where, "validation_error_percent", cells["validation_error_percent"]),
        _iteration(where, cells["iteration"], setting.iterations),
        cells["same_as"] or None,
    )
    if run.numbers == (None, None, None):
        raise FileError(f"{where}: found no error and no iteration; expected at least one of them")
    return run


def _cell(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _number(where: str, column: str, text: str, *, whole: bool = False) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (whole and number != int(number)):
        expected = "a whole number" if whole else "a number"
        raise FileError(f"{where}, {column}: found {text!r}; expected {expected}")
    return number


def _fraction(where: str, column: str, text: str) -> float | None:
    if not text:
        return None
    percent = _number(where, column, text)
    if not 0 <= percent <= 100:
        raise FileError(f"{where}, {column}: found {text}; expected 0 to 100")
    return percent / 100


def _iteration(where: str, text: str, iterations: int) -> float | None:
    if not text:
        return None
    if text.lower() == "none":
        return NEVER
    number = _number(where, "iteration", text, whole=True)
    if not 1 <= number <= iterations:
        raise FileError(
            f"{where}, iteration: found {text}; expected 1 to {iterations}, none, or an empty cell"
        )
    return number
