"""Letters rendered from fonts: 26 px, centred in 32x32, dark on white, 8 bit."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFont

from chainrule.errors import FileError, InputError
from chainrule.executors import Executor, Here
from chainrule.glyphs.fonts import FontFile, draw_character, missing_characters, shown
from chainrule.glyphs.packed import read_packed, write_packed
from chainrule.io.progress import Progress

SIDE = 32  # pixels
SIZE = 26  # pixels an em
VALIDATION_SHARE = 0.25  # of the families, where no manifest says which

# A font may draw these alike; any other two characters of one font must look different.
LOOK_ALIKE = ("Il1|i!", "O0oQD", "'`’‘′´", '"”“″', ",‚", "-–—−_", ".·", "Ss5$", "Zz2")


@dataclass(frozen=True)
class Letters:
    """A data set of letters: n pictures of n_fonts fonts, and the split by family."""

    images: NDArray[np.uint8]  # (n, 32, 32), 255 is paper
    labels: NDArray[np.int64]  # (n,), index into alphabet
    fonts: NDArray[np.int64]  # (n,), index into font_names
    families: NDArray[np.int64]  # (n,), index into family_names
    validation: NDArray[np.bool_]  # (n,), True for the letters of validation families
    alphabet: str
    font_names: tuple[str, ...]
    family_names: tuple[str, ...]

    @cached_property
    def training_rows(self) -> NDArray[np.int64]:
        return np.flatnonzero(~self.validation)

    @cached_property
    def validation_rows(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.validation)


@dataclass(frozen=True)
class BuildReport:
    """What a build kept and dropped."""

    fonts: int
    families: int
    letters: int
    training_letters: int
    validation_letters: int
    dropped: tuple[tuple[str, str], ...]  # (font, why)
    capitals: tuple[str, ...]  # fonts kept that draw capitals in place of small letters
    reduced: tuple[str, ...]  # fonts drawn smaller than 26 px, for a letter wider than 32


@dataclass
class _Kept:
    names: list[str] = field(default_factory=list)
    families: list[str] = field(default_factory=list)
    pictures: list[NDArray[np.uint8]] = field(default_factory=list)


@dataclass(frozen=True)
class _Drawn:
    """A font's alphabet, the size in pixels an em, why it is dropped if so, and what it draws."""

    pictures: NDArray[np.uint8]
    size: float
    fault: str | None
    capitals: bool


