"""Questions 1.3.A and 1.3.B: training on two half-moons, and from other seeds."""

import inspect

import numpy as np
from sklearn.linear_model import LogisticRegression

from chainrule.points.data import Points, double_moon
from chainrule.points.figures import decision_boundaries, error_curves
from chainrule.points.grids import BASE
from chainrule.points.study import Summary
from chainrule.points.training import Run
from chainrule.report.part1_runs import (
    ERROR_TOLERANCE,
    SEEDS,
    STATES,
    Runs,
    agreement,
    agrees,
    curves_figure,
    first,
    interval,
    interval_text,
    iteration,
    near,
    percent,
    results,
    share,
    spread,
    states,
    zeros,
)
from chainrule.report.section import NOT_STATED, Figure, Row, Section, Table

# what the original reported of seven units at rate 0.02
ITERATION, STUCK_ERROR = 90_000, 0.07

SNAPSHOTS = (0, 1_000, 10_000, 30_000, 60_000, 100_000)


def one_training(runs: Runs) -> Section:
    """1.3.A: the first trial that reached zero, and the first that did not."""
    trials = runs.of(BASE).runs
    chosen = {
        "reached zero": next((t for t in trials if t.train_error == 0), None),
        "did not reach zero": next((t for t in trials if t.train_error > 0), None),
    }
    drawn = {
        f"trial {trial.seed + 1}, which {name}": run
        for name, trial in chosen.items()
        if trial and (run := runs.rerun(BASE, trial.seed, SNAPSHOTS))
    }
    line = _line_error(runs.data.training)
    names = ("radius", "width", "distance", "scale")
    moons = {name: inspect.signature(double_moon).parameters[name].default for name in names}
    sizes = f"{len(runs.data.training):,} and {len(runs.data.validation):,}"
    return Section(
        number="1.3.A",
        title="Training on two half-moons",
        question="Train the network on 1,000 points of two half-moons that interlock, and watch "
        "its error on them and on 1,000 others. Each iteration draws one point at random and takes "
        "one gradient step. Seven hidden units, learning rate 0.02, initial weights uniform in "
        "[0, 1).",
        original="Error curves and decision boundaries. Some runs reach zero training error near "
        "iteration 90,000, others don't (1.3.B); the errors at the end of single runs are not "
        "stated here.",
        found="These are not the original's points, which are not at hand. Two half-moons were "
        "drawn anew with "
        + ", ".join(f"{name} {value:g}" for name, value in moons.items()).replace("-", "−")
        + " and the upper moon as class −1. These settings were fitted, by trying, to "
        "what the original reports of the studies below: likeness there is no evidence. "
        f"A straight line (logistic regression) errs on {percent(line)} of the training points."
        "\n\nBoth errors are counted over all points after every iteration. "
        + " ".join(_sentence(name, run) for name, run in drawn.items()),
        verdict="Both endings that the original describes are there. Only the initial weights and "
        "the order in which the points are drawn differ between them."
        if len(drawn) == 2
        else "All runs end in the same way here; the original had two.",
        comparison=(
            Row("training and validation points", "1,000 and 1,000", sizes),
            Row("training error of a straight line", NOT_STATED, percent(line)),
            *(
                Row(
                    f"{name}: final training and validation error",
                    NOT_STATED,
                    f"{percent(run.final_train_error)}, {percent(run.final_validation_error)}",
                )
                for name, run in drawn.items()
            ),
        ),
        figures=tuple(
            figure for name, run in drawn.items() for figure in _figures(runs, name, run)
        ),
        results={
            "data": {**moons, "straight_line_error": line},
            "runs": [
                {
                    "final_train_error": run.final_train_error,
                    "final_validation_error": run.final_validation_error,
                    "converged_at": run.converged_at,
                    "state": run.state,
                }
                for run in drawn.values()
            ],
        },
        agrees="yes" if len(drawn) == 2 else "partly",
        headline=Row(
            "how a run with 7 hidden units ends",
            "at zero near iteration 90,000, or stuck",
            "; ".join(_ending(run) for run in drawn.values()),
        ),
    )


