"""All that the original states, question by question: its figures digit for digit, its claims.

A figure is quoted exactly, a claim in our own words. Each has the rule by which it is compared
with what this run finds; a claim's rule says what is measured to test it.

The original is a student's answer to "Assignment 3: Neural networks" of a university course on
object recognition; its parts 2 to 5 are the VGG practical.
"""

from chainrule.report.facts.rules import (
    Among,
    AtLeast,
    AtMost,
    OnlyOn,
    PredictedRun,
    Same,
    SameDigits,
    Within,
)
from chainrule.report.facts.values import Fact, LeftOut, Numbers, PublishedRun

_DIGITS, _SAME, _RUN = SameDigits(), Same(), PredictedRun()
_DIFFERENCE = AtMost(1e-6, "largest difference from a central difference")
VOC, PEPPERS = "VOC 2007", "the photograph of peppers"


def _table_1(
    name: str, true: str, approximate: str, absolute: Numbers, relative: Numbers
) -> tuple[Fact, ...]:
    """A line of Table 1: the derivative by one parameter, its approximation, the errors."""
    columns = (
        ("true", "true value", Numbers(true)),
        ("approximate", "approximate value", Numbers(approximate)),
        ("absolute", "absolute error", absolute),
        ("relative", "relative error", relative),
    )
    return tuple(
        Fact(f"1.2.B.{name}.{key}", f"ds/d{name}, {what}", numbers, _DIGITS)
        for key, what, numbers in columns
    )


def _runs(
    prefix: str,
    what: str,
    *rows: tuple[str, str, int | None],
    errors_only: bool = False,
    proof: str = "convergence",
) -> tuple[Fact, ...]:
    """The trials of one setting, numbered from 1: errors in percent, iteration of convergence."""
    return tuple(
        Fact(
            f"{prefix}{k}",
            f"{what}, trial {k}",
            PublishedRun(*row, errors_only),
            _RUN,
            proof=proof,
        )
        for k, row in enumerate(rows, start=1)
    )


DERIVATION = (
    Fact(
        "1.1.loss",
        "derivative of the loss",
        "ds/dŷ = −y exp(−y ŷ) / (1 + exp(−y ŷ))",
        _DIFFERENCE,
    ),
    Fact("1.1.w_out", "derivative by w_out", "dŷ/dw_out = H transposed", _DIFFERENCE),
    Fact(
        "1.1.b_out",
        "derivative by b_out",
        "dŷ/db_out = a vector of ones of b_out's size",
        _DIFFERENCE,
    ),
    Fact(
        "1.1.W_in",
        "derivative by W_in",
        "dŷ/dW_in = (w_out transposed, entrywise times relu'(W_in X + b_in)) times X transposed",
        _DIFFERENCE,
    ),
    Fact(
        "1.1.b_in",
        "derivative by b_in",
        "dŷ/db_in = w_out transposed, entrywise times relu'(W_in X + b_in)",
        _DIFFERENCE,
    ),
    Fact(
        "1.1.relu",
        "derivative of the ReLU",
        "1 for strictly positive numbers, else 0: 0 at the kink",
        _SAME,
    ),
    Fact(
        "1.1.products",
        "ds/dW_in, ds/dw_out, ds/db_in, ds/db_out",
        LeftOut("“by the chain rule”", "the original does not write them out"),
        None,
    ),
)

NUMERICAL_DERIVATIVE = (
    Fact(
        "1.2.A.expansion",
        "the expansion, all other parameters fixed",
        "s(θᵢ + δ) = s(θᵢ) + δ ds/dθᵢ + o(δ)",
        AtLeast(1.5, "power of δ with which the remainder falls"),
    ),
)

