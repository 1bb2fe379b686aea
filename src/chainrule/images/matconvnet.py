"""MatConvNet's .mat files as a chain: SimpleNN in its old and new layout, DagNN in a line."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chainrule.blocks import (
    AveragePooling,
    BatchNormalization,
    Convolution,
    LocalResponseNormalization,
    MaxPooling,
    ReLU,
    Sigmoid,
)
from chainrule.blocks.block import Block
from chainrule.chain import Chain
from chainrule.errors import ChainruleError, FileError
from chainrule.images.network import Network
from chainrule.images.preprocessing import Preprocessing
from chainrule.io.names import shown

_LARGEST = 4096  # pixels of a picture or of its padding: far more than any network had
_SKIPPED = ("softmax", "softmaxloss", "dropout", "loss")  # what inference on scores leaves out


class _FieldError(Exception):
    """A field that is not there or not what it must be; says which."""


def load_matconvnet(path: Path) -> Network:
    """The network in a MatConvNet file, with its preprocessing and class names.

    Read are SimpleNN (`filters` and `biases`, or `weights`; `normalization` and `classes` beside
    the layers, or in `meta`) and DagNN whose layers follow each other in a line. The last softmax
    and dropout are left out: the chain gives scores.

    Raises FileError that names the field which is missing or wrong.
    Source: Vedaldi and Lenc, MatConvNet: convolutional neural networks for MATLAB, 2015.
    """
    net = _load(path)
    try:
        layers, params = _chain(net)
        meta = _get(net, "meta", {})
        normalization = _get(net, "normalization", None) or _get(meta, "normalization", {})
        first = next(block for _, block in layers if isinstance(block, Convolution))
        preprocessing = _preprocessing(net, normalization, first.in_channels)
        size = preprocessing.size
        chain = Chain(layers, (1, first.in_channels, size, size))
        outputs = chain.shape((1, first.in_channels, size, size))[1]
        classes = _classes(_get(net, "classes", None) or _get(meta, "classes", {}), outputs)
    except StopIteration as error:
        raise FileError(f"{shown(path)}: `layers` holds no convolution") from error
    except (_FieldError, ChainruleError) as error:
        raise FileError(f"{shown(path)}: {error}") from error
    names = [name for name, _ in layers]
    last = max(i for i, (_, block) in enumerate(layers) if isinstance(block, Convolution))
    return Network(
        path.stem,
        chain,
        params,
        preprocessing,
        classes,
        feature_layer=names[max(last - 1, 0)],
        last_convolution=_last_with_places(chain, (1, first.in_channels, size, size)),
    )


def _load(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    if not path.is_file():
        raise FileError(f"{shown(path)} is not there; expected a MatConvNet .mat file")
    try:
        content = loadmat(path, simplify_cells=False, struct_as_record=True)
    except NotImplementedError as error:
        raise FileError(
            f"{shown(path)} is a MATLAB file of version 7.3; expected version 7 or older "
            "(save it with '-v7')"
        ) from error
    except Exception as error:  # a cut-off file breaks SciPy's reader in ways it does not name
        raise FileError(f"{shown(path)} is damaged or no MATLAB file") from error
    tree = {key: _plain(value) for key, value in content.items() if not key.startswith("__")}
    net = tree["net"] if isinstance(tree.get("net"), dict) else tree
    if "layers" not in net:
        raise FileError(f"{shown(path)} has no field `layers`; expected a MatConvNet network")
    return net


def _plain(value: Any) -> Any:
    """MATLAB's structs as dictionaries (arrays of them as lists), cells as lists, text as str."""
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype.names is not None:
        structs = [{name: _plain(s[name]) for name in value.dtype.names} for s in value.ravel("F")]
        return structs[0] if len(structs) == 1 else structs
    if value.dtype == object:
        return [_plain(cell) for cell in value.ravel("F")]
    if value.dtype.kind in "US":
        return str(value.ravel()[0]) if value.size == 1 else [str(v) for v in value.ravel()]
    return value


def _chain(net: dict[str, Any]) -> tuple[list[tuple[str, Block]], dict[str, Tensor]]:
    layers: list[tuple[str, Block]] = []
    params: dict[str, Tensor] = {}
    for i, (where, given, kind, settings) in enumerate(_layers(net), 1):
        if kind in _SKIPPED:
            continue
        block, own = _block(where, kind, settings)
        name = (given or kind).replace(".", "_")
        if not given or name in dict(layers):
            name += f"_{i}"
        layers.append((name, block))
        params.update({f"{name}.{key}": value for key, value in own.items()})
    return layers, params


