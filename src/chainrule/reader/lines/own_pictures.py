"""Training a reader on one's own labelled pictures, on from another reader."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Unpack

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from chainrule.blocks import CTCLoss
from chainrule.blocks.ctc import frames_needed
from chainrule.chain.inference.folding import fold_batch_normalization
from chainrule.chain.inference.quantized import measured_ranges
from chainrule.errors import ChainruleError, InputError
from chainrule.reader.evaluation.error_rates import character_error_rate
from chainrule.reader.line import spelled
from chainrule.reader.lines.batches import COLUMNS
from chainrule.reader.lines.labelled import Labelled, Skipped, split_in_folds, split_in_two
from chainrule.reader.lines.network import frames, line_network
from chainrule.reader.lines.rendered import Batch, RenderedLines, classes, stack
from chainrule.reader.lines.training import (
    LineRecipe,
    character_errors,
    continued,
    kept_settings,
    unfolded,
)
from chainrule.reader.picture.line_image import LOWEST, Crop, CropJitter, crop_whole
from chainrule.reader.picture.opening import open_grey
from chainrule.reader.reader import Reader
from chainrule.reader.recognition import Whole
from chainrule.reader.search.best_path import greedy
from chainrule.reader.search.shapes import Shapes
from chainrule.training import Trained, train
from chainrule.training.state import RunOptions

Picture = NDArray[np.uint8]

OWN = LineRecipe(kept_settings(8), None, 1024, restyled=False, kept=True)
HELD_OUT = 0.25  # of the pictures, by group where the list has groups
HIGHEST = 64  # pixels: pictures are made as small before they are changed
ZOOMS = 1.0, 1.2, 1.4, 1.6
_POOL = 16  # batches whose lines are sorted by width together
_RENDERED = 0.3  # of the lines, where fonts are given
_RANGE_BATCHES = 4


@dataclass(frozen=True)
class OwnLines:
    """Labelled pictures that are open: grey, at most HIGHEST px high, and their texts."""

    lines: list[Labelled]
    pictures: list[Picture]

    @property
    def texts(self) -> list[str]:
        return [line.text for line in self.lines]

    @property
    def alphabet(self) -> str:
        """The characters of the texts, in order."""
        return "".join(sorted(set("".join(self.texts))))

    def only(self, lines: Sequence[Labelled]) -> "OwnLines":
        """These lines of them, with their pictures."""
        picture = dict(zip((line.file for line in self.lines), self.pictures, strict=True))
        return OwnLines(list(lines), [picture[line.file] for line in lines])


def open_own(rows: Sequence[Labelled]) -> tuple[OwnLines, list[Skipped]]:
    """Open labelled pictures; those that cannot be used are left out with the reason."""
    found, skipped = OwnLines([], []), []
    for row in rows:
        try:
            picture = open_grey(row.file)
        except ChainruleError as error:
            skipped.append(Skipped(str(row.file), str(error)))
            continue
        height, width = picture.shape
        if height < LOWEST or width < 2:
            skipped.append(Skipped(str(row.file), f"it is {width} px wide and {height} px high"))
            continue
        small = _shrunk(picture)
        if not _has_room(crop_whole(small), row.text):
            why = f"it is too narrow for {len(row.text)} characters"
            skipped.append(Skipped(str(row.file), why))
            continue
        found.lines.append(row)
        found.pictures.append(small)
    return found, skipped


def split_own(own: OwnLines, seed: int = 0) -> tuple[OwnLines, OwnLines]:
    """The pictures to learn from, and those to judge by. Raises InputError if one is empty."""
    if not own.lines:
        raise InputError("no labelled picture can be used; expected at least two")
    first, second = split_in_two(own.lines, HELD_OUT, seed)
    return own.only(first), own.only(second)


def own_folds(own: OwnLines, count: int, seed: int = 0) -> list[tuple[OwnLines, OwnLines]]:
    """Of each fold the pictures to learn from, and those to judge by: over all folds each once.
    Raises InputError if there are too few."""
    folds = [set(fold) for fold in split_in_folds(own.lines, count, seed)]
    return [
        (
            own.only([line for line in own.lines if line not in fold]),
            own.only([line for line in own.lines if line in fold]),
        )
        for fold in folds
    ]


def train_on_pictures(
    learned: OwnLines,
    held_out: OwnLines | None,
    alphabet: str,
    recipe: LineRecipe = OWN,
    *,
    start: Reader,
    rendered: RenderedLines | None = None,
    **options: Unpack[RunOptions],
) -> tuple[Reader, Trained]:
    """Train a reader of `alphabet` on pictures, each changed anew every time, on from `start`.

    held_out: judged after each epoch, if there are any. rendered: lines in one's fonts, mixed in.
    options: as `chainrule.training.train` takes them. The
    reader takes pictures whole: it has learned what else is to be seen in them. Raises
    InputError if a text has a character that is not in the alphabet.
    """
    texts = learned.texts + (held_out.texts if held_out else [])
    missing = sorted(set("".join(texts)) - set(alphabet))
    if missing:
        raise InputError(
            f"the texts have {missing[0]!r}, which the alphabet {alphabet!r} has not; expected all "
            "of their characters"
        )
    chain = line_network(len(alphabet) + 1, start.size)
    generator = torch.Generator().manual_seed(recipe.settings.seed)
    parameters = continued(chain.initial_parameters(generator), start, alphabet)
    zoom = best_zoom(start, learned)
    source = _Pictures(learned, alphabet, recipe.lines, zoom, rendered)
    folded, parameters = fold_batch_normalization(chain.in_inference(), parameters)
    trained = train(
        folded,
        parameters,
        CTCLoss(),
        source,
        recipe.settings,
        validation=held_out and _Pictures(held_out, alphabet, len(held_out.lines), zoom),
        metrics={"character_errors": character_errors},
        **options,
    )
    batches = source.batches(32, torch.Generator().manual_seed(recipe.settings.seed))
    inputs = (x for (x, _), _ in zip(batches, range(_RANGE_BATCHES), strict=False))
    parameters = unfolded(chain, trained.parameters)
    ranges = measured_ranges(chain, parameters, inputs)
    reader = Reader(
        chain,
        parameters,
        alphabet,
        start.between,
        ranges,
        whole=Whole(zoom, Shapes.of(learned.texts)),
    )
    return reader, trained


class _Pictures:
    """A source of batches: `count` changed pictures an epoch, or, without a generator, all as they
    are."""

    def __init__(
        self,
        own: OwnLines,
        alphabet: str,
        count: int,
        zoom: float,
        rendered: RenderedLines | None = None,
    ) -> None:
        self.own, self.alphabet, self.count, self.zoom = own, alphabet, count, zoom
        self.rendered = rendered

    def __len__(self) -> int:
        return self.count

    def batches(self, size: int, generator: torch.Generator | None) -> Iterator[Batch]:
        if generator is None:
            usual = CropJitter(self.zoom)
            pairs = list(zip(self.own.pictures, self.own.texts, strict=True))
            for first in range(0, len(pairs), size):
                part = pairs[first : first + size]
                crops = [(crop_whole(picture, usual), text) for picture, text in part]
                yield stack(crops, self.alphabet, COLUMNS)
            return
        rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))
        for first in range(0, self.count, _POOL * size):
            count = min(_POOL * size, self.count - first)
            drawn = int(_RENDERED * count) if self.rendered is not None else 0
            lines = [self._changed(rng) for _ in range(count - drawn)]
            if self.rendered is not None and drawn:
                lines += self.rendered.drawn(drawn, int(rng.integers(2**62)))
            lines.sort(key=lambda line: line[0].values.shape[1])  # little is filled up with paper
            for start in rng.permutation(range(0, count, size)):
                more = int(rng.integers(2))  # as when it is read beside a wider one
                yield stack(lines[start : start + size], self.alphabet, COLUMNS, more)

    def _changed(self, rng: np.random.Generator) -> tuple[Crop, str]:
        for _ in range(20):
            place = int(rng.integers(len(self.own.pictures)))
            crop = changed(self.own.pictures[place], rng, self.zoom)
            text = self.own.texts[place]
            if _has_room(crop, text):
                break
        return crop, text


def best_zoom(start: Reader, own: OwnLines) -> float:
    """How much larger than to the height of a crop these pictures are read with the fewest errors,
    of ZOOMS; the least of several alike."""
    known = "".join(character for character in own.alphabet if character in start.alphabet)
    if not known.strip():
        return ZOOMS[0]
    reader, errors = start.limited(known), {}
    for zoom in ZOOMS:
        crops = [crop_whole(picture, CropJitter(zoom)) for picture in own.pictures]
        read = [
            spelled(greedy(log_p), reader.alphabet) for log_p in reader.log_probabilities(crops)
        ]
        errors[zoom] = character_error_rate(read, own.texts)
    return min(ZOOMS, key=lambda zoom: errors[zoom])


def changed(picture: Picture, rng: np.random.Generator, zoom: float = 1.0) -> Crop:
    """A picture as another of its kind: turned, slanted, seen from the side, in other light; its
    crop about so much larger (`zoom`)."""
    height, width = picture.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    middle = np.array([width / 2, height / 2])
    turn, slant = rng.normal(0, 0.025), rng.normal(0, 0.1)
    matrix = np.array([[1, -slant], [0, 1]]) @ np.array([[1, -turn], [turn, 1]])
    to = (corners - middle) @ matrix.T + middle + rng.normal(0, 0.03 * height, (4, 2))
    view = cv2.getPerspectiveTransform(corners, to.astype(np.float32))
    seen = cv2.warpPerspective(
        picture, view, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    grey = np.asarray(seen, np.float32)
    if rng.random() < 0.4:
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), rng.uniform(0.3, 0.03 * height + 0.3)))
    if rng.random() < 0.5:
        light = np.linspace(rng.uniform(-40, 40), rng.uniform(-40, 40), width)
        grey = grey + light.astype(np.float32)[None]
    if rng.random() < 0.5:
        grey = grey + rng.normal(0, rng.uniform(1, 12), grey.shape).astype(np.float32)
    jitter = CropJitter(zoom * rng.uniform(0.85, 1.2), rng.uniform(0.87, 1.15), rng.normal(0, 1.5))
    shades = np.clip(grey, 0, 255).astype(np.uint8)
    return crop_whole(shades, jitter, inverted=rng.random() < 0.15)


def _shrunk(picture: Picture) -> Picture:
    height, width = picture.shape
    if height <= HIGHEST:
        return picture
    size = max(8, round(width * HIGHEST / height)), HIGHEST
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _has_room(crop: Crop, text: str) -> bool:
    """Whether a crop has the frames that its text needs."""
    numbered = classes([text], "".join(sorted(set(text))))
    return int(frames_needed(numbered)[0]) <= frames(crop.values.shape[1])
