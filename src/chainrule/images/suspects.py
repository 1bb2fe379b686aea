"""Pictures whose label is probably wrong: those that cross-validation takes for another class."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from chainrule.images.judgement import Judgement


@dataclass(frozen=True)
class Suspect:
    """A picture of class `label` that was taken for `answer`; the lower the margin, the surer."""

    file: str
    label: str
    answer: str
    margin: float


def suspects(judgement: Judgement) -> list[Suspect]:
    """The pictures that were taken for another class than their own, the surest first."""
    margin = judgement.margin
    order = np.argsort(margin, kind="stable")
    return [
        Suspect(
            str(judgement.files[i]),
            judgement.classes[judgement.truth[i]],
            judgement.classes[judgement.answers[i]],
            float(margin[i]),
        )
        for i in order[: int((margin < 0).sum())]
    ]


def suspects_csv(found: Sequence[Suspect]) -> str:
    """The list as CSV: file, label, answer, margin."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("file", "label", "answer", "margin"))
    for entry in found:
        writer.writerow(asdict(entry).values())
    return stream.getvalue()
