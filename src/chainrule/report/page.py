"""The report as one HTML page that needs nothing beside it, and as one JSON document."""

import base64
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from chainrule.report.contents import command
from chainrule.report.facts import VERDICTS, JudgedFact, PublishedRun
from chainrule.report.finding import Figure
from chainrule.report.markup import inline, paragraphs, plain
from chainrule.report.provenance import provenance
from chainrule.report.runner import AnsweredPart
from chainrule.report.section import Section
from chainrule.report.settings import ReportSettings

_PLAIN = " !$'()*+,-./:;=?@[]^_`{|}~"  # what a drawing's address may hold as it is
_SHORT = {
    "agrees": "agrees",
    "disagrees": "disagrees",
    "the original errs": "original errs",
    "cannot be compared": "not comparable",
}


class ErrorOfTheOriginal(NamedTuple):
    """An error with its proof, the facts that it makes wrong, and where it was found."""

    title: str
    proof: str
    facts: tuple[JudgedFact, ...]
    section: Section


def page(parts: Sequence[AnsweredPart], settings: ReportSettings) -> str:
    """The HTML page: pictures embedded as data, formulas as MathML, no script, no network."""
    environment = Environment(
        loader=PackageLoader("chainrule.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "paragraphs": lambda text: Markup(paragraphs(text)),
        "inline": lambda text: Markup(inline(text)),
        "plain": plain,
        "source": _source,
        "width": _width,
        "anchor": anchor,
        "grouped": grouped,
        "counted": counted,
        "rows": _rows,
        "by_setting": by_setting,
    }
    return environment.get_template("page.html.j2").render(
        parts=parts,
        settings=settings,
        command=command([part.number for part in parts], settings),
        provenance=provenance(),
        short=_SHORT,
        verdicts=VERDICTS,
        errors=errors_of_the_original(parts),
        facts=[fact for part in parts for one in part.sections for fact in one.facts],
    )


def document(parts: Sequence[AnsweredPart], settings: ReportSettings) -> dict[str, Any]:
    """What `results.json` holds: how it was made, every fact judged, each section's numbers.

    {"made_with": {name: value}, "settings": {...}, "verdicts": {verdict: count}, "facts": [{"id",
    "original", "here", "verdict", "why"}], "sections": [{"number", "part", "title", "answer",
    "results": {...}}]}
    """
    sections = [(part, one) for part in parts for one in part.sections]
    facts = [fact for _, one in sections for fact in one.facts]
    return {
        "made_with": provenance(),
        "settings": {
            "seed": settings.seed,
            "trials": settings.runs,
            "photos": None if settings.photos is None else str(settings.photos),
            "quick": settings.quick,
        },
        "verdicts": counted(facts),
        "facts": [fact.document() for fact in facts],
        "sections": [
            {
                "number": one.number,
                "part": part.number,
                "title": one.title,
                "answer": plain(one.texts["answer"]),
                "results": one.results,
            }
            for part, one in sections
        ],
    }


def errors_of_the_original(parts: Sequence[AnsweredPart]) -> list[ErrorOfTheOriginal]:
    """What the original got wrong, in the page's order, each error once with all its facts."""
    found = []
    for one in (one for part in parts for one in part.sections):
        wrong = [fact for fact in one.facts if fact.verdict == "the original errs"]
        for proof in dict.fromkeys(fact.fact.proof for fact in wrong):
            facts = tuple(fact for fact in wrong if fact.fact.proof == proof)
            title, text = one.texts[f"title_{proof}"], one.texts[f"proof_{proof}"]
            found.append(ErrorOfTheOriginal(title, text, facts, one))
    return found


def counted(facts: Iterable[JudgedFact]) -> dict[str, int]:
    """How many facts have each verdict, all four in their order."""
    counts = Counter(fact.verdict for fact in facts)
    return {verdict: counts[verdict] for verdict in VERDICTS}


def grouped(facts: Sequence[JudgedFact]) -> list[tuple[str, list[JudgedFact]]]:
    """Facts in runs of those that are shown alike: "table", "trainings" or "rows"."""
    return [(kind, list(alike)) for kind, alike in groupby(facts, _kind)]


def by_setting(facts: Sequence[JudgedFact]) -> list[tuple[str, list[JudgedFact]]]:
    """Trainings in runs of those with the same setting, which is named."""
    named = groupby(facts, lambda one: one.fact.what.partition(", trial")[0])
    return [(setting, list(alike)) for setting, alike in named]


def anchor(name: str) -> str:
    """What a question or a fact is called in an address."""
    return "q" + re.sub(r"[^\w.]+", "-", name)


def _rows(numbers: str) -> str:
    """Numbers of Table 1 with a line a row, as the original prints them."""
    times, _, body = numbers.rpartition("(")
    lines = body.rstrip(")").replace("; ", "\n")
    return f"{times.rstrip()}\n{lines}" if times else lines


def _kind(fact: JudgedFact) -> str:
    if isinstance(fact.fact.original, PublishedRun):
        return "trainings"
    return "table" if re.fullmatch(r"1\.2\.B\.\w+\.\w+", fact.fact.id) else "rows"


def _source(figure: Figure) -> Markup:
    """The picture as a data address; a drawing as text, which is a quarter shorter.

    It is safe between double quotes: nothing in it is one, or an ampersand.
    """
    if figure.kind == "svg":
        text = figure.content.decode("utf-8").replace('"', "'")
        return Markup("data:image/svg+xml," + quote(text, safe=_PLAIN))
    return Markup(f"data:image/webp;base64,{base64.b64encode(figure.content).decode('ascii')}")


def _width(figure: Figure) -> int | None:
    """The width in CSS pixels (1/96 inch) that the picture asks for, if it asks."""
    if figure.kind == "svg":
        found = re.search(rb'<svg[^>]*?\swidth="([\d.]+)(pt|px)?"', figure.content)
        if found is None:
            return None
        return round(float(found[1]) * (96 / 72 if found[2] == b"pt" else 1))
    from PIL import Image

    with Image.open(io.BytesIO(figure.content)) as image:
        return image.width // 2  # drawn at twice a screen's pixels
