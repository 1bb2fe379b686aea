"""What the tests of training share: pictures that are soon learned, and a chain for them."""

import torch

from chainrule.blocks import (
    BatchNormalization,
    Convolution,
    Dropout,
    Flatten,
    FullyConnected,
    MaxPooling,
    ReLU,
    SoftmaxLogLoss,
    top1_error,
)
from chainrule.chain import Chain
from chainrule.training import Settings, train

CHAIN = Chain(
    [
        ("conv", Convolution(1, 4, 3)),
        ("norm", BatchNormalization(4)),
        ("relu", ReLU()),
        ("pool", MaxPooling(2)),
        ("flat", Flatten()),
        ("drop", Dropout(0.2)),
        ("full", FullyConnected(36, 3)),
    ],
    (2, 1, 8, 8),
)
SETTINGS = Settings(epochs=4, batch_size=10, learning_rate=0.05, schedule="cosine", seed=3)


class Bars:
    """Images with a bright row at one of three heights, in noise."""

    def __init__(self, n, seed):
        generator = torch.Generator().manual_seed(seed)
        self.labels = torch.randint(0, 3, (n,), generator=generator)
        self.images = torch.randn(n, 1, 8, 8, generator=generator)
        self.images[torch.arange(n), 0, 1 + 2 * self.labels] += 2

    def __len__(self):
        return len(self.labels)

    def batches(self, size, generator):
        n = len(self)
        order = torch.arange(n) if generator is None else torch.randperm(n, generator=generator)
        for chosen in order.split(size):
            yield self.images[chosen], self.labels[chosen]


def run(settings=SETTINGS, chain=CHAIN, data=None, **options):
    """Train on bars, unless there is other `data`, and judge on other ones."""
    return train(
        chain,
        chain.initial_parameters(torch.Generator().manual_seed(0)),
        SoftmaxLogLoss(),
        Bars(95, 1) if data is None else data,
        settings,
        validation=Bars(40, 2),
        metrics={"top1": top1_error},
        **options,
    )


def same(a, b):
    """Whether two sets of parameters are the same to the bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
