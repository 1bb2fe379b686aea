"""Part 3: derivatives of the blocks, their numerical checks, a small network learned by hand."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chainrule.blocks import (
    BatchNormalization,
    Convolution,
    Flatten,
    FullyConnected,
    LocalResponseNormalization,
    MaxPooling,
    ReLU,
    SoftmaxLogLoss,
)
from chainrule.chain import Chain
from chainrule.checking import check_blocks, check_projection
from chainrule.checking.suite import AUTOGRAD_BAR, NUMERIC_BAR
from chainrule.errors import DivergedError
from chainrule.io.pictures import sample_picture
from chainrule.practical import figures
from chainrule.practical.blobs import dot_picture, find_blobs, labels
from chainrule.practical.on_picture import as_tensor
from chainrule.practical.small_cnn import (
    SmallCnnSettings,
    errors_of,
    learn_blobs,
    scores_of,
)
from chainrule.report.section import NOT_STATED, Figure, Row, Section, Table
from chainrule.report.settings import ReportSettings

CASES = 5  # random cases a block
RATES = (0.05, 0.2, 1.0, 5.0)
STARTS = 2  # first filters drawn for each rate
CURVE_RATE = RATES[0]
VARIANTS: dict[str, dict[str, Any]] = {
    "as it should be": {},
    "median not subtracted": {"subtract_median": False},
    "no momentum": {"momentum": 0.0},
    "neither": {"subtract_median": False, "momentum": 0.0},
}

Progress = Callable[[int, int], None] | None


def sections(settings: ReportSettings, progress: Progress = None) -> Iterator[Section]:
    """Run the part's experiments; the progress counts trainings of the small network."""
    yield _shapes(settings.seed)
    yield _checks(settings.seed)
    yield _small_cnn(settings.seed)
    yield _lesson(settings.seed, progress)


def _shapes(seed: int) -> Section:
    chain = Chain(
        [
            ("conv", Convolution(3, 4, 5, stride=2)),
            ("norm", BatchNormalization(4)),
            ("relu", ReLU()),
            ("pool", MaxPooling(3, 2)),
            ("flatten", Flatten()),
            ("full", FullyConnected(4 * 6 * 6, 10)),
        ],
        input_shape=(8, 3, 32, 32),
    )
    generator = torch.Generator().manual_seed(seed)
    params = chain.initial_parameters(generator)
    x = torch.randn(8, 3, 32, 32, generator=generator)
    target = torch.randint(10, (8,), generator=generator)
    loss = SoftmaxLogLoss()
    y, saved = chain.forward(x, params)
    value, kept = loss.forward(y, target)
    dx, derivatives = chain.backward(loss.backward(1.0, target, kept), params, saved)
    pairs = {"x": (x, dx)} | {n: (params[n], d) for n, d in derivatives.items()}
    same = sum(parameter.shape == derivative.shape for parameter, derivative in pairs.values())
    full = y.numel() * params["full.weight"].numel()
    return Section(
        number="3.1",
        title="The derivative of a scalar loss has its parameter's shape",
        question="The derivative of a block's output with respect to its filters has as many "
        "entries as the two have together. Why does back-propagation never form it?",
        original="The derivative of a scalar loss has its parameter's shape.",
        found="The loss $s$ is one number, so $\\partial s / \\partial w$ has one entry for each "
        "entry of $w$. Each block turns the derivative with respect to its output into those with "
        "respect to its input and its parameters.\n\n"
        "Here for a chain of six blocks and a loss, on eight pictures of 32 by 32 pixels. The loss "
        f"has shape {_shape(value)}; the table gives each array's shape and that of its "
        f"derivative. The derivative of the last layer's {y.numel()} outputs with respect "
        f"to its {params['full.weight'].numel():,} weights would hold {full:,} numbers.",
        verdict=f"All {same} of {len(pairs)} derivatives have their parameter's shape."
        if same == len(pairs)
        else f"Only {same} of {len(pairs)} derivatives have their parameter's shape.",
        comparison=(
            Row("derivatives with their parameter's shape", "all", f"{same} of {len(pairs)}"),
        ),
        tables=(
            Table(
                ("array", "its shape", "its derivative's shape"),
                tuple(
                    (f"`{name}`", _shape(parameter), _shape(derivative))
                    for name, (parameter, derivative) in pairs.items()
                ),
            ),
        ),
        results={"derivatives": len(pairs), "same_shape": same},
        agrees="yes" if same == len(pairs) else "no",
    )