def seeds(runs: Runs) -> Section:
    """1.3.B: five runs, then all."""
    every = runs.of(BASE)
    few = first(every, SEEDS)
    stuck = [run.train_error for run in every.runs if run.train_error > 0]
    low, high = interval(every)
    median = every.converged_at_median
    half, soon = low <= 0.5 <= high, near(median, ITERATION)
    alike = bool(stuck) and abs(float(np.median(stuck)) - STUCK_ERROR) <= ERROR_TOLERANCE
    return Section(
        number="1.3.B",
        title="Five seeds",
        question="Train again from five seeds, all else the same. Does training always end alike?",
        original="No: half of the runs reach zero training error near iteration 90,000, the others "
        "stay near 7 % and are said to oscillate.",
        found=f"{zeros(few)} of the five runs reached zero. Five runs say little about the share, "
        f"so {len(every.runs)} were made: {zeros(every)} reached zero, a share of "
        f"{100 * every.zero_share:.0f} % (95 % interval {interval_text(every)}).\n\n"
        f"Those that did not are told apart: {states(every, without='converged')}. A run is dead "
        "if no hidden unit is active on any training point; on a plateau if its boundary is a "
        "straight line or its error has not moved for the last tenth of the run; else it "
        "oscillates.",
        verdict=f"The share {agrees(half)}: its interval {'holds' if half else 'does not hold'} "
        f"one half. The median iteration {agrees(soon)}. The error of the runs that are stuck "
        f"{agrees(alike)}. (An iteration agrees within a quarter, an error within two points.)",
        comparison=(
            Row("runs of five that reach zero", "half", f"{zeros(few)} of {SEEDS}"),
            Row("runs of all that reach zero", "half", share(every)),
            Row("iteration from which they are at zero, median", "near 90,000", iteration(median)),
            Row("training error of the others, median (range)", "near 7 %", spread(stuck)),
            Row("what the others do", "oscillate", states(every, without="converged")),
        ),
        tables=(_table(few),),
        figures=(
            curves_figure(
                runs, [("7 units, rate 0.02", BASE)], SEEDS, "Training error of the five runs."
            ),
        ),
        results=results([every]),
        agrees=agreement((half, soon, alike)),
        headline=Row(
            "runs that reach zero, 7 hidden units at rate 0.02",
            "half, near iteration 90,000",
            f"{share(every)}, median iteration {iteration(median)}",
        ),
    )


def _line_error(points: Points) -> float:
    """The fraction of points that a straight line, fitted by logistic regression, gets wrong."""
    line = LogisticRegression().fit(points.features, points.labels)
    return float(1 - line.score(points.features, points.labels))


def _sentence(name: str, run: Run) -> str:
    return (
        f"{name.capitalize()}, ends with {percent(run.final_train_error)} of the training and "
        f"{percent(run.final_validation_error)} of the validation points wrong."
    )


def _ending(run: Run) -> str:
    if run.converged_at is None:
        return f"{STATES[run.state]} at {percent(run.final_train_error)}"
    return f"at zero from iteration {iteration(run.converged_at)}"


def _figures(runs: Runs, name: str, run: Run) -> tuple[Figure, Figure]:
    return (
        Figure.drawn(
            error_curves(run.train_wrong / run.n_train, run.validation_wrong / run.n_validation),
            f"Both errors of {name}.",
            alt=f"Two error curves that end at {percent(run.final_train_error)} and "
            f"{percent(run.final_validation_error)}.",
        ),
        Figure.drawn(
            decision_boundaries(run.snapshots, runs.data.training, runs.data.validation),
            f"The boundary of {name}, from its initial weights to its end.",
            kind="png",
            wide=True,
            colours=256,
            alt="Six panels with the points of both classes and the boundary between them.",
        ),
    )


def _table(summary: Summary) -> Table:
    return Table(
        ("trial", "training error", "validation error", "zero from iteration", "state"),
        tuple(
            (
                str(run.seed + 1),
                percent(run.train_error),
                percent(run.validation_error),
                iteration(run.converged_at),
                STATES[run.state],
            )
            for run in summary.runs
        ),
        "The five runs",
    )
