"""The files of drawings and lists that the commands leave in a folder."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from chainrule.errors import InputError
from chainrule.images.evaluation import Evaluation
from chainrule.images.explanation import explain
from chainrule.images.figures import (
    Tile,
    classification_figure,
    confusion_figure,
    contact_sheet,
    precision_recall_figure,
)
from chainrule.images.judgement import Judgement
from chainrule.images.network import Guess, Network
from chainrule.images.suspects import Suspect, suspects, suspects_csv
from chainrule.io.figures import write_figure
from chainrule.io.files import write_json, write_text
from chainrule.io.names import safe_stem, shown
from chainrule.io.pictures import read_picture

_ROWS = 40  # of a contact sheet
_PANELS = 24  # of a page of curves
_EACH = 10  # pictures of a row


def write_classified(
    path: Path, file: Path, network: Network, best: Sequence[Guess], *, explained: bool
) -> None:
    """A photograph beside its bars; `explained` adds which pixels decided. Raises FileError."""
    image = read_picture(file)
    figure = classification_figure(
        image,
        [guess.name for guess in best],
        [guess.probability for guess in best],
        explain(network, image, best[0].index) if explained else None,
        network.preprocessing.square(image) if explained else None,
    )
    write_figure(path, figure)


def drawing_paths(folder: Path, files: Sequence[Path]) -> list[Path]:
    """Where the drawings of `files` go: numbered if they are several, and never over one of them.

    Raises InputError if one would.
    """
    paths = []
    for number, file in enumerate(files, 1):
        start = f"{number:04}-" if len(files) > 1 else ""
        paths.append(folder / f"{safe_stem(start + file.stem)}.png")
    inputs = {file.resolve() for file in files}
    for path in paths:
        if path.resolve() in inputs:
            raise InputError(f"`--out` would write over {shown(path)}; expected another folder")
    return paths


def write_sheets(folder: Path, judgement: Judgement) -> None:
    """The confusion matrix, the surest and least sure pictures of each class, and the suspects.

    `suspects.csv` and `suspects.json` list the pictures whose label is probably wrong, the surest
    first; `suspects.png` shows them. Raises FileError.
    """
    write_figure(folder / "confusion.png", confusion_figure(judgement.confusion, judgement.classes))
    write_pages(contact_sheet, _best_and_worst(judgement), _ROWS, folder / "best_and_worst.png")
    write_suspects(folder, suspects(judgement))


def write_suspects(folder: Path, found: Sequence[Suspect]) -> None:
    """The list of suspects as CSV, JSON and a contact sheet (if there is one). Raises FileError."""
    write_text(folder / "suspects.csv", suspects_csv(found))
    write_json(folder / "suspects.json", {"suspects": [asdict(entry) for entry in found]})
    rows = [
        (f"suspects {start + 1} to {start + len(part)}: file, label, answer", part)
        for start in range(0, len(found), _EACH)
        if (part := [_suspect_tile(entry) for entry in found[start : start + _EACH]])
    ]
    write_pages(contact_sheet, rows, _ROWS, folder / "suspects.png")


def write_evaluation(folder: Path, result: Evaluation) -> None:
    """The table, the curves, and the first and last pictures of each ranking. Raises FileError."""
    write_json(folder / "table.json", {"rows": [row.document() for row in result.rows]})
    kinds = len({row.features for row in result.rows})
    # of each class the rows of all features, on one page
    curves = sorted(result.rows, key=lambda row: row.class_name)
    for suffix in ("svg", "png"):
        path = folder / f"precision_recall.{suffix}"
        write_pages(precision_recall_figure, curves, _PANELS * kinds, path)
    titled = [
        (f"{row.class_name}, {row.features}: {which}", [Tile(f, (f.name,)) for f in files])
        for row in result.rows
        for which, files in (("first", row.best), ("last", row.worst))
    ]
    write_pages(contact_sheet, titled, _ROWS, folder / "ranked.png")


def write_pages(
    draw: Callable[[Sequence[Any]], Figure], items: Sequence[Any], each: int, path: Path
) -> None:
    """Draw `each` items a figure; the second is name-2.png, and so on. One figure has limits."""
    for page, start in enumerate(range(0, len(items), each), 1):
        name = path.name if page == 1 else f"{path.stem}-{page}{path.suffix}"
        write_figure(path.with_name(name), draw(items[start : start + each]))


def _best_and_worst(judgement: Judgement) -> list[tuple[str, list[Tile]]]:
    """Of each class, the pictures that cross-validation was surest of, and the least sure."""
    rows = []
    margin = judgement.margin
    for c, name in enumerate(judgement.classes):
        own = np.flatnonzero(judgement.truth == c)
        ranked = [judgement.files[i] for i in own[np.argsort(-margin[own])]]
        for which, files in (("best", ranked[:_EACH]), ("worst", ranked[::-1][:_EACH])):
            rows.append((f"{name}: {which}", [Tile(f, (f.name,)) for f in files]))
    return rows


def _suspect_tile(entry: Suspect) -> Tile:
    return Tile(Path(entry.file), (Path(entry.file).name, entry.label, f"rather {entry.answer}"))