GRADIENT_TABLE = (
    Fact("1.2.B.X", "X", Numbers("0.1270 0.9134"), _DIGITS),
    Fact("1.2.B.y", "y", Numbers("1"), _DIGITS),
    Fact("1.2.B.W_in", "W_in", Numbers("0.6324 0.5469; 0.0975 0.9575; 0.2785 0.9649"), _DIGITS),
    Fact("1.2.B.b_in", "b_in", Numbers("0.1576 0.9706 0.9572"), _DIGITS),
    Fact("1.2.B.w_out", "w_out", Numbers("0.4854 0.8003 0.1419"), _DIGITS),
    Fact("1.2.B.b_out", "b_out", Numbers("0.4218"), _DIGITS),
    Fact(
        "1.2.B.delta",
        "δ",
        Numbers("0.0001"),
        Within(0.05, relative=True),
        certain=True,
        proof="step",
    ),
    *_table_1(
        "W_in",
        "-0.0045 -0.0326; -0.0075 -0.0538; -0.0013 -0.0095",
        "-0.0045 -0.0326; -0.0075 -0.0538; -0.0013 -0.0095",
        Numbers("0.0013 0.0670; 0.0035 0.1822; 0.0001 0.0057", "1e-4"),
        Numbers("0.0285 0.2053; 0.0471 0.3385; 0.0083 0.0600", "1e-3"),
    ),
    *_table_1(
        "w_out",
        "-0.0543 -0.1368 -0.1380",
        "-0.0543 -0.1367 -0.1379",
        Numbers("0.0185 0.1176 0.1197", "1e-3"),
        Numbers("0.3415 0.8599 0.8675", "1e-3"),
    ),
    *_table_1(
        "b_in",
        "-0.0357 -0.0589 -0.0104",
        "-0.0357 -0.0589 -0.0104",
        Numbers("0.0803 0.2184 0.0069", "1e-4"),
        Numbers("0.2248 0.3706 0.0657", "1e-3"),
    ),
    *_table_1("b_out", "-0.0736", "-0.0736", Numbers("3.4098e-05"), Numbers("4.6305e-04")),
    Fact(
        "1.2.B.error_sizes",
        "sizes of the errors",
        "about 1e−4 to 1e−3, 1e−5 for some",
        AtMost(0.5, "powers of ten by which a relative error lies outside 1e−5 to 1e−3"),
    ),
    Fact(
        "1.2.B.smaller_delta",
        "a smaller δ",
        "would be more precise",
        AtMost(1, "error at the smallest δ tried, as a multiple of the least error"),
    ),
)

ONE_TRAINING = (
    Fact("1.3.A.setting", "setting", "h = 7, rate 0.02, 100,000 iterations", _SAME),
    Fact("1.3.A.run", "the run", PublishedRun("0", "0", 68_986), _RUN),
    Fact(
        "1.3.A.convergence",
        "convergence, where the last iteration with an error is 68,985",
        Numbers("68,986"),
        _DIGITS,
    ),
    Fact(
        "1.3.A.returns",
        "before convergence",
        "the training error is 0 for stretches and rises again",
        AtLeast(0.5, "share of the runs that reach zero in which it does"),
    ),
    Fact("1.3.A.rise_first", "a rise from 0: first iteration", Numbers("27,557"),
         Among("the first iterations of our rises")),
    Fact("1.3.A.rise_last", "the same rise: last iteration", Numbers("27,578"),
         Among("the last iterations of our rises")),
    Fact(
        "1.3.A.pictures",
        "decision boundary and error curves",
        LeftOut("pictures", "the original's pictures are not at hand; ours are below"),
        None,
    ),
)  # fmt: skip

INITIAL_WEIGHTS = (
    Fact("1.3.B.setting", "setting", "h = 7, rate 0.02, five random initialisations", _SAME),
    *_runs(
        "1.3.B.trial",
        "h = 7, rate 0.02",
        ("0.00", "0.00", None),
        ("0.00", "0.00", None),
        ("6.70", "7.60", None),
        ("7.10", "8.20", None),
        ("6.80", "9.40", None),
        errors_only=True,
    ),
    Fact(
        "1.3.B.initial_weights",
        "how a run ends",
        "depends on the initial weights",
        AtLeast(0.5, "share of orders of the points in which other weights end otherwise"),
    ),
    Fact(
        "1.3.B.trapped",
        "the runs that do not reach zero",
        "are trapped in local minima",
        AtMost(0.1, "share of them that reach zero in ten times as many iterations"),
    ),
)

