"""Lines of text, composed from a font's glyphs, with a box for each character."""

import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray
from PIL import features

from chainrule.errors import FileError, InputError
from chainrule.executors import Executor, Here
from chainrule.glyphs.fonts import FontFile, draw_character, shown
from chainrule.glyphs.letters import held_out, nothing_left
from chainrule.glyphs.packed import read_packed, write_packed
from chainrule.io.progress import Progress

ASCII = frozenset(map(chr, range(32, 127)))  # whose pairs are kerned
HEIGHT = 32  # pixels
UNIT = 64  # parts of a pixel in which advances and kerning are kept, as in FreeType
# so that a pair is its two glyphs, and no third drawing in their place
PLAIN = ["-liga", "-clig", "-dlig", "-calt"]
_TWO_FORMS = "abdeghnqr"
_SAME_FORM = 0.7  # correlation of a small letter with its capital, drawn in one box


@dataclass(frozen=True)
class LineFont:
    """The glyphs of one font for lines `height` px high: what is drawn, where, how far apart."""

    name: str
    family: str
    validation: bool  # whether its family is held out
    height: int  # of a line, pixels
    size: float  # pixels an em
    baseline: int  # its row, counted from the line's top
    alphabet: str
    inks: tuple[NDArray[np.uint8], ...]  # of each character, 255 is paper
    left: NDArray[np.int16]  # of the ink, pixels from the pen
    top: NDArray[np.int16]  # of the ink, pixels below the baseline (so mostly negative)
    advance: NDArray[np.int16]  # of the pen, in 64ths of a pixel
    kerning: NDArray[np.int16]  # (n, n), added between a pair, in 64ths of a pixel

    @cached_property
    def index(self) -> dict[str, int]:
        return {character: number for number, character in enumerate(self.alphabet)}

    @cached_property
    def capitals_only(self) -> bool:
        """Whether its small letters are capitals, perhaps smaller: letters whose two forms differ
        in other fonts have the same form here."""
        pairs = [c for c in _TWO_FORMS if c in self.index and c.upper() in self.index]
        alike = [_alike(self.inks[self.index[c]], self.inks[self.index[c.upper()]]) for c in pairs]
        return bool(alike) and float(np.median(alike)) > _SAME_FORM


@dataclass(frozen=True)
class Line:
    """A rendered line: its picture, its text and each character's box."""

    image: NDArray[np.uint8]  # (height, width), 255 is paper
    text: str
    boxes: NDArray[np.int32]  # (len(text), 4): left, top, right, bottom; right and bottom outside


def render_line(font: LineFont, text: str, *, margin: int = 4, tracking: float = 0.0) -> Line:
    """Draw `text` dark on white, `margin` px of paper at both ends.

    `tracking` px are added after each character. A character's box is its ink's; a space's is its
    advance by the line's height. Raises InputError for an empty text or a character that the font
    lacks.
    """
    numbers = glyph_numbers(font, text)
    pen, boxes = 0.0, np.empty((len(text), 4), np.int32)
    for place, number in enumerate(numbers):
        if place:
            pen += font.kerning[numbers[place - 1], number] / UNIT
        step = font.advance[number] / UNIT
        ink = font.inks[number]
        if ink.size:
            column, row = round(pen) + font.left[number], font.baseline + font.top[number]
            boxes[place] = column, row, column + ink.shape[1], row + ink.shape[0]
        else:
            boxes[place] = round(pen), 0, round(pen + step), font.height
        pen += step + tracking
    boxes[:, [0, 2]] += margin - min(0, int(boxes[:, 0].min()))
    width = int(max(boxes[:, 2].max(), round(pen - tracking) + margin)) + margin
    image = np.full((font.height, width), 255, np.uint8)
    for (left, top, right, bottom), number in zip(boxes.tolist(), numbers, strict=True):
        ink = font.inks[number]
        if ink.size:
            part = image[top:bottom, left:right]
            np.minimum(part, ink, out=part)
    return Line(image, text, boxes)


def glyph_numbers(font: LineFont, text: str) -> list[int]:
    """The places of the text's characters in the font. Raises InputError for an empty text or a
    character that the font lacks."""
    if not text:
        raise InputError("the text of a line is empty; expected at least one character")
    try:
        return [font.index[character] for character in text]
    except KeyError as error:
        raise InputError(
            f"font {font.name} has no {error} of the text {text!r}; it has {font.alphabet!r}"
        ) from None


