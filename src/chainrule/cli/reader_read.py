"""`chainrule reader read`: the text of pictures of one line."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.on import OnOption, far
from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.errors import ChainruleError, InputError

if TYPE_CHECKING:
    from chainrule.io.progress import Progress
    from chainrule.reader.hocr import ReadPage
    from chainrule.reader.line import Line
    from chainrule.reader.reader import Reader

ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model",
        help="A reader of `reader train-lines`, or `fast` or `large`: the package's small one, for "
        "clean print, or its larger one alone.",
        show_default="the fast one, and the large one where that is in doubt",
    ),
]

AlphabetOption = Annotated[
    str | None,
    typer.Option(
        help="The characters that the texts can hold, or a name as in `glyphs build`.",
        show_default="the model's",
    ),
]
WordsOption = Annotated[
    str,
    typer.Option(
        metavar="FILE",
        help="The dictionary that decides where the picture leaves doubt: a text file, a word a "
        "line, or english, or none.",
    ),
]


def read(
    images: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGE...", help="Pictures of one line of text each, or pages."),
    ],
    model: ModelOption = None,
    alphabet: AlphabetOption = None,
    words: WordsOption = "english",
    beam: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100,
            help="Prefixes kept in the search; 1 takes the best path and no dictionary.",
            show_default="8, or 1 without a dictionary",
        ),
    ] = None,
    page: Annotated[
        bool,
        typer.Option("--page", help="The pictures are pages: find their lines, in order."),
    ] = False,
    hocr: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --page: write the pages as hOCR, with the place of each line and word.",
        ),
    ] = None,
    pdf: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --page: write the pages as one PDF that can be searched.",
        ),
    ] = None,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the text of each picture of one line, or of each page.

    Any height from 8 px and any width, dark on light or light on dark, grey or colour. With --json
    each character has its box in pixels (left, top, right, bottom), how sure it is and what else
    it could be.

    Where letters are in doubt, words of the dictionary are preferred to other strings; digits are
    read as they look. For codes and names in capitals, `--words none` takes only what is seen.

    A picture in which nothing is read has an empty text, and standard error says why; so it does of
    a file that cannot be opened as a picture, and then the exit code is 2. The others are read all
    the same.

    With --page a picture is a page of one column or several, perhaps aslant or in a shadow, and its
    lines are printed in the order in which they are read. A photograph or a page of handwriting
    holds no line that can be read.

    Example: chainrule reader read meter.png label.jpg --json

    Example: chainrule reader read --page scan.png --hocr scan.html

    Example: chainrule reader read --page one.jpg two.jpg --pdf both.pdf
    """
    from chainrule.glyphs.alphabet import parse_alphabet
    from chainrule.reader.described import described
    from chainrule.reader.far_reading import read_far
    from chainrule.reader.model_file import load_reader

    _check_pages(page, on, hocr, pdf)
    reader = load_reader(model)
    if alphabet is not None:
        reader = reader.limited(parse_alphabet(alphabet))
    reader = with_words(reader, words)
    with progress("reading", "pages" if page else "lines") as report, far(on) as executor:
        if page:
            lines, unopened, pages = _read_pages(reader, images, beam, report)
            _write_pages(pages, hocr, pdf)
        elif executor is None:
            lines, unopened = _read_here(reader, images, beam, report)
        else:
            lines, unopened = read_far(reader, images, executor, beam_width=beam, progress=report)
    if as_json:
        print_json({"images": [described(path, lines[i]) for i, path in enumerate(images)]})
    for place, path in enumerate(images):
        line = lines[place]
        if not as_json and place not in unopened:
            print(line.text if len(images) == 1 else f"{path}: {line.text}")
        if line.reason is not None:
            named = "" if place in unopened else f"{path}: "
            print(f"chainrule: {named}{line.reason}", file=sys.stderr)
    if unopened:
        raise typer.Exit(2)


def _read_here(
    reader: "Reader", images: list[Path], beam: int | None, report: "Progress"
) -> "tuple[list[Line], set[int]]":
    """The lines, all batched together, and which pictures could not be opened."""
    from chainrule.reader.line import no_line
    from chainrule.reader.picture.opening import open_grey

    pictures, lines = [], {}
    for place, path in enumerate(images):
        try:
            pictures.append(open_grey(path))
        except ChainruleError as error:
            lines[place] = no_line(str(error))
    unopened = set(lines)
    read_ones = reader.read(pictures, beam_width=beam, progress=report)
    places = (place for place in range(len(images)) if place not in unopened)
    lines |= dict(zip(places, read_ones, strict=True))
    return [lines[place] for place in range(len(images))], unopened


def _check_pages(page: bool, on: str | None, hocr: Path | None, pdf: Path | None) -> None:
    """Refuse what is not of pages, and files that cannot be written, before anything is read."""
    from chainrule.io.files import check_output_file

    for option, file in (("--hocr", hocr), ("--pdf", pdf)):
        if file is not None and not page:
            raise InputError(f"{option} is given without --page; expected both")
    if page and on is not None:
        raise InputError("--page is given with --on; expected one of them")
    if hocr is not None:
        check_output_file(hocr, ".html")
    if pdf is not None:
        import reportlab  # noqa: F401  an extra: that it is not there is said before pages are read

        check_output_file(pdf, ".pdf")


def _read_pages(
    reader: "Reader", images: list[Path], beam: int | None, report: "Progress"
) -> "tuple[list[Line], set[int], list[ReadPage]]":
    """What is read in each page, which pages could not be opened, and the others."""
    from chainrule.reader.hocr import ReadPage
    from chainrule.reader.line import no_line
    from chainrule.reader.page import read_page
    from chainrule.reader.picture.opening import open_grey

    lines, pages, unopened = [], [], set()
    for place, path in enumerate(images):
        try:
            picture = open_grey(path)
        except ChainruleError as error:
            lines.append(no_line(str(error)))
            unopened.add(place)
        else:
            lines.append(read_page(reader, picture, beam_width=beam))
            height, width = picture.shape
            pages.append(ReadPage(str(path), (width, height), lines[-1]))
        report(place + 1, len(images))
    return lines, unopened, pages


def _write_pages(pages: "list[ReadPage]", hocr: Path | None, pdf: Path | None) -> None:
    if hocr is not None:
        from chainrule.io.files import write_text
        from chainrule.reader.hocr import hocr as as_hocr

        write_text(hocr, as_hocr(pages))
    if pdf is not None and pages:
        from chainrule.reader.pdf import write_pdf

        write_pdf(pdf, pages)


def with_words(reader: "Reader", words: str) -> "Reader":
    """The reader with the dictionary that the option names."""
    from chainrule.reader.search.dictionary import read_words

    if words == "none":
        return reader
    return reader.with_words(None if words == "english" else read_words(words))
