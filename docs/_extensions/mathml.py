"""Sphinx draws formulas as MathML: every browser shows it, and no script comes over a network."""

import html
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

from chainrule.report.formulas import mathml

_logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer that `html_math_renderer = "mathml"` chooses."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(_mathml(node, "inline"))
    raise nodes.SkipNode


def _display(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(_mathml(node, "block"))
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="equation-number">({number})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def _mathml(node: nodes.Element, display: str) -> str:
    """The formula as MathML; a warning, and so an error of the build, if a command is unknown."""
    latex = node.astext().strip()
    if display == "block" and "&" in latex and not latex.startswith(r"\begin"):
        latex = rf"\begin{{align*}}{latex}\end{{align*}}"
    try:
        return mathml(latex, display)
    except Exception as error:
        _logger.warning("formula %r: %r", latex, error, location=node)
        return f"<code>{html.escape(latex)}</code>"
