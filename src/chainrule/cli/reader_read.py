"""`chainrule reader read`: the text of pictures of one line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.output import JsonOption, print_json, progress

if TYPE_CHECKING:
    from chainrule.reader.read import Reader

ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model", help="A reader of `reader train --fonts`; the package's own if not given."
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
    alphabet: Annotated[
        str | None,
        typer.Option(
            help="The characters that the texts can hold, or a name as in `glyphs build`.",
            show_default="the model's",
        ),
    ] = None,
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
    as_json: JsonOption = False,
) -> None:
    """Print the text of each picture of one line.

    Any height from 8 px and any width, dark on light or light on dark, grey or colour. With --json
    each character has its box in pixels (left, top, right, bottom), how sure it is and what else
    it could be.

    Where letters are in doubt, words of the dictionary are preferred to other strings; digits are
    read as they look. For codes and names in capitals, `--words none` takes only what is seen.

    Example: chainrule reader read meter.png label.jpg --json
    """
    from chainrule.glyphs.alphabet import parse_alphabet
    from chainrule.reader.picture import open_grey
    from chainrule.reader.read import load_reader

    reader = load_reader(model)
    if alphabet is not None:
        reader = reader.limited(parse_alphabet(alphabet))
    reader = with_words(reader, words)
    pictures = [open_grey(path) for path in images]
    with progress("reading", "lines") as report:
        lines = reader.read(
            pictures, names=[f"picture {path}" for path in images], beam_width=beam, progress=report
        )
    if not as_json:
        for path, line in zip(images, lines, strict=True):
            print(line.text if len(images) == 1 else f"{path}: {line.text}")
        return
    print_json(
        {
            "images": [
                {
                    "file": str(path),
                    "text": line.text,
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
                for path, line in zip(images, lines, strict=True)
            ]
        }
    )


def with_words(reader: "Reader", words: str) -> "Reader":
    """The reader with the dictionary that the option names."""
    from chainrule.reader.texts import read_words

    if words == "none":
        return reader
    return reader.with_words(None if words == "english" else read_words(words))
