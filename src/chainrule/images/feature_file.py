"""Features as a file: the numbers, and what each row is of."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from chainrule.errors import InputError
from chainrule.images.collection import Collection
from chainrule.images.network import FeatureSource
from chainrule.io.files import make_folder
from chainrule.io.model_file import write_model_file
from chainrule.io.names import shown


def save_features(
    path: Path, collection: Collection, values: Float32[np.ndarray, "n d"], network: FeatureSource
) -> None:
    """Write `features` (n, d) float32 and `truth` (n, classes) int8, whole or not at all.

    The metadata `chainrule` is JSON: the model, the files and the classes in the arrays' order, the
    parts, and what was skipped. Raises FileError.
    """
    settings = {
        "model": network.name,
        "model_key": network.key,
        "files": [str(file) for file in collection.files],
        "classes": collection.classes,
        "part": collection.part,
        "skipped": [asdict(s) for s in collection.skipped],
    }
    arrays = {"features": np.ascontiguousarray(values), "truth": collection.truth}
    write_model_file(path, "image features", arrays, settings)


def check_writable(path: Path) -> None:
    """Raise before the work is done if `path` cannot become a .safetensors file."""
    if path.suffix != ".safetensors":
        raise InputError(f"`--out` is {shown(path)}; expected a name that ends in .safetensors")
    make_folder(path.parent)
