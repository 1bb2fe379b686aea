"""One process of a training that several share, for their tests: what it is told, as JSON."""

import json
import sys
import time
from pathlib import Path

import torch

from chainrule.blocks import SoftmaxLogLoss, top1_error
from chainrule.reader.letters.network import letter_network, small_letter_network
from chainrule.training import Settings, train
from chainrule.training.ranks import joined_ranks


def data():
    """50 noisy pictures of four classes: batches of 16, and a last one of two."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(50) % 4
    x = torch.randn(50, 1, 32, 32, generator=generator)
    x[torch.arange(50), 0, 8 * labels] += 2.0
    return x, labels[:, None, None]


def run(name, ranks, epochs, **options):
    network = {"original": letter_network, "fast": small_letter_network}[name](4)
    start = network.initial_parameters(torch.Generator().manual_seed(1), initialization="he")
    settings = Settings(
        epochs=epochs, batch_size=16, learning_rate=0.001, precision="float64", clip_norm=5.0
    )
    start = {key: value.double() for key, value in start.items()}
    return train(
        network, start, SoftmaxLogLoss(), data(), settings,
        validation=data(), metrics={"top1": top1_error}, ranks=ranks, **options,
    )  # fmt: skip


def figures(trained):
    """The history without what time it took, and the parameters' bits."""
    timed = ("seconds", "images_per_second")
    history = [{k: v for k, v in line.items() if k not in timed} for line in trained.history]
    bits = {k: v.numpy().tobytes().hex()[:64] for k, v in trained.parameters.items()}
    return {"history": history, "bits": bits}


def main(folder, names, epochs, resume, pause):
    torch.set_num_threads(1)
    with joined_ranks() as ranks:
        found = {}
        for name in names.split(","):
            found[name] = figures(
                run(
                    name,
                    ranks,
                    int(epochs),
                    checkpoint=Path(folder) / f"{name}.safetensors",
                    resume=resume == "resume",
                    on_epoch=lambda line, parameters: time.sleep(float(pause)),
                )
            )
    (Path(folder) / f"rank{ranks.number}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
