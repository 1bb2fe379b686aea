"""The worker that looks at pictures: small copies, best classes, and what decided on any class.

It answers one question after the other, as `chainrule images classify`, `predict` and `explain` do.
"""

import io
from collections import OrderedDict
from dataclasses import asdict
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from chainrule.errors import FileError, InputError
from chainrule.io.checks import whole_number
from chainrule.io.pictures import picture_from_bytes, read_bytes
from chainrule.lab.jobs.answering import answer_all, say_phase
from chainrule.lab.rooms.small_copies import small_copy

if TYPE_CHECKING:
    from chainrule.images.classifier import Classifier
    from chainrule.images.network import Network

_SMALL = 320  # pixels of a small copy's longer side
_HELD = 4  # pictures that are held open, for the next question
_TOP = 5


def main(pipe: Connection) -> None:
    """Answer what comes through the pipe, until the process is ended."""
    answer_all(pipe, _Looker(pipe))


class _Looker:
    """The questions, each a method; it answers with JSON values and bytes."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._open: OrderedDict[str, Image.Image] = OrderedDict()

    def look(self, path: str, name: str, small: str, pixels: int) -> tuple[dict[str, Any], bytes]:
        """Write the small copy; its size upright, or the reason why it is no picture."""
        return small_copy(path, name, small, pixels, _SMALL), b""

    def best(self, path: str, name: str, model: str | None) -> tuple[dict[str, Any], bytes]:
        """The best of the network's own classes and, with a `model`, of one's own."""
        (best,) = self._network_ready.classify([self._picture(path, name)], top=_TOP)
        found: dict[str, Any] = {"best": [asdict(guess) for guess in best]}
        if model is not None:
            found["own"] = self._own(path, name, model)
        return found, b""

    def _own(self, path: str, name: str, model: str) -> dict[str, Any]:
        from chainrule.images.answers import answer_rows
        from chainrule.images.classifier import predict

        classifier = self._classifier(model)
        answers, _, skipped = predict(classifier, [self._network_ready], [Path(path)])
        if skipped:
            raise FileError(skipped[0].reason.replace(path, name))
        (row,) = answer_rows(answers, [Path(name)], _TOP, unknown=True)
        return {
            "class": row["class"], "margin": float(answers.margin[0]),
            "best": [{"index": classifier.classes.index(guess["class"]), "name": guess["class"],
                      "probability": guess["probability"]} for guess in row["best"]],
        }  # fmt: skip

    def answers(
        self, places: list[dict[str, str]], model: str, unsure: float | None, cache: str
    ) -> tuple[dict[str, Any], bytes]:
        """What a classifier says of many pictures, as `images predict --out` writes it."""
        from chainrule.images.answers import answer_rows, write_answers
        from chainrule.images.classifier import predict

        files = [Path(place["path"]) for place in places]
        answers, kept, _ = predict(
            self._classifier(model), [self._network_ready], files, cache=Path(cache)
        )
        names = [Path(places[i]["name"]) for i in kept]
        rows = answer_rows(answers, names, _TOP, unknown=True, unsure_below=unsure)
        stream = io.StringIO(newline="")
        write_answers(stream, rows, head=True)
        return {}, stream.getvalue().encode()

    def explain(
        self, path: str, name: str, class_index: int | None, model: str | None
    ) -> tuple[dict[str, Any], bytes]:
        """What decided on a class, of the network's or, with a `model`, of one's own.

        The content is the square that the network saw (size, size, 3), the derivative and Grad-CAM
        (size, size each), in bytes.
        """
        from chainrule.images.explanation import explain, explain_own_class

        network, picture = self._network_ready, self._picture(path, name)
        if model is not None:
            classifier = self._classifier(model)
            names = classifier.classes
            self._check_class(class_index, names)
            found = explain_own_class(network, classifier, picture, class_index)
        else:
            names = network.classes
            self._check_class(class_index, names)
            found = explain(network, picture, class_index)
        maps = (np.rint(255 * m).astype(np.uint8) for m in (found.derivative, found.grad_cam))
        content = b"".join(m.tobytes() for m in (network.preprocessing.square(picture), *maps))
        size = network.preprocessing.size
        return {"class_index": found.class_index, "class": names[found.class_index],
                "size": size}, content  # fmt: skip

    @staticmethod
    def _check_class(class_index: int | None, names: tuple[str, ...]) -> None:
        if class_index is not None:
            whole_number("class", class_index, 0, len(names) - 1)

    def _classifier(self, model: str) -> "Classifier":
        from chainrule.images.classifier import load_classifier

        if not Path(model).exists():
            raise InputError("this album has no classifier; expected it to be trained first")
        return load_classifier(Path(model))

    @cached_property
    def _network_ready(self) -> "Network":
        """The network, once it has run: the first time kernels may have to be compiled."""
        say_phase(self._pipe, "loading the network")
        import torch

        from chainrule.images.explanation import explain
        from chainrule.images.networks import load_network

        torch.set_num_threads(1)  # one picture at a time: threads would wait for a busy core
        network = load_network()
        say_phase(self._pipe, "preparing the compiled kernels")
        explain(network, Image.new("RGB", (64, 64)))
        say_phase(self._pipe, "")
        return network

    def _picture(self, path: str, name: str) -> Image.Image:
        """As `images classify` opens it: a large JPEG at a part of its size."""
        if path not in self._open:
            at_least = self._network_ready.preprocessing.at_least
            self._open[path] = picture_from_bytes(read_bytes(Path(path)), name, at_least)
            while len(self._open) > _HELD:
                self._open.popitem(last=False)
        self._open.move_to_end(path)
        return self._open[path]