def _layers(net: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Where it stands, name, type and settings of each layer, in the order of the data."""
    layers = net["layers"] if isinstance(net["layers"], list) else [net["layers"]]
    if all(isinstance(layer, dict) and "block" in layer for layer in layers):
        yield from _dag_layers(net, layers)
        return
    for i, layer in enumerate(layers, 1):
        where = f"layers{{{i}}}"
        if not isinstance(layer, dict):
            raise _FieldError(f"`{where}` is no struct; expected a layer")
        yield where, str(_get(layer, "name", "")), str(_need(layer, "type", where)), layer


def _dag_layers(
    net: dict[str, Any], layers: list[dict[str, Any]]
) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    stored = _get(net, "params", [])
    stored = stored if isinstance(stored, list) else [stored]
    values = {str(p.get("name")): p.get("value") for p in stored if isinstance(p, dict)}
    before: str | None = None
    for i, layer in enumerate(layers, 1):
        where = f"layers({i})"
        inputs, outputs = (_names(_need(layer, key, where)) for key in ("inputs", "outputs"))
        kind = str(_need(layer, "type", where)).removeprefix("dagnn.").lower()
        if kind in ("loss", "softmax"):
            continue
        if len(inputs) != 1 or len(outputs) != 1 or before not in (None, inputs[0]):
            raise _FieldError(
                f"`{where}.inputs` is {inputs}; expected the output of the layer before it, "
                f"{before!r}: only layers in a line can be read"
            )
        before = outputs[0]
        block = layer["block"] if isinstance(layer["block"], dict) else {}
        names = _names(_get(layer, "params", []))
        missing = [name for name in names if name not in values]
        if missing:
            raise _FieldError(f"`params` has no {missing[0]!r}, which `{where}.params` names")
        weights = [values[name] for name in names]
        kind = {"dropout": "dropout", "pooling": "pool", "batchnorm": "bnorm"}.get(kind, kind)
        settings = {**block, "weights": weights}
        if kind == "pool" and "poolSize" in block:
            settings["pool"] = block["poolSize"]
        yield where, str(_get(layer, "name", "")), kind, settings


def _block(where: str, kind: str, layer: dict[str, Any]) -> tuple[Block, dict[str, Tensor]]:
    if kind == "conv":
        return _convolution(where, layer)
    if kind == "relu":
        return ReLU(), {}
    if kind == "sigmoid":
        return Sigmoid(), {}
    if kind == "pool":
        window = _numbers(layer, "pool", where)
        stride = _numbers(layer, "stride", where, [1])
        method = str(_get(layer, "method", "max"))
        if method not in ("max", "avg"):
            raise _FieldError(f"`{where}.method` is {method!r}; expected max or avg")
        pooling = MaxPooling if method == "max" else AveragePooling
        return pooling(_pair(window), _pair(stride), _sides(layer, where)), {}
    if kind in ("normalize", "lrn"):
        values = _numbers(layer, "param", where)
        if len(values) != 4:
            raise _FieldError(f"`{where}.param` has {len(values)} numbers; expected four")
        rho, kappa, alpha, beta = values
        return LocalResponseNormalization(int(rho), kappa, alpha, beta), {}
    if kind == "bnorm":
        return _normalization(where, layer)
    raise _FieldError(
        f"`{where}.type` is {kind!r}; expected conv, relu, sigmoid, pool, normalize, lrn, bnorm, "
        "dropout or softmax"
    )


def _convolution(where: str, layer: dict[str, Any]) -> tuple[Block, dict[str, Tensor]]:
    if "filters" in layer:
        filters, biases = layer["filters"], _get(layer, "biases", None)
        field = f"{where}.filters"
    else:
        weights = _need(layer, "weights", where)
        weights = weights if isinstance(weights, list) else [weights]
        filters = weights[0] if weights else None
        biases = weights[1] if len(weights) > 1 else None
        field = f"{where}.weights"
    if not _is_numeric(filters) or filters.ndim > 4 or not filters.size:
        raise _FieldError(f"`{field}` holds no filters; expected an array (height, width, in, out)")
    if not np.isfinite(filters).all():
        raise _FieldError(f"`{field}` holds a number that is not finite; expected numbers")
    # MATLAB drops the last dimensions that are 1
    filters = filters.reshape(filters.shape + (1,) * (4 - filters.ndim))
    height, width, inputs, outputs = filters.shape
    params = {"weight": _tensor(filters.transpose(3, 2, 0, 1))}
    if _is_numeric(biases) and biases.size:
        if biases.size != outputs:
            raise _FieldError(
                f"`{field}`: {biases.size} biases for {outputs} filters; expected as many"
            )
        params["bias"] = _tensor(biases.ravel())
    groups = int(_numbers(layer, "numGroups", where, [1])[0])
    block = Convolution(
        inputs * groups,
        outputs,
        (height, width),
        stride=_pair(_numbers(layer, "stride", where, [1])),
        padding=_sides(layer, where),
        dilation=_pair(_numbers(layer, "dilate", where, [1])),
        groups=groups,
        bias="bias" in params,
    )
    return block, params


def _normalization(where: str, layer: dict[str, Any]) -> tuple[Block, dict[str, Tensor]]:
    weights = _need(layer, "weights", where)
    if not isinstance(weights, list) or len(weights) < 3 or not all(map(_is_numeric, weights)):
        raise _FieldError(f"`{where}.weights` must hold gains, biases and moments")
    gain, bias, moments = weights[:3]
    channels = gain.size
    if bias.size != channels or moments.shape != (channels, 2):
        raise _FieldError(f"`{where}.weights`: moments {moments.shape}; expected ({channels}, 2)")
    # MatConvNet's second moment is the deviation, epsilon already within
    block = BatchNormalization(channels, epsilon=0.0, training=False)
    return block, {
        "weight": _tensor(gain.ravel()),
        "bias": _tensor(bias.ravel()),
        "mean": _tensor(moments[:, 0]),
        "variance": _tensor(moments[:, 1] ** 2),
    }


def _preprocessing(
    net: dict[str, Any], normalization: dict[str, Any], channels: int
) -> Preprocessing:
    """Whole pictures squeezed to the input's size, values from 0 to 255, the average taken off."""
    if channels not in (1, 3):
        raise _FieldError(f"the first layer sees {channels} channels; expected 1 or 3")
    where = "normalization"
    size = _numbers(normalization, "imageSize", where, [32 if channels == 1 else 224])
    if len(size) > 1 and size[0] != size[1]:
        raise _FieldError(f"`{where}.imageSize` is {size}; expected a square")
    if size[0] != int(size[0]) or not 1 <= size[0] <= _LARGEST:
        raise _FieldError(
            f"`{where}.imageSize` is {size[0]:g}; expected a whole number from 1 to {_LARGEST:,}"
        )
    base = Preprocessing(
        int(size[0]), int(size[0]), "bicubic", (0, 0, 0), (1, 1, 1), whole=True, grey=channels == 1
    )
    if "imageMean" in net:  # the practical's characters: 256 (value / 255 - mean)
        mean = 255.0 * _numbers(net, "imageMean", "net")[0]
        return replace(base, mean=(mean,) * 3, deviation=(255 / 256,) * 3)
    average = _get(normalization, "averageImage", None)
    if not _is_numeric(average) or not average.size:
        return base
    average = np.asarray(average, dtype=np.float32)
    if average.size == channels:
        return _with_mean(base, average)
    if average.shape[:2] != (base.size, base.size) or average.size != base.size**2 * channels:
        raise _FieldError(
            f"`{where}.averageImage` has shape {average.shape}; expected one number a channel, or "
            f"({base.size}, {base.size}, {channels})"
        )
    image = average.reshape(base.size, base.size, channels).transpose(2, 0, 1)
    return replace(base, mean_image=_tensor(image))


def _with_mean(base: Preprocessing, average: np.ndarray) -> Preprocessing:
    red, green, blue = (float(v) for v in np.resize(average.ravel(), 3))
    return replace(base, mean=(red, green, blue))


def _classes(classes: Any, outputs: int) -> tuple[str, ...]:
    names: Any = None
    if isinstance(classes, dict):
        names = _get(classes, "description", None) or _get(classes, "name", None)
    if names is None:
        return tuple(f"class {i}" for i in range(1, outputs + 1))
    names = _names(names)
    if len(names) != outputs:
        raise _FieldError(f"`classes` has {len(names)} names; expected {outputs}, one a score")
    return tuple(names)


def _last_with_places(chain: Chain, shape: tuple[int, ...]) -> str:
    """The last layer that gives a map of more than one pixel."""
    last = chain.layers[0][0]
    for name, block in chain.layers:
        shape = block.shape(shape)
        if isinstance(block, Convolution | ReLU) and shape[2] * shape[3] > 1:
            last = name
    return last


def _get(struct: Any, field: str, default: Any) -> Any:
    value = struct.get(field, default) if isinstance(struct, dict) else default
    empty = isinstance(value, np.ndarray) and value.size == 0
    return default if empty else value


def _need(struct: dict[str, Any], field: str, where: str) -> Any:
    if field not in struct:
        raise _FieldError(f"`{where}.{field}` is missing")
    return struct[field]


def _numbers(
    struct: dict[str, Any], field: str, where: str, default: list[float] | None = None
) -> list[float]:
    value = _get(struct, field, default) if default is not None else _need(struct, field, where)
    if isinstance(value, list) and value and all(isinstance(v, int | float) for v in value):
        return value
    if not _is_numeric(value) or value.size == 0 or not np.isfinite(value).all():
        raise _FieldError(f"`{where}.{field}` is no number; expected one or several")
    return [float(v) for v in value.ravel()]


def _pair(values: list[float]) -> tuple[int, int]:
    return int(values[0]), int(values[-1])


def _sides(layer: dict[str, Any], where: str) -> tuple[int, int, int, int]:
    values = [int(v) for v in _numbers(layer, "pad", where, [0])]
    if max(values) > _LARGEST:
        raise _FieldError(f"`{where}.pad` is {max(values):,}; expected at most {_LARGEST:,}")
    if len(values) not in (1, 2, 4):
        raise _FieldError(f"`{where}.pad` has {len(values)} numbers; expected one, two or four")
    if len(values) == 2:
        return values[0], values[0], values[1], values[1]
    top, bottom, left, right = values * 4 if len(values) == 1 else values
    return top, bottom, left, right


def _names(value: Any) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def _is_numeric(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiu"


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
