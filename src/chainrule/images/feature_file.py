"""Features as a file: the numbers, and what each row is of."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from chainrule.errors import FileError, InputError
from chainrule.images.collection import Collection
from chainrule.images.features import joined_features
from chainrule.images.network import FeatureSource
from chainrule.io.files import make_folder
from chainrule.io.model_file import read_model_file, write_model_file
from chainrule.io.names import shown

KIND = "image features"


@dataclass(frozen=True)
class FeatureTable:
    """Joined features (length 1) of the pictures of a collection, and whose they are."""

    collection: Collection
    values: Float[np.ndarray, "n d"]
    networks: tuple[str, ...]
    network_keys: tuple[str, ...]


def save_features(
    path: Path, collection: Collection, values: Float32[np.ndarray, "n d"], network: FeatureSource
) -> None:
    """Write `features` (n, d) float32 and `truth` (n, classes) int8, whole or not at all.

    The metadata `chainrule` is JSON: the model, the files and the classes in the arrays' order, the
    parts and groups, and what was skipped. Raises FileError.
    """
    settings = {
        "model": network.name,
        "model_key": network.key,
        "files": [str(file) for file in collection.files],
        "classes": collection.classes,
        "part": collection.part,
        "group": collection.group,
        "exclusive": collection.exclusive,
        "skipped": [asdict(s) for s in collection.skipped],
    }
    arrays = {"features": np.ascontiguousarray(values), "truth": collection.truth}
    write_model_file(path, KIND, arrays, settings)


def load_features(paths: Sequence[Path]) -> FeatureTable:
    """What `save_features` wrote, one file or several joined.

    Files of one network are put under each other; those of several networks side by side, for the
    pictures that all of them have. Raises FileError for another file, InputError for files that do
    not belong together.
    """
    by_network: dict[str, FeatureTable] = {}
    for path in paths:
        table = _load(path)
        key = table.network_keys[0]
        by_network[key] = _under(by_network[key], table) if key in by_network else table
    tables = list(by_network.values())
    return tables[0] if len(tables) == 1 else _beside(tables)


def check_writable(path: Path) -> None:
    """Raise before the work is done if `path` cannot become a .safetensors file."""
    if path.suffix != ".safetensors":
        raise InputError(f"`--out` is {shown(path)}; expected a name that ends in .safetensors")
    if path.is_dir():
        raise InputError(f"`--out` is {shown(path)}, a folder; expected a file")
    make_folder(path.parent)


def _load(path: Path) -> FeatureTable:
    expected = "a file that `chainrule images features` wrote"
    if path.is_dir():
        raise FileError(f"{shown(path)} is a folder; expected {expected}")
    found = read_model_file(path, KIND, expected)
    settings, values = found.settings, found.arrays["features"]
    files = tuple(Path(file) for file in settings["files"])
    collection = Collection(
        files,
        tuple(settings["classes"]),
        found.arrays["truth"],
        tuple(settings["part"]),
        group=tuple(settings.get("group", ())),
        exclusive=bool(settings.get("exclusive", False)),
    )
    if len(values) != len(files) or not np.isfinite(values).all():
        raise FileError(f"{shown(path)} holds numbers that are not finite; expected {expected}")
    keys = (settings["model_key"],)
    return FeatureTable(collection, joined_features([values]), (settings["model"],), keys)


def _under(first: FeatureTable, second: FeatureTable) -> FeatureTable:
    a, b = first.collection, second.collection
    twice = set(a.files) & set(b.files)
    if twice:
        raise InputError(
            f"{shown(min(twice))} is in two files of features of {first.networks[0]}; expected it "
            "in one"
        )
    classes = sorted({*a.classes, *b.classes})
    truth = np.full((len(a.files) + len(b.files), len(classes)), -1, dtype=np.int8)
    for part, start in ((a, 0), (b, len(a.files))):
        columns = [classes.index(name) for name in part.classes]
        truth[start : start + len(part.files), columns] = part.truth
    group = (
        (*(a.group or ("",) * len(a.files)), *(b.group or ("",) * len(b.files)))
        if a.group or b.group
        else ()
    )
    both = Collection(
        (*a.files, *b.files), tuple(classes), truth, (*a.part, *b.part), group=group,
        exclusive=a.exclusive and b.exclusive,
    )  # fmt: skip
    values = np.concatenate([first.values, second.values])
    return FeatureTable(both, values, first.networks, first.network_keys)


def _beside(tables: Sequence[FeatureTable]) -> FeatureTable:
    rows = [{file: i for i, file in enumerate(t.collection.files)} for t in tables]
    common = [file for file in rows[0] if all(file in other for other in rows[1:])]
    if not common:
        raise InputError("the files of features have no picture in common; expected the same ones")
    kept = [[row[file] for file in common] for row in rows]
    first = tables[0].collection.taken(kept[0])
    for table, index in zip(tables[1:], kept[1:], strict=True):
        other = table.collection.taken(index)
        if other.classes != first.classes or not np.array_equal(other.truth, first.truth):
            raise InputError(
                "the files of features give a picture different classes; expected the same ones"
            )
    return FeatureTable(
        first,
        joined_features([t.values[index] for t, index in zip(tables, kept, strict=True)]),
        tuple(t.networks[0] for t in tables),
        tuple(t.network_keys[0] for t in tables),
    )
