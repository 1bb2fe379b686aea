"""Formulas as MathML, which every browser draws without a script or a network."""

import re
from html import escape

from latex2mathml.converter import convert

_NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'  # HTML needs none
# a sign that follows an operator, and no closing bracket, belongs to what comes after it: no gap
_SIGN = re.compile(
    r"(<mo[^>]*>(?!&#x00029;|&#x0005D;|&#x0007D;|&#x0007C;)[^<]+</mo>)<mo>(&#x0002B;|&#x02212;)</mo>"
)
_FUNCTION = re.compile(r"<mo>([a-z]+|&#x02202;)</mo>")  # max, relu, the d of a derivative: no gaps


def mathml(latex: str, display: str = "inline") -> str:
    """Draw a formula; display: "inline", or "block" for a line of its own.

    The source is kept as its alternative text, for readers that don't draw formulas. Raises
    ValueError if LaTeX uses a command that is not known here.
    """
    drawn = convert(latex, display=display)
    if "\\" in drawn or "<mi>&</mi>" in drawn:
        raise ValueError(f"formula {latex!r}: a command is not known")
    drawn = drawn.replace(_NAMESPACE, "", 1)
    drawn = drawn.replace("<math ", f'<math alttext="{escape(latex)}" ', 1)
    drawn = _FUNCTION.sub(r"<mi>\1</mi>", drawn)
    return _SIGN.sub(r'\1<mo form="prefix">\2</mo>', drawn)
