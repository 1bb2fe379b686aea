"""`chainrule reader evaluate`: error rates, ours and the peers', on pictures or rendered lines."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from chainrule.cli.on import OnOption, far
from chainrule.cli.output import JsonOption, print_json, print_table, progress
from chainrule.cli.reader_read import ModelOption, WordsOption, with_words
from chainrule.cli.reader_reliability import described_reliability, print_reliability
from chainrule.errors import InputError
from chainrule.io.checks import LARGEST_SEED

if TYPE_CHECKING:
    from chainrule.executors import Executor
    from chainrule.reader.evaluation.pictures import Opened, PictureRow
    from chainrule.reader.evaluation.readings import Read
    from chainrule.reader.evaluation.scoring import Score
    from chainrule.reader.lines.labelled import Skipped
    from chainrule.reader.reader import Reader

_MANY = 1_000  # lines, as many as are read in the time that preparing for all their shapes takes


def evaluate(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FOLDER...",
            help="Pictures beside NAME.gt.txt, or a .csv, .tsv or .jsonl of file and text.",
            show_default="rendered lines",
        ),
    ] = None,
    score: Annotated[
        str,
        typer.Option(
            metavar="RULES",
            help="With FOLDER: what counts, exact or some of nocase, nospace, alnum, digits with "
            "commas between.",
        ),
    ] = "exact",
    model: ModelOption = None,
    alphabet: Annotated[
        str | None,
        typer.Option(
            help="The characters that the texts hold, or a name as in `glyphs build`.",
            show_default="of pictures the model's, of words lowercase, of other texts ascii",
        ),
    ] = None,
    texts: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="Of rendered lines: words, sentences, names, codes, amounts, dates, addresses, "
            "links, or mixed for any of these but words; can be given again.",
            show_default="words",
        ),
    ] = None,
    lines: Annotated[
        int, typer.Option("--count", min=1, max=100_000, help="Rendered lines a condition.")
    ] = 200,
    condition: Annotated[
        list[str] | None,
        typer.Option(help="Only this condition; can be given again.", show_default="all"),
    ] = None,
    peers: Annotated[
        bool, typer.Option(help="Read the same lines with Tesseract and RapidOCR, too.")
    ] = True,
    words: WordsOption = "english",
    workers: Annotated[
        int,
        typer.Option(
            min=1, max=256, help="Threads of ours and RapidOCR's, processes of Tesseract's."
        ),
    ] = 2,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Which fonts, words and noise.")
    ] = 0,
    on: OnOption = None,
    reliability: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With FOLDER: print how often lines are right by how sure they are, and draw it "
            "there (.svg, .png or .pdf).",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure error rates and lines a second, on pictures whose texts are known or rendered lines.

    With FOLDER the pictures there are read as they are, by ours and by the peers, and the character
    errors are printed with the interval that 95 % of such samples of lines would lie in, and what
    is most often taken for what.

    Without, lines of held-out words in held-out families are rendered 32 px high, or, by --texts,
    of what the package faker makes, with capitals, digits and marks: clean, blurred
    (1.2 px), noisy (30 of 255), rotated (2 degrees), of low contrast (a fifth) and compressed (JPEG
    quality 10). Tesseract gets each line 32, 48 and 64 px high, and the best reading of the three
    counts. Ours and Tesseract are told the alphabet; RapidOCR, which cannot be, has its text put in
    small letters if the alphabet has no capitals. Ours is measured with the dictionary and without:
    our network was trained on none of the words in these lines, but most of them are in the English
    dictionary, as they are in Tesseract's.

    Example: chainrule reader evaluate receipts/ --score nocase,nospace

    Example: chainrule reader evaluate --count 100 --condition clean --condition blur
    """
    from chainrule.glyphs.alphabet import parse_alphabet
    from chainrule.glyphs.degrade import CONDITIONS
    from chainrule.io.checks import one_of
    from chainrule.io.figures import check_figure_path
    from chainrule.reader.model_file import load_reader

    if reliability is not None:
        check_figure_path(reliability)
        if not folders:
            raise InputError("--reliability is given without FOLDER; expected pictures with texts")
    for name in condition or ():
        one_of("--condition", name, CONDITIONS)
    kinds = _kinds(texts, folders)
    given = _labelled(folders, score) if folders else None  # before readers take their seconds
    reader = load_reader(model)
    usual = "lowercase" if kinds == ["words"] else "ascii"
    characters = None if alphabet is None and folders else parse_alphabet(alphabet or usual)
    if characters is not None:
        reader = reader.limited(characters)
        if " " in reader.alphabet and " " not in characters:
            characters += " "
    ours = {"chainrule": with_words(reader, words)}
    if words != "none":
        ours["without words"] = reader
    with ExitStack() as stack:
        if given is None:
            count = lines * len(kinds) * len(condition or CONDITIONS)
        else:
            count = sum(len(one.lines) for one in given.sources.values())
        readers = _ours(stack, ours, workers, stack.enter_context(far(on)), count)
        if folders and given is not None:
            readers |= _peers(workers, characters, rendered=False) if peers else {}
            sure = None
            if reliability is not None:
                sure = _reliability(folders, score, ours["chainrule"], reliability)
            _on_pictures(given, score, readers, sure, as_json)
            return
        readers |= _peers(workers, characters, rendered=True) if peers else {}
        rendered = _Rendered(characters or "", lines, kinds, condition, seed)
        _on_rendered(readers, rendered, as_json)