def line_font(
    font: FontFile, alphabet: str, *, height: int = HEIGHT, validation: bool = False
) -> LineFont:
    """Draw the glyphs of `font` for lines `height` px high.

    The size is the largest whole number of pixels an em at which the ink of the letters and digits
    of `alphabet` together spans at most 13/16 of the height and that of all its characters at most
    the height; what they all span is centred. Kerning is the font's, where Pillow has Raqm, for
    pairs of ASCII; a letter with an accent has that of the letter without.

    Raises InputError if the font lacks a character, draws one without ink, or the space with it.
    """
    missing = [character for character in alphabet if character not in font.characters]
    if missing:
        raise InputError(f"{font.name} has no glyph for {shown(missing)}")
    plain = [c for c in alphabet if c.isalnum()] or [c for c in alphabet if c != " "]
    size = 2 * height
    while True:
        face = font.at(size)
        drawn = [draw_character(face, character) for character in alphabet]
        spans = {c: (y, y + ink.shape[0]) for c, (ink, _, y) in zip(alphabet, drawn, strict=True)}
        inner = _span(spans[c] for c in plain)
        outer = _span(spans[c] for c in alphabet if c != " ")
        excess = max((inner[1] - inner[0]) / (height * 13 // 16), (outer[1] - outer[0]) / height)
        if excess <= 1 or size == 1:
            break
        size = max(1, min(size - 1, int(size / excess)))
    empty = [c for c, (ink, _, _) in zip(alphabet, drawn, strict=True) if not ink.size and c != " "]
    if empty:
        raise InputError(f"{font.name} draws no ink for {shown(empty)}")
    if any(c == " " and ink.size for c, (ink, _, _) in zip(alphabet, drawn, strict=True)):
        raise InputError(f"{font.name} draws ink for {shown([' '])}")
    baseline = (height - (outer[1] - outer[0])) // 2 - outer[0]
    advance, kerning = _advances(font, alphabet, size)
    return LineFont(
        name=font.name,
        family=font.family,
        validation=validation,
        height=height,
        size=size,
        baseline=baseline,
        alphabet=alphabet,
        inks=tuple(ink for ink, _, _ in drawn),
        left=np.array([x for _, x, _ in drawn], np.int16),
        top=np.array([y for _, _, y in drawn], np.int16),
        advance=advance,
        kerning=kerning,
    )


def build_line_fonts(
    fonts: Sequence[FontFile],
    alphabet: str,
    *,
    validation_families: Iterable[str] | None = None,
    styles: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> tuple[list[LineFont], list[tuple[str, str]]]:
    """Draw the glyphs of `fonts`, at most the first `styles` of a family.

    Families are held out as in `build_letters`, and the `executor` draws, a family a job. Returns
    the fonts, and those dropped (see `line_font`) with the reason. Raises InputError if none is
    left.
    """
    held = set(
        held_out(font.family for font in fonts)
        if validation_families is None
        else validation_families
    )
    families: dict[str, list[tuple[int, FontFile]]] = {}
    for k, font in enumerate(fonts):
        families.setdefault(font.family, []).append((k, font))
    jobs = list(families.values())
    found: dict[int, LineFont | str] = {}
    done = 0
    shared = alphabet, held, styles
    for number, of_family in (executor or Here()).results(_drawn, jobs, shared, name=_name):
        found |= of_family
        done += len(jobs[number])
        if progress:
            progress(done, len(fonts))
    # in the order of the fonts, and not of the families
    drawn = [one for _, one in sorted(found.items()) if isinstance(one, LineFont)]
    dropped = [(fonts[k].name, one) for k, one in sorted(found.items()) if isinstance(one, str)]
    if not drawn:
        raise InputError(nothing_left(fonts, alphabet, dropped))
    return drawn, dropped


def _drawn(
    shared: tuple[str, set[str], int | None], fonts: Sequence[tuple[int, FontFile]]
) -> dict[int, LineFont | str]:
    """The first fonts of a family, or why one is dropped, by their numbers."""
    alphabet, held, styles = shared
    found: dict[int, LineFont | str] = {}
    taken = 0
    for k, font in fonts:
        if styles is None or taken < styles:
            try:
                found[k] = line_font(font, alphabet, validation=font.family in held)
                taken += 1
            except InputError as error:
                found[k] = str(error)
    return found


def _name(fonts: Sequence[tuple[int, FontFile]]) -> str:
    return fonts[0][1].family


def save_line_fonts(path: str | os.PathLike[str], fonts: Sequence[LineFont]) -> None:
    """Write fonts of one alphabet and height to `path` (.safetensors). Raises FileError."""
    first = fonts[0]
    if any((font.alphabet, font.height) != (first.alphabet, first.height) for font in fonts):
        raise InputError("the fonts of a file must share one alphabet and one height")
    write_packed(
        path,
        "chainrule line fonts",
        {
            "inks": np.concatenate([ink.ravel() for font in fonts for ink in font.inks]),
            "shapes": np.array([[ink.shape for ink in font.inks] for font in fonts], np.int16),
            "left": np.stack([font.left for font in fonts]),
            "top": np.stack([font.top for font in fonts]),
            "advance": np.stack([font.advance for font in fonts]),
            "kerning": np.stack([font.kerning for font in fonts]),
        },
        {
            "alphabet": first.alphabet,
            "height": first.height,
            "fonts": [
                [font.name, font.family, font.validation, font.size, font.baseline]
                for font in fonts
            ],
        },
    )


def load_line_fonts(path: str | os.PathLike[str] | None = None) -> list[LineFont]:
    """Read the fonts that `save_line_fonts` wrote, or, without a path, those in the package.

    The package's draw printable ASCII, one style a family. Raises FileError if the file can't be
    read, is cut off, or holds something else.
    """
    if path is None:
        with as_file(files("chainrule.glyphs") / "data" / "lines.safetensors") as shipped:
            return load_line_fonts(shipped)
    arrays, settings = read_packed(path, "chainrule line fonts")
    try:
        shapes = arrays["shapes"].astype(np.int64)
        ends = np.cumsum(shapes.prod(axis=2).ravel())
        pieces = iter(np.split(arrays["inks"], ends[:-1]))
        fonts = [
            LineFont(
                name=name,
                family=family,
                validation=validation,
                height=settings["height"],
                size=size,
                baseline=baseline,
                alphabet=settings["alphabet"],
                inks=tuple(next(pieces).reshape(shape) for shape in shapes[number]),
                left=arrays["left"][number],
                top=arrays["top"][number],
                advance=arrays["advance"][number],
                kerning=arrays["kerning"][number],
            )
            for number, (name, family, validation, size, baseline) in enumerate(settings["fonts"])
        ]
        for font, (heights, _) in zip(fonts, shapes.transpose(0, 2, 1), strict=True):
            rows = (font.baseline + font.top)[heights > 0]
            if rows.min() < 0 or (rows + heights[heights > 0]).max() > font.height:
                raise ValueError(f"{font.name} draws outside of its lines")
        return fonts
    except (KeyError, IndexError, ValueError, TypeError, StopIteration) as error:
        raise FileError(f"{path} is damaged ({error}); expected a whole file of fonts") from error


def restrict(font: LineFont, alphabet: str) -> LineFont:
    """The same font with the characters of `alphabet` only. Raises InputError if it lacks one."""
    missing = [character for character in alphabet if character not in font.index]
    if missing:
        raise InputError(f"font {font.name} has no {missing[0]!r}; it has {font.alphabet!r}")
    keep = [font.index[character] for character in alphabet]
    return LineFont(
        name=font.name,
        family=font.family,
        validation=font.validation,
        height=font.height,
        size=font.size,
        baseline=font.baseline,
        alphabet=alphabet,
        inks=tuple(font.inks[number] for number in keep),
        left=font.left[keep],
        top=font.top[keep],
        advance=font.advance[keep],
        kerning=font.kerning[np.ix_(keep, keep)],
    )


def _advances(
    font: FontFile, alphabet: str, size: float
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    shaped = bool(features.check("raqm"))
    face = font.at(size, shaped=shaped)

    def length(text: str) -> float:
        return face.getlength(text, features=PLAIN if shaped else None)

    alone = np.array([length(character) for character in alphabet])
    base = [_base(character) for character in alphabet]
    known = sorted({character for character in base if character in ASCII})
    place = {character: number for number, character in enumerate(known)}
    own = np.array([length(character) for character in known])
    pairs = np.array([[length(one + other) for other in known] for one in known])
    between = np.zeros((len(known) + 1, len(known) + 1))  # the last: none
    between[:-1, :-1] = pairs - own[:, None] - own[None, :]
    places = [place.get(character, len(known)) for character in base]
    kerning = between[np.ix_(places, places)]
    return (alone * UNIT).round().astype(np.int16), (kerning * UNIT).round().astype(np.int16)


def _alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The correlation of two glyphs, each stretched to 12 x 12."""
    if not one.size or not other.size or np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    grid = (np.arange(12) + 0.5) / 12
    small = [
        ink[(grid * len(ink)).astype(int)][:, (grid * ink.shape[1]).astype(int)]
        for ink in (one, other)
    ]
    if np.ptp(small[0]) == 0 or np.ptp(small[1]) == 0:
        return 0.0
    return float(np.corrcoef(small[0].ravel(), small[1].ravel())[0, 1])


def _base(character: str) -> str:
    """The letter without its accents: pairs with it stand as close."""
    return unicodedata.normalize("NFD", character)[0]


def _span(rows: Iterable[tuple[int, int]]) -> tuple[int, int]:
    tops, bottoms = zip(*rows, strict=True)
    return min(tops), max(bottoms)
