"""Many pictures of lines, read by an executor's workers."""

from collections.abc import Sequence

import torch

from chainrule.errors import ChainruleError
from chainrule.executors import Executor
from chainrule.io.pictures import PictureSource
from chainrule.io.progress import Progress
from chainrule.reader.line import Line, no_line
from chainrule.reader.picture.opening import open_grey
from chainrule.reader.reader import Reader

TOGETHER = 64  # pictures of a job: they share batches, so that the bits depend on it


def read_far(
    reader: Reader,
    pictures: Sequence[PictureSource],
    executor: Executor,
    *,
    beam_width: int | None = None,
    progress: Progress | None = None,
) -> tuple[list[Line], set[int]]:
    """The line of each picture, as `Reader.read` has it, and which could not be opened.

    A path is opened by the worker. The lines are the same whatever the executor is.
    """
    jobs = [pictures[first : first + TOGETHER] for first in range(0, len(pictures), TOGETHER)]
    found: dict[int, list[tuple[Line, bool]]] = {}
    done = 0
    for k, lines in executor.results(
        _read, jobs, (reader, beam_width), prepare=_one_thread, name=_name
    ):
        found[k] = lines
        done += len(lines)
        if progress is not None:
            progress(done, len(pictures))
    both = [one for k in sorted(found) for one in found[k]]
    return [line for line, _ in both], {i for i, (_, opened) in enumerate(both) if not opened}


def texts_far(reader: Reader, pictures: Sequence[PictureSource], executor: Executor) -> list[str]:
    """The texts of pictures of one line each, "" where nothing is read."""
    jobs = [pictures[first : first + TOGETHER] for first in range(0, len(pictures), TOGETHER)]
    found = dict(executor.results(_texts, jobs, (reader, None), prepare=_one_thread, name=_name))
    return [text for k in sorted(found) for text in found[k]]


Shared = tuple[Reader, int | None]


def _one_thread(shared: Shared) -> Shared:
    torch.set_num_threads(1)
    return shared


def _read(shared: Shared, pictures: Sequence[PictureSource]) -> list[tuple[Line, bool]]:
    reader, beam_width = shared
    opened, lines = {}, {}
    for i, source in enumerate(pictures):
        try:
            opened[i] = open_grey(source)
        except ChainruleError as error:
            lines[i] = (no_line(str(error)), False)
    read = reader.read(list(opened.values()), beam_width=beam_width)
    lines |= {i: (line, True) for i, line in zip(opened, read, strict=True)}
    return [lines[i] for i in range(len(pictures))]


def _texts(shared: Shared, pictures: Sequence[PictureSource]) -> list[str]:
    reader, beam_width = shared
    return reader.texts(pictures, beam_width=beam_width)


def _name(pictures: Sequence[PictureSource]) -> str:
    return f"{len(pictures)} lines from {str(pictures[0])[:200]} on"