class _Rendered(NamedTuple):
    """Which lines are drawn: of which characters, how many, which texts and conditions."""

    alphabet: str
    lines: int
    kinds: list[str]
    conditions: list[str] | None
    seed: int


def _kinds(texts: list[str] | None, folders: list[Path] | None) -> list[str]:
    """The kinds of texts of rendered lines."""
    from chainrule.io.checks import one_of
    from chainrule.reader.evaluation.texts import KINDS, MIXED, WORDS

    if texts and folders:
        raise InputError("--texts is given with FOLDER; expected one of them")
    for name in texts or ():
        one_of("--texts", name, (WORDS, MIXED, *KINDS))
        if name != WORDS:
            import faker  # noqa: F401  an extra: that it is not there is said before lines are read
    return texts or [WORDS]


class _Labelled(NamedTuple):
    """Pictures of folders with their texts, what was left out, and what counts."""

    sources: "dict[str, Opened]"
    skipped: "list[Skipped]"
    rules: "Score"


def _labelled(folders: list[Path], score: str) -> _Labelled:
    from chainrule.reader.evaluation.pictures import open_labelled
    from chainrule.reader.evaluation.scoring import parse_score
    from chainrule.reader.lines.labelled import read_labelled

    found = _Labelled({}, [], parse_score(score))
    for folder in folders:
        labelled, left_out = read_labelled([folder])
        found.sources[str(folder)], unopened = open_labelled(labelled)
        found.skipped.extend([*left_out, *unopened])
    return found


def _on_pictures(
    given: _Labelled,
    score: str,
    readers: "dict[str, Read]",
    sure: dict[str, Any] | None,
    as_json: bool,
) -> None:
    from chainrule.reader.evaluation.pictures import evaluate_pictures

    sources, skipped, rules = given
    with progress("reading", "folders") as report:
        rows = evaluate_pictures(readers, sources, rules, report)
    if as_json:
        left = [{"file": one.file, "reason": one.reason} for one in skipped]
        document = {"score": score, "rows": [_described(row) for row in rows], "skipped": left}
        print_json(document if sure is None else document | {"reliability": sure})
        return
    _print_pictures(rows, skipped, score)
    if sure is not None:
        print_reliability(sure)


def _reliability(folders: list[Path], score: str, reader: "Reader", figure: Path) -> dict[str, Any]:
    """Draw how often lines are right by how sure they are, and describe it."""
    from chainrule.io.figures import write_figure
    from chainrule.reader.evaluation.reliability import (
        judged,
        reliability_figure,
        reliability_table,
    )
    from chainrule.reader.evaluation.scoring import parse_score
    from chainrule.reader.lines.labelled import read_labelled

    labelled, _ = read_labelled(folders)
    sure, right = judged(reader, labelled, parse_score(score))
    write_figure(figure, reliability_figure(reliability_table(sure, right)))
    return described_reliability(sure, right)


