"""How a text writes its table: the separator, the decimal sign, the names."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from chainrule.errors import FileError
from chainrule.io.names import shown

_SEPARATORS = (",", ";", "\t", "|", " ")
_SAMPLE = 200  # rows by which the dialect is found
_COMMENT = "#"


@dataclass(frozen=True)
class Dialect:
    """The rows of a text below its names, and how they are written.

    lines: without blank and comment lines; numbers: where each stood in the file, from 1; names:
    the columns', empty if the file has none; decimal: "." or ","; notes: what was assumed.
    """

    separator: str
    decimal: str
    names: list[str]
    lines: list[str]
    numbers: list[int]
    notes: list[str]

    def rows(self) -> Iterator[list[str]]:
        """The cells of each row, as text."""
        return _rows(self.lines, self.separator)

    def line_number(self, row: int) -> int:
        """Where a row stood in the file, from 1."""
        return self.numbers[min(row, len(self.numbers) - 1)] if self.numbers else 1


def find_dialect(path: Path, text: str) -> Dialect:
    """Find how the table in `text` is written. Raises FileError if there is none."""
    lines, numbers = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith(_COMMENT):
            lines.append(line)
            numbers.append(number)
    separator = None
    if lines and lines[0].lower().replace('"', "").startswith("sep=") and len(lines[0]) <= 8:
        separator = lines[0].replace('"', "")[4:5] or None
        del lines[0], numbers[0]
    if not lines:
        raise FileError(
            f"{shown(path)}: found an empty file; expected rows of features and a label"
        )
    separator = separator or _separator(lines[:_SAMPLE])
    try:
        sample = [[cell.strip() for cell in row] for row in _rows(lines[:_SAMPLE], separator)]
    except csv.Error as error:
        raise FileError(f"{shown(path)}, line {numbers[0]} is no CSV: {error}") from error
    decimal = "," if separator != "," and _has_decimal_commas(sample) else "."
    names, notes = _names(sample, decimal)
    if names:
        del lines[0], numbers[0]
    return Dialect(separator, decimal, names, lines, numbers, notes)


def _rows(lines: list[str], separator: str) -> Iterator[list[str]]:
    if separator == " ":
        return (line.split() for line in lines)
    return csv.reader(lines, delimiter=separator, skipinitialspace=separator != "\t")


def _separator(lines: list[str]) -> str:
    """The one that cuts the most rows into the same number of columns, at least two.

    Quoted names that hold another separator do not mislead it.
    """

    def fit(separator: str) -> tuple[float, int, int]:
        try:
            widths = [len(row) for row in _rows(lines, separator)]
        except csv.Error:
            return (0.0, 0, 0)
        usual = max(set(widths), key=widths.count)
        share = widths.count(usual) / len(widths)
        return (share if usual > 1 else 0.0, usual, -_SEPARATORS.index(separator))

    fits = {separator: fit(separator) for separator in _SEPARATORS}
    # a table with commas and blanks has both everywhere: the written sign wins over the blank
    signs = [s for s in _SEPARATORS if s != " " and fits[s][0] > 0.5]
    if len(signs) > 1 and "," in signs and _has_decimal_commas_between(lines, signs):
        signs.remove(",")
    if signs:
        return max(signs, key=lambda s: fits[s])
    # prose has blanks, too: a table of blanks has numbers
    words = " ".join(lines[1:]).split()
    tabular = fits[" "][0] > 0.5 and sum(map(is_number, words)) > len(words) / 4
    return " " if tabular else ","


def _has_decimal_commas_between(lines: list[str], signs: list[str]) -> bool:
    """Is the comma within the cells of another separator, as in 1,5;2,25?"""
    for separator in signs:
        if separator != ",":
            rows = [[cell.strip() for cell in row] for row in _rows(lines, separator)]
            if _has_decimal_commas(rows):
                return True
    return False


def _has_decimal_commas(rows: list[list[str]]) -> bool:
    cells = [cell for row in rows for cell in row if "," in cell]
    return bool(cells) and any(
        is_number(cell.replace(",", ".")) and cell.count(",") == 1 for cell in cells
    )


def _names(rows: list[list[str]], decimal: str) -> tuple[list[str], list[str]]:
    """The names in the first row, and what was assumed; no names if it is a point."""
    first, others = rows[0], rows[1:]
    numeric = [_is_number(cell, decimal) for cell in first]
    if not any(numeric):
        return _without_end(first, others), []
    for k, is_numeric in enumerate(numeric):
        below = [row[k] for row in others if k < len(row)]
        if not is_numeric and below and all(_is_number(cell, decimal) for cell in below):
            return _without_end(first, others), []  # a word over numbers is a name
    named = all(numeric) and others
    if named and (_is_numbering(first, decimal) or _are_years(first, others, decimal)):
        shown_names = ", ".join(first[:4]) + (", ..." if len(first) > 4 else "")
        if len(first) == 2 and all(cell.lstrip("-").isdigit() for row in others for cell in row):
            return [], [f"the first row ({shown_names}) is taken as a point, not as names"]
        return first, [f"the first row ({shown_names}) is taken as the columns' names"]
    return [], []


def _without_end(first: list[str], others: list[list[str]]) -> list[str]:
    """The names without the empty one that a separator at the end of each row makes."""
    ends = [row[-1] for row in others if len(row) == len(first)]
    if len(first) > 1 and first[-1] == "" and not any(ends):
        return first[:-1]
    return first


def _is_numbering(first: list[str], decimal: str) -> bool:
    """Are these whole numbers that count the columns, or years that follow each other?"""
    values = [_number(cell, decimal) for cell in first]
    steps = {after - before for before, after in pairwise(values)}
    return steps == {1.0} and (values[0] in (0, 1) or _is_year(values[0]))


def _are_years(first: list[str], others: list[list[str]], decimal: str) -> bool:
    """Are these rising years, over numbers that are none?"""
    values = [_number(cell, decimal) for cell in first]
    rising = all(before < after for before, after in pairwise(values))
    below = (cell for row in others for cell in row if _is_number(cell, decimal))
    return (
        rising
        and len(values) > 1
        and all(map(_is_year, values))
        and not any(_is_year(_number(cell, decimal)) for cell in below)
    )


def _is_year(value: float) -> bool:
    return 1800 <= value <= 2200 and value == int(value)


def _number(cell: str, decimal: str) -> float:
    return float(cell.replace(",", ".") if decimal == "," else cell)


def _is_number(cell: str, decimal: str) -> bool:
    return is_number(cell.replace(",", ".") if decimal == "," else cell)


def is_number(value: object) -> bool:
    """Whether `float` takes it."""
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True
