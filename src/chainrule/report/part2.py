"""Part 2: what the blocks of a convolutional network do to a picture."""

from collections.abc import Callable, Iterator

import torch

from chainrule.blocks import Convolution, ReLU
from chainrule.chain import Chain
from chainrule.io.pictures import sample_picture
from chainrule.practical import figures
from chainrule.practical.folding import fold
from chainrule.practical.on_picture import (
    WINDOW,
    as_tensor,
    edges,
    laplacian,
    max_pooling,
    normalization,
    pixel_norms,
    random_filters,
    rectified_edges,
)
from chainrule.practical.stability import SHIFTS, TURNS, Change, Stability, stability
from chainrule.report.section import NOT_STATED, Figure, Row, Section, Table
from chainrule.report.settings import ReportSettings

NAMES = {"none": "no pooling", "average": "average pooling", "max": "max pooling"}

PICTURE = "The photograph is the one of a temple that scikit-learn ships, 640 by 427 pixels."


def sections(
    settings: ReportSettings, progress: Callable[[int, int], None] | None = None
) -> Iterator[Section]:
    """Run the part's experiments; the progress counts sections."""
    picture = sample_picture()
    x = as_tensor(picture)
    steps: tuple[Callable[[], Section], ...] = (
        lambda: _blocks(x, settings.seed),
        lambda: _stability(stability(picture)),
        lambda: _folding(x, settings.seed),
    )
    for done, step in enumerate(steps, start=1):
        section = step()
        if progress is not None:
            progress(done, len(steps))
        yield section


def _blocks(x: torch.Tensor, seed: int) -> Section:
    pair, rectified = edges().apply(x), rectified_edges().apply(x)
    y, bend = normalization().apply(x), laplacian().apply(x)
    bank = random_filters(seed)
    before, after = pixel_norms(x), pixel_norms(y)
    black = before == 0
    error = float((after[~black] - 1).abs().max())
    zero = float((rectified == 0).double().mean())
    flat = float((bend.abs() < 0.1).double().mean())
    opposite = torch.equal(pair[:, 0], -pair[:, 1])
    dense, strided = max_pooling().apply(x), max_pooling(stride=WINDOW).apply(x)
    same = torch.equal(dense[:, :, ::WINDOW, ::WINDOW], strided)
    sizes = [f"{pooled.shape[3]} by {pooled.shape[2]}" for pooled in (dense, strided)]
    gain = float(dense.mean() - x.mean())
    return Section(
        number="2.1",
        title="The blocks on a picture",
        question="Apply the blocks to a photograph and look at what comes out: the Laplacian "
        "filter on each colour channel, summed over the channels, and minus its absolute value; a "
        "pair of filters for vertical edges, with the ReLU; max pooling over 15 by 15 pixels, at "
        "stride 1 and with stride; local normalisation, with the norm of each pixel before and "
        "after; and a bank of ten random filters of $5 \\times 5 \\times 3$.",
        original="Pictures of each output; its figures, if any, are not stated here.",
        found=f"{PICTURE} Colours run from 0 to 1. Nothing is padded, so a filter of 3 pixels "
        "leaves a picture that is 2 pixels smaller.\n\n"
        f"The Laplacian is below 0.1 in {flat:.0%} of the picture: on even and on evenly rising "
        "ground it is 0, on lines and corners it is large. The second filter of the pair is the "
        "negative of the first, so after the ReLU one keeps the edges from bright to dark and the "
        f"other those from dark to bright, and together {zero:.0%} of their entries are 0.\n\n"
        f"Max pooling at stride 1 leaves {sizes[0]} pixels, with stride {WINDOW} {sizes[1]}, "
        f"{'exactly' if same else 'but not exactly'} every {WINDOW}th of the former. Bright spots "
        f"grow to squares and dark ones vanish: the mean grey rises by {gain:.2f}.\n\n"
        r"Local normalisation with $\rho = 5$, $\kappa = 0$, $\alpha = 1$, $\beta = 1/2$ divides "
        "each pixel by its norm over the three channels: brightness goes, colour stays. The norm "
        f"is 1 afterwards, to {error:.0e}, except at the {int(black.sum()):,} black pixels, which "
        "stay black: there the block takes 0 divided by 0 as 0.",
        verdict="The blocks do what their formulas say: the norm of each pixel is 1 to rounding, "
        "and the two edge filters are each other's negative"
        f"{' to the last bit' if opposite else ''}.",
        comparison=(
            Row(
                "norm of a pixel before normalisation",
                NOT_STATED,
                f"{float(before.min()):.3f} to {float(before.max()):.3f}",
            ),
            Row("the same afterwards, where not black", NOT_STATED, f"1, to {error:.0e}"),
            Row("entries that the ReLU sets to 0", NOT_STATED, f"{zero:.1%}"),
            Row("max pooling's output at stride 1, pixels", NOT_STATED, sizes[0]),
            Row(f"the same at stride {WINDOW}", NOT_STATED, sizes[1]),
        ),
        figures=(
            _drawn(
                figures.laplacian_figure(x, bend),
                "The picture; the Laplacian summed over the colour channels (red above 0, blue "
                "below); minus its absolute value, which draws the picture's lines dark on bright. "
                "The strongest hundredth of the responses share their colour.",
                "A photograph of a temple; its outlines as thin red and blue lines; the same as a "
                "pencil drawing.",
            ),
            _drawn(
                figures.edges_figure(x, pair),
                "A pair of filters for vertical edges, each on all three channels.",
                "The photograph, and its vertical edges in red and blue, with the colours swapped "
                "in the second picture.",
            ),
            _drawn(
                figures.relu_figure(x, rectified),
                "After the ReLU: what falls from left to right in brightness, and what rises.",
                "The photograph, and two dark pictures with bright vertical edges.",
            ),
            _drawn(
                figures.max_pooling_figure(x, {"stride 1": dense, f"stride {WINDOW}": strided}),
                f"Max pooling over {WINDOW} by {WINDOW} pixels.",
                "The photograph; the same as if made of soft bright squares; the same in few large "
                "pixels.",
            ),
            _drawn(
                figures.normalization_figure(x, y),
                "Local normalisation: the picture and the norm of its pixels, before (above) and "
                "after (below).",
                "The photograph and its brightness; below, the photograph in even brightness and "
                "strong colours, and an even grey field with a few black points.",
            ),
            _drawn(
                figures.random_filters_figure(bank.parameters["filter.weight"], bank.apply(x)),
                "Ten filters drawn from the standard normal distribution, and what each gives, in "
                "grey over the range above it. Filters whose entries happen to sum to a large "
                "number show a blurred photograph; those that nearly cancel show its edges.",
                "Ten squares of random colours, below each the photograph in grey, some blurred, "
                "some like a relief.",
            ),
        ),
        results={
            "laplacian_below_0_1": flat,
            "relu_zero": zero,
            "max_pooling_shapes": [list(dense.shape), list(strided.shape)],
            "max_pooling_mean_gain": gain,
            "norm_before": [float(before.min()), float(before.max())],
            "norm_after_worst_error": error,
            "black_pixels": int(black.sum()),
        },
        headline=Row("norm of each pixel after normalisation", NOT_STATED, f"1, to {error:.0e}"),
    )


