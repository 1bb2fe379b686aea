"""The texts of a section as HTML.

A blank line starts a paragraph, `$...$` holds a formula in LaTeX, `$$...$$` one on a line of its
own, backquotes a command or name, asterisks what stands out; a backslash before a dollar sign or a
backquote keeps it as it is.
"""

import re
from html import escape

from chainrule.report.formulas import mathml

# in this order: `$$` is no pair of empty formulas, and a backslash keeps what follows it
_SPAN = re.compile(
    r"\\(?P<kept>[$`])"
    r"|\$\$(?P<display>.+?)\$\$"
    r"|\$(?P<formula>[^$]+?)\$"
    r"|`(?P<code>[^`]+)`"
    r"|\*(?P<strong>[^*\s][^*]*)\*",
    re.DOTALL,
)


def paragraphs(text: str) -> str:
    """Turn a section's text into HTML paragraphs; a blank line separates them."""
    parts = (part.strip() for part in re.split(r"\n\s*\n", text))
    return "\n".join(_paragraph(part) for part in parts if part)


def inline(text: str) -> str:
    """Turn a section's text into HTML within a line: formulas and names, all else escaped."""
    pieces, end = [], 0
    for span in _SPAN.finditer(text):
        pieces.append(_escaped(text[end : span.start()]))
        pieces.append(_span(span))
        end = span.end()
    return "".join([*pieces, _escaped(text[end:])])


def plain(text: str) -> str:
    """The text without its marks, for an attribute."""
    return _SPAN.sub(lambda span: next(g for g in span.groups() if g is not None), text)


def _escaped(text: str) -> str:
    # a number and its percent sign stand apart, and on one line
    return re.sub(r"(?<=\d) ?(?=%)", "\u00a0", escape(text))


def _paragraph(text: str) -> str:
    # formulas alone stand in a row, as many as the page has room for
    alone = not re.sub(r"\$\$.+?\$\$", "", text, flags=re.DOTALL).strip()
    return f'<p class="formulas">{inline(text)}</p>' if alone else f"<p>{inline(text)}</p>"


def _span(span: re.Match[str]) -> str:
    if span["kept"]:
        return escape(span["kept"])
    if span["strong"]:
        return f"<strong>{_escaped(span['strong'])}</strong>"
    if span["code"]:
        return f"<code>{escape(span['code'])}</code>"
    if span["display"]:
        return f'<span class="display">{mathml(span["display"], "block")}</span>'
    return mathml(span["formula"])
