"""`chainrule reader evaluate`: error rates on rendered lines, beside other readers."""

import sys
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.cli.reader_read import ModelOption, WordsOption, with_words
from chainrule.errors import InputError

if TYPE_CHECKING:
    from chainrule.reader.evaluation.rendered import Read


def evaluate(
    model: ModelOption = None,
    alphabet: Annotated[
        str, typer.Option(help="Of the lines: the characters, or a name as in `glyphs build`.")
    ] = "lowercase",
    lines: Annotated[int, typer.Option(min=1, max=100_000, help="Lines a condition.")] = 200,
    condition: Annotated[
        list[str] | None,
        typer.Option(help="Only this condition; can be given again.", show_default="all"),
    ] = None,
    peers: Annotated[
        bool, typer.Option(help="Read the same lines with Tesseract and RapidOCR, too.")
    ] = True,
    words: WordsOption = "english",
    threads: Annotated[
        int,
        typer.Option(min=1, help="Threads of ours and RapidOCR's, processes of Tesseract's."),
    ] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Which fonts, words and noise.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Measure character and word error rates and lines a second on lines of held-out families.

    The lines are 32 px high: clean, blurred (1.2 px), noisy (30 of 255), rotated (2 degrees), of
    low contrast (a fifth) and compressed (JPEG quality 10). Tesseract gets each line 32, 48 and
    64 px high, and the best reading of the three counts. Ours and Tesseract
    are told the alphabet; RapidOCR, which cannot be, has its text put in small letters if the
    alphabet has no capitals. Ours is measured with the dictionary and without: our network was
    trained on none of the words in these lines, but most of them are in the English dictionary, as
    they are in Tesseract's.

    Example: chainrule reader evaluate --lines 100 --condition clean --condition blur
    """
    from chainrule.glyphs.alphabet import parse_alphabet
    from chainrule.glyphs.degrade import CONDITIONS
    from chainrule.glyphs.lines import load_line_fonts
    from chainrule.reader.evaluation import rendered as evaluating
    from chainrule.reader.model_file import load_reader
    from chainrule.reader.pool import ReaderPool

    characters = parse_alphabet(alphabet)
    reader = load_reader(model).limited(characters)
    if " " in reader.alphabet and " " not in characters:
        characters += " "
    ours = {"chainrule": with_words(reader, words)}
    if words != "none":
        ours["without words"] = reader
    with ExitStack() as stack:
        readers = {
            name: evaluating.timed(stack.enter_context(ReaderPool(one, threads)).texts)
            for name, one in ours.items()
        } | (_peers(threads, characters) if peers else {})
        report = stack.enter_context(progress("reading", "sets of lines"))
        rows = evaluating.evaluate(
            readers,
            load_line_fonts(),
            characters,
            lines=lines,
            conditions=condition or list(CONDITIONS),
            seed=seed,
            progress=report,
        )
    if as_json:
        print_json({"rows": [asdict(row) for row in rows]})
        return
    print("reader        condition      lines  character errors  word errors  lines/s")
    for row in rows:
        print(
            f"{row.reader:13} {row.condition:13} {row.lines:6,} "
            f"{100 * row.character_error_rate:16.2f}% {100 * row.word_error_rate:11.2f}% "
            f"{row.lines_per_second:8,.1f}"
        )


def _peers(threads: int, alphabet: str) -> "dict[str, Read]":
    """The peers that are there; the others are named on standard error."""
    from chainrule.reader.evaluation import peers

    found = {}
    for name, make in (("tesseract", peers.tesseract), ("rapidocr", peers.rapidocr)):
        try:
            found[name] = make(threads, alphabet)
        except InputError as error:
            print(f"left out: {error}", file=sys.stderr)
    return found