LEARNING_RATES = (
    Fact(
        "1.3.C.setting",
        "setting",
        "h = 7; rates 2, 0.2, 0.02 and 0.002, the last with 300,000 iterations",
        _SAME,
    ),
    *_runs("1.3.C.rate2.trial", "rate 2",
           ("50.00", "50.00", 104), ("50.00", "50.00", None), ("50.00", "50.00", None),
           proof="died"),
    *_runs("1.3.C.rate0.2.trial", "rate 0.2",
           ("0.00", "0.00", 13_184), ("0.00", "0.00", 9_827), ("0.00", "0.00", 25_291)),
    *_runs("1.3.C.rate0.02.trial", "rate 0.02",
           ("6.50", "8.60", None), ("7.60", "7.90", None), ("0.00", "0.00", 60_477)),
    *_runs("1.3.C.rate0.002.trial", "rate 0.002",
           ("0.10", "0.00", 274_234), ("7.10", "7.90", None), ("0.10", "0.00", 240_953)),
    Fact(
        "1.3.C.rate2.oscillates",
        "rate 2, trial 2",
        "oscillates",
        AtLeast(0.01, "share of the last tenth of iterations in which the error changes"),
    ),
    Fact(
        "1.3.C.walks_over",
        "at rate 2",
        "it walks over the minima",
        AtLeast(0.5, "share of runs with a hidden unit that is still active at the end"),
    ),
    Fact(
        "1.3.C.fast_large_error",
        "at rate 2, where it converges (trial 1)",
        "it does so fast, but with a large error",
        AtLeast(1, "hidden units that are still active at the end, median"),
        certain=True,
        proof="died",
    ),
    Fact(
        "1.3.C.smaller_slower",
        "smaller rates",
        "need many more iterations",
        AtLeast(2, "growth of the median iteration from one rate to the next, the least"),
    ),
    Fact(
        "1.3.C.smaller_trapped",
        "the smaller the rate",
        "the likelier it is trapped",
        AtLeast(0.01, "growth of the share that is stuck, ten times as many iterations given, "
                "from one rate to the next, the least"),
    ),
)  # fmt: skip

HIDDEN_UNITS = (
    Fact("1.3.D.setting", "setting", "rate 0.02; 1, 2, 5, 7, 10 and 100 hidden units", _SAME),
    *_runs("1.3.D.h1.trial", "h = 1",
           ("9.20", "11.60", None), ("8.10", "10.30", None), ("8.40", "10.30", None)),
    *_runs("1.3.D.h2.trial", "h = 2",
           ("8.50", "10.60", None), ("9.20", "8.40", None), ("9.10", "10.40", None)),
    *_runs("1.3.D.h5.trial", "h = 5",
           ("0.00", "0.00", 59_285), ("7.50", "8.80", None), ("9.20", "9.20", None)),
    *_runs("1.3.D.h7.trial", "h = 7",
           ("0.00", "0.00", 80_457), ("7.60", "7.90", None), ("0.00", "0.00", 60_477)),
    *_runs("1.3.D.h10.trial", "h = 10",
           ("0.00", "0.00", 57_669), ("0.00", "0.00", 51_053), ("0.00", "0.00", 63_781)),
    *_runs("1.3.D.h100.trial", "h = 100",
           ("0.00", "0.00", 47_058), ("0.00", "0.00", 36_221), ("0.00", "0.00", 35_320)),
    Fact(
        "1.3.D.not_flexible",
        "1 and 2 units",
        "are not flexible enough",
        AtMost(0.02, "share of their runs that reach zero, the larger"),
    ),
    Fact(
        "1.3.D.mixed",
        "5 and 7 units",
        "are mixed",
        AtLeast(0.1, "share of their runs that end in the rarer way, the smaller"),
    ),
    Fact(
        "1.3.D.rarely_trapped",
        "10 and 100 units",
        "are rarely trapped",
        AtMost(0.25, "share of their runs that do not reach zero, the larger"),
    ),
    Fact(
        "1.3.D.fewer_iterations",
        "10 and 100 units",
        "need fewer iterations",
        AtMost(1, "median iteration as a multiple of that with 7 units, the larger"),
    ),
    Fact(
        "1.3.D.more_parameters",
        "the price",
        "more parameters",
        AtLeast(1, "parameters of 10 units less those of 7"),
    ),
)  # fmt: skip

