"""Questions that a report has answered before it was stopped: one that goes on reads them."""

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chainrule.io.files import write_json
from chainrule.report.facts import FACTS, JudgedFact
from chainrule.report.finding import Figure, Table
from chainrule.report.provenance import provenance
from chainrule.report.section import Section
from chainrule.report.settings import ReportSettings


def keep_answer(settings: ReportSettings, section: Section) -> None:
    """Write a section into the folder of what is unfinished, if there is one."""
    path = _path(settings, section.work)
    if path is not None:
        write_json(path, _document(section))


def kept_answers(settings: ReportSettings, names: Iterable[str]) -> dict[str, Section]:
    """The sections by the names of their work, of those that were kept with the same settings."""
    found = {}
    for name in names:
        path = _path(settings, name)
        if path is None or not path.exists():
            continue
        try:
            found[name] = _section(json.loads(path.read_bytes()))
        except (ValueError, KeyError, TypeError, OSError):
            continue  # damaged: the question is answered anew
    return found


def forget_answers(settings: ReportSettings) -> None:
    """Remove what was kept: the report is finished."""
    if settings.unfinished is not None:
        for path in settings.unfinished.glob("answered-*.json"):
            path.unlink()


def _path(settings: ReportSettings, name: str) -> Path | None:
    """Where the section of a work is kept: under all that it depends on."""
    if settings.unfinished is None or settings.photos is not None:
        return None  # photographs in a folder may be others by then
    depends_on = [settings.seed, settings.trials, settings.original_recipe, settings.quick]
    text = json.dumps([*depends_on, provenance()])
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return settings.unfinished / f"answered-{name}-{digest}.json"


def _document(section: Section) -> dict[str, Any]:
    facts = [[f.fact.id, f.here, f.verdict, f.why] for f in section.facts]
    figures = [
        {**asdict(figure), "content": base64.b64encode(figure.content).decode("ascii")}
        for figure in section.figures
    ]
    tables = [asdict(table) for table in section.tables]
    shared = {name: getattr(section, name) for name in _PLAIN}
    return {**shared, "facts": facts, "figures": figures, "tables": tables}


_PLAIN = ("number", "title", "work", "texts", "results")


def _section(document: dict[str, Any]) -> Section:
    known = {fact.id: fact for fact in FACTS}
    return Section(
        **{name: document[name] for name in _PLAIN},
        facts=tuple(
            JudgedFact(known[name], here, verdict, why)
            for name, here, verdict, why in document["facts"]
        ),
        figures=tuple(
            Figure(**{**figure, "content": base64.b64decode(figure["content"])})
            for figure in document["figures"]
        ),
        tables=tuple(
            Table(table["name"], tuple(table["header"]), tuple(map(tuple, table["rows"])))
            for table in document["tables"]
        ),
    )
