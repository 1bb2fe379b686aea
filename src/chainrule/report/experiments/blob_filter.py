"""3.3, beyond the original: one filter of 3 by 3 learns to find blobs."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from chainrule.practical import figures as drawn
from chainrule.practical.blobs import DotPicture, Labels, dot_picture, find_blobs, labels
from chainrule.practical.small_cnn import (
    SmallCnn,
    SmallCnnSettings,
    errors_of,
    learn_blobs,
    scores_of,
)
from chainrule.report.finding import Figure, Finding, Table, picture
from chainrule.report.formatting import percent
from chainrule.report.settings import ReportSettings


class Judged(NamedTuple):
    """Blobs missed, of how many; the share of the negative pixels that are taken for one."""

    missed: int
    blobs: int
    false_share: float


@dataclass(frozen=True)
class BlobFilter(Finding):
    """The network, the picture it learned from, and how it does there and on a new one."""

    learned: SmallCnn
    dots: DotPicture
    known: Labels
    judged: dict[str, Judged]

    @property
    def objective(self) -> tuple[float, float]:
        """At the first and at the last iteration."""
        first, last = (float(self.learned.objective[t, 2]) for t in (0, -1))
        return first, last

    def figures(self) -> tuple[Figure, ...]:
        figure = drawn.small_cnn_figure(self.dots.grey, self.known, self.learned)
        return (picture("blobs", figure, wide=True),)

    def tables(self) -> tuple[Table, ...]:
        rows = tuple(
            (name, f"{one.missed} of {one.blobs}", percent(one.false_share, 2))
            for name, one in self.judged.items()
        )
        return (Table("errors", ("picture", "blobs missed", "negative pixels wrong"), rows),)

    def document(self) -> dict[str, Any]:
        return {
            "objective": list(self.objective),
            "pictures": {
                name: {"blobs": one.blobs, "missed": one.missed, "negative_wrong": one.false_share}
                for name, one in self.judged.items()
            },
            "weight": self.learned.parameters["filter.weight"][0, 0].tolist(),
            "bias": float(self.learned.parameters["filter.bias"][0]),
        }


def run(settings: ReportSettings, progress: object = None) -> BlobFilter:
    """Learn from one drawn picture, and judge on another."""
    generators = [np.random.default_rng(s) for s in np.random.SeedSequence(settings.seed).spawn(2)]
    learnt_on, new = (dot_picture(generator) for generator in generators)
    of_network = SmallCnnSettings(seed=settings.seed)
    known = labels(learnt_on.grey, find_blobs(learnt_on.grey))
    found = learn_blobs(learnt_on.grey, known, of_network)
    unknown = labels(new.grey, find_blobs(new.grey))
    scores = scores_of(new.grey, found.parameters, of_network)
    judged = {"learned on": _judged(found.scores, known), "new": _judged(scores, unknown)}
    return BlobFilter(found, learnt_on, known, judged)


def _judged(scores: np.ndarray, labelled: Labels) -> Judged:
    missed, false = errors_of(scores, labelled)
    return Judged(
        int(missed.sum()),
        int(labelled.positive.sum()),
        float(false.sum() / labelled.negative.sum()),
    )