BLOCKS = (
    Fact(
        "2.1.laplacian",
        "the filter",
        "is the Laplacian, the sum of the second derivatives along x and y",
        AtMost(1e-9, "largest difference from it on surfaces of second degree"),
    ),
    Fact(
        "2.1.channels",
        "the colours",
        "each channel is filtered by itself and the results are summed",
        AtMost(1e-5, "largest difference of the block's output from that sum"),
    ),
    Fact(
        "2.1.edges",
        "what it finds",
        "edges",
        AtLeast(2, "mean response on edges (Canny's) as a multiple of that elsewhere"),
    ),
    Fact(
        "2.2.two_layer",
        "without non-linearity",
        "a CNN would reduce to a two-layer network as in part 1",
        AtLeast(1e-6, "departure of such a chain from one affine map"),
        certain=True,
        proof="two_layer",
    ),
    Fact("2.3.square", "side of the square of max pooling", Numbers("15"), _SAME),
    Fact(
        "2.3.translation",
        "small translations",
        "the output is approximately invariant to them",
        AtLeast(0.5, "share of outputs within a grey level after a shift by 1 pixel"),
    ),
    Fact(
        "2.3.rotation",
        "small rotations",
        "the output is approximately invariant to them",
        AtLeast(0.5, "share of outputs within a grey level after a turn by 1 degree"),
    ),
    Fact(
        "2.3.dimension",
        "the dimension",
        "is reduced",
        AtMost(0.5, "numbers in the output as a share of those in the picture, at stride 1"),
        certain=True,
        proof="dimension",
    ),
    Fact(
        "2.3.information",
        "the important local information",
        "is kept",
        AtLeast(0, "variance of the picture that the pooled squares explain, less what one pixel "
                "of each explains"),
    ),
)  # fmt: skip

DERIVATIVES = (
    Fact(
        "3.1.A.size",
        "the derivative of a scalar loss by a parameter",
        "has the parameter's size",
        AtLeast(1, "share of derivatives that have it"),
    ),
)

CHARACTER_CNN = (
    Fact(
        "4.2.A.layers",
        "the layers",
        "convolution, max pooling, convolution, max pooling, convolution, ReLU, convolution, "
        "softmax log-loss",
        _SAME,
    ),
    Fact("4.2.A.count", "layers, beside the input", Numbers("8"), _SAME),
    Fact("4.2.A.filters1", "filters of the first convolution", "20 of 5x5x1", _SAME),
    Fact("4.2.A.filters2", "filters of the second", "50 of 5x5x20", _SAME),
    Fact("4.2.A.filters3", "filters of the third", "500 of 4x4x50", _SAME),
    Fact("4.2.A.filters4", "filters of the fourth", "26 of 28x28x500", _SAME, True, "filter_size"),
    Fact("4.2.A.biases", "all biases", "start at 0", AtMost(0, "largest bias at the start")),
    Fact(
        "4.2.B.softmax",
        "softmax",
        "takes exponentials and normalises them",
        AtMost(1e-6, "largest difference from that formula"),
    ),
    Fact(
        "4.2.B.range",
        "its results",
        "lie in [0, 1]",
        AtMost(0, "farthest that one lies outside"),
    ),
    Fact(
        "4.2.B.sum",
        "their sum",
        "is 1",
        AtMost(1e-5, "largest difference of a sum from 1"),
    ),
    Fact(
        "4.2.B.probabilities",
        "their meaning",
        "to be read as probabilities",
        AtMost(0.05, "mean distance of the best class's probability from the share that is right"),
    ),
    Fact(
        "4.2.B.right_neuron",
        "the loss's gradient",
        "makes the right neuron's output larger",
        AtLeast(1, "share of letters on which a step raises the right score and no other"),
    ),
    Fact(
        "4.2.B.smaller_log_loss",
        "the right neuron",
        "“the one with the smaller log loss”",
        AtLeast(1, "share of letters on which it has the smallest"),
        certain=True,
        proof="log_loss",
    ),
    Fact(
        "4.3.maximised",
        "the “energy”",
        "is to be maximised",
        AtLeast(0, "change of the energy by training"),
        certain=True,
        proof="energy",
    ),
    Fact(
        "4.3.log_likelihood",
        "the “energy”",
        "is perhaps the log-likelihood",
        AtMost(1e-5, "difference of the two"),
        certain=True,
        proof="energy",
    ),
    Fact(
        "4.3.unequal",
        "training and validation curves",
        "need not be equal",
        AtLeast(0.001, "largest distance of the two error curves"),
    ),
    Fact(
        "4.3.training_lower",
        "the training error",
        "is normally the lower",
        AtLeast(0.5, "share of epochs in which it is"),
    ),
    Fact(
        "4.3.top5",
        "the top-5 error",
        "is never above the top-1 error",
        AtMost(0, "farthest that it lies above, over all epochs and both sets"),
    ),
    Fact(
        "4.3.top1_meaning",
        "top-1 error",
        "what it means",
        AtMost(0, "difference from a count of letters whose best class is another"),
    ),
    Fact(
        "4.3.top5_meaning",
        "top-5 error",
        "what it means",
        AtMost(0, "difference from a count of letters whose class is not among the five best"),
    ),
    Fact(
        "4.4.learned",
        "the filters",
        "are learned to minimise the error",
        AtMost(0.5, "validation error after training as a multiple of that before"),
    ),
    Fact(
        "4.4.own_feature",
        "each filter",
        "extracts a feature of its own",
        AtMost(0.95, "largest correlation of two filters of the first layer"),
    ),
    Fact(
        "4.5.A.only_width",
        "a picture of 32x576",
        "works because only the width changes",
        AtMost(0, "layers whose output differs from that of 32x32 in more than its width"),
    ),
    Fact(
        "4.5.A.first_width",
        "width after the first convolution, (576 − 5)/1 + 1",
        Numbers("572"),
        _SAME,
    ),
    Fact("4.5.A.output", "the output", "1x137x26", _SAME),
    Fact(
        "4.5.B.sentence",
        "the sentence",
        "is read badly",
        AtLeast(2, "error on its letters as a multiple of that on validation letters"),
    ),
    Fact(
        "4.5.B.validation_error",
        "validation error, about (%)",
        Numbers("7"),
        Within(2, "points"),
    ),
    Fact(
        "4.6.gap",
        "with jitter, the gap between validation and training error",
        "is smaller than before",
        AtMost(0, "gap with jitter less that without, in points"),
    ),
    Fact(
        "4.6.sentence",
        "with jitter, the sentence",
        "is read well",
        AtLeast(0.9, "share of its letters that are right"),
    ),
)

