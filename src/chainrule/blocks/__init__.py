"""The blocks: each a function, its derivative by hand, and its derivation."""

from chainrule.blocks.activations import LeakyReLU, ReLU, ReLU6, Sigmoid, Tanh
from chainrule.blocks.block import Block, Derivatives, Loss, Parameters, Shape
from chainrule.blocks.convolution import Convolution
from chainrule.blocks.ctc import CTCLoss
from chainrule.blocks.dropout import Dropout
from chainrule.blocks.interleave import Interleave
from chainrule.blocks.linear import Flatten, FullyConnected
from chainrule.blocks.losses import HingeLoss, LogisticLoss, LogLoss, Softmax, SoftmaxLogLoss
from chainrule.blocks.metrics import top1_error, top5_error, top_error
from chainrule.blocks.normalization import BatchNormalization, LocalResponseNormalization
from chainrule.blocks.pooling import AveragePooling, GlobalAveragePooling, MaxPooling
from chainrule.blocks.residual import Residual
from chainrule.blocks.window import Padding, Size, Window

__all__ = [
    "AveragePooling",
    "BatchNormalization",
    "Block",
    "CTCLoss",
    "Convolution",
    "Derivatives",
    "Dropout",
    "Flatten",
    "FullyConnected",
    "GlobalAveragePooling",
    "HingeLoss",
    "Interleave",
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
    "Sigmoid",
    "Size",
    "Softmax",
    "SoftmaxLogLoss",
    "Tanh",
    "Window",
    "top1_error",
    "top5_error",
    "top_error",
]
