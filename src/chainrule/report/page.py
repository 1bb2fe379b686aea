"""The report as one HTML page that needs nothing beside it, and as one JSON document."""

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from chainrule.report import Part, ReportSettings
from chainrule.report.markup import inline, paragraphs, plain
from chainrule.report.provenance import provenance
from chainrule.report.section import Figure

_MIME = {"svg": "image/svg+xml", "png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif"}
_MARKS = {"yes": "agrees", "partly": "partly", "no": "differs", "not stated": "not stated"}


def page(parts: Sequence[Part], settings: ReportSettings) -> str:
    """The HTML page: pictures embedded as data, formulas as MathML, no script, no network."""
    environment = Environment(
        loader=PackageLoader("chainrule.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["paragraphs"] = lambda text: Markup(paragraphs(text))
    environment.filters["inline"] = lambda text: Markup(inline(text))
    environment.filters["plain"] = plain
    environment.filters["source"] = _source
    environment.filters["width"] = _width
    environment.filters["anchor"] = lambda number: "q" + re.sub(r"\W+", "-", number)
    template = environment.get_template("page.html.j2")
    return template.render(parts=parts, settings=settings, provenance=provenance(), marks=_MARKS)


def document(parts: Sequence[Part], settings: ReportSettings) -> dict[str, Any]:
    """What `results.json` holds: how it was made, and of each section the figures side by side.

    {"made_with": {name: value}, "settings": {"seed", "trials", "photos"}, "sections": [{"number",
    "part", "title", "agrees", "verdict", "comparison": [{"what", "original", "here"}],
    "results": {...}}]}
    """
    return {
        "made_with": provenance(),
        "settings": {
            "seed": settings.seed,
            "trials": settings.trials,
            "photos": None if settings.photos is None else str(settings.photos),
        },
        "sections": [
            {
                "number": section.number,
                "part": part.number,
                "title": section.title,
                "agrees": section.agrees,
                "verdict": section.verdict,
                "comparison": [asdict(row) for row in section.comparison],
                "results": section.results,
            }
            for part in parts
            for section in part.sections
        ],
    }


def _source(figure: Figure) -> str:
    """The picture as a data address."""
    data = base64.b64encode(figure.content).decode("ascii")
    return f"data:{_MIME[figure.kind]};base64,{data}"


def _width(figure: Figure) -> int | None:
    """The width in CSS pixels (1/96 inch) that the picture asks for, if it asks."""
    if figure.kind == "svg":
        found = re.search(rb'<svg[^>]*?\swidth="([\d.]+)(pt|px)?"', figure.content)
        if found is None:
            return None
        return round(float(found[1]) * (96 / 72 if found[2] == b"pt" else 1))
    from PIL import Image

    with Image.open(io.BytesIO(figure.content)) as image:
        dots_per_inch = float(image.info.get("dpi", (96, 96))[0])
        return round(image.width * 96 / dots_per_inch)
