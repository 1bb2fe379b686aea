"""The words of a section, from its template: plain text in the report's light markup."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from chainrule.report import formatting


def texts(name: str, finding: Any) -> dict[str, str]:
    """Every block of the template `questions/NAME.j2`, by its name; `f` in it is the finding.

    A blank line starts a paragraph; see `markup` for formulas and names. Raises
    jinja2.UndefinedError if a template asks for what its finding lacks.
    """
    template = _environment().get_template(f"questions/{name}.j2")
    context = {"f": finding}
    return {
        block: "".join(write(template.new_context(context))).strip()
        for block, write in template.blocks.items()
    }


@cache
def _environment() -> Environment:
    # not HTML yet: the page escapes what the templates say
    environment = Environment(
        loader=PackageLoader("chainrule.report"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in formatting.__all__:
        environment.filters[name] = getattr(formatting, name)
    return environment
