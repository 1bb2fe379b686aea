"""The studies that have a name: the original report's own, and the map of where training works."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from chainrule.errors import InputError
from chainrule.points.study import (
    MAP,
    MAP_HIDDEN,
    MAP_RATES,
    REPORT_HIDDEN,
    REPORT_RATES,
    REPORT_SEEDS,
    Setting,
)

__all__ = [
    "BASE",
    "GRIDS",
    "MAP_HIDDEN",
    "MAP_RATES",
    "REPORT_HIDDEN",
    "REPORT_RATES",
    "named_grid",
]

BASE = Setting()

# name: the tables of the study, each with its title
GRIDS: Mapping[str, Mapping[str, tuple[Setting, ...]]] = MappingProxyType(
    {
        "report": {
            "seeds": REPORT_SEEDS,
            "learning rates": REPORT_RATES,
            "hidden units": REPORT_HIDDEN,
        },
        "map": {"hidden units and learning rates": MAP},
    }
)


def named_grid(name: str, trials: int | None = None) -> dict[str, list[Setting]]:
    """The tables of a named study, with `trials` runs of each setting (default: its own).

    Raises InputError on another name.
    """
    if name not in GRIDS:
        raise InputError(f"grid: found {name!r}; expected one of {', '.join(GRIDS)}")
    return {
        title: [s if trials is None else replace(s, trials=trials) for s in settings]
        for title, settings in GRIDS[name].items()
    }