def _checks(seed: int) -> Section:
    table = check_blocks(CASES, seed)
    numeric = max(row.worst_relative_error_numeric for row in table)
    autograd = max(row.worst_error_autograd for row in table)
    right = sum(row.right for row in table)
    x = as_tensor(sample_picture()).double()
    generator = torch.Generator().manual_seed(seed)
    blocks: dict[str, Any] = {
        "convolution, ten 5 by 5": Convolution(3, 10, 5),
        "ReLU": ReLU(),
        "max pooling, 15 by 15": MaxPooling(15, 1),
        "local normalisation": LocalResponseNormalization(5, 1.0, 1.0, 0.5),
    }
    params = {
        name: {
            key: torch.randn(shape, generator=generator, dtype=torch.float64)
            for key, shape in block.parameter_shapes().items()
        }
        for name, block in blocks.items()
    }
    projections = {
        (name, method): check_projection(
            block,
            # around 0, so that the ReLU has both sides to show
            x - 0.5,
            params[name],
            method=method,
            seed=seed,
        )
        for name, block in blocks.items()
        for method in ("forward", "central")
    }
    agreed = sum(p.right for p in projections.values())
    worst = max(p.worst_relative_error for (_, m), p in projections.items() if m == "central")
    return Section(
        number="3.2",
        title="The blocks' derivatives, checked",
        question="Check each block's derivative numerically. For a picture there are too many "
        "entries to step along one by one; so step along a random direction $e$ and compare "
        r"$\sum dy \,(f(x + \eta e) - f(x)) / \eta$ with $\sum dx\, e$.",
        original="The check, along a random direction; its figures are not stated here.",
        found=f"Every block, loss and three chains, {CASES} random settings and shapes each: every "
        "entry against two-sided differences, and against an independent implementation "
        f"differentiated by `torch.autograd`. The worst errors are {numeric:.0e} and "
        f"{autograd:.0e}; the bars are {NUMERIC_BAR:.0e} and {AUTOGRAD_BAR:.0e}. Points within "
        "reach of a kink were moved away from it, and counted.\n\n"
        "Below, the projection check on the whole photograph, "
        f"{x.numel():,} entries, in the forward form above and in the central form, which is right "
        "to the second order. Outputs with a kink "
        "within the step, as ties in max pooling, are left out of both sums.",
        verdict=f"{right} of {len(table)} blocks are below both bars, and {agreed} of "
        f"{len(projections)} projections agree. Run `chainrule blocks check` for more cases.",
        comparison=(
            Row("worst relative error against differences", NOT_STATED, f"{numeric:.1e}"),
            Row("worst error against `torch.autograd`", NOT_STATED, f"{autograd:.1e}"),
            Row("worst relative error of the projection, central", NOT_STATED, f"{worst:.1e}"),
        ),
        tables=(
            Table(
                ("block", "cases", "against differences", "against autograd", "moved from kinks"),
                tuple(
                    (
                        row.name,
                        str(row.cases),
                        _error(row.worst_relative_error_numeric),
                        _error(row.worst_error_autograd),
                        f"{row.moved_from_kinks:,}",
                    )
                    for row in table
                ),
                "Every entry of every derivative, in float64",
            ),
            Table(
                (
                    "block",
                    "form",
                    "array",
                    r"$\sum dx\,e$",
                    "by difference",
                    "relative error",
                    "outputs left out",
                ),
                tuple(
                    (
                        name,
                        method,
                        f"`{a.name}`",
                        f"{a.ours:.6g}",
                        f"{a.numeric:.6g}",
                        f"{a.relative_error:.1e}",
                        f"{a.left_out:,}",
                    )
                    for (name, method), found in projections.items()
                    for a in found.arrays
                ),
                "Along one random direction, on the whole photograph",
            ),
        ),
        results={
            "blocks": {
                row.name: {
                    "cases": row.cases,
                    "worst_relative_error_numeric": _finite(row.worst_relative_error_numeric),
                    "worst_error_autograd": _finite(row.worst_error_autograd),
                    "moved_from_kinks": row.moved_from_kinks,
                }
                for row in table
            },
            "projection": [
                {
                    "block": name,
                    "method": method,
                    "array": a.name,
                    "relative_error": _finite(a.relative_error),
                }
                for (name, method), found in projections.items()
                for a in found.arrays
            ],
        },
        headline=Row(
            "blocks whose derivative passes the check", NOT_STATED, f"{right} of {len(table)}"
        ),
    )


