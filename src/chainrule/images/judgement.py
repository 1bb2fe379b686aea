"""How right a classifier is on pictures that it was not trained on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class Judgement:
    """`scores[i, c]` of picture i for class c, and the class `truth[i]` that it shows."""

    classes: tuple[str, ...]
    files: tuple[Path, ...]
    truth: Int[np.ndarray, " n"]
    scores: Float[np.ndarray, "n classes"]

    @property
    def answers(self) -> Int[np.ndarray, " n"]:
        return np.asarray(self.scores.argmax(1))

    @property
    def error(self) -> float:
        """The share of pictures whose answer is wrong."""
        return float((self.answers != self.truth).mean())

    @property
    def confusion(self) -> Int[np.ndarray, "classes classes"]:
        """`confusion[t, a]` counts the pictures of class t that were taken for class a."""
        counts = np.zeros((len(self.classes), len(self.classes)), dtype=np.int64)
        np.add.at(counts, (self.truth, self.answers), 1)
        return counts

    @property
    def recall(self) -> list[float | None]:
        """Of each class's pictures the share that was right; None for a class without pictures."""
        confusion = self.confusion
        totals = confusion.sum(1).tolist()
        return [int(confusion[c, c]) / total if total else None for c, total in enumerate(totals)]

    @property
    def margin(self) -> Float[np.ndarray, " n"]:
        """Each picture's score for its own class less the best of the others."""
        rows = np.arange(len(self.truth))
        others = self.scores.copy()
        others[rows, self.truth] = -np.inf
        return np.asarray(self.scores[rows, self.truth] - others.max(1))

    def average_precisions(self) -> list[float]:
        """Of each class, the average precision of its scores."""
        from chainrule.images.average_precision import average_precision

        return [
            average_precision(self.scores[:, c], self.truth == c) for c in range(len(self.classes))
        ]

    def document(self) -> dict[str, Any]:
        """What `--json` says of it."""
        recall = self.recall
        return {
            "pictures": len(self.files),
            "error": self.error,
            "recall": dict(zip(self.classes, recall, strict=True)),
            "confusion": self.confusion.tolist(),
        }
