"""What a lab that was killed has left in its folder: files on their way, runs that never were."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from chainrule.io.temporary import remove_left_over
from chainrule.lab.jobs.store import Store

ARRIVING = "new-"
"""How the name of a file begins while it is being written; under its number it is whole."""


def remove_leftovers(folder: Path, store: Store, rooms: Iterable[str]) -> None:
    """Remove what no run has, and forget the files that never arrived; no run goes on meanwhile."""
    runs = store.ids()
    for room in rooms:
        if not (folder / room).is_dir():
            continue
        for place in (folder / room).iterdir():
            if place.name in runs:
                _tidy(place, store)
            elif place.is_dir():
                shutil.rmtree(place, ignore_errors=True)
    for place_name, _, _ in os.walk(folder):
        remove_left_over(Path(place_name))


def _tidy(run: Path, store: Store) -> None:
    for path in run.glob(f"{ARRIVING}*"):
        path.unlink(missing_ok=True)
    pictures = run / "pictures"
    if not pictures.is_dir():
        return
    there = {path.name for path in pictures.iterdir()}
    files = store.files(run.name)
    for kept in files:
        if "reason" not in kept.seen and str(kept.number) not in there:
            store.drop_file(run.name, kept.number)
    for name in there - {str(kept.number) for kept in files}:
        (pictures / name).unlink(missing_ok=True)
