"""`chainrule reader read`: the text of pictures of one line."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.on import OnOption, far
from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.errors import ChainruleError

if TYPE_CHECKING:
    from chainrule.io.progress import Progress
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
        list[Path], typer.Argument(metavar="IMAGE...", help="Pictures of one line of text each.")
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
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the text of each picture of one line.

    Any height from 8 px and any width, dark on light or light on dark, grey or colour. With --json
    each character has its box in pixels (left, top, right, bottom), how sure it is and what else
    it could be.

    Where letters are in doubt, words of the dictionary are preferred to other strings; digits are
    read as they look. For codes and names in capitals, `--words none` takes only what is seen.

    A picture in which nothing is read has an empty text, and standard error says why; so it does of
    a file that cannot be opened as a picture, and then the exit code is 2. The others are read all
    the same.

    Example: chainrule reader read meter.png label.jpg --json
    """
    from chainrule.glyphs.alphabet import parse_alphabet
    from chainrule.reader.far_reading import read_far
    from chainrule.reader.model_file import load_reader

    reader = load_reader(model)
    if alphabet is not None:
        reader = reader.limited(parse_alphabet(alphabet))
    reader = with_words(reader, words)
    with progress("reading", "lines") as report, far(on) as executor:
        if executor is None:
            lines, unopened = _read_here(reader, images, beam, report)
        else:
            lines, unopened = read_far(reader, images, executor, beam_width=beam, progress=report)
    if as_json:
        print_json({"images": [_described(path, lines[i]) for i, path in enumerate(images)]})
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
    from chainrule.reader.line import Line
    from chainrule.reader.picture.opening import open_grey

    pictures, lines = [], {}
    for place, path in enumerate(images):
        try:
            pictures.append(open_grey(path))
        except ChainruleError as error:
            lines[place] = Line("", (), str(error))
    unopened = set(lines)
    read_ones = reader.read(pictures, beam_width=beam, progress=report)
    places = (place for place in range(len(images)) if place not in unopened)
    lines |= dict(zip(places, read_ones, strict=True))
    return [lines[place] for place in range(len(images))], unopened


def _described(path: Path, line: "Line") -> dict[str, Any]:
    lines = line.lines or ((line,) if line.text else ())
    return {
        "file": str(path),
        "text": line.text,
        "confidence": line.confidence,
        "reason": line.reason,
        "lines": [{"text": one.text, "confidence": one.confidence} for one in lines],
        "characters": [
            {
                "character": character.character,
                "box": list(character.box),
                "confidence": character.confidence,
                "alternatives": [
                    {"character": other, "confidence": confidence}
                    for other, confidence in character.alternatives
                ],
            }
            for character in line.characters
        ],
    }


def with_words(reader: "Reader", words: str) -> "Reader":
    """The reader with the dictionary that the option names."""
    from chainrule.reader.search.dictionary import read_words

    if words == "none":
        return reader
    return reader.with_words(None if words == "english" else read_words(words))
