"""A small chain learns scikit-learn's 8x8 digits in a few seconds, by derivatives by hand.

Run it: python examples/train_digits.py
"""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from chainrule import Chain, Settings, blocks, train
from chainrule.blocks import top1_error

EPOCHS = 12


def main() -> float:
    """Train, print a line an epoch, and give the error on the held-out digits."""
    digits = load_digits()
    pictures = (digits.images[:, None] / 16).astype(np.float32)  # (N, 1, 8, 8), 0 to 1
    split = train_test_split(pictures, digits.target, test_size=0.25, random_state=0)
    x_train, x_test, y_train, y_test = split
    chain = Chain(
        [
            ("conv1", blocks.Convolution(1, 16, 3, padding=1)),
            ("relu1", blocks.ReLU()),
            ("pool1", blocks.MaxPooling(2)),
            ("conv2", blocks.Convolution(16, 32, 3, padding=1)),
            ("relu2", blocks.ReLU()),
            ("pool2", blocks.MaxPooling(2)),
            ("flat", blocks.Flatten()),
            ("scores", blocks.FullyConnected(32 * 2 * 2, 10)),
        ],
        input_shape=(1, 1, 8, 8),
    )
    found = train(
        chain,
        chain.initial_parameters(torch.Generator().manual_seed(0)),
        blocks.SoftmaxLogLoss(),
        (x_train, y_train),
        Settings(epochs=EPOCHS, batch_size=32, learning_rate=0.05),
        validation=(x_test, y_test),
        metrics={"top1": top1_error},
        on_epoch=lambda line, _: print(f"{line['epoch']:3} {100 * line['top1_validation']:.1f} %"),
    )
    return float(found.history[-1]["top1_validation"])


if __name__ == "__main__":
    main()
