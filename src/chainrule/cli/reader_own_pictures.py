"""`chainrule reader train-lines --lines`: a reader for one's own pictures."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli.output import print_json
from chainrule.errors import InputError

if TYPE_CHECKING:
    from chainrule.cli.reader_train_lines import LineOptions
    from chainrule.reader.evaluation.readings import Read
    from chainrule.reader.lines.own_pictures import OwnLines
    from chainrule.reader.lines.rendered import RenderedLines
    from chainrule.reader.reader import Reader


def train_on_own(
    lines: list[Path],
    fonts: list[Path],
    alphabet: str | None,
    look: str | None,
    start: Path | None,
    peers: bool,
    options: "LineOptions",
) -> None:
    """Train on labelled pictures, write the reader, print the errors before and after."""
    from chainrule.glyphs.alphabet import parse_alphabet
    from chainrule.reader.evaluation.error_rates import character_error_rate
    from chainrule.reader.lines.labelled import read_labelled
    from chainrule.reader.lines.own_pictures import open_own, split_own
    from chainrule.reader.model_file import load_reader, save_reader

    labelled, skipped = read_labelled(lines)
    own, unusable = open_own(labelled)
    skipped += unusable
    learned, held_out = split_own(own, options.seed)
    characters = own.alphabet if alphabet is None else parse_alphabet(alphabet)
    if " " in own.alphabet and " " not in characters:
        characters += " "
    first = load_reader(start)
    drawn = _drawn(fonts, look, characters)
    for one in skipped if options.shared.first else []:
        print(f"left out: {one.file}: {one.reason}", file=sys.stderr)
    before = _errors(first, held_out) if options.shared.first else None
    started = time.perf_counter()
    reader = _trained(learned, held_out, characters, first, drawn, options)
    if not options.shared.first:
        return
    seconds = time.perf_counter() - started
    save_reader(options.out, reader)
    texts = reader.texts(held_out.pictures)
    document = {
        "seconds": seconds,
        "pictures": len(learned.lines),
        "held_out": len(held_out.lines),
        "character_error_before": before,
        "character_error_after": character_error_rate(texts, held_out.texts),
        "peers": _peers(held_out) if peers else {},
        "skipped": [{"file": one.file, "reason": one.reason} for one in skipped],
        "file": str(options.out),
    }
    worst = _write_worst(options.out, held_out, texts)
    if options.as_json:
        print_json(document)
    else:
        _print(document)
        print(f"the worst of them: {worst}" if worst else "all of them are read right")


def _write_worst(model: Path, own: "OwnLines", texts: list[str]) -> Path | None:
    """Write the sheet of what is read worst beside the model."""
    from chainrule.io.figures import png_mark
    from chainrule.io.files import written_whole
    from chainrule.reader.evaluation.sheet import worst_sheet

    sheet = worst_sheet(own.pictures, own.texts, texts)
    if sheet is None:
        return None
    path = model.with_suffix(".worst.png")
    with written_whole(path) as whole:
        sheet.save(whole, "PNG", pnginfo=png_mark())
    return path


def _trained(
    learned: "OwnLines",
    held_out: "OwnLines",
    characters: str,
    start: "Reader",
    drawn: "RenderedLines | None",
    options: "LineOptions",
) -> "Reader":
    from chainrule.reader.lines.own_pictures import OWN, train_on_pictures

    settings = replace(OWN.settings, seed=options.seed, **options.settings)
    with options.kept_and_watched("training, own pictures") as kept:
        reader, _ = train_on_pictures(
            learned,
            held_out,
            characters,
            replace(OWN, settings=settings),
            start=start,
            rendered=drawn,
            **kept,
        )
    return reader


def _drawn(fonts: list[Path], look: str | None, characters: str) -> "RenderedLines | None":
    """Lines to mix in, in one's fonts or, of a look, in those of the package."""
    from chainrule.glyphs.lines import load_line_fonts
    from chainrule.glyphs.looks import LOOKS
    from chainrule.io.checks import one_of
    from chainrule.reader.front_door import drawn_fonts
    from chainrule.reader.lines.rendered import LineStyle, RenderedLines

    if not fonts and look is None:
        return None
    looks = {} if look is None else {one_of("look", look, LOOKS): 1.0}
    drawn = (
        drawn_fonts(fonts, characters)[0]
        if fonts
        else [font for font in load_line_fonts() if not font.validation]
    )
    return RenderedLines(drawn, characters, 1, LineStyle(looks=looks))


def _errors(reader: "Reader", own: "OwnLines") -> float:
    from chainrule.reader.evaluation.error_rates import character_error_rate

    return character_error_rate(reader.texts(own.pictures), own.texts)


def _peers(own: "OwnLines") -> dict[str, float]:
    """The peers' errors; those that are not there are left out."""
    from chainrule.reader.evaluation import peers
    from chainrule.reader.evaluation.error_rates import character_error_rate

    makers: dict[str, Callable[[], Read]] = {
        "tesseract": peers.tesseract,
        "rapidocr": peers.rapidocr,
    }
    files = [line.file for line in own.lines]
    found = {}
    for name, make in makers.items():
        try:
            read = make()
        except InputError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        texts = [" ".join(text.split()) for text in read(files, own.texts).texts]
        found[name] = character_error_rate(texts, own.texts)
    return found


def _print(document: dict[str, Any]) -> None:
    print(
        f"{document['file']}: trained in {document['seconds']:.1f} s on {document['pictures']} "
        "pictures"
    )
    print(f"character errors on {document['held_out']} pictures that were held out:")
    print(f"  before    {document['character_error_before']:7.2%}")
    print(f"  after     {document['character_error_after']:7.2%}")
    for name, error in document["peers"].items():
        print(f"  {name:9} {error:7.2%}")
