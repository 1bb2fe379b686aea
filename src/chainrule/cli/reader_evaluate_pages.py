"""`chainrule reader evaluate-pages`: how many words of pages are found, ours and Tesseract's."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.output import JsonOption, print_json, print_table, progress
from chainrule.cli.reader_read import ModelOption, WordsOption, with_words
from chainrule.errors import InputError
from chainrule.io.checks import LARGEST_SEED

if TYPE_CHECKING:
    from chainrule.io.pictures import PictureSource
    from chainrule.reader.evaluation.pages import ReadPages
    from chainrule.reader.lines.labelled import Skipped
    from chainrule.reader.reader import Reader

_MANY = 10  # pages, as many as are read in the time that preparing for all shapes of lines takes


def evaluate_pages(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FOLDER...",
            help="Pages beside NAME.gt.txt, all of their text.",
            show_default="rendered pages",
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="Only rendered pages of this kind: one-column, two-columns, turned, shadow, "
            "small; can be given again.",
            show_default="all",
        ),
    ] = None,
    pages: Annotated[
        int, typer.Option("--count", min=1, max=1000, help="Rendered pages of a kind.")
    ] = 4,
    model: ModelOption = None,
    words: WordsOption = "english",
    peers: Annotated[bool, typer.Option(help="Read the same pages with Tesseract, too.")] = True,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Which fonts, words and light.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Measure how many words of pages are found, and how many of the words found are theirs.

    With FOLDER the pages there are read as they are. Without, pages are drawn, of held-out words in
    fonts of held-out families: one column, two columns, one column turned by one to three degrees,
    in a shadow with blur and noise, and half as large, as on a screen.

    Recall is the share of the true words that is found, precision that of the words found that is
    true, each as it is written and as often as it is there; "in order" is the recall of the longest
    part of the page that was read in its order. Tesseract 5 reads the pages with `--psm 3`.

    Example: chainrule reader evaluate-pages scans/

    Example: chainrule reader evaluate-pages --kind one-column --count 2
    """
    from chainrule.io.checks import one_of
    from chainrule.reader.evaluation.pages import evaluate_pages as evaluate
    from chainrule.reader.evaluation.rendered_pages import KINDS
    from chainrule.reader.model_file import load_reader

    for name in kind or ():
        one_of("--kind", name, KINDS)
    if kind and folders:
        raise InputError("--kind is given with FOLDER; expected one of them")
    sources, skipped = _labelled(folders) if folders else (_rendered(kind, pages, seed), [])
    many = sum(map(len, sources.values())) >= _MANY
    readers = {"chainrule": _ours(with_words(load_reader(model), words), many)}
    readers |= _tesseract() if peers else {}
    with progress("reading", "sets of pages") as report:
        rows = evaluate(readers, sources, report)
    if as_json:
        left = [{"file": one.file, "reason": one.reason} for one in skipped]
        print_json({"rows": [asdict(row) for row in rows], "skipped": left})
        return
    print_table(
        "words of pages",
        ("pages", "reader", "number", "words", "recall", "precision", "in order", "s/page"),
        [
            (
                row.source,
                row.reader,
                f"{row.pages:,}",
                f"{row.words:,}",
                f"{row.recall:.1%}",
                f"{row.precision:.1%}",
                f"{row.in_order:.1%}",
                f"{row.seconds_per_page:.2f}",
            )
            for row in rows
        ],
    )
    for one in skipped:
        print(f"left out: {one.file}: {one.reason}", file=sys.stderr)


def _labelled(
    folders: list[Path],
) -> "tuple[dict[str, list[tuple[PictureSource, str]]], list[Skipped]]":
    from chainrule.reader.evaluation.pictures import open_labelled
    from chainrule.reader.lines.labelled import read_labelled

    sources: dict[str, list[tuple[PictureSource, str]]] = {}
    skipped = []
    for folder in folders:
        labelled, left_out = read_labelled([folder], pages=True)
        opened, unopened = open_labelled(labelled)
        skipped += [*left_out, *unopened]
        if not opened.lines:
            raise InputError(f"{folder}: found no page that can be opened; expected at least one")
        texts = [line.text for line in opened.lines]
        sources[str(folder)] = list(zip(opened.pictures, texts, strict=True))
    return sources, skipped


def _rendered(
    kinds: list[str] | None, count: int, seed: int
) -> "dict[str, list[tuple[PictureSource, str]]]":
    import numpy as np

    from chainrule.glyphs.lines import load_line_fonts
    from chainrule.reader.evaluation.rendered_pages import KINDS, rendered_page

    fonts = load_line_fonts()
    found: dict[str, list[tuple[PictureSource, str]]] = {}
    for kind in kinds or KINDS:
        rng = np.random.default_rng(seed)  # so that a kind's pages are those of the others
        found[kind] = [rendered_page(kind, fonts, rng) for _ in range(count)]
    return found


def _ours(reader: "Reader", many: bool) -> "ReadPages":
    from chainrule.reader.page import read_page
    from chainrule.reader.picture.opening import open_grey

    reader.prepare(all_shapes=many)
    return lambda pages: [read_page(reader, open_grey(page)).text for page in pages]


def _tesseract() -> "dict[str, ReadPages]":
    from chainrule.reader.evaluation.peers import tesseract_pages

    try:
        return {"tesseract": tesseract_pages()}
    except InputError as error:
        print(f"left out: {error}", file=sys.stderr)
        return {}
