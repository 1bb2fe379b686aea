"""The worker of an album's classifier: `chainrule images train` on it, told as it goes."""

import os
import re
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.errors import ChainruleError
from chainrule.io.files import write_json
from chainrule.io.memory import give_memory_back
from chainrule.lab.jobs.frames import packed, unpacked
from chainrule.lab.jobs.store import Kept
from chainrule.lab.rooms.photographs_albums import classes_of, lying

if TYPE_CHECKING:
    from chainrule.images.judgement import Judgement
    from chainrule.images.training import Training

_EVERY = 0.1  # seconds between two reports of progress


def main(pipe: Connection) -> None:
    """Take one message, train as it asks, and tell how far it is."""
    asked, _ = unpacked(pipe.recv_bytes())

    def send(what: str, **values: Any) -> None:
        pipe.send_bytes(packed({"what": what, **values}))

    folder = Path(asked["folder"])
    names: dict[int, str] = dict(asked["files"])
    try:
        result = _train(folder, names, asked, send)
    except (ChainruleError, OSError, MemoryError) as error:
        said = str(error) or "there is not enough memory for this training"
        send("failed", said=named(said, folder, names))
        return
    send("finished", result=result)


def _train(folder: Path, names: dict[int, str], asked: dict[str, Any], send: Any) -> dict[str, Any]:
    began = time.monotonic()
    files = [Kept(number, name, 0, {}) for number, name in names.items()]
    collection = lying(classes_of(files), files, folder / "pictures")
    send("phase", said="loading the network")
    from chainrule.images.classifier import save_classifier
    from chainrule.images.networks import load_feature_source
    from chainrule.images.training import (
        TrainingSettings,
        features_to_train_on,
        train_on_features,
    )

    told = 0.0

    def progress(done: int, of: int) -> None:
        nonlocal told
        if done == of:
            send("phase", said="looking for copies and measuring", done=done, of=of)
        elif time.monotonic() - told > _EVERY:
            told = time.monotonic()
            send("phase", said="looking at the pictures", done=done, of=of)

    table = features_to_train_on(
        collection, [load_feature_source(asked["model"])], cache=folder / "cache", progress=progress
    )
    give_memory_back()  # what the network took, which is no more: the measuring takes more
    training = train_on_features(
        table.collection,
        table.values,
        table.networks,
        table.network_keys,
        TrainingSettings(seed=asked["seed"], balanced=asked["balanced"]),
    )
    document = _named_in(training.document(), folder, names)
    save_classifier(folder / "model.safetensors", training.classifier, document)
    seconds = time.monotonic() - began
    # what was found to be no picture before is left out as well as what the training finds
    document["skipped"] = [*asked["broken"], *document["skipped"]]
    judged = {**_judged(training, document), "seconds": seconds, "names": names}
    write_json(folder / "judged.json", judged)
    return {
        "error": training.error,
        "classes": len(training.classifier.classes),
        "trained_on": len(training.held_out.files),
        "seconds": seconds,
    }


def named(text: str, folder: Path, names: Mapping[int, str]) -> str:
    """The text with the pictures called as their giver calls them, not as they lie."""
    place = re.escape(str(folder / "pictures") + os.sep) + r"(\d+)"
    return re.sub(place, lambda found: names.get(int(found[1]), found[1]), text)


def _named_in(document: Any, folder: Path, names: Mapping[int, str]) -> Any:
    if isinstance(document, str):
        return named(document, folder, names)
    if isinstance(document, list):
        return [_named_in(entry, folder, names) for entry in document]
    if isinstance(document, dict):
        return {key: _named_in(value, folder, names) for key, value in document.items()}
    return document


def _judged(training: "Training", document: dict[str, Any]) -> dict[str, Any]:
    """What the page shows: what `images train --json` says, and each picture's row."""
    from chainrule.images.suspects import suspects

    shared = ("classes", "folds", "reliability", "unknown", "notes", "skipped")
    temperature = training.classifier.temperature
    parts = {"cross-validation": training.held_out}
    if training.test is not None:
        parts = {"test part": training.test, **parts}
    return {
        **{name: document[name] for name in shared},
        "parts": [{"part": n, **_part(j, temperature)} for n, j in parts.items()],
        "together": [[int(file.name) for file in group] for group in training.together],
        "suspects": [
            [int(Path(s.file).name), s.label, s.answer, s.margin]
            for s in suspects(training.held_out)
        ],
    }


def _part(judgement: "Judgement", temperature: float) -> dict[str, Any]:
    """rows: of each picture its number, its class, the answer, and the two best probabilities."""
    import numpy as np

    from chainrule.images.calibration import probabilities

    best = np.sort(probabilities(judgement.scores, temperature), 1)[:, :-3:-1]
    rows = zip(judgement.files, judgement.truth, judgement.answers, best, strict=True)
    return {
        "error": judgement.error,
        "recall": judgement.recall,
        "confusion": judgement.confusion.tolist(),
        "rows": [[int(f.name), int(t), int(a), *map(float, p)] for f, t, a, p in rows],
    }
