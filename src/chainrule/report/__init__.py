"""The experiments of the original report, run again, beside its figures.

Each part is a module `partN` with `sections(settings, progress)`, which gives its sections in the
order of the original's questions.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chainrule.report.section import Figure, Row, Section, Table
from chainrule.report.settings import ReportSettings

__all__ = [
    "PART_TITLES",
    "Figure",
    "Part",
    "ReportSettings",
    "Row",
    "Section",
    "Table",
    "parts",
    "run_part",
]

PART_TITLES = {
    1: "Back-propagation in a two-layer network",
    2: "The blocks of a convolutional network",
    3: "Derivatives, and a small network learned by hand",
    4: "A network that reads letters",
    5: "Pretrained networks on photographs",
}


@dataclass(frozen=True)
class Part:
    """A part of the report that was run: its number, its title, its sections in order."""

    number: int
    title: str
    sections: tuple[Section, ...]


def parts() -> list[int]:
    """The numbers of the parts that there are, in order."""
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(int(found[1]) for name in names if (found := re.fullmatch(r"part(\d+)", name)))


def run_part(
    number: int, settings: ReportSettings, progress: Callable[[int, int], None] | None = None
) -> Part:
    """Run one part's experiments. Raises what they raise: see the part."""
    module = importlib.import_module(f"{__name__}.part{number}")
    sections: Iterator[Section] = module.sections(settings, progress)
    return Part(number, PART_TITLES[number], tuple(sections))
