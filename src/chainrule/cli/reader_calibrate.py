"""`chainrule reader calibrate`: a reader's confidence, fitted to how often its lines are right."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.cli.reader_read import WordsOption, with_words
from chainrule.cli.reader_reliability import described_reliability, print_reliability
from chainrule.io.checks import LARGEST_SEED

if TYPE_CHECKING:
    from chainrule.reader.evaluation.calibrating import Doubts
    from chainrule.reader.evaluation.pictures import Opened
    from chainrule.reader.evaluation.scoring import Score
    from chainrule.reader.reader import Reader


def calibrate(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER...",
            help="Pictures beside NAME.gt.txt, or a .csv, .tsv or .jsonl of file and text.",
        ),
    ],
    model: Annotated[
        Path,
        typer.Option(
            help="A reader of `reader train-lines`, or `fast` or `large`, the package's by itself."
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Where to write the reader (.safetensors); may be the same file.")
    ],
    score: Annotated[
        str,
        typer.Option(
            metavar="RULES",
            help="By which a line is right: exact or some of nocase, nospace, alnum, digits with "
            "commas between.",
        ),
    ] = "alnum,nocase",
    rendered: Annotated[
        int, typer.Option(min=0, max=100_000, help="Rendered lines beside the pictures.")
    ] = 0,
    words: WordsOption = "english",
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Which lines are rendered.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Fit how sure a reader says it is to how often it is right, on pictures with their texts.

    By the doubt of a line and its length (logistic regression); over 0.9 are only so many lines
    that 97 % and more of such pictures are right (the lower end of a 95 % interval, for which it
    takes 130 or so). The pictures should be of the kinds that are read later, and none that the
    reader learned from. What is printed as "after" is of calibrations that were fitted to four
    fifths of the pictures, each judged by the other fifth; the reader that is written has the one
    that was fitted to all.

    Example: chainrule reader calibrate my-pictures --model own.safetensors --out own.safetensors
    """
    from chainrule.io.files import check_output_file
    from chainrule.reader.evaluation.calibrating import across, fitted_calibration
    from chainrule.reader.evaluation.pictures import open_labelled
    from chainrule.reader.evaluation.scoring import parse_score
    from chainrule.reader.lines.labelled import read_labelled
    from chainrule.reader.model_file import load_reader

    check_output_file(out, ".safetensors")
    rules = parse_score(score)
    reader = load_reader(model)
    labelled, left_out = read_labelled(folders)
    opened, unopened = open_labelled(labelled)
    lines, drawn = _doubts(with_words(reader, words), opened, rules, rendered, seed)
    calibration = fitted_calibration(lines, drawn)
    before = described_reliability(lines.confidences(reader.calibration), lines.right)
    after = described_reliability(across(lines, drawn), lines.right)
    reader.calibrated(calibration).save(out)
    if as_json:
        both = {"before": before, "after": after}
        skipped = [{"file": one.file, "reason": one.reason} for one in (*left_out, *unopened)]
        found = {"calibration": calibration._asdict(), **both, "skipped": skipped}
        print_json({**found, "file": str(out)})
        return
    for one in (*left_out, *unopened):
        print(f"left out: {one.file}: {one.reason}")
    print_reliability(before, "before: ")
    print_reliability(after, "after: ")
    print(f"{out} is written")


def _doubts(
    reader: "Reader", opened: "Opened", rules: "Score", rendered: int, seed: int
) -> "tuple[Doubts, Doubts]":
    """Those of the pictures, and of lines that are rendered."""
    from chainrule.reader.evaluation.calibrating import doubts, rendered_lines

    drawn, true = rendered_lines(reader.alphabet, rendered, seed)
    texts = [line.text for line in opened.lines]
    with progress("reading", "lines") as report:
        seen = doubts(reader, opened.pictures, texts, rules, report)
    return seen, doubts(reader, drawn, true, rules)
