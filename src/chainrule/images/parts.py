"""Which pictures train and which are held out."""

import re
from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool

from chainrule.images.collection import Collection

_NAMES = {
    "train": "train", "training": "train", "trn": "train", "trainval": "train",
    "val": "val", "valid": "val", "validation": "val", "validate": "val", "dev": "val",
    "test": "test", "testing": "test", "tst": "test", "eval": "test", "evaluation": "test",
    "holdout": "test", "heldout": "test",
}  # fmt: skip
_ENDS = re.compile(r"(set|data|images|split|\d+)$")  # test_set, val2017


def part_named(name: str) -> str | None:
    """The part, "train", "val" or "test", that a folder or a list's cell of this name is."""
    name = re.sub(r"[ _-]", "", name.lower())
    return _NAMES.get(name) or _NAMES.get(_ENDS.sub("", name))


def folder_parts(names: Iterable[str]) -> dict[str, str]:
    """The parts among folders of these names that lie beside each other.

    Where none is called as one, they may differ in a word that does: `seg_train` and `seg_test`.
    """
    names = list(names)
    called = {name: part for name in names if (part := part_named(name))}
    if called:
        return called
    alike: dict[tuple[str, ...], dict[str, str]] = {}
    for name in names:
        words = re.findall(r"[^\W\d_]+", name.lower())
        parts = [word for word in words if word in _NAMES]
        if len(parts) == 1:
            others = tuple(word for word in words if word != parts[0])
            alike.setdefault(others, {})[name] = _NAMES[parts[0]]
    split = [found for found in alike.values() if {"train"} < set(found.values())]
    return max(split, key=len, default={})


def settled(parts: Iterable[str]) -> tuple[str, ...]:
    """Only "train" and "test": "val" is trained on where there is a test part, else it is that."""
    found = tuple(parts)
    val = "train" if "test" in found else "test"
    return tuple(val if part == "val" else part for part in found)


def split_in_halves(collection: Collection, seed: int) -> Bool[np.ndarray, " n"]:
    """Which pictures train: as the collection says, or a random half of those that show the same.

    Pictures of one group stay together. The larger half of an odd number trains.
    """
    if any(collection.part):
        return np.array([part == "train" for part in collection.part])
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    train = np.zeros(len(collection.files), dtype=bool)
    _, shows = np.unique(collection.truth, axis=0, return_inverse=True)
    shows = shows.ravel()
    group = group_numbers(collection)
    # a group counts to what its first picture shows
    _, first = np.unique(group, return_index=True)
    sizes = np.bincount(group)
    for g in range(int(shows.max(initial=-1)) + 1):
        members = generator.permutation(np.flatnonzero(shows[first] == g))
        half = (int(sizes[members].sum()) + 1) // 2
        before = np.cumsum(sizes[members]) - sizes[members]
        train[np.isin(group, members[before < half])] = True
    return train


def group_numbers(collection: Collection) -> np.ndarray:
    """A number for each picture, the same for those of one group."""
    own = [f"\0{i}" for i in range(len(collection.files))]
    names = [name or alone for name, alone in zip(collection.group or own, own, strict=True)]
    return np.unique(names, return_inverse=True)[1].ravel()