def build_letters(
    fonts: Sequence[FontFile],
    alphabet: str,
    *,
    validation_families: Iterable[str] | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> tuple[Letters, BuildReport]:
    """Render each character of `alphabet` in each of `fonts`, in their order.

    A font is dropped, by the first of these that holds, when it has no glyph for a character;
    draws one without ink; draws one as it draws another (see LOOK_ALIKE); or draws the whole
    alphabet as an earlier font does. Fonts that draw capitals in place of small letters are kept.

    `validation_families` names the families held out; without it they are the quarter of the
    families (rounded; none of a single family) whose names have the lowest SHA-256. The `executor`
    draws the fonts, a job each; by default that is done here.

    Raises InputError if no font is left, naming the characters that no font draws.
    """
    kept, report = _Kept(), BuildReport(0, 0, 0, 0, 0, (), (), ())
    dropped, capitals, reduced = [], [], []
    seen: dict[bytes, str] = {}
    drawn: dict[int, _Drawn] = {}
    for k, one in (executor or Here()).results(_drawn, fonts, alphabet, name=_name):
        drawn[k] = one
        if progress:
            progress(len(drawn), len(fonts))
    for k, font in enumerate(fonts):
        pictures, why = drawn[k].pictures, drawn[k].fault
        twin = seen.setdefault(pictures.tobytes(), font.name) if not why else font.name
        if why or twin != font.name:
            dropped.append((font.name, why or f"draws the same pictures as {twin}"))
        else:
            kept.names.append(font.name)
            kept.families.append(font.family)
            kept.pictures.append(pictures)
            if drawn[k].capitals:
                capitals.append(font.name)
            if drawn[k].size < SIZE:
                reduced.append(font.name)
    if not kept.names:
        raise InputError(nothing_left(fonts, alphabet, dropped))
    letters = _assemble(kept, alphabet, validation_families)
    report = BuildReport(
        fonts=len(letters.font_names),
        families=len(letters.family_names),
        letters=len(letters.labels),
        training_letters=len(letters.training_rows),
        validation_letters=len(letters.validation_rows),
        dropped=tuple(dropped),
        capitals=tuple(capitals),
        reduced=tuple(reduced),
    )
    return letters, report


def _drawn(alphabet: str, font: FontFile) -> _Drawn:
    pictures, size = render_letters(font, alphabet)
    why = fault(font, pictures, alphabet)
    return _Drawn(pictures, size, why, not why and draws_capitals(font, alphabet))


def _name(font: FontFile) -> str:
    return str(font.path)


def render_letters(font: FontFile, alphabet: str) -> tuple[NDArray[np.uint8], float]:
    """Draw each character of `alphabet`: (len(alphabet), 32, 32), and the size in pixels an em.

    The ink's box is centred (an odd pixel goes right and below). All are drawn at 26 px, or, where
    one would not fit into 32x32, at the largest whole number of pixels at which all do.
    """
    size = SIZE
    while True:
        face = font.at(size)
        inks = [draw_character(face, character)[0] for character in alphabet]
        largest = max((max(ink.shape) for ink in inks), default=0)
        if largest <= SIDE or size == 1:
            break
        size = max(1, min(size - 1, size * SIDE // largest))
    return centred(inks), size


def centred(inks: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Each ink in the middle of 32x32 px of paper: (len(inks), 32, 32); what is larger is cut."""
    pictures = np.full((len(inks), SIDE, SIDE), 255, np.uint8)
    for picture, ink in zip(pictures, inks, strict=True):
        height, width = (min(side, SIDE) for side in ink.shape)
        top, left = (SIDE - height) // 2, (SIDE - width) // 2
        picture[top : top + height, left : left + width] = ink[:height, :width]
    return pictures


def fault(font: FontFile, pictures: NDArray[np.uint8], alphabet: str) -> str | None:
    """Why the font is dropped, or None: the rule of `build_letters` for one font."""
    missing = [character for character in alphabet if character not in font.characters]
    if missing:
        return f"has no glyph for {shown(missing)}"
    empty = [
        character
        for character, picture in zip(alphabet, pictures, strict=True)
        if picture.min() == 255
    ]
    if empty:
        return f"draws no ink for {shown(empty)}"
    drawn: dict[bytes, str] = {}
    for character, picture in zip(alphabet, pictures, strict=True):
        other = drawn.setdefault(picture.tobytes(), character)
        if other != character and not _may_look_alike(other, character):
            return f"draws the same picture for {shown([other, character])}"
    return None


def draws_capitals(font: FontFile, alphabet: str) -> bool:
    """Whether the font draws its capitals in place of small letters, at their size or smaller.

    Two drawings count as the same letter when, both stretched to 16x16, their mean absolute
    difference is under 8 % of black; the font counts when at least half of the small letters of
    `alphabet` that commonly have another shape than their capital do.
    """
    small = [letter for letter in alphabet if letter in "abdeghnqrt"]
    if not small or not all(letter.upper() in font.characters for letter in small):
        return False
    face = font.at(48)
    same = sum(
        float(np.abs(_stretched(face, letter) - _stretched(face, letter.upper())).mean()) < 0.08
        for letter in small
    )
    return same >= len(small) / 2


def save_letters(path: str | os.PathLike[str], letters: Letters) -> None:
    """Write `letters` to `path` (.safetensors), the same bytes for the same letters.

    Raises FileError.
    """
    write_packed(
        path,
        "chainrule letters",
        {
            "images": letters.images,
            "labels": letters.labels.astype(np.int32),
            "fonts": letters.fonts.astype(np.int32),
            "families": letters.families.astype(np.int32),
            "validation": letters.validation.astype(np.uint8),
        },
        {
            "alphabet": letters.alphabet,
            "font_names": letters.font_names,
            "family_names": letters.family_names,
        },
    )


def load_letters(path: str | os.PathLike[str] | None = None) -> Letters:
    """Read the letters that `save_letters` wrote, or, without a path, the set in the package.

    Raises FileError if the file can't be read, is cut off, or holds something else.
    """
    if path is None:
        with as_file(files("chainrule.glyphs") / "data" / "letters.safetensors") as shipped:
            return load_letters(shipped)
    arrays, settings = read_packed(path, "chainrule letters")
    try:
        letters = Letters(
            images=arrays["images"],
            labels=arrays["labels"].astype(np.int64),
            fonts=arrays["fonts"].astype(np.int64),
            families=arrays["families"].astype(np.int64),
            validation=arrays["validation"].astype(np.bool_),
            alphabet=settings["alphabet"],
            font_names=tuple(settings["font_names"]),
            family_names=tuple(settings["family_names"]),
        )
    except KeyError as error:
        raise FileError(f"{path} lacks {error}; expected a whole file of letters") from error
    if letters.images.shape != (len(letters.labels), SIDE, SIDE):
        raise FileError(
            f"{path} holds images of shape {letters.images.shape} for {len(letters.labels)} "
            f"labels; expected (n, {SIDE}, {SIDE})"
        )
    return letters


def held_out(families: Iterable[str], share: float = VALIDATION_SHARE) -> set[str]:
    """The `share` of the families (rounded) whose names have the lowest SHA-256."""
    ordered = sorted(set(families), key=lambda name: sha256(name.encode()).digest())
    return set(ordered[: round(len(ordered) * share)]) if len(ordered) > 1 else set()


def nothing_left(
    fonts: Sequence[FontFile], alphabet: str, dropped: Sequence[tuple[str, str]]
) -> str:
    """The sentence for a build that has dropped every font."""
    missing = missing_characters(fonts, alphabet)
    if missing:
        return (
            f"none of the {len(fonts)} fonts draws {shown(missing)}; expected an alphabet that "
            "at least one font draws whole"
        )
    name, why = dropped[0]
    reason = why.removeprefix(f"{name} ")
    return f"none of the {len(fonts)} fonts can be used: {name} {reason}; expected one that can"


def _assemble(kept: _Kept, alphabet: str, validation_families: Iterable[str] | None) -> Letters:
    family_names = tuple(sorted(set(kept.families)))
    held = held_out(family_names) if validation_families is None else set(validation_families)
    number = {name: index for index, name in enumerate(family_names)}
    families = np.array([number[family] for family in kept.families])
    validation = np.array([family in held for family in kept.families])
    count = len(alphabet)
    return Letters(
        images=np.concatenate(kept.pictures),
        labels=np.tile(np.arange(count), len(kept.names)),
        fonts=np.repeat(np.arange(len(kept.names)), count),
        families=np.repeat(families, count),
        validation=np.repeat(validation, count),
        alphabet=alphabet,
        font_names=tuple(kept.names),
        family_names=family_names,
    )


def _may_look_alike(one: str, other: str) -> bool:
    if one.lower() == other.lower():
        return True
    return any(one in group and other in group for group in LOOK_ALIKE)


def _stretched(face: ImageFont.FreeTypeFont, character: str) -> NDArray[np.float32]:
    ink = draw_character(face, character)[0]
    if not ink.size:
        return np.full((16, 16), np.inf, np.float32)
    small = Image.fromarray(ink).resize((16, 16), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / np.float32(255)
