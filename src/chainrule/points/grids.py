"""The studies that have a name: the original report's own, and the map of where training works."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from chainrule.errors import InputError
from chainrule.points.study import Setting, grid

BASE = Setting(hidden=7, learning_rate=0.02, iterations=100_000, trials=3)
REPORT_SEEDS = (replace(BASE, trials=5),)
REPORT_RATES = tuple(
    replace(BASE, learning_rate=rate, iterations=300_000 if rate == 0.002 else 100_000)
    for rate in (2.0, 0.2, 0.02, 0.002)
)
REPORT_HIDDEN = tuple(replace(BASE, hidden=hidden) for hidden in (1, 2, 5, 7, 10, 100))
MAP_HIDDEN = (1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 50, 100)
MAP_RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
MAP = tuple(grid(MAP_HIDDEN, MAP_RATES, [BASE.iterations], 10))

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
