"""The layers of a MatConvNet file as blocks, wired as the file wires them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from chainrule.blocks import (
    AveragePooling,
    BatchNormalization,
    Concatenation,
    Convolution,
    LeakyReLU,
    LocalResponseNormalization,
    MaxPooling,
    ReLU,
    Sigmoid,
    Sum,
    TransposedConvolution,
)
from chainrule.blocks.block import Block
from chainrule.chain import Chain
from chainrule.chain.wiring import as_pairs
from chainrule.images.matconvnet_fields import (
    FieldError,
    get,
    is_numeric,
    need,
    numbers,
    pair,
    sides,
    tensor,
    texts,
)

_ENDS = ("softmax", "softmaxloss", "loss")  # what scores don't need
_PASSED = (*_ENDS, "dropout")  # what inference on scores leaves out
_DAG_KINDS = {"pooling": "pool", "batchnorm": "bnorm", "convtranspose": "convt"}

Read = tuple[Block, dict[str, Tensor]]


class _Layer(NamedTuple):
    """A layer of the file: where it stands, and the variables that it takes and gives."""

    where: str
    name: str
    kind: str
    settings: dict[str, Any]
    inputs: list[str]
    output: str


def read_chain(net: dict[str, Any]) -> tuple[Chain, dict[str, Tensor]]:
    """The layers from the picture to the scores, and their parameters. Raises FieldError."""
    sources: dict[str, str] = {}  # of each variable: the layer of ours that gives it
    layers: list[tuple[str, Block, tuple[str, ...]]] = []
    params: dict[str, Tensor] = {}
    end = ""
    for i, layer in enumerate(_in_order(_layers(net)), 1):
        if layer.kind in _PASSED:
            source = sources.setdefault(layer.inputs[0], "x")
            sources[layer.output] = source
            end = source if layer.kind in _ENDS else end
            continue
        block, own = _block(layer.where, layer.kind, layer.settings)
        name = (layer.name or layer.kind).replace(".", "_")
        if not layer.name or name == "x" or name in {n for n, _, _ in layers}:
            name += f"_{i}"
        layers.append((name, block, tuple(_sources(layer, sources))))
        sources[layer.output] = name
        params.update({f"{name}.{key}": value for key, value in own.items()})
    if not layers:
        raise FieldError("`layers` holds none that computes something; expected a convolution")
    chain = _leading_to(end or layers[-1][0], layers)
    return chain, {name: value for name, value in params.items() if name.split(".")[0] in chain}


def _sources(layer: _Layer, sources: dict[str, str]) -> list[str]:
    """The layers that give what this one takes; "x" for the picture. Raises FieldError."""
    for variable in layer.inputs:
        if variable not in sources and "x" in sources.values():
            picture = next(name for name, source in sources.items() if source == "x")
            raise FieldError(
                f"`{layer.where}.inputs` is {layer.inputs}: no layer gives {variable!r}, and the "
                f"picture is {picture!r}; expected one input of the network"
            )
        sources.setdefault(variable, "x")
    return [sources[variable] for variable in layer.inputs]


def _leading_to(end: str, layers: list[tuple[str, Block, tuple[str, ...]]]) -> Chain:
    """The chain of what one layer needs; what leads elsewhere (to other losses) is left out."""
    needed, kept = {end}, []
    for layer in reversed(layers):
        if layer[0] in needed:
            needed.update(layer[2])
            kept.append(layer)
    return Chain(as_pairs(reversed(kept), ("x",)))


def _in_order(layers: list[_Layer]) -> list[_Layer]:
    """Each layer after those that give what it takes. Raises FieldError if there is a circle."""
    given, waiting, ordered = {layer.output for layer in layers}, list(layers), list[_Layer]()
    while waiting:
        ready = [layer for layer in waiting if not any(name in given for name in layer.inputs)]
        if not ready:
            raise FieldError(f"`{waiting[0].where}.inputs` leads in a circle; expected none")
        for layer in ready[:1]:
            waiting.remove(layer)
            given.discard(layer.output)
            ordered.append(layer)
    return ordered


def _layers(net: dict[str, Any]) -> list[_Layer]:
    layers = net["layers"] if isinstance(net["layers"], list) else [net["layers"]]
    if all(isinstance(layer, dict) and "block" in layer for layer in layers):
        return _dag_layers(net, layers)
    found = []
    for i, layer in enumerate(layers, 1):
        where = f"layers{{{i}}}"
        if not isinstance(layer, dict):
            raise FieldError(f"`{where}` is no struct; expected a layer")
        name, kind = str(get(layer, "name", "")), str(need(layer, "type", where))
        found.append(_Layer(where, name, kind, layer, [f"x{i - 1}"], f"x{i}"))
    return found


def _dag_layers(net: dict[str, Any], layers: list[dict[str, Any]]) -> list[_Layer]:
    stored = get(net, "params", [])
    stored = stored if isinstance(stored, list) else [stored]
    values = {str(p.get("name")): p.get("value") for p in stored if isinstance(p, dict)}
    found = []
    for i, layer in enumerate(layers, 1):
        where = f"layers({i})"
        inputs, outputs = (texts(need(layer, key, where)) for key in ("inputs", "outputs"))
        kind = str(need(layer, "type", where)).removeprefix("dagnn.").lower()
        kind = _DAG_KINDS.get(kind, kind)
        if len(outputs) != 1 or not inputs:
            raise FieldError(f"`{where}.outputs` is {outputs}; expected one, of one input or more")
        if len(inputs) > 1 and kind not in ("sum", "concat", *_ENDS):
            raise FieldError(f"`{where}.inputs` is {inputs}; expected one for a {kind}")
        block = layer["block"] if isinstance(layer["block"], dict) else {}
        own = texts(get(layer, "params", []))
        missing = [name for name in own if name not in values]
        if missing:
            raise FieldError(f"`params` has no {missing[0]!r}, which `{where}.params` names")
        settings = {**block, "weights": [values[name] for name in own]}
        if kind == "pool" and "poolSize" in block:
            settings["pool"] = block["poolSize"]
        name = str(get(layer, "name", ""))
        found.append(_Layer(where, name, kind, settings, inputs, outputs[0]))
    return found


def _block(where: str, kind: str, layer: dict[str, Any]) -> Read:
    if kind not in _KINDS:
        raise FieldError(
            f"`{where}.type` is {kind!r}; expected {', '.join(_KINDS)}, dropout or softmax"
        )
    return _KINDS[kind](where, layer)


def _relu(where: str, layer: dict[str, Any]) -> Read:
    leak = numbers(layer, "leak", where, [0])[0]
    return (LeakyReLU(leak) if leak else ReLU()), {}


def _pooling(where: str, layer: dict[str, Any]) -> Read:
    window = numbers(layer, "pool", where)
    stride = numbers(layer, "stride", where, [1])
    method = str(get(layer, "method", "max"))
    if method not in ("max", "avg"):
        raise FieldError(f"`{where}.method` is {method!r}; expected max or avg")
    pooling = MaxPooling if method == "max" else AveragePooling
    return pooling(pair(window), pair(stride), sides(layer, where)), {}


def _response(where: str, layer: dict[str, Any]) -> Read:
    values = numbers(layer, "param", where)
    if len(values) != 4:
        raise FieldError(f"`{where}.param` has {len(values)} numbers; expected four")
    rho, kappa, alpha, beta = values
    return LocalResponseNormalization(int(rho), kappa, alpha, beta), {}


def _concatenation(where: str, layer: dict[str, Any]) -> Read:
    along = numbers(layer, "dim", where, [3])[0]
    if along != 3:
        raise FieldError(f"`{where}.dim` is {along:g}; expected 3, the channels")
    return Concatenation(), {}


def _convolution(where: str, layer: dict[str, Any]) -> Read:
    filters, biases, field = _filters(where, layer)
    height, width, inputs, outputs = filters.shape
    groups = int(numbers(layer, "numGroups", where, [1])[0])
    block = Convolution(
        inputs * groups,
        outputs,
        (height, width),
        stride=pair(numbers(layer, "stride", where, [1])),
        padding=sides(layer, where),
        dilation=pair(numbers(layer, "dilate", where, [1])),
        groups=groups,
        bias=biases is not None,
    )
    return block, _weights(filters, biases, outputs, field)


def _transposed(where: str, layer: dict[str, Any]) -> Read:
    """The filters are (height, width, out, in): the convolution's that goes the other way."""
    filters, biases, field = _filters(where, layer)
    height, width, outputs, inputs = filters.shape
    groups = int(numbers(layer, "numGroups", where, [1])[0])
    block = TransposedConvolution(
        inputs,
        outputs * groups,
        (height, width),
        stride=pair(numbers(layer, "upsample", where, [1])),
        padding=sides(layer, where, "crop"),
        groups=groups,
        bias=biases is not None,
    )
    return block, _weights(filters, biases, outputs * groups, field)


