"""A folder of submissions graded, each once: what was graded and has not changed is kept."""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import chainrule
from chainrule.errors import FileError
from chainrule.io.journal import Journal
from chainrule.io.names import shown
from chainrule.practical.notebooks.checking import ROOMS
from chainrule.practical.notebooks.grading.notebook import TaskResult, grade_notebook
from chainrule.practical.notebooks.grading.session import Limits
from chainrule.practical.notebooks.sources import Source, source

KIND = "grades of the practical"


@dataclass(frozen=True)
class Grades:
    """One submission's points and sentences, and how long its grading took."""

    folder: str
    tasks: tuple[TaskResult, ...]
    seconds: float

    @property
    def points(self) -> float:
        return sum(task.points for task in self.tasks)

    @property
    def of(self) -> float:
        return sum(task.of for task in self.tasks)

    def document(self) -> dict[str, Any]:
        """What JSON holds of it."""
        return {
            "folder": self.folder,
            "points": self.points,
            "of": self.of,
            "tasks": [asdict(task) for task in self.tasks],
            "seconds": round(self.seconds, 2),
        }


def submissions(folder: Path) -> list[Path]:
    """The folders with notebooks: those in `folder`, or itself. Raises FileError without any."""
    if not folder.is_dir():
        raise FileError(f"{shown(folder)} is no folder; expected one with submissions")
    if any(folder.glob("*.ipynb")):
        return [folder]
    found = sorted(p for p in folder.iterdir() if p.is_dir() and any(p.glob("*.ipynb")))
    if not found:
        raise FileError(
            f"{shown(folder)} has no notebooks, nor has a folder in it; expected a folder for each "
            f"submission, with {source(1).file_name} and the others"
        )
    return found


def journal_path(folder: Path) -> Path:
    """Where the grades of a folder are kept: beside it, where no submission lies."""
    place = folder.resolve()
    return place.with_name(f"{place.name}.grades.jsonl")


def grade_folders(
    folders: list[Path],
    journal: Path | None,
    limits: Limits,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Grades]:
    """The grades of each submission, in order; notebooks in the journal are not graded again.

    Raises FileError if the journal is none, InputError if processes cannot be confined.
    """
    kept = None if journal is None else Journal(journal, KIND, {})
    known = {record["key"]: record for record in kept.records} if kept else {}
    for number, folder in enumerate(folders, start=1):
        started, tasks = time.monotonic(), list[TaskResult]()
        for one in map(source, ROOMS):
            path = folder / one.file_name
            key = _key(folder, path, one, limits)
            if key not in known:
                results = grade_notebook(path, one, limits)
                known[key] = {"key": key, "tasks": [asdict(result) for result in results]}
                if kept is not None:
                    kept.append(known[key])
            tasks += [TaskResult(**entry) for entry in known[key]["tasks"]]
        if progress is not None:
            progress(number, len(folders))
        yield Grades(folder.name, tuple(tasks), time.monotonic() - started)


def _key(folder: Path, path: Path, one: Source, limits: Limits) -> str:
    """What the grades depend on: the submission's bytes, our version, checks and limits."""
    digest = hashlib.sha256(f"{chainrule.__version__} {folder.name} {limits}".encode())
    digest.update(_checks_digest())
    digest.update(repr(one.cells).encode())
    digest.update(path.read_bytes() if path.is_file() and not path.is_symlink() else b"")
    return digest.hexdigest()[:32]


def _checks_digest() -> bytes:
    digest = hashlib.sha256()
    checks = resources.files("chainrule.practical.notebooks.checks")
    for file in sorted(checks.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".py"):
            digest.update(file.read_bytes())
    return digest.digest()
