"""Which letters are taken for which."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from sklearn.metrics import confusion_matrix

from chainrule.blocks.block import Parameters
from chainrule.chain import Chain
from chainrule.training import Source


@dataclass(frozen=True)
class Confusion:
    """What the network read in pictures whose classes are known."""

    truth: Int64[np.ndarray, " n"]
    read: Int64[np.ndarray, " n"]
    classes: int

    @property
    def matrix(self) -> Int64[np.ndarray, "classes classes"]:
        """How many pictures of each class (row) were read as each class (column)."""
        counts: Int64[np.ndarray, "classes classes"] = confusion_matrix(
            self.truth, self.read, labels=np.arange(self.classes)
        ).astype(np.int64)
        return counts

    def pairs(self, count: int) -> list[tuple[int, int, int]]:
        """The `count` commonest mistakes: (class, read as, how often), the commonest first."""
        wrong = self.matrix
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:count]
        rows, columns = np.unravel_index(order, wrong.shape)
        return [
            (int(row), int(column), int(wrong[row, column]))
            for row, column in zip(rows, columns, strict=True)
            if wrong[row, column]
        ]


def confusion(network: Chain, parameters: Parameters, source: Source, classes: int) -> Confusion:
    """Read all pictures of the source, unjittered, in order."""
    judge = network.in_inference()
    truth, read = [], []
    for x, target in source.batches(500, None):
        truth.append(target.flatten())
        read.append(judge.apply(x, parameters).argmax(1).flatten())
    return Confusion(torch.cat(truth).numpy(), torch.cat(read).numpy(), classes)
