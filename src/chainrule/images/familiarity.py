"""How much a picture is like those that a classifier was trained on: "none of these" is told by it.

A classifier has an answer for every picture, and is often sure of it where none is right. The mean
cosine between its features and those of its nearest training pictures tells such pictures apart.
Source: Sun et al., Out-of-distribution detection with deep nearest neighbors, 2022.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

NEAREST = 5
EXAMPLES = 4096
"""Training pictures that are kept to compare with, at most."""

REFUSED = 0.02
"""The share of pictures of one's own classes that the threshold lets go as unknown."""


@dataclass(frozen=True)
class Unknown:
    """`threshold`: a picture less familiar is none of the classes.

    `own_refused` of the pictures that were held out are, and `others_refused` of the pictures of a
    class that was left out of the training, in the mean over the classes.
    """

    threshold: float
    own_refused: float
    others_refused: float


def familiarity(
    values: Float[np.ndarray, "n d"], examples: Float[np.ndarray, "m d"]
) -> Float[np.ndarray, " n"]:
    """The mean cosine between each row and its nearest examples; all rows have length 1."""
    nearest = min(NEAREST, len(examples))
    result = np.zeros(len(values))
    for start in range(0, len(values), 1024):
        cosine = values[start : start + 1024] @ examples.T
        best = np.partition(cosine, len(examples) - nearest, axis=1)[:, len(examples) - nearest :]
        result[start : start + 1024] = best.mean(1)
    return result


def chosen_examples(count: int, seed: int) -> Int[np.ndarray, " m"]:
    """Which training pictures are kept to compare with."""
    if count <= EXAMPLES:
        return np.arange(count)
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    return np.sort(generator.permutation(count)[:EXAMPLES])


def choose_threshold(
    values: Float[np.ndarray, "n d"],
    truth: Int[np.ndarray, " n"],
    fold: Int[np.ndarray, " n"],
    examples: Int[np.ndarray, " m"],
) -> Unknown:
    """The familiarity that all but `REFUSED` of the held-out pictures have, and what it refuses."""
    kept = np.zeros(len(values), dtype=bool)
    kept[examples] = True
    own, others = np.zeros(len(values)), np.zeros(len(values))
    for number in np.unique(fold):
        out = fold == number
        own[out] = familiarity(values[out], values[kept & ~out])
    classes = np.unique(truth)
    for c in classes:
        out = truth == c
        if (kept & ~out).any():
            others[out] = familiarity(values[out], values[kept & ~out])
    threshold = float(np.quantile(own, REFUSED))
    refused = [float((others[truth == c] < threshold).mean()) for c in classes]
    return Unknown(threshold, float((own < threshold).mean()), float(np.mean(refused)))
