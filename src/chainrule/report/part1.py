"""Part 1: the two-layer network, from its derivation to where it can be trained.

1.1 to 1.2.B are in `part1_derivatives`, 1.3.A and 1.3.B in `part1_training`, 1.3.C, 1.3.D and
what goes beyond in `part1_settings`.
"""

from collections.abc import Callable, Iterator

from chainrule.report.part1_derivatives import check, code, derivation
from chainrule.report.part1_runs import run_all
from chainrule.report.part1_settings import hidden_units, learning_rates, where_it_trains
from chainrule.report.part1_training import one_training, seeds
from chainrule.report.section import Section
from chainrule.report.settings import ReportSettings


def sections(
    settings: ReportSettings, progress: Callable[[int, int], None] | None = None
) -> Iterator[Section]:
    """Run the part's experiments; the progress counts trainings."""
    yield derivation(settings.seed)
    yield code()
    yield check()
    runs = run_all(settings, progress)
    yield one_training(runs)
    yield seeds(runs)
    yield learning_rates(runs)
    yield hidden_units(runs)
    yield where_it_trains(runs)
