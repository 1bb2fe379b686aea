"""One process of a training that several share, for their tests: what it is told, as JSON."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import matplotlib
import torch

from chainrule.blocks import CTCLoss, SoftmaxLogLoss, top1_error
from chainrule.glyphs.fonts import open_font
from chainrule.glyphs.lines import build_line_fonts
from chainrule.reader.letters.network import letter_network, small_letter_network
from chainrule.reader.lines.network import line_network
from chainrule.reader.lines.rendered import LineStyle, RenderedLines
from chainrule.reader.lines.training import character_errors
from chainrule.training import Settings, train
from chainrule.training.ranks import joined_ranks


def data():
    """50 noisy pictures of four classes: batches of 16, and a last one of two."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(50) % 4
    x = torch.randn(50, 1, 32, 32, generator=generator)
    x[torch.arange(50), 0, 8 * labels] += 2.0
    return x, labels[:, None, None]


def letters_work(network):
    return network(4), SoftmaxLogLoss(), data(), {"top1": top1_error}, 16


def lines_work():
    """51 drawn lines in batches of three: two pools of them."""
    folder, alphabet = Path(matplotlib.get_data_path()) / "fonts" / "ttf", "abcdefgh "
    fonts, _ = build_line_fonts([open_font(folder / "DejaVuSans.ttf")], alphabet, styles=1)
    source = RenderedLines(fonts, alphabet, 51, LineStyle((1, 3)))
    metrics = {"character_errors": character_errors}
    return line_network(len(alphabet) + 1), CTCLoss(), source, metrics, 3


WORKS = {
    "original": lambda: letters_work(letter_network),
    "fast": lambda: letters_work(small_letter_network),
    "lines": lines_work,
}


class KillOnce:
    """A metric that is always 0, and ends the second process when it is asked for the nth time."""

    def __init__(self, file, after):
        self.file, self.after, self.asked = file, after, 0

    def __call__(self, output, target):
        self.asked += 1
        if self.asked == self.after and os.environ["RANK"] == "1" and not Path(self.file).exists():
            Path(self.file).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return 0.0


def run(name, ranks, epochs, more=None, **options):
    network, loss, source, metrics, size = WORKS[name]()
    start = network.initial_parameters(torch.Generator().manual_seed(1), initialization="he")
    settings = Settings(
        epochs=epochs, batch_size=size, learning_rate=0.001, precision="float64", clip_norm=5.0
    )
    start = {key: value.double() for key, value in start.items()}
    return train(
        network, start, loss, source, settings,
        validation=source, metrics=metrics | (more or {}), ranks=ranks, **options,
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
                    on_epoch=lambda line, parameters: time.sleep(ranks.number * float(pause)),
                )
            )
    (Path(folder) / f"rank{ranks.number}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
