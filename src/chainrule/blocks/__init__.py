"""The blocks: each a function, its derivative by hand, and its derivation."""

from chainrule.blocks.activations import LeakyReLU, ReLU, ReLU6, Sigmoid, Tanh
from chainrule.blocks.block import Block, Derivatives, Parameters, Shape
from chainrule.blocks.convolution import Convolution
from chainrule.blocks.linear import Flatten, FullyConnected
from chainrule.blocks.losses import SoftmaxLogLoss
from chainrule.blocks.pooling import AveragePooling, GlobalAveragePooling, MaxPooling
from chainrule.blocks.window import Padding, Size, Window

__all__ = [
    "AveragePooling",
    "Block",
    "Convolution",
    "Derivatives",
    "Flatten",
    "FullyConnected",
    "GlobalAveragePooling",
    "LeakyReLU",
    "MaxPooling",
    "Padding",
    "Parameters",
    "ReLU",
    "ReLU6",
    "Shape",
    "Sigmoid",
    "Size",
    "SoftmaxLogLoss",
    "Tanh",
    "Window",
]