def _filters(where: str, layer: dict[str, Any]) -> tuple[np.ndarray, np.ndarray | None, str]:
    """The filters in four dimensions, the biases if there are any, and their field's name."""
    if "filters" in layer:
        filters, biases = layer["filters"], get(layer, "biases", None)
        field = f"{where}.filters"
    else:
        weights = need(layer, "weights", where)
        weights = weights if isinstance(weights, list) else [weights]
        filters = weights[0] if weights else None
        biases = weights[1] if len(weights) > 1 else None
        field = f"{where}.weights"
    if not is_numeric(filters) or filters.ndim > 4 or not filters.size:
        raise FieldError(f"`{field}` holds no filters; expected an array (height, width, in, out)")
    if not np.isfinite(filters).all():
        raise FieldError(f"`{field}` holds a number that is not finite; expected numbers")
    # MATLAB drops the last dimensions that are 1
    filters = filters.reshape(filters.shape + (1,) * (4 - filters.ndim))
    return filters, (biases if is_numeric(biases) and biases.size else None), field


def _weights(
    filters: np.ndarray, biases: np.ndarray | None, outputs: int, field: str
) -> dict[str, Tensor]:
    params = {"weight": tensor(filters.transpose(3, 2, 0, 1))}
    if biases is not None:
        if biases.size != outputs:
            raise FieldError(
                f"`{field}`: {biases.size} biases for {outputs} filters; expected as many"
            )
        params["bias"] = tensor(biases.ravel())
    return params


