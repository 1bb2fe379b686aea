"""The networks that read letters: the original's, and a small one that learns faster."""

from chainrule.blocks import BatchNormalization, Convolution, MaxPooling, ReLU
from chainrule.blocks.block import Block
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


def small_letter_network(classes: int = 26) -> Chain:
    """Six convolutions, the first two with stride 2: the same shapes as `letter_network`.

    Two strides in place of the poolings, and 3x3 filters, make it about one million multiply-adds
    a letter instead of 4.5 million. Batch normalisation lets it learn at a hundred times the
    original's rate; the last two layers see one pixel a letter, too few to normalise in a batch of
    one letter, and do without.
    """
    return Chain(
        [
            *normalized_layer("1", Convolution(1, 16, 4, stride=2, bias=False)),
            *normalized_layer("2", Convolution(16, 32, 3, stride=2, bias=False)),
            *normalized_layer("3", Convolution(32, 64, 3, bias=False)),
            *normalized_layer("4", Convolution(64, 64, 3, bias=False)),
            ("conv5", Convolution(64, 128, 3)),
            ("relu5", ReLU()),
            ("scores", Convolution(128, classes, 1)),
        ],
        (1, 1, SIDE, SIDE),
    )


def normalized_layer(number: str, convolution: Convolution) -> list[tuple[str, Block]]:
    """A convolution, batch normalisation and a ReLU, named by their number in the network."""
    return [
        (f"conv{number}", convolution),
        (f"norm{number}", BatchNormalization(convolution.out_channels)),
        (f"relu{number}", ReLU()),
    ]
