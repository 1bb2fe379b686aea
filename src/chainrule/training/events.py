"""A training's history as TensorBoard events."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chainrule.errors import InputError
from chainrule.io.files import make_folder


@contextmanager
def tensorboard(folder: Path) -> Iterator[Callable[[dict[str, Any], Mapping[str, Any]], None]]:
    """Give an `on_epoch` for `chainrule.training.train` that writes each number of the history.

    "top1_train" and "top1_validation" become the scalars "top1/train" and "top1/validation" at the
    step of the epoch's number, "learning_rate" and "images_per_second" as they are called.

    Raises InputError if TensorBoard is not installed, FileError if the folder cannot be written.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise InputError(
            "TensorBoard is not installed; expected it: pip install 'chainrule[tensorboard]'"
        ) from error
    make_folder(folder)
    writer = SummaryWriter(str(folder))

    def write(line: dict[str, Any], parameters: Mapping[str, Any]) -> None:
        for name, value in line.items():
            if name != "epoch":
                stem, _, kind = name.rpartition("_")
                tag = f"{stem}/{kind}" if kind in ("train", "validation") else name
                writer.add_scalar(tag, value, line["epoch"])
        writer.flush()

    try:
        yield write
    finally:
        writer.close()
