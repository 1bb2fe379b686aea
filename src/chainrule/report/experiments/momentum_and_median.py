"""3.3+, beyond the original: the same filter without the median taken away, without momentum."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from chainrule.errors import DivergedError
from chainrule.io.progress import Progress
from chainrule.practical import figures as drawn
from chainrule.practical.blobs import dot_picture, find_blobs, labels
from chainrule.practical.small_cnn import SmallCnnSettings, learn_blobs
from chainrule.report.finding import Figure, Finding, Table, chart
from chainrule.report.formatting import decimals
from chainrule.report.settings import ReportSettings

RATES = (0.05, 0.2, 1.0, 5.0)
STARTS = 2  # first filters drawn for each rate
CURVE_RATE = RATES[0]
VARIANTS: dict[str, dict[str, Any]] = {
    "as it should be": {},
    "median not subtracted": {"subtract_median": False},
    "no momentum": {"momentum": 0.0},
    "neither": {"subtract_median": False, "momentum": 0.0},
}
ITERATIONS = 250
LAST = 50  # of them are averaged, for at large rates the objective goes up and down


@dataclass(frozen=True)
class Lesson(Finding):
    """The objective by variant: at the end by (rate, first filter), and one curve."""

    rates: tuple[float, ...]
    starts: int
    ends: dict[str, Float[np.ndarray, "rates starts"]]
    curves: dict[str, Float[np.ndarray, " iterations"]]

    @property
    def medians(self) -> dict[str, Float[np.ndarray, " rates"]]:
        """The objective at the end, median over the first filters."""
        return {name: np.median(values, axis=1) for name, values in self.ends.items()}

    def times(self, variant: str, rate: int) -> float:
        """How many times as high a variant ends at the rate of this number."""
        return float(self.medians[variant][rate] / self.medians["as it should be"][rate])

    @property
    def curve_rate(self) -> float:
        """The rate of the curves."""
        return CURVE_RATE

    @property
    def iterations(self) -> tuple[int, int]:
        """How many there are, and the mean of how many of the last is taken."""
        return ITERATIONS, LAST

    def figures(self) -> tuple[Figure, ...]:
        return (
            chart("curves", drawn.objectives_figure(self.curves)),
            chart("rates", drawn.rates_figure(self.rates, self.ends)),
        )

    def tables(self) -> tuple[Table, ...]:
        rows = tuple(
            (name, *(decimals(value, 3) for value in values))
            for name, values in self.medians.items()
        )
        return (Table("ends", ("variant", *(f"rate {r:g}" for r in self.rates)), rows),)

    def document(self) -> dict[str, Any]:
        return {
            "rates": list(self.rates),
            "objective_end": {name: values.tolist() for name, values in self.medians.items()},
        }


def run(settings: ReportSettings, progress: Progress | None = None) -> Lesson:
    """Learn a smaller picture four ways, at each rate, from each first filter."""
    picture = dot_picture(np.random.default_rng(settings.seed), 160, 220, 40)
    labelled = labels(picture.grey, find_blobs(picture.grey))
    starts = 1 if settings.quick else STARTS
    rates = (RATES[0], RATES[-1]) if settings.quick else RATES
    ends = {name: np.full((len(rates), starts), np.inf) for name in VARIANTS}
    curves = {}
    jobs = [(n, k, start) for n in VARIANTS for k in range(len(rates)) for start in range(starts)]
    for done, (name, k, start) in enumerate(jobs, start=1):
        of_network = SmallCnnSettings(
            iterations=ITERATIONS, learning_rate=rates[k], seed=settings.seed + start
        )
        try:
            found = learn_blobs(picture.grey, labelled, replace(of_network, **VARIANTS[name]))
        except DivergedError:
            continue
        finally:
            if progress is not None:
                progress(done, len(jobs))
        ends[name][k, start] = found.objective[-LAST:, 2].mean()
        if rates[k] == CURVE_RATE and start == 0:
            curves[name] = found.objective[:, 2]
    return Lesson(rates, starts, ends, curves)
