"""How a text writes its table: the separator, the decimal sign, the names."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from chainrule.errors import FileError
from chainrule.io.names import shown

_SEPARATORS = (",", ";", "\t", "|", " ")
_SAMPLE = 200  # rows by which the dialect is found
_COMMENTS = ("#", "%", "//")
_RULE = re.compile(r"[\s|:+]*-{2,}[\s|:+-]*")  # between the names and the rows of a drawn table
_UNUSUAL = " \t#%/|+-:"  # a line of anything else, without quotes, holds cells for sure
_OPENS = re.compile(r'(?:^|[,;\t| ])"[^"]*$')  # a quote that begins a cell, and no other after it
_LONGEST = 100  # lines of a cell; a quote that is never closed must not swallow the file
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(e[+-]?\d+)?", re.IGNORECASE)
_CLOSES = re.compile(r'[^"]*"(?:[,;\t| ]|$)')


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
    lines, numbers, comment = _lines(text)
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
        if all(len(row) == len(names) + 1 and row[-1] for row in sample[1:]) and sample[1:]:
            names = ["", *names]  # R names the columns only, not the rows' names before them
    elif comment:
        names, notes = _names_in_comment(comment, sample, separator, notes)
    return Dialect(separator, decimal, names, lines, numbers, notes)


def _lines(text: str) -> tuple[list[str], list[int], str]:
    """The lines that hold cells, where each stood, and the comment right above the first."""
    lines: list[str] = []
    numbers: list[int] = []
    comment, is_open, quotes = "", 0, '"' in text
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if is_open:  # a quoted cell that holds the end of a line, which becomes a blank
            lines[-1] += " " + line
            is_open -= 1
            if line.count('"') % 2 == 1 and _CLOSES.match(line):
                is_open = 0
            continue
        if line and line[0] not in _UNUSUAL and not (quotes and '"' in line):
            lines.append(line)
            numbers.append(number)
            continue
        start = line.lstrip()[:2]
        if start.startswith(_COMMENTS):
            comment = comment if lines else line.lstrip().lstrip("#%/")
        elif start and not ("--" in line and _RULE.fullmatch(line)):
            lines.append(line)
            numbers.append(number)
            if quotes and line.count('"') % 2 == 1 and _OPENS.search(line):
                is_open = _LONGEST
    return lines, numbers, comment


def _names_in_comment(
    comment: str, rows: list[list[str]], separator: str, notes: list[str]
) -> tuple[list[str], list[str]]:
    """The names in the comment above the first row, where NumPy's savetxt puts them."""
    found = [cell.strip() for cell in next(_rows([comment], separator), [])]
    if len(found) < 2 or len(found) != len(rows[0]) or any(map(is_number, found)):
        return [], notes
    shown_names = ", ".join(found[:4]) + (", ..." if len(found) > 4 else "")
    return found, [f"the comment above the first row ({shown_names}) is taken as the names"]


def _rows(lines: list[str], separator: str) -> Iterator[list[str]]:
    if separator == " ":
        return (_cells_between_blanks(line) for line in lines)
    return csv.reader(lines, delimiter=separator, skipinitialspace=separator != "\t")


def _cells_between_blanks(line: str) -> list[str]:
    cells = line.split()
    return next(csv.reader([" ".join(cells)], delimiter=" ")) if '"' in line else cells


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
    if "," in signs and (
        (len(signs) > 1 and _has_decimal_commas_between(lines, signs))
        or (fits[" "][0] > 0.5 and _has_decimal_commas_between_blanks(lines))
    ):
        signs.remove(",")
    if signs:
        return max(signs, key=lambda s: fits[s])
    # prose has blanks, too: a table of blanks has numbers
    words = " ".join(lines[1:] or lines).replace(",", ".").split()
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


def _has_decimal_commas_between_blanks(lines: list[str]) -> bool:
    """Is every comma between two digits of a number, as in 1,5 2,25?"""
    with_commas = [cell for line in lines for cell in line.split() if "," in cell]
    return all(map(_DECIMAL_COMMA.fullmatch, with_commas))


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
    if others and (
        (all(numeric) and _are_years(first, others, decimal))
        or (_are_new_words(first, others, numeric) and _is_numbering(first, decimal))
    ):
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


def _are_new_words(first: list[str], others: list[list[str]], numeric: list[bool]) -> bool:
    """Does no word of the first row come again below it? A name doesn't; a class does."""
    return not any(
        first[k] == row[k]
        for k, is_numeric in enumerate(numeric)
        if not is_numeric
        for row in others
        if k < len(row)
    )


def _is_numbering(first: list[str], decimal: str) -> bool:
    """Are the numbers whole ones that count the columns, or years that follow each other?"""
    values = [_number(cell, decimal) for cell in first if _is_number(cell, decimal)]
    steps = {after - before for before, after in pairwise(values)}
    if len(values) < len(first):  # words are among them
        return steps <= {1.0} and (values[0] == 0 or (len(values) > 1 and _is_year(values[0])))
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
