"""What every command on points says of its data: the label, the classes, the features."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.points.data import Points

_SHOWN = 8  # features that are named; a table may have thousands


def described(points: "Points") -> dict[str, Any]:
    """The entries of a `--json` document that say what the points are."""
    return {
        "label": points.label_name,
        "classes": {points.class_names[0]: -1, points.class_names[1]: 1},
        "features": list(points.feature_names),
    }


def print_data(points: "Points") -> None:
    """The same as lines of text."""
    names = ", ".join(points.feature_names[:_SHOWN])
    more = len(points.feature_names) - _SHOWN
    print(f"label             {points.label_name}")
    print(f"classes           {points.class_names[0]} = -1, {points.class_names[1]} = +1")
    print(f"features          {names}" + (f" and {more} more" if more > 0 else ""))


def note_data(points: "Points") -> None:
    """Say on standard error what was assumed of a file."""
    for note in points.notes:
        print(f"chainrule: {note}", file=sys.stderr)
