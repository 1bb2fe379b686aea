"""What is taken away from the points room: it runs elsewhere, to the same digest."""

import io
import shlex
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import chainrule
from chainrule.io.temporary import temporary_folder
from chainrule.lab.rooms.points_link import points_table
from chainrule.lab.rooms.points_recipe import Recipe
from chainrule.points.files import save_weights, weights_digest

NAMES = ("run.py", "run.sh", "points.csv", "validation.csv", "weights.safetensors", "run.zip")

_PROGRAM = '''"""A two-layer network, trained as in the lab; prints the digest of its weights.

chainrule {version}; in the lab after {iterations} iterations: {digest}
"""

from pathlib import Path

import numpy as np

from chainrule.points import load_dataset, train
from chainrule.points.files import weights_digest

dataset = load_dataset(
    {source},
    validation_share={share!r},
    standardize={standardize!r},
    seed={data_seed},
)
run = train(
    dataset.training,
    dataset.validation,
    hidden={hidden},
    learning_rate={rate!r},
    iterations={iterations},
    seed=np.random.SeedSequence({seed}, spawn_key={key!r}),
    initialization={initialization!r},
)
print(f"{{run.train_wrong[-1]}} of {{run.n_train}} training points wrong: {{run.state}}")
print(weights_digest(run.parameters))
'''


def digest(parameters: Mapping[str, np.ndarray]) -> str:
    """The digest of the weights, as `chainrule points train` prints it."""
    return weights_digest(dict(parameters))


def command(recipe: Recipe, iterations: int) -> str:
    """The command line that gives the same weights."""
    words = ["chainrule", "points", "train"]
    words += ["--data", "points.csv" if recipe.is_own else recipe.data]
    words += ["--data-seed", str(recipe.data_seed)]
    words += ["--validation-share", repr(recipe.validation_share)]
    if recipe.standardize is not None:
        words.append("--standardize" if recipe.standardize else "--no-standardize")
    words += ["--hidden", str(recipe.hidden), "--learning-rate", repr(recipe.learning_rate)]
    words += ["--iterations", str(iterations), "--seed", str(recipe.seed)]
    if recipe.trial is not None:
        words += ["--trial", str(recipe.trial)]
    words += ["--initialization", recipe.initialization, "--out", "run"]
    return shlex.join(words)


def taken(
    name: str, recipe: Recipe, iteration: int, parameters: Mapping[str, np.ndarray],
    training: tuple[np.ndarray, np.ndarray], validation: tuple[np.ndarray, np.ndarray],
    shape: dict[str, Any], folder: Path,
) -> bytes:  # fmt: skip
    """The content of one of NAMES, at an iteration; `run.zip` holds all that the run needs."""
    files: dict[str, Callable[[], bytes]] = {
        "run.py": lambda: _program(recipe, iteration, parameters).encode(),
        "run.sh": (command(recipe, iteration) + "\n").encode,
        "points.csv": lambda: _points(recipe, training, shape, folder),
        "validation.csv": lambda: _table(validation, shape),
        "weights.safetensors": lambda: _weights(recipe, iteration, parameters, shape),
    }
    if name != "run.zip":
        return files[name]()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, made in files.items():
            archive.writestr(zipfile.ZipInfo(each), made())
    return content.getvalue()


def _program(recipe: Recipe, iterations: int, parameters: Mapping[str, np.ndarray]) -> str:
    source = 'Path(__file__).with_name("points.csv")' if recipe.is_own else repr(recipe.data)
    text = _PROGRAM if recipe.is_own else _PROGRAM.replace("from pathlib import Path\n\n", "")
    return text.format(
        version=chainrule.__version__,
        digest=digest(parameters),
        source=source,
        share=recipe.validation_share,
        standardize=recipe.standardize,
        data_seed=recipe.data_seed,
        hidden=recipe.hidden,
        rate=recipe.learning_rate,
        iterations=max(iterations, 1),
        seed=recipe.seed,
        key=() if recipe.trial is None else (recipe.trial,),
        initialization=recipe.initialization,
    )


def _points(
    recipe: Recipe, training: tuple[np.ndarray, np.ndarray], shape: dict[str, Any], folder: Path
) -> bytes:
    """The own points as they were given; of a source with a name the training points."""
    return recipe.file(folder).read_bytes() if recipe.is_own else _table(training, shape)


def _table(points: tuple[np.ndarray, np.ndarray], shape: dict[str, Any]) -> bytes:
    X, y = points
    features = X * np.asarray(shape["scale"]) + np.asarray(shape["mean"])
    return points_table(features, y, tuple(shape["names"]), shape["label"]).encode()


def _weights(
    recipe: Recipe, iteration: int, parameters: Mapping[str, np.ndarray], shape: dict[str, Any]
) -> bytes:
    """The file that `chainrule points train` writes, which `points predict` and `derive` read."""
    settings = {
        "chainrule": chainrule.__version__,
        **recipe.document(),
        "data": "points.csv" if recipe.is_own else recipe.data,
        "label": None,
        "label_name": shape["label"],
        "feature_names": shape["names"],
        "class_names": shape["classes"],
        "mean": shape["mean"],
        "scale": shape["scale"],
        "iterations": iteration,
    }
    with temporary_folder() as folder:
        path = folder / "weights.safetensors"
        save_weights(path, {k: np.array(v) for k, v in parameters.items()}, settings)
        return path.read_bytes()
