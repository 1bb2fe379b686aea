"""A classifier on pictures that it was not trained on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chainrule.errors import InputError
from chainrule.images.classifier import Classifier, predict
from chainrule.images.collection import Collection
from chainrule.images.judgement import Judgement
from chainrule.images.listing import Skipped
from chainrule.images.network import FeatureSource
from chainrule.io.names import shown
from chainrule.io.progress import Progress


def judge(
    classifier: Classifier,
    networks: Sequence[FeatureSource],
    collection: Collection,
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> tuple[Judgement, list[Skipped]]:
    """How right the classifier is on a collection (on its test part, if it has one).

    Pictures of classes that the classifier does not know are left out and said.
    Raises InputError if none is left, or a picture shows several of its classes.
    """
    skipped = list(collection.skipped)
    if "test" in collection.part:
        collection = collection.taken([i for i, p in enumerate(collection.part) if p == "test"])
    for name in set(collection.classes) - set(classifier.classes):
        reason = f"class {name!r} is none of the classifier's"
        collection = collection.without_class(name, reason)
        skipped.append(Skipped(name, reason))
    shows = (collection.truth == 1).sum(1)
    if not len(shows) or not (shows == 1).any():
        raise InputError(
            f"no picture shows a class that the classifier knows; expected some of "
            f"{', '.join(map(shown, classifier.classes))}"
        )
    if (shows > 1).any():
        i = int(np.argmax(shows > 1))
        raise InputError(
            f"{shown(collection.files[i])} shows {shows[i]} classes; expected one class a picture"
        )
    collection = collection.taken(np.flatnonzero(shows == 1).tolist())
    answers, kept, unread = predict(
        classifier, networks, collection.files, cache=cache, progress=progress
    )
    collection = collection.taken(kept)
    if not kept:
        raise InputError("no picture can be read; expected some")
    number = [classifier.classes.index(name) for name in collection.classes]
    truth = np.array(number)[(collection.truth == 1).argmax(1)]
    judgement = Judgement(classifier.classes, collection.files, truth, answers.scores)
    return judgement, [*skipped, *unread]