def _stability(found: Stability) -> Section:
    shifts, turns = found.shifts, found.turns
    one, eight = shifts["max"][1], shifts["max"][8]
    return Section(
        number="2.1+",
        title="How stable is max pooling?",
        question="The original says that max pooling makes the output stable: shift or turn the "
        "picture a little, and little changes. How little? Beside it average pooling over the same "
        f"window, {found.window} by {found.window} pixels at stride 1, and no pooling.",
        original="Claimed, not measured.",
        found="Two measures, each over all pixels that lie in the picture before and after. The "
        "change is the root mean square difference, divided by what it would be between two "
        "unrelated outputs of the same contrast. Alike is the share of outputs that stay within "
        "one grey level of 255.\n\n"
        f"After a shift by 1 pixel {one.unchanged:.0%} of max pooling's outputs are alike, after "
        f"8 pixels {eight.unchanged:.0%}, against {shifts['none'][1].unchanged:.0%} and "
        f"{shifts['none'][8].unchanged:.0%} without pooling: most windows still hold the same "
        "largest pixel. By this measure it is the most stable of the three, for every shift and "
        "every turn. But where the largest pixel leaves the window, the output jumps. The change "
        f"is {one.relative:.2f} after 1 pixel and {eight.relative:.2f} after 8, where no pooling "
        f"has {shifts['none'][1].relative:.2f} and {shifts['none'][8].relative:.2f}; after a turn "
        f"by 8 degrees it is {turns['max'][8].relative:.2f}, against "
        f"{turns['none'][8].relative:.2f}. Average pooling changes less than max pooling "
        "throughout, since it keeps only what varies slowly.",
        verdict="The claim holds in one sense: most outputs of max pooling stay the same under "
        "small shifts. It does not hold in the other: the outputs that do change, change much, and "
        "for large moves max pooling is about as far from its first output as the bare picture is "
        "from itself, or farther. Average pooling is the calmer of the two.",
        comparison=tuple(
            Row(f"outputs alike after a {what}", NOT_STATED, f"{share:.0%}")
            for what, share in (
                ("shift by 1 pixel", one.unchanged),
                ("shift by 8 pixels", eight.unchanged),
                ("turn by 1 degree", turns["max"][1].unchanged),
                ("turn by 8 degrees", turns["max"][8].unchanged),
            )
        ),
        tables=(
            _change_table("shift (pixels)", shifts, SHIFTS),
            _change_table("turn (degrees)", turns, TURNS),
        ),
        figures=(
            Figure.drawn(
                figures.stability_figure(found),
                "Above: the change of the output, 0 if none and about 1 for an unrelated picture. "
                "Below: the share of outputs that stay within a grey level. A shift is a mean over "
                "four directions, a turn over two; turned pixels are interpolated, which the bare "
                "picture shows too.",
                wide=True,
                alt="Four panels. Average pooling changes least and max pooling more; but max "
                "pooling has the largest share of unchanged outputs.",
            ),
        ),
        results={
            "window": found.window,
            **{
                what: {
                    name: {
                        str(d): {"change": c.relative, "alike": c.unchanged}
                        for d, c in changes.items()
                    }
                    for name, changes in moved.items()
                }
                for what, moved in (("shifts", shifts), ("turns", turns))
            },
        },
        headline=Row(
            "max pooling's outputs alike after a shift by 1 and by 8 pixels",
            "claimed, not measured",
            f"{one.unchanged:.0%} and {eight.unchanged:.0%}",
        ),
    )


