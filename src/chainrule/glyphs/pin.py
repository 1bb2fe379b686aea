"""Making a manifest: which files of which packages, and the split of the families."""

import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import FileError
from chainrule.glyphs.alphabet import NAMED
from chainrule.glyphs.fetch import pack, read_members
from chainrule.glyphs.fonts import FontFile, draw_character, parse_font
from chainrule.glyphs.letters import SIZE, centred
from chainrule.glyphs.manifest import PinnedFont
from chainrule.glyphs.related import ALIKE, X_HEIGHT, apart_from, distances, first_word, ink
from chainrule.io.progress import Progress

HELD_OUT_SHARE = 0.4  # of the fonts
_FILE = re.compile(r"files/.+-latin-(\d+)-(normal|italic)\.woff2")


def pin(
    packages: Sequence[str],
    *,
    first_held_out: str = "lato",
    styles: int = 3,
    jobs: int = 3,
    progress: Progress | None = None,
) -> tuple[list[PinnedFont], list[tuple[str, str]]]:
    """Choose fonts of `packages` ("@fontsource/lato@5.2.7") and split them.

    Of each package the first `styles` files of the `latin` subset of these: the upright nearest to
    weight 400, the italic nearest to 400, and the upright nearest to 700. The sets are split by
    groups of families: those whose names share the first word ("noto-sans", "noto-serif"), or two
    fonts of which draw small letters almost alike (see `distances`), so that no design is in both.
    The group of `first_held_out` is held out, then group after group in the order of the SHA-256 of
    its first family's name, until two fifths of the fonts are.

    Returns the manifest, sorted by family, and the packages or files left out with the reason.
    """
    chosen, left_out = _choose_all(packages, styles, jobs, progress)
    families = [font.family for font, _ in chosen]
    pictures = [_evenly_sized(file) for _, file in chosen]
    held = _hold_out(families, _groups(families, pictures), first_held_out)
    return [
        replace(font, set="validation" if font.family in held else "training") for font, _ in chosen
    ], left_out


def pin_training(
    packages: Sequence[str],
    held_out: Sequence[FontFile],
    *,
    styles: int = 3,
    jobs: int = 3,
    progress: Progress | None = None,
) -> tuple[list[PinnedFont], list[tuple[str, str]]]:
    """Choose fonts of `packages` as `pin` does, all to train with, beside fonts held out before.

    A family that is related to one of `held_out`, by name or by a font that draws small letters
    almost alike, is left out. Returns the manifest, sorted by family, and what was left out with
    the reason.
    """
    chosen, left_out = _choose_all(packages, styles, jobs, progress)
    by_word = {first_word(font.family): font.family for font in held_out}
    held = ink([_evenly_sized(font) for font in held_out])
    related: dict[str, str] = {}
    for font, file in chosen:
        word = first_word(font.family)
        if word in by_word:
            related[font.family] = by_word[word]
        elif font.family not in related:
            apart = apart_from(ink([_evenly_sized(file)]), held)[0]
            if apart.min() < ALIKE:
                related[font.family] = held_out[int(apart.argmin())].family
    left_out += [(family, f"related to {other}, held out") for family, other in related.items()]
    return [
        replace(font, set="training") for font, _ in chosen if font.family not in related
    ], left_out


def _choose_all(
    packages: Sequence[str],
    styles: int,
    jobs: int,
    progress: Progress | None,
) -> tuple[list[tuple[PinnedFont, FontFile]], list[tuple[str, str]]]:
    chosen: list[tuple[PinnedFont, FontFile]] = []
    left_out: list[tuple[str, str]] = []
    with ThreadPoolExecutor(jobs) as pool:
        for done, (fonts, faults) in enumerate(
            pool.map(lambda package: _choose(package, styles), sorted(packages)), 1
        ):
            chosen += fonts
            left_out += faults
            if progress:
                progress(done, len(packages))
    return chosen, left_out


def _choose(
    package: str, most: int
) -> tuple[list[tuple[PinnedFont, FontFile]], list[tuple[str, str]]]:
    members = read_members(pack(package))
    name, version = package.rsplit("@", 1)
    try:
        licence = str(json.loads(members["package.json"])["license"])
    except (KeyError, ValueError) as error:
        raise FileError(f"{package} states no licence in its package.json") from error
    styles = {
        (int(match[1]), match[2]): path for path in members if (match := _FILE.fullmatch(path))
    }
    if not styles:
        return [], [(package, "has no latin woff2 file")]
    wanted = []
    for weight, slope in ((400, "normal"), (400, "italic"), (700, "normal")):
        weights = [have for have, have_slope in styles if have_slope == slope]
        if weights:
            nearest = min(weights, key=lambda have: (abs(have - weight), have))
            wanted.append(styles[nearest, slope])
    fonts, faults = [], []
    for path in list(dict.fromkeys(wanted))[:most]:
        data = members[path]
        pinned = PinnedFont(
            name, version, PurePosixPath(path).name, licence, sha256(data).hexdigest(), ""
        )
        try:
            fonts.append((pinned, parse_font(pinned.file, data)))
        except FileError as error:
            faults.append((pinned.file, str(error)))
    return fonts, faults


def _evenly_sized(font: FontFile) -> NDArray[np.uint8]:
    """Small letters with an x 13 px high, so that designs compare, whatever their em is."""
    height = draw_character(font.at(8 * SIZE), "x")[0].shape[0] / 8
    face = font.at(SIZE * X_HEIGHT / max(height, 1))
    return centred([draw_character(face, letter)[0] for letter in NAMED["lowercase"]])


def _groups(families: Sequence[str], pictures: Sequence[NDArray[np.uint8]]) -> dict[str, str]:
    """The first family (in the order of the alphabet) of each family's group."""
    parent = {family: family for family in families}

    def root(family: str) -> str:
        while parent[family] != family:
            family = parent[family]
        return family

    def unite(one: str, other: str) -> None:
        first, second = sorted((root(one), root(other)))
        parent[second] = first

    by_word: dict[str, str] = {}
    for family in sorted(parent):
        unite(by_word.setdefault(first_word(family), family), family)
    for one, other in np.argwhere(np.triu(distances(pictures) < ALIKE, 1)):
        unite(families[one], families[other])
    return {family: root(family) for family in parent}


def _hold_out(families: Sequence[str], group: dict[str, str], first: str) -> set[str]:
    heads = sorted(set(group.values()), key=lambda head: sha256(head.encode()).digest())
    heads.sort(key=lambda head: head != group.get(first))
    held: set[str] = set()
    for head in heads:
        if sum(family in held for family in families) >= HELD_OUT_SHARE * len(families):
            break
        held |= {family for family in group if group[family] == head}
    return held
