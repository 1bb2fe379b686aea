"""`chainrule reader label`: texts beside pictures, to be corrected."""

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.cli.reader_read import AlphabetOption, ModelOption, WordsOption, with_words


def label(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A folder of pictures of one line each.")
    ],
    model: ModelOption = None,
    alphabet: AlphabetOption = None,
    words: WordsOption = "english",
    as_json: JsonOption = False,
) -> None:
    """Write what is read in each picture beside it, as NAME.gt.txt, to be corrected.

    The pictures are printed with what was read, the least sure first: begin there. Correct the
    texts with any editor and run the command again, or train with them: texts that you wrote or
    changed are kept, the others are read anew. Where nothing is read, no text is written.

    Example: chainrule reader label my-pictures
    """
    from chainrule.glyphs.alphabet import parse_alphabet
    from chainrule.reader.lines.labelling import label_folder
    from chainrule.reader.model_file import load_reader

    reader = load_reader(model)
    if alphabet is not None:
        reader = reader.limited(parse_alphabet(alphabet))
    with progress("reading", "lines") as report:
        found = label_folder(folder, with_words(reader, words), report)
    if as_json:
        written = [
            {
                "file": str(one.file),
                "text": one.text,
                "confidence": one.confidence,
                "reason": one.reason,
            }
            for one in found.written
        ]
        print_json({"written": written, "kept": list(map(str, found.kept))})
        return
    for one in found.written:
        print(f"{one.confidence:5.2f}  {one.file.name}: {one.text or one.reason}")
    read = sum(bool(one.text) for one in found.written)
    print(f"{read} texts written in {folder}, {len(found.kept)} of yours kept")