def _normalization(where: str, layer: dict[str, Any]) -> Read:
    weights = need(layer, "weights", where)
    if not isinstance(weights, list) or len(weights) < 3 or not all(map(is_numeric, weights)):
        raise FieldError(f"`{where}.weights` must hold gains, biases and moments")
    gain, bias, moments = weights[:3]
    channels = gain.size
    if bias.size != channels or moments.shape != (channels, 2):
        raise FieldError(f"`{where}.weights`: moments {moments.shape}; expected ({channels}, 2)")
    # MatConvNet's second moment is the deviation, epsilon already within
    block = BatchNormalization(channels, epsilon=0.0, training=False)
    return block, {
        "weight": tensor(gain.ravel()),
        "bias": tensor(bias.ravel()),
        "mean": tensor(moments[:, 0]),
        "variance": tensor(moments[:, 1] ** 2),
    }


_KINDS: Mapping[str, Callable[[str, dict[str, Any]], Read]] = {
    "conv": _convolution,
    "convt": _transposed,
    "relu": _relu,
    "sigmoid": lambda where, layer: (Sigmoid(), {}),
    "pool": _pooling,
    "normalize": _response,
    "lrn": _response,
    "bnorm": _normalization,
    "sum": lambda where, layer: (Sum(), {}),
    "concat": _concatenation,
}