def _small_cnn(seed: int) -> Section:
    generators = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2)]
    learnt_on, new = (dot_picture(generator) for generator in generators)
    settings = SmallCnnSettings(seed=seed)
    known = labels(learnt_on.grey, find_blobs(learnt_on.grey))
    unknown = labels(new.grey, find_blobs(new.grey))
    found = learn_blobs(learnt_on.grey, known, settings)
    shares = {}
    for name, scores, labelled in (
        ("learned on", found.scores, known),
        ("new", scores_of(new.grey, found.parameters, settings), unknown),
    ):
        missed, false = errors_of(scores, labelled)
        shares[name] = (
            int(missed.sum()),
            int(labelled.positive.sum()),
            float(false.sum() / labelled.negative.sum()),
        )
    start, end = (float(found.objective[t, 2]) for t in (0, -1))
    return Section(
        number="3.3",
        title="A small network learned by hand",
        question="One filter of 3 by 3 pixels with a bias, then max pooling over 3 by 3: learn, by "
        "gradient descent with momentum, to score above 1 in the middle of dark blobs and below 0 "
        "away from them,\n\n"
        r"$$E(w, b) = \frac{\lambda}{2} \|w\|^2 + \frac{1}{|P|} \sum_{p \in P} \max(0, 1 - f_p) + "
        r"\frac{1}{|N|} \sum_{p \in N} \max(0, f_p)$$",
        original="The objective with its three curves, the histogram of the scores, the filter "
        "and the errors as a picture; its figures are not stated here.",
        found="The original's picture is not at hand; this one is drawn: "
        f"{len(learnt_on.radii)} dark dots with radii from 2.5 to 5 pixels on ground whose "
        "brightness drifts, with noise. The labels come from a detector, the determinant of the "
        f"Hessian over several scales, which marks {known.positive.sum()} of the dots; pixels "
        "between a blob and its surroundings have no label. The picture is smoothed by one pixel "
        "and its median taken away.\n\n"
        f"In {settings.iterations} iterations at rate {settings.learning_rate:g} with momentum "
        f"{settings.momentum:g} the objective falls from {start:.2f} to {end:.3f}. "
        f"{shares['learned on'][0]} of {shares['learned on'][1]} blobs are missed, and "
        f"{shares['learned on'][2]:.1%} of the negative pixels are taken for a blob, where the "
        "ground is darkest. On a second picture, drawn anew and not learned from, it is "
        f"{shares['new'][0]} of {shares['new'][1]} blobs and {shares['new'][2]:.1%}.",
        verdict="The filter is learned, with derivatives from the blocks' own code. What it learns "
        "is darkness, for a 3 by 3 filter sees no more than that of a dot of this size: so it errs "
        "where the ground itself is dark.",
        comparison=(
            Row("objective, first and last iteration", NOT_STATED, f"{start:.3f}, {end:.3f}"),
            *(
                Row(f"blobs missed, picture {name}", NOT_STATED, f"{missed} of {count}")
                for name, (missed, count, _) in shares.items()
            ),
            *(
                Row(f"negative pixels wrong, picture {name}", NOT_STATED, f"{false:.2%}")
                for name, (_, _, false) in shares.items()
            ),
        ),
        figures=(
            Figure.drawn(
                figures.small_cnn_figure(learnt_on.grey, known, found),
                "Labels; the objective and its two terms; the scores; the filter; the score of "
                "each pixel; the errors, at a score of one half.",
                kind="png",
                wide=True,
                alt="Six panels: a grey picture with circled dots, falling curves, two histograms "
                "that hardly overlap, nine coloured squares, a map with red dots, a map of errors.",
            ),
        ),
        results={
            "objective": [start, end],
            "pictures": {
                name: {"blobs": count, "missed": missed, "negative_wrong": false}
                for name, (missed, count, false) in shares.items()
            },
            "weight": found.parameters["filter.weight"][0, 0].tolist(),
            "bias": float(found.parameters["filter.bias"][0]),
        },
        headline=Row(
            "blobs missed on a picture not learned from",
            NOT_STATED,
            f"{shares['new'][0]} of {shares['new'][1]}",
        ),
    )


