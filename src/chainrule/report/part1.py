"""Part 1: the two-layer network, from its derivation to where it can be trained.

1.1 to 1.2.B are in `part1_derivatives`, 1.3.A to 1.3.D and what goes beyond in `part1_training`.
"""

from collections.abc import Callable, Iterator

from chainrule.report.part1_derivatives import derivative_sections
from chainrule.report.part1_training import training_sections
from chainrule.report.section import Section
from chainrule.report.settings import ReportSettings


def sections(
    settings: ReportSettings, progress: Callable[[int, int], None] | None = None
) -> Iterator[Section]:
    """Run the part's experiments; the progress counts trainings."""
    yield from derivative_sections(settings)
    yield from training_sections(settings, progress)
