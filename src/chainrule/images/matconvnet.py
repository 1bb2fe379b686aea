"""MatConvNet's .mat files: SimpleNN in its old and new layout, and DagNN."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.blocks import Convolution
from chainrule.chain import Chain
from chainrule.errors import ChainruleError, FileError, InputError
from chainrule.images.matconvnet_fields import (
    LARGEST,
    FieldError,
    get,
    is_numeric,
    numbers,
    tensor,
    texts,
)
from chainrule.images.matconvnet_layers import read_chain
from chainrule.images.network import Network
from chainrule.images.preprocessing import Preprocessing
from chainrule.io.mat_files import read_mat
from chainrule.io.names import shown


def load_matconvnet(path: Path) -> Network:
    """The network in a MatConvNet file, with its preprocessing and class names.

    Read are SimpleNN (`filters` and `biases`, or `weights`; `normalization` and `classes` beside
    the layers, or in `meta`) and DagNN, whose layers make a graph from one picture to the last of
    its softmaxes or losses, if it has any. That softmax and dropout are left out: the chain gives
    scores; what leads to other losses is left out, too.

    Raises FileError that names the field which is missing or wrong.
    Source: Vedaldi and Lenc, MatConvNet: convolutional neural networks for MATLAB, 2015.
    """
    net = _load(path)
    try:
        chain, params = read_chain(net)
        meta = get(net, "meta", {})
        normalization = get(net, "normalization", None) or get(meta, "normalization", {})
        first = next(block for _, block in chain.inside() if isinstance(block, Convolution))
        preprocessing = _preprocessing(net, normalization, first.in_channels)
        size = preprocessing.size
        chain = replace(chain, input_shape=(1, first.in_channels, size, size))
        outputs = chain.shape(chain.input_shape)[1]
        classes = _classes(get(net, "classes", None) or get(meta, "classes", {}), outputs)
    except StopIteration as error:
        raise FileError(f"{shown(path)}: `layers` holds no convolution") from error
    except (FieldError, ChainruleError) as error:
        raise FileError(f"{shown(path)}: {error}") from error
    *_, last = (step for step in chain.steps if isinstance(step.block, Convolution))
    return Network(
        str(path),
        chain,
        params,
        preprocessing,
        classes,
        feature_layer=last.inputs[0] if last.inputs[0] in chain else last.name,
        last_convolution=_last_with_places(chain),
    )


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileError(f"{shown(path)} is not there; expected a MatConvNet .mat file")
    tree = read_mat(path)
    net = tree["net"] if isinstance(tree.get("net"), dict) else tree
    if "layers" not in net:
        raise FileError(f"{shown(path)} has no field `layers`; expected a MatConvNet network")
    return net


def _preprocessing(
    net: dict[str, Any], normalization: dict[str, Any], channels: int
) -> Preprocessing:
    """Whole pictures squeezed to the input's size, values from 0 to 255, the average taken off."""
    if channels not in (1, 3):
        raise FieldError(f"the first layer sees {channels} channels; expected 1 or 3")
    where = "normalization"
    size = numbers(normalization, "imageSize", where, [32 if channels == 1 else 224])
    if len(size) > 1 and size[0] != size[1]:
        raise FieldError(f"`{where}.imageSize` is {size}; expected a square")
    if size[0] != int(size[0]) or not 1 <= size[0] <= LARGEST:
        raise FieldError(
            f"`{where}.imageSize` is {size[0]:g}; expected a whole number from 1 to {LARGEST:,}"
        )
    base = Preprocessing(
        int(size[0]), int(size[0]), "bicubic", (0, 0, 0), (1, 1, 1), whole=True, grey=channels == 1
    )
    if "imageMean" in net:  # the practical's characters: 256 (value / 255 - mean)
        mean = 255.0 * numbers(net, "imageMean", "net")[0]
        return replace(base, mean=(mean,) * 3, deviation=(255 / 256,) * 3)
    average = get(normalization, "averageImage", None)
    if not is_numeric(average) or not average.size:
        return base
    average = np.asarray(average, dtype=np.float32)
    if average.size == channels:
        return _with_mean(base, average)
    if average.shape[:2] != (base.size, base.size) or average.size != base.size**2 * channels:
        raise FieldError(
            f"`{where}.averageImage` has shape {average.shape}; expected one number a channel, or "
            f"({base.size}, {base.size}, {channels})"
        )
    image = average.reshape(base.size, base.size, channels).transpose(2, 0, 1)
    return replace(base, mean_image=tensor(image))


def _with_mean(base: Preprocessing, average: np.ndarray) -> Preprocessing:
    red, green, blue = (float(v) for v in np.resize(average.ravel(), 3))
    return replace(base, mean=(red, green, blue))


def _classes(classes: Any, outputs: int) -> tuple[str, ...]:
    names: Any = None
    if isinstance(classes, dict):
        names = get(classes, "description", None) or get(classes, "name", None)
    if names is None:
        return tuple(f"class {i}" for i in range(1, outputs + 1))
    names = texts(names)
    if len(names) != outputs:
        raise FieldError(f"`classes` has {len(names)} names; expected {outputs}, one a score")
    return tuple(names)


def _last_with_places(chain: Chain) -> str:
    """The last layer through which everything goes that gives a map of more than one pixel."""
    for row in reversed(chain.summary().rows):
        wide = len(row.output_shape) == 4 and max(row.output_shape[2:]) > 1
        if wide and row.type in ("Convolution", "ReLU", "LeakyReLU", "Sum", "Concatenation"):
            try:
                chain.after(row.layer)
            except InputError:
                continue
            return row.layer
    return next(iter(chain))
