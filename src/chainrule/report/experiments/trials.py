"""What the questions on Tables 2 to 4 have in common: runs as facts, tables and pictures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.points.figures import study_shares
from chainrule.points.study import Setting, Summary, wilson_interval
from chainrule.points.trial_figures import trial_curves
from chainrule.report.experiments.table_runs import TRIALS, TableRuns
from chainrule.report.facts.values import Found, Trials
from chainrule.report.finding import Figure, Table, chart
from chainrule.report.formatting import iteration, percent, spread, units

STATES = {
    "converged": "converged",
    "plateau": "on a plateau",
    "oscillating": "oscillating",
    "dead": "dead",
    "diverged": "diverged",
}


def found_runs(
    prefix: str, runs: TableRuns, setting: Setting, trials: int = TRIALS
) -> dict[str, Found]:
    """Each of the original's trials beside ours of the same number, held against all predicted."""
    own, predicted = runs.of(setting).runs, runs.predicted_of(setting)
    return {f"{prefix}{k + 1}": Found(Trials(predicted, own[k])) for k in range(trials)}


def curves(
    runs: TableRuns, named: Mapping[str, Setting], trials: int = TRIALS, name: str = "curves"
) -> Figure:
    """A panel a setting with the training error of its first trials."""
    panels = {}
    for title, setting in named.items():
        found = {f"trial {k + 1}": runs.rerun(setting, k) for k in range(trials)}
        panels[title] = {k: run.train_wrong / run.n_train for k, run in found.items() if run}
    return chart(name, trial_curves(panels), wide=len(panels) > 1)


def shares(summaries: Sequence[Summary]) -> Figure:
    """The share of runs that reach zero, with its interval, a row a setting."""
    return chart("shares", study_shares(summaries))


def all_trials(named: Mapping[str, Summary], what: str) -> Table:
    """All trials of each setting."""
    header = (
        what,
        "reach zero",
        "95 % interval",
        "median iteration",
        "training error",
        "validation error",
        "the others",
    )
    return Table(
        "all_trials",
        header,
        tuple(
            (
                name,
                f"{zeros(s)} of {len(s.runs)}",
                interval(s),
                iteration(s.converged_at_median),
                spread([run.train_error for run in s.runs]),
                spread([run.validation_error for run in s.runs]),
                states(s, without="converged"),
            )
            for name, s in named.items()
        ),
    )


def documents(summaries: Sequence[Summary]) -> dict[str, Any]:
    """As `chainrule points study --json` prints them."""
    return {"settings": [summary.document() for summary in summaries]}


def zeros(summary: Summary) -> int:
    """How many runs reached zero training error."""
    return sum(run.train_error == 0 for run in summary.runs)


def share(summary: Summary) -> str:
    """48 of 100 (95 % interval 38 to 58 %)."""
    return f"{zeros(summary)} of {len(summary.runs)} (95 % interval {interval(summary)})"


def interval(summary: Summary) -> str:
    """Wilson's 95 % interval of the share of runs that reach zero: 38 to 58 %."""
    low, high = wilson_interval(zeros(summary), len(summary.runs))
    return f"{100 * low:.0f} to {100 * high:.0f} %"


def states(summary: Summary, without: str = "") -> str:
    """How many runs ended how, the commonest first."""
    counts = Counter(run.state for run in summary.runs if run.state != without)
    return ", ".join(f"{count} {STATES[state]}" for state, count in counts.most_common()) or "none"


def ending(where: str, summary: Summary) -> str:
    """At rate 2, 3 of 100 reach zero (median iteration 5,000; 2 dead)."""
    others = states(summary, without="converged")
    details = [f"median iteration {iteration(summary.converged_at_median)}"] * (
        summary.converged_at_median is not None
    ) + [others] * (others != "none")
    return f"{where}, {zeros(summary)} of {len(summary.runs)} reach zero ({'; '.join(details)})"


def share_text(share: float) -> str:
    """A share of runs, for a cell."""
    return percent(share, 0)


def named_by_units(summaries: Sequence[Summary]) -> dict[str, Summary]:
    """The summaries by "1 unit", "2 units", ..."""
    return {units(s.setting.hidden): s for s in summaries}
