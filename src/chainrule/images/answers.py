"""A classifier's answers as rows for JSON and CSV."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from chainrule.errors import InputError
from chainrule.images.classifier import Answers
from chainrule.io.files import make_folder
from chainrule.io.names import shown


def answer_rows(
    answers: Answers,
    files: Sequence[Path],
    top: int,
    unknown: bool,
    unsure_below: float | None = None,
) -> list[dict[str, Any]]:
    """Of each picture: file, class (or "unknown", "unsure"), the `top` best with their
    probabilities, all scores, familiarity."""
    model = answers.classifier
    names = answers.names(model.unknown_below if unknown else None, unsure_below)
    order = np.argsort(-answers.scores, axis=1, kind="stable")[:, :top]
    return [
        {
            "file": str(files[i]),
            "class": names[i],
            "best": [
                {"class": model.classes[c], "probability": float(answers.probability[i, c])}
                for c in order[i]
            ],
            "familiarity": float(answers.familiarity[i]),
            "scores": {n: float(s) for n, s in zip(model.classes, answers.scores[i], strict=True)},
        }
        for i in range(len(files))
    ]


def write_answers(stream: TextIO, rows: Sequence[dict[str, Any]], *, head: bool) -> None:
    """A line a picture: file, class, familiarity, and the best classes with probabilities.

    head: whether their names come first.
    """
    writer = csv.writer(stream, lineterminator="\n")
    places = range(1, len(rows[0]["best"]) + 1 if rows else 1)
    best = [name for k in places for name in (f"class_{k}", f"probability_{k}")]
    if head:
        writer.writerow(["file", "class", "familiarity", *best])
    for row in rows:
        pairs = [v for guess in row["best"] for v in (guess["class"], guess["probability"])]
        writer.writerow([row["file"], row["class"], row["familiarity"], *pairs])


def check_answers_path(path: Path | None) -> None:
    """Raise before the work is done if `path` cannot become a CSV file."""
    if path is None:
        return
    if path.suffix.lower() != ".csv" or path.is_dir():
        raise InputError(f"`--out` is {shown(path)}; expected a name that ends in .csv")
    make_folder(path.parent)
