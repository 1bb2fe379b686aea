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
from chainrule.chain.inference.quantized import measured_ranges
from chainrule.errors import ChainruleError, InputError
from chainrule.reader.lines.labelled import Labelled, Skipped, split_in_two
from chainrule.reader.lines.network import frames, line_network
from chainrule.reader.lines.rendered import Batch, RenderedLines, classes, stack
from chainrule.reader.lines.training import LineRecipe, character_errors, continued, line_settings
from chainrule.reader.picture.line_image import LOWEST, Crop, CropJitter, crop_whole
from chainrule.reader.picture.opening import open_grey
from chainrule.reader.reader import Reader
from chainrule.training import Trained, train
from chainrule.training.state import RunOptions

Picture = NDArray[np.uint8]

OWN = LineRecipe(line_settings(40, 0.01), None, 1024, restyled=False)
HELD_OUT = 0.25  # of the pictures, by group where the list has groups
HIGHEST = 64  # pixels: pictures are made as small before they are changed
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
    picture = dict(zip((line.file for line in own.lines), own.pictures, strict=True))
    return (
        OwnLines(first, [picture[line.file] for line in first]),
        OwnLines(second, [picture[line.file] for line in second]),
    )


def train_on_pictures(
    learned: OwnLines,
    held_out: OwnLines,
    alphabet: str,
    recipe: LineRecipe = OWN,
    *,
    start: Reader,
    rendered: RenderedLines | None = None,
    **options: Unpack[RunOptions],
) -> tuple[Reader, Trained]:
    """Train a reader of `alphabet` on pictures, each changed anew every time, on from `start`.

    rendered: lines in one's fonts, mixed in. options: as `chainrule.training.train` takes them. The
    reader takes pictures whole: it has learned what else is to be seen in them. Raises InputError
    if a text has a character that is not in the alphabet.
    """
    missing = sorted(set(learned.alphabet + held_out.alphabet) - set(alphabet))
    if missing:
        raise InputError(
            f"the texts have {missing[0]!r}, which the alphabet {alphabet!r} has not; expected all "
            "of their characters"
        )
    chain = line_network(len(alphabet) + 1, start.size)
    generator = torch.Generator().manual_seed(recipe.settings.seed)
    parameters = continued(chain.initial_parameters(generator), start, alphabet)
    source = _Pictures(learned, alphabet, recipe.lines, rendered)
    trained = train(
        chain,
        parameters,
        CTCLoss(),
        source,
        recipe.settings,
        validation=_Pictures(held_out, alphabet, len(held_out.lines)),
        metrics={"character_errors": character_errors},
        **options,
    )
    batches = source.batches(32, torch.Generator().manual_seed(recipe.settings.seed))
    inputs = (x for (x, _), _ in zip(batches, range(_RANGE_BATCHES), strict=False))
    ranges = measured_ranges(chain, trained.parameters, inputs)
    reader = Reader(chain, trained.parameters, alphabet, start.between, ranges, whole=True)
    return reader, trained


class _Pictures:
    """A source of batches: `count` changed pictures an epoch, or, without a generator, all as they
    are."""

    def __init__(
        self, own: OwnLines, alphabet: str, count: int, rendered: RenderedLines | None = None
    ) -> None:
        self.own, self.alphabet, self.count, self.rendered = own, alphabet, count, rendered

    def __len__(self) -> int:
        return self.count

    def batches(self, size: int, generator: torch.Generator | None) -> Iterator[Batch]:
        if generator is None:
            pairs = list(zip(self.own.pictures, self.own.texts, strict=True))
            for first in range(0, len(pairs), size):
                part = pairs[first : first + size]
                yield stack([(crop_whole(picture), text) for picture, text in part], self.alphabet)
            return
        rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))
        for first in range(0, self.count, size):
            count = min(size, self.count - first)
            drawn = int(_RENDERED * count) if self.rendered is not None else 0
            lines = [self._changed(rng) for _ in range(count - drawn)]
            if self.rendered is not None and drawn:
                lines += self.rendered.pool(drawn, drawn, int(rng.integers(2**62)))[0]
            yield stack(lines, self.alphabet)

    def _changed(self, rng: np.random.Generator) -> tuple[Crop, str]:
        for _ in range(20):
            place = int(rng.integers(len(self.own.pictures)))
            crop = changed(self.own.pictures[place], rng)
            text = self.own.texts[place]
            if _has_room(crop, text):
                break
        return crop, text


def changed(picture: Picture, rng: np.random.Generator) -> Crop:
    """A picture as another of its kind: turned, slanted, seen from the side, in other light."""
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
    jitter = CropJitter(rng.uniform(0.85, 1.2), rng.uniform(0.87, 1.15), rng.normal(0, 1.5))
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
