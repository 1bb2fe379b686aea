"""Training steps: an equal `nn.Module` under PyTorch's own optimizer in every way, and ours.

Three networks: the original's character network, the fast recipe's, and a small residual network
with batch normalisation.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chainrule.blocks import (
    BatchNormalization,
    Convolution,
    Flatten,
    FullyConnected,
    GlobalAveragePooling,
    MaxPooling,
    ReLU,
    Residual,
    SoftmaxLogLoss,
)
from chainrule.blocks.block import Block, Shape
from chainrule.chain import Chain
from chainrule.chain.inference.precision import best_precision
from chainrule.io.progress import Progress
from chainrule.reader.letters.network import letter_network, small_letter_network
from chainrule.training import Settings
from chainrule.training.run import Run
from chainrule.training.sources import TensorSource
from chainrule.training.state import first_state

ROUNDS = 15
TIMES = (1, 2, 4)  # the recipe's batch, from which each way takes the one that is best for it
_SETTINGS = Settings(learning_rate=0.001, momentum=0.9, weight_decay=0.0005)
_PASSES = 4  # over each map: written and read forwards, its derivative written and read backwards
_PARTS = (1, 8, 64)  # into which a layer's rows are cut: patches need not go through memory
_MODES = (
    "float32",
    "float32, channels last",
    "bfloat16 autocast, channels last",
    "torch.compile, float32, channels last",
    "torch.compile, bfloat16 autocast, channels last",
)

Way = Callable[[], Any]
Told = Callable[[str], None]


@dataclass(frozen=True)
class Network:
    """A network to train, its input (C, H, W), and the batch of its recipe."""

    name: str
    chain: Chain
    picture: tuple[int, int, int]
    classes: int
    batch: int

    @property
    def examples(self) -> int:
        """How many a round trains on."""
        return self.batch * max(TIMES)


def residual_network(classes: int = 10) -> Chain:
    """32x32 colour pictures to scores: three residual sums, between them poolings."""
    layers: list[tuple[str, Block]] = []
    channels = 3
    for number, width in enumerate((16, 32, 64)):
        layers += _normalized(f"{number}", channels, width)
        body = [*_normalized("a", width, width), *_normalized("b", width, width)[:2]]
        layers += [(f"sum{number}", Residual(Chain(body))), (f"relu{number}b", ReLU())]
        layers.append((f"pool{number}", MaxPooling(2)))
        channels = width
    end = [("mean", GlobalAveragePooling()), ("flat", Flatten())]
    return Chain([*layers, *end, ("scores", FullyConnected(channels, classes))])


def _normalized(name: str, inputs: int, outputs: int) -> list[tuple[str, Block]]:
    return [
        (f"conv{name}", Convolution(inputs, outputs, 3, padding=1, bias=False)),
        (f"norm{name}", BatchNormalization(outputs)),
        (f"relu{name}", ReLU()),
    ]


NETWORKS = {
    network.name: network
    for network in (
        Network("original", letter_network(), (1, 32, 32), 26, 100),
        Network("fast", small_letter_network(), (1, 32, 32), 26, 64),
        Network("residual", residual_network(), (3, 32, 32), 10, 64),
    )
}


def measure(
    names: Sequence[str] = tuple(NETWORKS),
    progress: Progress | None = None,
    told: Told | None = None,
) -> dict[str, Any]:
    """Images a second that each way trains on, each with the batch that is best for it.

    The ways: an equal `nn.Module` with `torch.optim.SGD(foreach=True)` in each of the modes, on
    one thread and on as many as PyTorch takes; and `chainrule.training` in float32 and bfloat16 on
    as many. Forwards, loss, backwards and step of one epoch of 4 batches of the recipe's size, in
    memory as the way likes it best. Every way has run before the clock starts; then in each round
    every way runs once, each round beginning with another one. A rate is that of the median round.

    "to_best_peer" is the median over the rounds of the time of the best peer by that of our best in
    the same round. "to_limit" is our best's part of what the machine would allow: the products of
    each layer at its shapes, forwards and backwards, on matrices that are there already, in the
    pieces that suit the caches best, or copies of its maps, whatever takes longer. told: gets a
    sentence for each way that cannot run.
    """
    rows: list[dict[str, Any]] = []
    ratios: list[dict[str, Any]] = []
    threads = torch.get_num_threads()
    try:
        for i, name in enumerate(names):
            report = None if progress is None else _shifted(progress, i * ROUNDS, len(names))
            network = NETWORKS[name]
            ways = _ways(network, threads, told)
            times = _times(ways, report)
            rates = {way: network.examples / float(np.median(row)) for way, row in times.items()}
            peers = [way for way in ways if not way.startswith("chainrule")]
            best = max(peers, key=rates.__getitem__)
            ours = max((way for way in ways if way not in peers), key=rates.__getitem__)
            limit = limit_of(network, threads)
            rows += [
                {"network": name, "name": way, "images_per_second": rate}
                for way, rate in rates.items()
            ]
            ratios.append(
                {
                    "network": name,
                    "to_best_peer": float(np.median(times[best] / times[ours])),
                    "best_peer": best,
                    "to_limit": rates[ours] / limit,
                }
            )
    finally:
        torch.set_num_threads(threads)
    return {"rows": rows, "ratios": ratios}


def _ways(network: Network, threads: int, told: Told | None) -> dict[str, Way]:
    """Every way by its name, prepared, with the batch that is best for it."""
    ways: dict[str, Way] = {}
    for count in sorted({1, threads}):
        torch.set_num_threads(count)
        best: dict[str, int] = {}
        for mode in _MODES:
            # compiling takes long: the batch that is best for the same without it
            like = mode.removeprefix("torch.compile, ")
            sizes = [best[like]] if like in best else [network.batch * k for k in TIMES]
            try:
                size, way = _best({size: peer(network, mode, size) for size in sizes})
            except Exception as error:  # whatever a compiler that is not there may raise
                if told is not None:
                    told(f"{network.name}: {mode} is left out: {str(error).splitlines()[0]}")
                continue
            best[mode] = size
            ways[f"PyTorch, {mode}, {_named(count)}, batches of {size}"] = _with(count, way)
        for precision in ("float32", "bfloat16"):
            sizes = [network.batch * k for k in TIMES]
            size, way = _best({size: ours(network, precision, size) for size in sizes})
            ways[f"chainrule, {precision}, {_named(count)}, batches of {size}"] = _with(count, way)
    return ways


def peer(network: Network, mode: str, size: int) -> Way:
    """An epoch of the equal `nn.Module`."""
    return peer_epoch(network, network.chain.in_training().to_torch(_start(network)), mode, size)


def peer_epoch(network: Network, module: nn.Module, mode: str, size: int) -> Way:
    """An epoch of `module` in one of the modes, which moves its parameters."""
    module = module.train()
    last = "channels last" in mode
    narrow = "bfloat16" in mode
    if last:
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(
        module.parameters(),
        _SETTINGS.learning_rate,
        _SETTINGS.momentum,
        weight_decay=_SETTINGS.weight_decay,
        foreach=True,
    )
    forward: Callable[[Tensor], Tensor] = module
    if mode.startswith("torch.compile"):
        forward = torch.compile(module)
    x, y = _data(network)
    layout = torch.channels_last if last else torch.contiguous_format
    batches = [
        (part.contiguous(memory_format=layout), target)
        for part, target in zip(torch.split(x, size), torch.split(y, size), strict=True)
    ]

    def epoch() -> None:
        for part, target in batches:
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
                scores = forward(part).flatten(1)
            F.cross_entropy(scores.float(), target).backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return epoch


def ours(network: Network, precision: str, size: int) -> Way:
    """An epoch of `chainrule.training`, as `train` runs it."""
    epochs = 10**6  # more than are asked for
    settings = replace(_SETTINGS, precision=precision, batch_size=size, epochs=epochs)
    state = first_state(_start(network), settings)
    data = TensorSource(*_data(network))
    return Run(network.chain, SoftmaxLogLoss(), data, None, settings, state).epoch


def limit_of(network: Network, threads: int) -> float:
    """Images a second that this machine's matrix products and memory would allow."""
    torch.set_num_threads(threads)
    dtype = getattr(torch, best_precision())
    examples = network.examples
    seconds = 0.0
    first = True
    for shape, inputs, outputs in _layers(network.chain, (examples, *network.picture)):
        rows = math.prod(shape) // outputs
        moved = _PASSES * _copying(math.prod(shape), dtype)
        products = 0.0
        if inputs:
            products = min(
                parts * _products(rows // parts, inputs, outputs, first) for parts in _PARTS
            )
            first = False
        seconds += max(products, moved)
    return examples / seconds


def _products(rows: int, inputs: int, outputs: int, first: bool) -> float:
    """Seconds of a layer's products; the first layer's input needs no derivative."""
    dtype = getattr(torch, best_precision())
    x, w, dy = (
        torch.ones(a, b, dtype=dtype)
        for a, b in ((rows, inputs), (inputs, outputs), (rows, outputs))
    )
    seconds = _shortest(partial(torch.mm, x, w)) + _shortest(partial(torch.mm, x.T, dy))
    return seconds if first else seconds + _shortest(partial(torch.mm, dy, w.T))


def _layers(block: Block, shape: Shape) -> Iterator[tuple[Shape, int, int]]:
    """Each layer's output shape, and for its product the inputs and outputs of a row (or 0, C)."""
    inside = block.inside()
    if inside:
        for _, inner in inside:
            yield from _layers(inner, shape)
            shape = inner.shape(shape)
        return
    weight = block.parameter_shapes().get("weight", ())
    product = isinstance(block, Convolution | FullyConnected)
    yield block.shape(shape), math.prod(weight[1:]) if product else 0, block.shape(shape)[1]


def _start(network: Network) -> dict[str, Tensor]:
    return network.chain.initial_parameters(torch.Generator().manual_seed(0))


def _data(network: Network) -> tuple[Tensor, Tensor]:
    """Random pictures and classes: what they show does not matter to the clock."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(network.examples, *network.picture, generator=generator)
    return x, torch.randint(0, network.classes, (network.examples,), generator=generator)


def _best(ways: dict[int, Way]) -> tuple[int, Way]:
    """The size of batches with which a way is done soonest, the best of two, and that way."""
    for way in ways.values():
        way()
    if len(ways) == 1:
        return next(iter(ways.items()))
    size = min(ways, key=lambda size: min(_seconds(ways[size]) for _ in range(2)))
    return size, ways[size]


def _with(threads: int, way: Way) -> Way:
    def run() -> None:
        torch.set_num_threads(threads)
        way()

    return run


def _times(ways: dict[str, Way], progress: Progress | None) -> dict[str, np.ndarray]:
    """The seconds that each way took in each round."""
    names = list(ways)
    times = {name: np.zeros(ROUNDS) for name in names}
    for i in range(ROUNDS):
        for j in range(len(names)):
            name = names[(i + j) % len(names)]
            times[name][i] = _seconds(ways[name])
        if progress is not None:
            progress(i + 1, ROUNDS)
    return times


def _copying(count: int, dtype: torch.dtype) -> float:
    """Seconds to read or write so many numbers where a map of them lies: in a cache or beyond."""
    source = torch.ones(count, dtype=dtype)
    there = torch.empty_like(source)
    return _shortest(partial(there.copy_, source)) / 2


def _shortest(run: Way) -> float:
    return min(_seconds(run) for _ in range(5))


def _seconds(run: Way) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _named(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"


def _shifted(progress: Progress, before: int, parts: int) -> Progress:
    return lambda done, total: progress(before + done, parts * total)
