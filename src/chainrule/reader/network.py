"""The original's character network, as a chain."""

from chainrule.blocks import Convolution, MaxPooling, ReLU
from chainrule.chain import Chain
from chainrule.glyphs.letters import SIDE


def letter_network(classes: int = 26) -> Chain:
    """Four convolutions and two poolings: 32x32 grey to 1x1 scores, one a class.

    There is no padding anywhere, so a larger picture gives a score for each of its 32x32 windows
    that begin at multiples of 4 px: (N, 1, 32, W) to (N, classes, 1, (W - 32) // 4 + 1). As in the
    original, the maxima of the poolings and one ReLU are all that is not linear.
    """
    return Chain(
        [
            ("conv1", Convolution(1, 20, 5)),
            ("pool1", MaxPooling(2)),
            ("conv2", Convolution(20, 50, 5)),
            ("pool2", MaxPooling(2)),
            ("conv3", Convolution(50, 500, 4)),
            ("relu3", ReLU()),
            ("conv4", Convolution(500, classes, 2)),
        ],
        (1, 1, SIDE, SIDE),
    )