def _change_table(what: str, moved: dict[str, dict[int, Change]], moves: tuple[int, ...]) -> Table:
    header = (what, *(f"{NAMES[name]}: {kind}" for name in moved for kind in ("change", "alike")))
    return Table(
        header,
        tuple(
            (
                str(d),
                *(
                    text
                    for changes in moved.values()
                    for text in (f"{changes[d].relative:.3f}", f"{changes[d].unchanged:.1%}")
                ),
            )
            for d in moves
        ),
    )


def _folding(x: torch.Tensor, seed: int) -> Section:
    layers = [
        ("conv1", Convolution(3, 8, 5)),
        ("conv2", Convolution(8, 8, 3, stride=2)),
        ("conv3", Convolution(8, 4, 3)),
    ]
    chain = Chain(layers)
    generator = torch.Generator().manual_seed(seed)
    drawn = chain.initial_parameters(generator, dtype=torch.float64)
    # biases are drawn too, for with zeros there folding them would go untested
    params = {
        name: value
        if name.endswith("weight")
        else torch.randn(value.shape, generator=generator, dtype=torch.float64)
        for name, value in drawn.items()
    }
    one, folded = fold(chain, params)
    double = x.double()
    apart, together = chain.apply(double, params), one.apply(double, folded)
    error = float((apart - together).abs().max() / apart.abs().max())
    bent = Chain([layers[0], ("relu1", ReLU()), layers[1], ("relu2", ReLU()), layers[2]])
    bent_error = float((bent.apply(double, params) - together).abs().max() / apart.abs().max())
    count = sum(p.numel() for p in params.values())
    folded_count = sum(p.numel() for p in folded.values())
    size = f"{one.window.kernel[0]} by {one.window.kernel[1]}"
    return Section(
        number="2.2",
        title="Two linear layers equal one",
        question="Why must there be a non-linearity between two layers?",
        original="Without one, two linear layers equal a single one: $w_2 (w_1 x) = (w_2 w_1) x$.",
        found="Shown here on a picture, by folding three convolutions with biases into one filter. "
        "With strides $t$ and $u$,\n\n"
        r"$$z_{m,i} = a_m + \sum_{c,l} v_{m,c,l}\,x_{c,ti+l}$$" + "\n\n"
        r"$$y_{o,i} = b_o + \sum_{m,k} w_{o,m,k}\,z_{m,ui+k}$$" + "\n\n"
        "so that the filter of both is the convolution of the one with the other,\n\n"
        r"$$f_{o,c,j} = \sum_m \sum_{t k + l = j} w_{o,m,k}\, v_{m,c,l}$$" + "\n\n"
        f"with stride $t u$. Filters of 5 by 5, 3 by 3 (stride 2) and 3 by 3 become one of {size} "
        f"with stride {one.window.stride[0]}; {count:,} parameters become {folded_count:,}. The "
        f"outputs for the photograph differ by at most {error:.0e} of the largest one (float64). "
        f"With ReLUs between the layers they differ by {bent_error:.0%} of it: then no folding is "
        "possible.",
        verdict="As the original says: the chain without non-linearities and the one filter agree "
        "to rounding.",
        comparison=(
            Row("largest difference, relative to the largest output", "equal", f"{error:.1e}"),
            Row("the same with ReLUs between the layers", NOT_STATED, f"{bent_error:.2f}"),
        ),
        results={
            "relative_error": error,
            "relative_error_with_relu": bent_error,
            "filter_size": list(one.window.kernel),
            "parameters": {"chain": count, "folded": folded_count},
        },
        agrees="yes" if error < 1e-12 < bent_error else "no",
        headline=Row("three convolutions against one: largest difference", "equal", f"{error:.1e}"),
    )


def _drawn(figure: object, caption: str, alt: str) -> Figure:
    return Figure.drawn(figure, caption, kind="jpeg", wide=True, alt=alt)
