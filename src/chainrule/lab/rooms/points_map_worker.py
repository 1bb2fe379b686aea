"""The worker of a map of trainability: `chainrule points study` over a grid, told cell by cell."""

import json
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from chainrule.errors import ChainruleError
from chainrule.executors import Threads
from chainrule.lab.jobs.frames import packed, unpacked
from chainrule.lab.rooms.points_recipe import Recipe
from chainrule.points.study import grid, run_study


def main(pipe: Connection) -> None:
    """Take one message, run the study that it asks for, and tell each trial as it ends."""
    asked, _ = unpacked(pipe.recv_bytes())

    def send(what: str, **values: Any) -> None:
        pipe.send_bytes(packed({"what": what, **values}))

    try:
        _study(asked, send)
    except (ChainruleError, OSError, MemoryError) as error:
        send("failed", said=str(error) or "there is not enough memory for this map")
        return
    send("finished")


def _study(asked: dict[str, Any], send: Any) -> None:
    recipe = Recipe(**asked["recipe"])
    dataset = recipe.dataset(Path(asked["data"]))
    journal = Path(asked["journal"])
    read = Tail(journal)

    def progress(done: int, of: int) -> None:
        send("trials", done=done, of=of, trials=read.new())

    run_study(
        grid(asked["hidden"], asked["rates"], [recipe.iterations], asked["trials"]),
        dataset.training,
        dataset.validation,
        seed=recipe.seed,
        initialization=recipe.initialization,
        executor=Threads(asked["workers"]),
        journal=journal,
        progress=progress,
    )


class Tail:
    """What was added to a study's journal since it was last looked at."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0

    def new(self) -> list[dict[str, Any]]:
        """The trials of whole new lines: `cell` is "hidden/rate/iterations"."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as stream:
            stream.seek(self._at)
            whole = stream.read().rpartition(b"\n")[0]
        if not whole:
            return []
        self._at += len(whole) + 1
        entries = (json.loads(line.partition(b" ")[2]) for line in whole.split(b"\n"))
        return [entry for entry in entries if "cell" in entry]