def _lesson(seed: int, progress: Progress) -> Section:
    picture = dot_picture(np.random.default_rng(seed), 160, 220, 40)
    labelled = labels(picture.grey, find_blobs(picture.grey))
    ends = {name: np.full((len(RATES), STARTS), np.inf) for name in VARIANTS}
    curves = {}
    total = len(VARIANTS) * len(RATES) * STARTS
    done = 0
    for name, changed in VARIANTS.items():
        for k, rate in enumerate(RATES):
            for start in range(STARTS):
                settings = SmallCnnSettings(learning_rate=rate, seed=seed + start)
                try:
                    found = learn_blobs(picture.grey, labelled, replace(settings, **changed))
                except DivergedError:
                    continue
                finally:
                    done += 1
                    if progress is not None:
                        progress(done, total)
                # the last fifty iterations, for at large rates the objective goes up and down
                ends[name][k, start] = found.objective[-50:, 2].mean()
                if rate == CURVE_RATE and start == 0:
                    curves[name] = found.objective[:, 2]
    medians = {name: np.median(values, axis=1) for name, values in ends.items()}
    right = medians["as it should be"]
    times = {name: values / right for name, values in medians.items()}
    no_median, no_momentum = times["median not subtracted"], times["no momentum"]
    low, high = 0, len(RATES) - 1
    return Section(
        number="3.3+",
        title="Without the median, without momentum",
        question="What happens if the picture's median is not subtracted, and what if there is no "
        "momentum?",
        original="Tried as the lesson of the exercise; its figures are not stated here.",
        found=f"A smaller picture, four ways, at {len(RATES)} learning rates, each from {STARTS} "
        "first filters; the objective over the last 50 of 500 iterations, median over the filters. "
        "If the median stays, every pixel is about 0.75, and its gradient pulls all nine entries "
        "of the filter the same way, against the bias. The objective then ends "
        f"{no_median[low]:.1f} times as high at rate {RATES[low]:g} and {no_median[high]:.0f} "
        f"times at rate {RATES[high]:g}. Without momentum it ends {no_momentum[low]:.1f} times as "
        f"high at rate {RATES[low]:g}, {no_momentum[1]:.1f} times at {RATES[1]:g} and "
        f"{no_momentum[high]:.1f} times at {RATES[high]:g}; with neither, "
        f"{times['neither'][low]:.1f} times at rate {RATES[low]:g}.",
        verdict="Subtracting the median helps most where steps are large, momentum where they are "
        "small: momentum of 0.9 makes a small rate act like one ten times as large, so with a rate "
        "well chosen for plain gradient descent it is not needed here.",
        comparison=tuple(
            Row(
                f"objective at the end, {name}, at rates {', '.join(f'{r:g}' for r in RATES)}",
                NOT_STATED,
                ", ".join(f"{value:.3f}" for value in medians[name]),
            )
            for name in VARIANTS
        ),
        figures=(
            Figure.drawn(
                figures.objectives_figure(curves),
                f"The objective at rate {CURVE_RATE:g}, from the same first filter.",
                alt="Four falling curves; the one with neither falls least.",
            ),
            Figure.drawn(
                figures.rates_figure(RATES, ends),
                f"The objective at the end against the learning rate: {STARTS} first filters each, "
                "the line through their medians.",
                alt="Four lines over the learning rate; without the median they rise at the right, "
                "without momentum at the left.",
            ),
        ),
        results={
            "rates": list(RATES),
            "objective_end": {name: values.tolist() for name, values in medians.items()},
        },
        headline=Row(
            f"objective without median, as a multiple, at rate {RATES[high]:g}",
            NOT_STATED,
            f"{no_median[high]:.0f}",
        ),
    )


def _error(error: float) -> str:
    return f"{error:.1e}" if error else "0"


def _shape(array: Tensor) -> str:
    return " × ".join(str(n) for n in array.shape) if array.ndim else "()"


def _finite(error: float) -> float | None:
    """JSON has no infinity."""
    return error if np.isfinite(error) else None