def _described(row: "PictureRow") -> dict[str, Any]:
    rates = row.rates
    return {
        "reader": row.reader,
        "source": row.source,
        "lines": rates.lines,
        "characters": rates.characters,
        "character_error_rate": rates.character_error,
        "interval": list(rates.interval),
        "lines_right": rates.right,
        "lines_per_second": row.lines_per_second,
        "confusions": [
            {"true": true, "read": read, "count": count} for true, read, count in rates.confusions
        ],
    }


def _print_pictures(rows: "list[PictureRow]", skipped: "list[Skipped]", score: str) -> None:
    print_table(
        f"score: {score}",
        (
            "pictures",
            "reader",
            "lines",
            "character errors",
            "95 % of samples",
            "lines right",
            "lines/s",
        ),
        [
            (
                row.source,
                row.reader,
                f"{row.rates.lines:,}",
                f"{row.rates.character_error:.2%}",
                f"{row.rates.interval[0]:.2%} to {row.rates.interval[1]:.2%}",
                f"{row.rates.right:.1%}",
                f"{row.lines_per_second:,.0f}",
            )
            for row in rows
        ],
    )
    for row in rows:
        if row.reader == "chainrule" and row.rates.confusions:
            pairs = (
                f"{true or 'nothing'} as {read or 'nothing'} {count}"
                for true, read, count in row.rates.confusions
            )
            print(f"{row.source}: read {', '.join(pairs)}")
    for one in skipped:
        print(f"left out: {one.file}: {one.reason}", file=sys.stderr)


def _on_rendered(readers: "dict[str, Read]", drawn: _Rendered, as_json: bool) -> None:
    from chainrule.glyphs.degrade import CONDITIONS
    from chainrule.glyphs.lines import load_line_fonts
    from chainrule.reader.evaluation import rendered

    with progress("reading", "sets of lines") as report:
        rows = rendered.evaluate(
            readers,
            load_line_fonts(),
            drawn.alphabet,
            lines=drawn.lines,
            kinds=drawn.kinds,
            conditions=drawn.conditions or list(CONDITIONS),
            seed=drawn.seed,
            progress=report,
        )
    if as_json:
        print_json({"rows": [asdict(row) for row in rows]})
        return
    print_table(
        "rendered lines in held-out fonts",
        ("reader", "texts", "condition", "lines", "character errors", "word errors", "lines/s"),
        [
            (
                row.reader,
                row.texts,
                row.condition,
                f"{row.lines:,}",
                f"{row.character_error_rate:.2%}",
                f"{row.word_error_rate:.2%}",
                f"{row.lines_per_second:,.0f}",
            )
            for row in rows
        ],
    )


def _ours(
    stack: ExitStack,
    ours: "dict[str, Reader]",
    threads: int,
    executor: "Executor | None",
    lines: int,
) -> "dict[str, Read]":
    from functools import partial

    from chainrule.reader.evaluation.readings import timed
    from chainrule.reader.far_reading import texts_far
    from chainrule.reader.pool import ReaderPool

    if executor is not None:
        return {
            name: timed(partial(texts_far, one, executor=executor)) for name, one in ours.items()
        }
    return {
        name: timed(stack.enter_context(ReaderPool(one, threads, many=lines >= _MANY)).texts)
        for name, one in ours.items()
    }


def _peers(threads: int, alphabet: str | None, rendered: bool) -> "dict[str, Read]":
    """The peers that are there; the others are named on standard error."""
    from chainrule.reader.evaluation import peers

    heights = peers.HEIGHTS if rendered else (None,)
    makers: dict[str, Callable[[], Read]] = {
        "tesseract": lambda: peers.tesseract(threads, alphabet, heights),
        "rapidocr": lambda: peers.rapidocr(threads, alphabet),
    }
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except InputError as error:
            print(f"left out: {error}", file=sys.stderr)
    return found
