"""A trained letter network as a file."""

import os
from pathlib import Path
from typing import Any

from torch import Tensor

from chainrule.chain import Chain, load_chain, save_chain
from chainrule.errors import FileError
from chainrule.reader.letters.batches import Scaling
from chainrule.reader.letters.recipes import RECIPES, TrainedLetters

_KIND = "chainrule letter network"


def save_letter_network(path: str | os.PathLike[str], found: TrainedLetters, recipe: str) -> None:
    """Write network, weights, alphabet, scaling and recipe (.safetensors), whole or not at all.

    Raises FileError.
    """
    metadata: dict[str, Any] = {
        "kind": _KIND,
        "alphabet": found.alphabet,
        "mean": found.scaling.mean,
        "scale": found.scaling.scale,
        "recipe": recipe,
    }
    save_chain(path, found.network, found.parameters, metadata)


def load_letter_network(
    path: str | os.PathLike[str],
) -> tuple[Chain, dict[str, Tensor], Scaling, str]:
    """Read what `save_letter_network` wrote: network, parameters, scaling, alphabet.

    Raises FileError if the file cannot be read, is cut off or changed, or is another model's.
    """
    network, parameters, metadata = load_chain(Path(path))
    if metadata.get("kind") != _KIND:
        raise FileError(
            f"{path} is no letter network (its kind is {metadata.get('kind')!r}); expected a file "
            "that `chainrule reader train-letters` wrote"
        )
    alphabet = str(metadata["alphabet"])
    known = [recipe.network(len(alphabet)).in_inference() for recipe in RECIPES.values()]
    if network.in_inference() not in known:
        raise FileError(
            f"{path} holds another architecture than the letter networks for {len(alphabet)} "
            "characters; expected a file that `chainrule reader train-letters` wrote"
        )
    return network, parameters, Scaling(metadata["mean"], metadata["scale"]), alphabet
