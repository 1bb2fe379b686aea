"""`chainrule reader train-lines --lines`: a reader for one's own pictures."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
    from chainrule.reader.lines.labelled import read_labelled
    from chainrule.reader.lines.own_pictures import OwnLines, open_own, own_folds, split_own
    from chainrule.reader.model_file import load_reader, save_reader

    labelled, skipped = read_labelled(lines)
    own, unusable = open_own(labelled)
    skipped += unusable
    folds = options.folds
    parts = own_folds(own, folds, options.seed) if folds else [split_own(own, options.seed)]
    characters = _characters(own, alphabet)
    training = _Training(load_reader(start), characters, _drawn(fonts, look, characters), options)
    for one in skipped if options.shared.first else []:
        print(f"left out: {one.file}: {one.reason}", file=sys.stderr)
    held_out = OwnLines([], [])
    before: list[str] = []
    after: list[str] = []
    started = time.perf_counter()
    for number, (learned, judged) in enumerate(parts, 1):
        reader = training.on(learned, judged, number if folds else None)
        held_out = OwnLines(held_out.lines + judged.lines, held_out.pictures + judged.pictures)
        if options.shared.first:
            before += training.start.texts(judged.pictures)
            after += reader.texts(judged.pictures)
    if folds:
        learned, reader = own, training.on(own, None)
    if not options.shared.first:
        return
    save_reader(options.out, reader)
    _leave_folds(options)
    document = {
        "seconds": time.perf_counter() - started,
        "pictures": len(learned.lines),
        "held_out": len(held_out.lines),
        "folds": folds,
        **_errors(before, after, held_out.texts),
        "peers": _peers(held_out) if peers else {},
        "skipped": [{"file": one.file, "reason": one.reason} for one in skipped],
        "file": str(options.out),
    }
    worst = _write_worst(options.out, held_out, after)
    if options.as_json:
        print_json(document)
    else:
        _print(document)
        print(f"the worst of them: {worst}" if worst else "all of them are read right")


@dataclass(frozen=True)
class _Training:
    """How readers are trained on pictures: from which, of which characters, with which drawn lines
    mixed in."""

    start: "Reader"
    characters: str
    drawn: "RenderedLines | None"
    options: "LineOptions"

    def on(
        self, learned: "OwnLines", judged: "OwnLines | None", fold: int | None = None
    ) -> "Reader":
        """A reader of pictures; the fold's, if it is that of one."""
        from chainrule.reader.lines.own_pictures import OWN, train_on_pictures

        settings = replace(OWN.settings, seed=self.options.seed, **self.options.settings)
        of = "" if fold is None else f", fold {fold} of {self.options.folds}"
        with self.options.kept_and_watched(f"training, own pictures{of}", fold) as kept:
            reader, _ = train_on_pictures(
                learned,
                judged,
                self.characters,
                replace(OWN, settings=settings),
                start=self.start,
                rendered=self.drawn,
                **kept,
            )
        return reader


def _characters(own: "OwnLines", alphabet: str | None) -> str:
    from chainrule.glyphs.alphabet import parse_alphabet

    characters = own.alphabet if alphabet is None else parse_alphabet(alphabet)
    return characters + (" " if " " in own.alphabet and " " not in characters else "")


def _leave_folds(options: "LineOptions") -> None:
    """Take away what kept the folds' trainings: all are done."""
    for number in range(1, (options.folds or 0) + 1):
        options.checkpoint(number).unlink(missing_ok=True)


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


def _errors(before: Sequence[str], after: Sequence[str], texts: Sequence[str]) -> dict[str, Any]:
    """The character errors before and after with their intervals, as the document has them."""
    from chainrule.reader.evaluation.scoring import Score, rates

    found: dict[str, Any] = {}
    for name, read in (("before", before), ("after", after)):
        own = rates(read, texts, Score())
        found[f"character_error_{name}"] = own.character_error
        found[f"interval_{name}"] = list(own.interval)
    return found


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
    folds = document["folds"]
    whose = f"each held out in one of {folds} folds" if folds else "that were held out"
    print(f"character errors on {document['held_out']} pictures {whose}:")
    for name in ("before", "after"):
        low, high = document[f"interval_{name}"]
        error = document[f"character_error_{name}"]
        print(f"  {name:9} {error:7.2%}   (95 % of samples: {low:.2%} to {high:.2%})")
    for name, error in document["peers"].items():
        print(f"  {name:9} {error:7.2%}")
