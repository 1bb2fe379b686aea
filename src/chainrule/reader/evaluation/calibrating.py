"""Fitting a reader's confidence to how often its lines are right."""

from collections.abc import Sequence
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError
from chainrule.glyphs.degrade import degrade, random_degradation
from chainrule.glyphs.lines import load_line_fonts, render_line
from chainrule.io.pictures import PictureSource
from chainrule.io.progress import Progress
from chainrule.reader.confidence import BARE, SURE, Calibration, doubt_of
from chainrule.reader.evaluation.scoring import Score
from chainrule.reader.lines.world_texts import world_text
from chainrule.reader.reader import Reader

PROMISED = 0.97
"""The share of lines over SURE that are right: the lower end of its 95 % interval (Wilson's), by
the pictures that are fitted to, is not below it, since the bound is chosen on these."""
FOLDS = 5
_FEWEST = 20  # lines that are right, and wrong
_LENGTHS = 3, 40  # characters of a rendered line, about


class Doubts(NamedTuple):
    """Of each line in which something is read: the doubt and the length of its least sure part,
    and whether all of it is right."""

    doubt: NDArray[np.float64]
    length: NDArray[np.int64]
    right: NDArray[np.bool_]

    def confidences(self, calibration: Calibration) -> NDArray[np.float64]:
        pairs = zip(self.doubt.tolist(), self.length.tolist(), strict=True)
        return np.array([calibration.confidence(*pair) for pair in pairs])

    @property
    def features(self) -> NDArray[np.float64]:
        """The logarithms of the doubt and the length (N, 2)."""
        return np.log(np.stack([self.doubt, self.length], 1))

    def only(self, chosen: NDArray[np.bool_]) -> "Doubts":
        return Doubts(self.doubt[chosen], self.length[chosen], self.right[chosen])


def doubts(
    reader: Reader,
    pictures: Sequence[PictureSource],
    texts: Sequence[str],
    score: Score,
    progress: Progress | None = None,
) -> Doubts:
    """How doubtful what the reader by itself reads is, and whether it is right under a score."""
    bare = reader.calibrated(BARE)
    rows: list[tuple[float, int, bool]] = []
    for line, true in zip(bare.read(pictures, progress=progress), texts, strict=True):
        if line.text:
            least = min(line.each, key=lambda one: one.confidence)
            right = score(line.text) == score(true)
            rows.append((doubt_of(least.confidence), len(least.text), right))
    return Doubts(
        np.array([doubt for doubt, _, _ in rows], float),
        np.array([length for _, length, _ in rows], int),
        np.array([right for _, _, right in rows], bool),
    )


def fitted_calibration(lines: Doubts, rendered: Doubts) -> Calibration:
    """The calibration under which all lines are most probable, and from which value on as many are
    right, of those that nobody rendered, as is PROMISED.

    Source: Platt, Probabilistic outputs for support vector machines, 1999, with two features.
    Raises InputError where too few lines are right or wrong, or the doubt says nothing.
    """
    right, wrong = int(lines.right.sum()), int((~lines.right).sum())
    if min(right, wrong) < _FEWEST:
        raise InputError(
            f"found {right} pictures that are read right and {wrong} that are not; expected at "
            f"least {_FEWEST} of each to fit a confidence to"
        )
    found = _fitted(lines, rendered)
    if found.by_doubt >= 0:
        raise InputError(
            "lines that are read with more doubt are no more often wrong; expected other pictures"
        )
    return found


def _fitted(lines: Doubts, rendered: Doubts) -> Calibration:
    from sklearn.linear_model import LogisticRegression

    features = np.concatenate([lines.features, rendered.features])
    right = np.concatenate([lines.right, rendered.right])
    model = LogisticRegression(C=100.0, max_iter=1000).fit(features, right)
    constant, weights = float(model.intercept_[0]), model.coef_[0]
    sure_from = _sure_from(constant + lines.features @ weights, lines.right)
    return Calibration(constant, float(weights[0]), float(weights[1]), sure_from)


def _sure_from(values: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The least value from which on as many lines are right as is PROMISED; SURE at least."""
    order = np.argsort(-values)
    count, z2 = np.arange(1, len(order) + 1), 1.96**2
    share = np.cumsum(right[order]) / count
    middle = share + z2 / (2 * count)
    half = np.sqrt(z2 / count * (share * (1 - share) + z2 / (4 * count)))
    enough = values[order][(middle - half) / (1 + z2 / count) >= PROMISED]
    least = float(enough.min()) if len(enough) else float(values.max()) + 1.0
    return max(least, log(SURE / (1 - SURE)))


def across(lines: Doubts, rendered: Doubts, folds: int = FOLDS) -> NDArray[np.float64]:
    """The confidence of each line by a calibration that was fitted to the others and the rendered
    ones, fold by fold."""
    fold = np.empty(len(lines.right), int)
    for kind in (lines.right, ~lines.right):  # as many of both in each
        fold[kind] = np.random.default_rng(0).permutation(kind.sum()) % folds
    found = np.empty(len(fold))
    for number in range(folds):
        calibration = _fitted(lines.only(fold != number), rendered)
        found[fold == number] = lines.only(fold == number).confidences(calibration)
    return found


def rendered_lines(
    alphabet: str, count: int, seed: int
) -> tuple[list[NDArray[np.uint8]], list[str]]:
    """So many pictures of lines, as plain ones are drawn to train with, in the package's fonts that
    are not held out, and their texts."""
    fonts = [font for font in load_line_fonts() if not font.validation]
    rng = np.random.default_rng(seed)
    pictures, texts = [], []
    for _ in range(count):
        font = fonts[rng.integers(len(fonts))]
        characters = "".join(c for c in alphabet if c in font.index)
        texts.append(world_text(rng, characters, int(rng.integers(*_LENGTHS))))
        drawn = render_line(font, texts[-1]).image
        pictures.append(degrade(drawn, random_degradation(rng), rng))
    return pictures, texts
