"""Questions 1.3.C and 1.3.D: rates and hidden units; and a map of both."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.points.figures import study_map
from chainrule.points.grids import BASE, MAP_HIDDEN, MAP_RATES, REPORT_HIDDEN, REPORT_RATES
from chainrule.points.study import Summary
from chainrule.report.part1_runs import (
    STATES,
    TRIALS,
    Runs,
    agreement,
    agrees,
    all_table,
    curves_figure,
    few_table,
    iteration,
    near,
    results,
    share,
    shares_figure,
    spread,
    states,
    units,
    zeros,
)
from chainrule.report.section import NOT_STATED, Figure, Row, Section

ITERATION_AT_0_2 = 13_000  # what the original reported
_SHARES = {0.2: "all", 0.02: "half (1.3.B)"}
_ITERATIONS = {0.2: "near 13,000", 0.02: "near 90,000"}


def learning_rates(runs: Runs) -> Section:
    """1.3.C: four rates."""
    found = [runs.of(setting) for setting in REPORT_RATES]
    rates = [s.setting.learning_rate for s in found]
    named = [(f"{rate:g}", s) for rate, s in zip(rates, found, strict=True)]
    quick = found[rates.index(0.2)]
    every, soon = quick.zero_share == 1, near(quick.converged_at_median, ITERATION_AT_0_2)
    return Section(
        number="1.3.C",
        title="The learning rate",
        question="What does the learning rate change? Rates 2, 0.2, 0.02 and 0.002 with seven "
        "hidden units, three trials each, 100,000 iterations, and 300,000 for the smallest rate.",
        original="At rate 0.2 all runs reach zero, near iteration 13,000. For rate 0.02 see 1.3.B; "
        "what rates 2 and 0.002 gave is not stated here.",
        found=f"Of {len(quick.runs)} runs each: "
        + "; ".join(_ending(f"at rate {rate}", s) for rate, s in named)
        + ".",
        verdict=f"At rate 0.2 the share of runs that reach zero {agrees(every)} and the median "
        f"iteration {agrees(soon)} (within a quarter). "
        + _too_large(found[rates.index(2.0)])
        + "Rate 0.002 is too small for its iterations: 300,000 steps take the network about as far "
        "as 30,000 at rate 0.02.",
        comparison=tuple(
            row
            for rate, s in zip(rates, found, strict=True)
            for row in (
                Row(
                    f"rate {rate:g}: runs that reach zero",
                    _SHARES.get(rate, NOT_STATED),
                    share(s),
                ),
                Row(
                    f"rate {rate:g}: median iteration",
                    _ITERATIONS.get(rate, NOT_STATED),
                    iteration(s.converged_at_median),
                ),
            )
        ),
        tables=(few_table(named, "rate"), all_table(named, "rate")),
        figures=(
            curves_figure(
                runs,
                [(f"rate {name}", s.setting) for name, s in named],
                TRIALS,
                "Training error of three trials at each rate.",
            ),
            shares_figure(found),
        ),
        results=results(found),
        agrees=agreement((every, soon)),
        headline=Row(
            "runs that reach zero at rate 0.2",
            "all, near iteration 13,000",
            f"{share(quick)}, median iteration {iteration(quick.converged_at_median)}",
        ),
    )


def hidden_units(runs: Runs) -> Section:
    """1.3.D: six numbers of hidden units."""
    found = [runs.of(setting) for setting in REPORT_HIDDEN]
    named = [(units(s.setting.hidden), s) for s in found]
    one = [run.train_error for run in found[0].runs]
    return Section(
        number="1.3.D",
        title="The number of hidden units",
        question="What do more hidden units change? 1, 2, 5, 7, 10 and 100 of them at rate 0.02, "
        "three trials each, 100,000 iterations.",
        original="For seven units see 1.3.B; what the others gave is not stated here.",
        found=f"Of {len(one)} runs each: "
        + "; ".join(_ending(f"with {name}", s) for name, s in named)
        + ".",
        verdict="With one unit the output is 0 along one straight line at most, so the boundary "
        f"is a line: it errs on {spread(one)} of the training points. " + _range_of_shares(found),
        comparison=tuple(
            Row(
                f"{name}: runs that reach zero",
                "half (1.3.B)" if s.setting.hidden == BASE.hidden else NOT_STATED,
                share(s),
            )
            for name, s in named
        ),
        tables=(few_table(named, "hidden"), all_table(named, "hidden")),
        figures=(
            curves_figure(
                runs,
                [(name, s.setting) for name, s in named],
                TRIALS,
                "Training error of three trials with each number of hidden units.",
            ),
            shares_figure(found),
        ),
        results=results(found),
        headline=Row(
            "runs that reach zero, by hidden units",
            NOT_STATED,
            ", ".join(f"{s.setting.hidden}: {100 * s.zero_share:.0f} %" for s in found),
        ),
    )


def where_it_trains(runs: Runs) -> Section:
    """Beyond the original: the map of hidden units against rate."""
    cells = runs.cells
    trials = len(cells[0].runs)
    each = "one trial" if trials == 1 else f"{trials} trials"
    every = [s for s in cells if s.zero_share == 1]
    none = [s for s in cells if s.zero_share == 0]
    return Section(
        number="1.3+",
        title="Beyond the original: where this network can be trained",
        question=f"Hidden units against learning rate, {len(MAP_HIDDEN)} by {len(MAP_RATES)} "
        f"settings: where do runs reach zero training error within {BASE.iterations:,} iterations, "
        "and how soon?",
        original="The original did not ask this.",
        found=f"{len(cells)} settings, {each} of each. In {len(every)} settings every run reaches "
        f"zero, in {len(none)} none does. " + _quickest(every),
        verdict=" ".join(
            _rates_that_work(every, hidden) for hidden in (BASE.hidden, MAP_HIDDEN[-1])
        )
        + f" At the smallest rate, {MAP_RATES[0]:g}, the commonest ending is "
        f"“{_commonest(cells, MAP_RATES[0])}”, at the largest, {MAP_RATES[-1]:g}, "
        f"“{_commonest(cells, MAP_RATES[-1])}”.",
        figures=(
            Figure.drawn(
                study_map(cells),
                f"Left: the share of the runs ({each} of each setting) that reach zero training "
                "error. Right: the median iteration from which they do; grey where none does.",
                wide=True,
                alt=f"Two maps of {len(MAP_HIDDEN)} by {len(MAP_RATES)} cells.",
            ),
        ),
        results={"settings": [_without_runs(s) for s in cells]},
        headline=Row(
            "settings in which every run reaches zero", "not asked", f"{len(every)} of {len(cells)}"
        ),
    )


def _ending(where: str, summary: Summary) -> str:
    """At rate 2, 3 reach zero (median iteration 5,000; 2 dead)."""
    others = states(summary, without="converged")
    details = [f"median iteration {iteration(summary.converged_at_median)}"] * (
        summary.converged_at_median is not None
    ) + [others] * (others != "none")
    return f"{where}, {zeros(summary)} reach zero ({'; '.join(details)})"


def _too_large(summary: Summary) -> str:
    if summary.zero_share > 0.5:
        return ""
    return f"Rate 2 is too large to settle ({states(summary)}). "


def _range_of_shares(found: Sequence[Summary]) -> str:
    least, most = min(found, key=lambda s: s.zero_share), max(found, key=lambda s: s.zero_share)
    return (
        f"The share of runs that reach zero goes from {100 * least.zero_share:.0f} % with "
        f"{units(least.setting.hidden)} to {100 * most.zero_share:.0f} % with "
        f"{units(most.setting.hidden)}."
    )


def _quickest(every: Sequence[Summary]) -> str:
    if not every:
        return ""
    best = min(every, key=lambda s: s.converged_at_median or np.inf)
    return (
        f"The quickest of those: {units(best.setting.hidden)} at rate "
        f"{best.setting.learning_rate:g}, median iteration {iteration(best.converged_at_median)}."
    )


def _rates_that_work(every: Sequence[Summary], hidden: int) -> str:
    rates = sorted(s.setting.learning_rate for s in every if s.setting.hidden == hidden)
    if not rates:
        return f"With {units(hidden)} there is no rate at which every run reaches zero."
    which = ", ".join(f"{rate:g}" for rate in rates)
    return f"With {units(hidden)} every run reaches zero at rate {which}."


def _commonest(cells: Sequence[Summary], rate: float) -> str:
    """The state in which most runs at this rate end."""
    counts = Counter(run.state for s in cells if s.setting.learning_rate == rate for run in s.runs)
    return STATES[counts.most_common(1)[0][0]]


def _without_runs(summary: Summary) -> dict[str, Any]:
    """As the study's document; a map has too many single runs."""
    return {name: value for name, value in summary.document().items() if name != "runs"}
