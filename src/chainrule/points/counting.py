"""Columns that only number the rows: what was sorted by class they "separate" without knowing."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from chainrule.points.tables import Column

# what pandas, R and databases call them: index, level_0, Unnamed: 0.1, id, row id, sample_id, ...
_NUMBERING = re.compile(
    r"|unnamed:[ _]?\d+(\.\d+)?|_*index(_level_\d+)?_*|level_\d+"
    r"|rownames?|row[ _]?(id|no|nr|num(ber)?)?"
    r"|#|no\.?|nr\.?|num|number|nummer|numero|n°|lfd[ _.]*n(umme)?r\.?|obs\.?|observation"
    r"|record|(\w+[ _.-])?u?u?id"
    r"|(sample|subject|patient|passenger|customer|user|case|record|item|image)_?id"
)
_FEW = 10  # rows from which whole numbers, each once, are numbers of the rows and no chance


def without_counting(
    columns: Sequence["Column"], named: bool, keep: Sequence[str]
) -> tuple[tuple["Column", ...], list[str]]:
    """The columns less those that only number the rows, and a sentence on each that is left out.

    Those are columns without a name, or called index, id or the like, whose values are equally far
    apart, or whole numbers of which none comes twice (an index that was shuffled, or cut by a
    split). In a file without names it is the first column, if it counts 0, 1, 2, ...
    keep: names of columns that stay.
    """
    kept, notes = [], []
    for place, column in enumerate(columns):
        if column.name in keep and named:
            left_out = False
        elif named:
            left_out = bool(_NUMBERING.fullmatch(column.name.lower())) and _numbers_rows(column)
        else:
            left_out = place == 0 and len(columns) > 2 and _counts_from_the_start(column)
        if left_out:
            name = column.name or "without a name"
            notes.append(f"the column {name} only counts the rows; it is left out")
        else:
            if named and column.name not in keep and _counts_from_the_start(column):
                notes.append(
                    f"the column {column.name} counts the rows, and is kept as a feature: what is "
                    "sorted by class it separates without knowing"
                )
            kept.append(column)
    return tuple(kept), notes


def _numbers_rows(column: "Column") -> bool:
    values = column.values
    if not column.is_numeric:  # R's names of rows
        return column.name == "" and len(set(values)) == len(values) > 1
    if len(values) < 2 or not np.isfinite(values).all():
        return False
    steps = np.diff(values)
    if steps[0] != 0 and (steps == steps[0]).all():
        return True
    whole = (values == np.round(values)).all()
    few = 2 if column.name.startswith("__index_level_") else _FEW  # pandas calls only an index so
    return bool(whole and len(values) >= few and len(np.unique(values)) == len(values))


def _counts_from_the_start(column: "Column") -> bool:
    values = column.values
    return bool(
        column.is_numeric
        and len(values) >= _FEW
        and values[0] in (0, 1)
        and (np.diff(values) == 1).all()
    )
