"""Part 4: letters of many fonts, the network that reads them, a line of text, jitter.

4.1 and 4.2 are in `part4_letters`, 4.3 and 4.4 in `part4_training`, 4.5 and 4.6 in `part4_lines`.
"""

from collections.abc import Callable, Iterator

from chainrule.report.part4_letters import data, network
from chainrule.report.part4_lines import jitter, line
from chainrule.report.part4_runs import run_all
from chainrule.report.part4_training import filters, training
from chainrule.report.section import Section
from chainrule.report.settings import ReportSettings


def sections(
    settings: ReportSettings, progress: Callable[[int, int], None] | None = None
) -> Iterator[Section]:
    """Run the part's experiments; the progress counts letters in training."""
    runs = run_all(settings, progress)
    yield data(runs)
    yield network()
    yield training(runs)
    yield filters(runs)
    yield line(runs)
    yield jitter(runs)
