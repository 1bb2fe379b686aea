"""The report as files: the page, its findings, and what a stopped one keeps."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import chainrule
from chainrule.io.files import make_folder, write_json, write_text
from chainrule.report.answered import forget_answers
from chainrule.report.page import document, page
from chainrule.report.runner import AnsweredPart, run_report
from chainrule.report.settings import ReportSettings


def unfinished_folder(out: Path) -> Path:
    """Where a report in this folder keeps what it has finished, for this version."""
    return out / f".unfinished-{chainrule.__version__}"


def make_report(
    settings: ReportSettings,
    numbers: Sequence[int],
    out: Path,
    folder: Path,
    *,
    on_part: Callable[[AnsweredPart, float], None] | None = None,
    on_progress: Callable[[float, float], None] | None = None,
) -> tuple[tuple[AnsweredPart, ...], dict[str, Any]]:
    """Run the parts of these numbers; write index.html and results.json into `folder`.

    out: the folder in which what is finished is kept until a whole report is. Gives the parts and
    what results.json holds. Raises as `run_report` does, FileError.
    """
    unfinished = unfinished_folder(out)
    make_folder(unfinished)
    settings = replace(settings, unfinished=unfinished)
    parts = run_report(settings, numbers, on_part=on_part, on_progress=on_progress)
    results = document(parts, settings)
    write_json(folder / "results.json", results)
    write_text(folder / "index.html", page(parts, settings))
    forget_answers(settings)
    if not settings.quick:
        shutil.rmtree(unfinished)
    return parts, results
