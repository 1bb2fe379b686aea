"""Chains that the tests share."""

import pytest
import torch

from chainrule.blocks import (
    GELU,
    AveragePooling,
    BatchNormalization,
    Convolution,
    Dropout,
    Flatten,
    FullyConnected,
    GlobalAveragePooling,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    LeakyReLU,
    LocalResponseNormalization,
    MaxPooling,
    ReLU6,
    Residual,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
    TransposedConvolution,
    Upsampling,
)
from chainrule.chain import Chain
from chainrule.reader.letters.network import letter_network


@pytest.fixture(scope="session")
def characters():
    """The character CNN of the practical: 32x32 grey images to 26 scores."""
    return letter_network()


@pytest.fixture(scope="session")
def everything():
    """A chain with every kind of block, a chain in it, and residuals (of a chain and a block)."""
    inner = Chain(
        [
            ("expand", Convolution(6, 12, 1, bias=False)),
            ("norm", BatchNormalization(12)),
            ("clip", ReLU6()),
            ("depthwise", Convolution(12, 12, 3, padding=1, groups=12)),
            ("drop", Dropout(0.3)),
            ("project", Convolution(12, 6, 1)),
        ]
    )
    return Chain(
        [
            ("stem", Convolution(3, 6, 3, stride=2, padding=(0, 1, 0, 1))),
            ("sigmoid", Sigmoid()),
            ("body", Residual(inner)),
            ("again", inner),
            ("pool", MaxPooling(2, 1, padding=(1, 0, 0, 1))),
            ("pool3", MaxPooling(3, 1, padding=1)),
            ("pool_wide", MaxPooling(3, 1, padding=2, dilation=2, ceil_mode=True)),
            ("leaky", LeakyReLU(0.2)),
            ("lrn", LocalResponseNormalization(4, 0.0, 0.5, 0.75)),
            ("mean", AveragePooling(2, 1, padding=1)),
            ("mean_all", AveragePooling(2, 1, padding=1, count_padding=True)),
            ("mean_right", AveragePooling(2, 1, padding=(0, 0, 0, 1))),
            ("mean_down", AveragePooling(2, 1, padding=(0, 1, 0, 0), count_padding=True)),
            ("mean_wide", AveragePooling(2, 1, padding=(1, 0, 1, 1), dilation=(1, 2))),
            ("tanh", Tanh()),
            ("bend", Residual(Tanh())),
            ("even_groups", Convolution(6, 4, 2, dilation=2, groups=2)),
            ("up", Upsampling(2, "bilinear")),
            ("repeat", Upsampling((1, 2))),
            ("spread", TransposedConvolution(4, 6, 3, 2, (0, 1, 1, 0), groups=2)),
            ("spread_even", TransposedConvolution(6, 4, 4, 2, 1, output_padding=1, bias=False)),
            ("layer_norm", LayerNormalization(4)),
            ("gelu", GELU()),
            ("group_norm", GroupNormalization(2, 4)),
            ("gelu_tanh", GELU(tanh=True)),
            ("mirror", Convolution(4, 4, 3, padding=(1, 0, 2, 1), padding_mode="reflect")),
            ("same", Convolution(4, 4, (2, 3), stride=2, padding="same")),
            ("instance_norm", InstanceNormalization(4)),
            ("silu", SiLU()),
            ("soft", Softplus(2.0)),
            ("global", GlobalAveragePooling()),
            ("flat", Flatten()),
            ("scores", FullyConnected(4, 5)),
            ("row_norm", BatchNormalization(5)),
            ("softmax", Softmax()),
        ],
        (2, 3, 12, 14),
    )


@pytest.fixture
def params():
    """Parameters of a chain, float64, with running moments that are not 0 and 1."""

    def make(chain, seed=0):
        generator = torch.Generator().manual_seed(seed)
        params = chain.initial_parameters(generator, dtype=torch.float64)
        for name, value in params.items():
            noise = torch.rand(value.shape, generator=generator, dtype=torch.float64)
            if not name.endswith("weight") or value.ndim == 1:
                params[name] = value + noise
        return params

    return make
