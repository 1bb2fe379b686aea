"""What every command on points says of its data: the label, the classes, the features."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.points.classes import ClassPoints
    from chainrule.points.data import Points
    from chainrule.points.evaluation import Trained

_SHOWN = 8  # features that are named; a table may have thousands


def described(points: "Trained") -> dict[str, Any]:
    """The entries of a `--json` document that say what the points are."""
    return {
        "label": points.label_name,
        "classes": dict(zip(points.class_names, _numbers(points), strict=True)),
        "features": list(points.feature_names),
    }


def print_data(points: "Trained") -> None:
    """The same as lines of text."""
    names = ", ".join(points.feature_names[:_SHOWN])
    more = len(points.feature_names) - _SHOWN
    print(f"label             {points.label_name}")
    print(f"classes           {_listed(points)}")
    print(f"features          {names}" + (f" and {more} more" if more > 0 else ""))


def note_data(points: "Points | ClassPoints") -> None:
    """Say on standard error what was assumed of a file."""
    for note in points.notes:
        print(f"chainrule: {note}", file=sys.stderr)


def _numbers(points: "Trained") -> list[int]:
    """What the classes are called in formulas: -1 and +1, or 1 to k."""
    k = len(points.class_names)
    return [-1, 1] if k == 2 else list(range(1, k + 1))


def _listed(points: "Trained") -> str:
    sign = "+" if len(points.class_names) == 2 else ""
    numbered = list(zip(points.class_names, _numbers(points), strict=True))
    text = ", ".join(f"{name} = {n:{sign}d}" for name, n in numbered[:_SHOWN])
    more = len(numbered) - _SHOWN
    return text + (f" and {more} more" if more > 0 else "")
