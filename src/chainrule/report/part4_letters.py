"""4.1 and 4.2: the letters, and the network."""

import numpy as np

from chainrule.glyphs.figures import letter_sheet
from chainrule.reader.letters.network import letter_network
from chainrule.report.part4_runs import Runs
from chainrule.report.section import NOT_STATED, Figure, Row, Section, Table

FONTS, CLASSES = 930, 26  # the original's


def data(runs: Runs) -> Section:
    """4.1: the data set."""
    letters = runs.letters
    sizes = [len(letters.training_rows), len(letters.validation_rows)]
    fonts = [len(np.unique(letters.fonts[rows])) for rows in _both(runs)]
    families = [len(np.unique(letters.families[rows])) for rows in _both(runs)]
    shown = letters.alphabet.index("a") if "a" in letters.alphabet else 0
    return Section(
        number="4.1",
        title="The letters",
        question="Look at the data: small letters in many fonts, 32x32 pixels, grey.",
        original=f"{CLASSES} classes, a to z, in about {FONTS} fonts.",
        found=f"The original's pictures are not at hand. {len(letters.font_names):,} fonts of "
        f"{len(letters.family_names):,} families were rendered as they were described: dark on "
        f"white, 26 px, centred in 32x32, 8 bit. {fonts[0]} fonts of {families[0]} families are "
        f"for training, {fonts[1]} fonts of {families[1]} other families for validation; families "
        "of one name or alike in their letters are never on both sides.",
        verdict="As many classes and about as many fonts as the original's; other fonts, and a "
        "split that the original's did not have (see 4.6).",
        comparison=(
            Row("classes", str(CLASSES), str(len(letters.alphabet))),
            Row("fonts", f"about {FONTS}", f"{len(letters.font_names):,}"),
            Row("training letters", NOT_STATED, f"{sizes[0]:,}"),
            Row("validation letters", NOT_STATED, f"{sizes[1]:,}"),
        ),
        figures=(
            Figure.drawn(
                letter_sheet(letters, letters.alphabet[shown]),
                "One letter in every font.",
                kind="png",
                wide=True,
                alt="Many small pictures of the letter a, each in another font.",
            ),
        ),
        results={
            "fonts": len(letters.font_names),
            "families": len(letters.family_names),
            "training_letters": sizes[0],
            "validation_letters": sizes[1],
        },
        agrees="yes" if len(letters.alphabet) == CLASSES else "no",
        headline=Row("fonts and classes", f"about {FONTS}, {CLASSES}",
                     f"{len(letters.font_names):,}, {len(letters.alphabet)}"),
    )  # fmt: skip


def network() -> Section:
    """4.2: the network."""
    chain = letter_network()
    rows = chain.summary().rows
    return Section(
        number="4.2",
        title="The network",
        question="What does each layer do, and how large are its outputs?",
        original="Convolution 5x5x20, max pooling 2, convolution 5x5x50, max pooling 2, "
        "convolution 4x4x500, ReLU, convolution 2x2x26, softmax log-loss: 32x32 gives 1x1x26.",
        found="The same, as a chain of the blocks of part 2, each with its own derivative. "
        "Nothing is padded, so the last layer sees the whole picture and no more.",
        verdict="The same network.",
        comparison=(
            Row("output for 32x32", "1x1x26", _size(chain.shape((1, 1, 32, 32)))),
            Row("output for 32x576", "1x137x26", _size(chain.shape((1, 1, 32, 576)))),
        ),
        tables=(
            Table(
                ("layer", "output (C x H x W)", "parameters"),
                tuple(
                    (row.layer, " x ".join(map(str, row.output_shape[1:])), f"{row.parameters:,}")
                    for row in rows
                ),
                "The layers, for one picture of 32x32",
            ),
        ),
        results={"parameters": sum(row.parameters for row in rows)},
        agrees="yes",
    )


def _both(runs: Runs) -> tuple[np.ndarray, np.ndarray]:
    return runs.letters.training_rows, runs.letters.validation_rows


def _size(shape: tuple[int, ...]) -> str:
    _, channels, height, width = shape
    return f"{height}x{width}x{channels}"
