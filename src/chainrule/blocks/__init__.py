"""The blocks: each a function, its derivative by hand, and its derivation."""

from chainrule.blocks.activations import LeakyReLU, ReLU, ReLU6, Sigmoid, Tanh
from chainrule.blocks.block import Block, Derivatives, Loss, Parameters, Shape
from chainrule.blocks.convolution import Convolution
from chainrule.blocks.ctc import CTCLoss
from chainrule.blocks.dropout import Dropout
from chainrule.blocks.group_normalization import (
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
)
from chainrule.blocks.interleave import Interleave
from chainrule.blocks.joining import Concatenation, Sum
from chainrule.blocks.linear import Flatten, FullyConnected
from chainrule.blocks.losses import HingeLoss, LogisticLoss, LogLoss, SoftmaxLogLoss
from chainrule.blocks.metrics import top1_error, top5_error, top_error
from chainrule.blocks.normalization import BatchNormalization, LocalResponseNormalization
from chainrule.blocks.pooling import AveragePooling, GlobalAveragePooling, MaxPooling
from chainrule.blocks.residual import Residual
from chainrule.blocks.sampler import BilinearSampler
from chainrule.blocks.smooth_activations import GELU, SiLU, Softplus
from chainrule.blocks.softmax import Softmax
from chainrule.blocks.transposed import TransposedConvolution
from chainrule.blocks.upsampling import Upsampling
from chainrule.blocks.window import Padding, Size, Window

__all__ = [
    "GELU",
    "AveragePooling",
    "BatchNormalization",
    "BilinearSampler",
    "Block",
    "CTCLoss",
    "Concatenation",
    "Convolution",
    "Derivatives",
    "Dropout",
    "Flatten",
    "FullyConnected",
    "GlobalAveragePooling",
    "GroupNormalization",
    "HingeLoss",
    "InstanceNormalization",
    "Interleave",
    "LayerNormalization",
    "LeakyReLU",
    "LocalResponseNormalization",
    "LogLoss",
    "LogisticLoss",
    "Loss",
    "MaxPooling",
    "Padding",
    "Parameters",
    "ReLU",
    "ReLU6",
    "Residual",
    "Shape",
    "SiLU",
    "Sigmoid",
    "Size",
    "Softmax",
    "SoftmaxLogLoss",
    "Softplus",
    "Sum",
    "Tanh",
    "TransposedConvolution",
    "Upsampling",
    "Window",
    "top1_error",
    "top5_error",
    "top_error",
]
