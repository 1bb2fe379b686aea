"""`chainrule practical`: the assignment as notebooks, for students and for teachers."""

import csv
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli import keeping
from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.errors import FileError, InputError
from chainrule.io.files import make_folder, write_text
from chainrule.io.names import shown

if TYPE_CHECKING:
    from chainrule.practical.notebooks.grading.folder import Grades

app = typer.Typer(no_args_is_help=True)

FolderArgument = Annotated[Path, typer.Argument(help="The folder for the notebooks.")]


@app.callback()
def _group() -> None:
    """The assignment as notebooks that check each answer; grading of a folder of submissions.

    Example: chainrule practical new practical
    """


@app.command("new")
def new(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """Lay down the notebooks with open tasks; notebooks that are there already are not touched.

    They run in JupyterLab, VS Code or Colab, offline.

    Example: chainrule practical new practical
    """
    from chainrule.practical.notebooks.sources import student

    _write(folder, student, as_json)


@app.command("solve")
def solve(
    folder: FolderArgument,
    otter: Annotated[
        bool, typer.Option("--otter", help="With the marks from which `otter assign` goes on.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """For teachers: lay down the notebooks with every task solved and every question answered.

    Example: chainrule practical solve solved
    """
    from chainrule.practical.notebooks.otter import master
    from chainrule.practical.notebooks.sources import solved

    _write(folder, master if otter else solved, as_json)


@app.command("grade")
def grade(
    folder: Annotated[
        Path,
        typer.Argument(help="A folder that has a folder for each submission, or one submission."),
    ],
    seconds: Annotated[
        float, typer.Option(min=0.5, help="The longest that a cell, or all of a task, may take.")
    ] = 20.0,
    memory: Annotated[
        float, typer.Option(min=0.5, help="The memory that a notebook may take, in GB.")
    ] = 4.0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where the grades are kept, from which a stopped run goes on; beside the folder, "
            "as FOLDER.grades.jsonl, unless given."
        ),
    ] = None,
    unconfined: Annotated[
        bool,
        typer.Option(
            "--unconfined",
            help="Grade where the system has no namespaces, too: the submissions can then reach "
            "your files and the network. Only in a container or virtual machine of its own.",
        ),
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a CSV table, a row a task.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Grade submissions: points for each task, with a sentence on what is not right.

    Each notebook's answers run in a process of its own, with limits on time and memory, on Linux
    without network and without your files. The checks are ours and run outside of it; those in
    the notebook are not looked at. Questions in words are left to you.

    Example: chainrule practical grade submissions --csv
    """
    from chainrule.practical.notebooks.grading import folder as grading
    from chainrule.practical.notebooks.grading.session import Limits

    if as_csv and as_json:
        raise InputError("--csv: found --json, too; expected one of the two")
    found = grading.submissions(folder)
    journal = out or grading.journal_path(folder)
    limits = Limits(seconds, int(memory * (1 << 30)), not unconfined)
    with (
        keeping.keeps(f"what was graded is in {shown(journal)}; the same command goes on", journal),
        progress("grading", "submissions") as report,
    ):
        grades = list(grading.grade_folders(found, journal, limits, report))
    if as_json:
        print_json({"submissions": [one.document() for one in grades]})
    elif as_csv:
        _print_csv(grades)
    else:
        _print_text(grades)


def _write(folder: Path, make: Callable[[int], str], as_json: bool) -> None:
    from chainrule.practical.notebooks.checking import ROOMS
    from chainrule.practical.notebooks.sources import source

    there = [source(n).file_name for n in ROOMS if (folder / source(n).file_name).exists()]
    if there:
        raise FileError(
            f"{shown(folder)} has {there[0]} already; expected a folder without the notebooks"
        )
    make_folder(folder)
    files = []
    for number in ROOMS:
        files.append(str(folder / source(number).file_name))
        write_text(files[-1], make(number))
        if not as_json:
            print(files[-1])
    if as_json:
        print_json({"files": files})


def _print_csv(grades: "list[Grades]") -> None:
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["folder", "task", "points", "of", "message"])
    for one in grades:
        for task in one.tasks:
            table.writerow(
                [one.folder, task.name, f"{task.points:g}", f"{task.of:g}", task.message]
            )


def _as_text(name: str) -> str:
    """A folder's name that no spreadsheet takes for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


def _print_text(grades: "list[Grades]") -> None:
    for one in grades:
        print(f"{shown(one.folder)}: {one.points:g} of {one.of:g} points, {one.seconds:.1f} s")
        width = max(len(task.name) for task in one.tasks)
        for task in one.tasks:
            print(f"  {task.name:{width}}  {task.points:g} of {task.of:g}  {task.message}")