PRETRAINED_CNN = (
    Fact("5.1.class", "first class", "bell pepper", OnlyOn(PEPPERS, _SAME)),
    Fact("5.1.probability", "its probability", Numbers("0.704"), OnlyOn(PEPPERS, Within(0.05))),
    Fact(
        "5.1.five",
        "the five best",
        "bell pepper; cucumber; orange; lemon; corn",
        OnlyOn(PEPPERS, _SAME),
    ),
    Fact("5.2.C", "C of the classifiers", Numbers("1"), _SAME),
    *(
        Fact(f"5.2.{name}.{key}", f"{name}, {what}", Numbers(ap), OnlyOn(VOC, Within(0.05)))
        for name, by_assignment_2, by_cnn in (
            ("aeroplane", "0.5495", "0.9370"),
            ("motorbike", "0.4376", "0.9288"),
            ("person", "0.6587", "0.9566"),
        )
        for key, what, ap in (
            ("assignment2", "average precision by assignment 2's features", by_assignment_2),
            ("cnn", "average precision by the CNN's features", by_cnn),
        )
    ),
    Fact(
        "5.2.much_better",
        "CNN features",
        "are much better",
        OnlyOn(VOC, AtLeast(0.1, "least lead of the CNN's features in average precision")),
    ),
    Fact(
        "5.2.above",
        "CNN features",
        "are all above 0.9",
        OnlyOn(VOC, AtLeast(0.9, "least average precision by the CNN's features")),
    ),
    Fact(
        "5.2.pictures",
        "precision-recall curves of both",
        LeftOut("pictures", "the original's pictures are not at hand; ours are below"),
        None,
    ),
)

FACTS: tuple[Fact, ...] = (
    *DERIVATION,
    *NUMERICAL_DERIVATIVE,
    *GRADIENT_TABLE,
    *ONE_TRAINING,
    *INITIAL_WEIGHTS,
    *LEARNING_RATES,
    *HIDDEN_UNITS,
    *BLOCKS,
    *DERIVATIVES,
    *CHARACTER_CNN,
    *PRETRAINED_CNN,
)
