"""Every module of torch.nn that can be called on the CPU, each with what it is called with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

# what holds other modules, needs its shape from a first call, or needs a GPU
LEFT_OUT = {
    "Module", "Container", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList",
    "Sequential", "DataParallel", "SyncBatchNorm", "RNNBase", "RNNCellBase",
}  # fmt: skip


@dataclass(frozen=True)
class Called:
    make: Callable[[], nn.Module]
    x: Any
    target: Any = None


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def probabilities(*shape, seed=0):
    return torch.sigmoid(draw(*shape, seed=seed))


def classes(count, *shape, seed=0):
    return torch.randint(0, count, shape, generator=torch.Generator().manual_seed(seed))


def signs(*shape, seed=0):
    return 2.0 * classes(2, *shape, seed=seed) - 1


class LogSoftmaxThen(nn.Module):
    """CTCLoss's own derivative is that of a log-softmax before it, too: PyTorch says so."""

    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def forward(self, x, *target):
        return self.loss(x.log_softmax(-1), *target)


def seeded(make):
    def made():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return make()

    return made


def cases():
    """By the module's name."""
    one, two, three = (2, 3, 6), (2, 2, 4, 6), (2, 2, 4, 4, 2)
    table: dict[str, Called] = {}

    def add(name, x, *settings, target=None, make=None, **named):
        def plain():
            module = getattr(nn, name)(*settings, **named)
            if name.startswith("Lazy"):
                module(x.float())  # takes its shapes from there
            return module

        table[name] = Called(seeded(make or plain), x, target)

    for kind in ("AvgPool", "MaxPool", "AdaptiveAvgPool", "AdaptiveMaxPool"):
        for dims, shape in ((1, one), (2, two), (3, three)):
            add(f"{kind}{dims}d", draw(*shape), 2)
    for dims, shape in ((1, one), (2, two), (3, three)):
        add(f"LPPool{dims}d", probabilities(*shape) + 0.5, 2.0, 2)
        add(f"BatchNorm{dims}d", draw(3, *shape[1:]), shape[1])
        add(f"InstanceNorm{dims}d", draw(*shape), shape[1], affine=True)
        add(f"LazyBatchNorm{dims}d", draw(3, *shape[1:]))
        add(f"LazyInstanceNorm{dims}d", draw(*shape), affine=True)
        for lazy in ("", "Lazy"):
            channels = () if lazy else (shape[1],)
            add(f"{lazy}Conv{dims}d", draw(*shape), *channels, 2, 2)
            add(f"{lazy}ConvTranspose{dims}d", draw(*shape), *channels, 2, 2)
        for kind in ("Circular", "Constant", "Reflection", "Replication", "Zero"):
            value = (0.5,) if kind == "Constant" else ()
            add(f"{kind}Pad{dims}d", draw(*shape), 1, *value)
        pooled = getattr(nn.functional, f"max_pool{dims}d")(draw(*shape), 2, return_indices=True)[1]
        add(f"MaxUnpool{dims}d", (draw(*pooled.shape), pooled), 2)
    for name in (
        "CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "Identity",
        "LeakyReLU", "LogSigmoid", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU",
        "Sigmoid", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "AlphaDropout",
        "Dropout", "Flatten",
    ):  # fmt: skip
        add(name, draw(3, 4, 5))
    add("Threshold", draw(3, 4), 0.1, 0.3)
    add("GLU", draw(3, 4))
    for name in ("Softmax", "Softmin", "LogSoftmax"):
        add(name, draw(3, 4), 1)
    add("Softmax2d", draw(2, 3, 2, 2))
    add("Dropout1d", draw(*one))
    add("Dropout2d", draw(*two))
    add("Dropout3d", draw(2, 5, 2, 1, 2))
    add("FeatureAlphaDropout", draw(*two))
    add("ChannelShuffle", draw(2, 4, 2, 2), 2)
    add("PixelShuffle", draw(1, 4, 2, 3), 2)
    add("PixelUnshuffle", draw(1, 1, 4, 6), 2)
    add("Unflatten", draw(3, 6), 1, (2, 3))
    add("Fold", draw(2, 8, 4), (3, 3), 2)
    add("Unfold", draw(2, 2, 3, 4), 2)
    add("Upsample", draw(1, 2, 3, 3), None, 2, "bicubic")
    add("UpsamplingBilinear2d", draw(1, 2, 3, 3), None, 2)
    add("UpsamplingNearest2d", draw(1, 2, 3, 3), None, 2)
    add("FractionalMaxPool2d", draw(1, 2, 6, 7), 2, output_ratio=0.5)
    add("FractionalMaxPool3d", draw(1, 1, 5, 5, 5), 2, output_ratio=0.5)
    add("CrossMapLRN2d", draw(1, 4, 2, 3), 3)
    add("LocalResponseNorm", draw(1, 4, 2, 3), 3)
    add("GroupNorm", draw(2, 4, 3), 2, 4)
    add("LayerNorm", draw(3, 4), 4)
    add("RMSNorm", draw(3, 4), 4)
    add("Linear", draw(3, 4), 4, 2)
    add("LazyLinear", draw(3, 4), 2)
    add("Bilinear", (draw(3, 2), draw(3, 4, seed=1)), 2, 4, 3)
    add("Embedding", classes(5, 3, 2), 5, 3)
    add("EmbeddingBag", classes(5, 3, 2), 5, 3)
    for name in ("RNN", "GRU", "LSTM"):
        add(name, draw(4, 2, 3), 3, 2, num_layers=2, dropout=0.3, bidirectional=True)
    state = draw(3, 4, seed=1)
    add("RNNCell", (draw(3, 2), state), 2, 4)
    add("GRUCell", (draw(3, 2), state), 2, 4)
    add("LSTMCell", (draw(3, 2), (state, draw(3, 4, seed=2))), 2, 4)
    query, key = draw(3, 2, 4), draw(2, 2, 4, seed=1)
    add("MultiheadAttention", (query, key, draw(2, 2, 4, seed=2)), 4, 2, dropout=0.2)
    for name in ("TransformerEncoderLayer", "TransformerDecoderLayer"):
        memory = (query, key) if "Decoder" in name else query
        add(name, memory, 4, 2, 5)
    add("TransformerEncoder", query, make=lambda: nn.TransformerEncoder(
        nn.TransformerEncoderLayer(4, 2, 5), 1, enable_nested_tensor=False))  # fmt: skip
    add("TransformerDecoder", (query, key), make=lambda: nn.TransformerDecoder(
        nn.TransformerDecoderLayer(4, 2, 5), 1))  # fmt: skip
    add("Transformer", (query, key), make=lambda: nn.Transformer(
        4, 2, 1, 1, 5))  # fmt: skip
    add("CosineSimilarity", (draw(3, 4), draw(3, 4, seed=1)))
    add("PairwiseDistance", (draw(3, 4), draw(3, 4, seed=1)))
    # losses
    for name in ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss"):
        add(name, draw(3, 4), target=draw(3, 4, seed=1))
    add("PoissonNLLLoss", draw(3, 4), target=probabilities(3, 4) * 5)
    add("KLDivLoss", draw(3, 4), target=probabilities(3, 4), reduction="batchmean")
    add("BCELoss", probabilities(3, 4), target=classes(2, 3, 4).double())
    add("BCEWithLogitsLoss", draw(3, 4), target=probabilities(3, 4, seed=1))
    add("GaussianNLLLoss", (draw(3, 4), draw(3, 4, seed=1), probabilities(3, 4, seed=2)))
    for name in ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss"):
        add(name, draw(3, 4), target=classes(4, 3))
    add("NLLLoss2d", draw(2, 3, 2, 2), target=classes(3, 2, 2, 2))
    add("MultiLabelMarginLoss", draw(2, 4), target=torch.tensor([[3, 0, -1, 1], [2, -1, 0, 1]]))
    add("MultiLabelSoftMarginLoss", draw(3, 4), target=classes(2, 3, 4).double())
    add("SoftMarginLoss", draw(3, 4), target=signs(3, 4))
    add("HingeEmbeddingLoss", draw(3, 4), target=signs(3, 4))
    add("MarginRankingLoss", (draw(5), draw(5, seed=1)), target=signs(5), margin=0.5)
    add("CosineEmbeddingLoss", (draw(5, 3), draw(5, 3, seed=1)), target=signs(5))
    triple = tuple(draw(4, 3, seed=seed) for seed in range(3))
    add("TripletMarginLoss", triple, margin=5.0)
    add("TripletMarginWithDistanceLoss", triple, margin=5.0)
    lengths = torch.tensor([2, 1]), torch.tensor([5, 4]), torch.tensor([2, 1])
    add("CTCLoss", draw(5, 2, 3), make=lambda: LogSoftmaxThen(nn.CTCLoss()),
        target=(torch.tensor([[1, 2], [2, 0]]), lengths[1], lengths[2]))  # fmt: skip
    add("AdaptiveLogSoftmaxWithLoss", draw(5, 4), 4, 6, cutoffs=[2, 4],
        target=torch.tensor([0, 3, 5, 1, 4]))  # fmt: skip
    if hasattr(nn, "LinearCrossEntropyLoss"):
        add("LinearCrossEntropyLoss", draw(3, 4), 4, 5, target=classes(5, 3))
    return table


CASES = cases()
