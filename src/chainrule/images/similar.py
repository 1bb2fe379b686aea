"""The pictures that are most like one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chainrule.errors import InputError
from chainrule.images.collection import without_classes
from chainrule.images.feature_file import FeatureTable, load_features
from chainrule.images.features import joined_features, network_features, picture_features
from chainrule.images.listing import Skipped
from chainrule.images.network import FeatureSource
from chainrule.images.networks import load_feature_source
from chainrule.io.pictures import PictureSource
from chainrule.io.progress import Progress


def nearest(
    picture: PictureSource, table: FeatureTable, network: FeatureSource, top: int
) -> list[tuple[Path, float]]:
    """The `top` pictures of the table with the largest cosine, the nearest first.

    The picture itself is left out where it is a file of the table. Raises what `open_picture`
    raises.
    """
    query = joined_features([picture_features([picture], network)])[0]
    cosine = table.values @ query
    itself = Path(picture).resolve() if isinstance(picture, str | Path) else None
    order = np.argsort(-cosine, kind="stable").tolist()
    found = [i for i in order if table.collection.files[i].resolve() != itself][:top]
    return [(table.collection.files[i], float(cosine[i])) for i in found]


def look_in_features(paths: Sequence[Path], model: str) -> FeatureTable:
    """Features that were written before. Raises InputError if `model` did not make them."""
    table = load_features(paths)
    key = load_feature_source(model).key
    if table.network_keys != (key,):
        raise InputError(
            f"the features are of {' and '.join(table.networks)}; expected those of {model}"
        )
    return table


def look_in_pictures(
    files: Sequence[Path], network: FeatureSource, cache: Path, progress: Progress | None = None
) -> tuple[FeatureTable, list[Skipped]]:
    """The features of the pictures that can be read. Raises InputError if none can."""
    found = network_features(files, network, cache=cache, progress=progress)
    if not found.kept:
        raise InputError("no picture can be read; expected some to look in")
    collection = without_classes([files[i] for i in found.kept])
    values = joined_features([found.values])
    return FeatureTable(collection, values, (network.name,), (network.key,)), found.skipped
