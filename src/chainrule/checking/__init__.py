"""Is a derivative right? For our blocks and for anyone's layer: differences against `backward`."""

from chainrule.checking.check import ArrayCheck, DerivativeCheck, Mistake, check_derivatives
from chainrule.checking.projection import ProjectionCheck, check_projection

__all__ = [
    "ArrayCheck",
    "DerivativeCheck",
    "Mistake",
    "ProjectionCheck",
    "check_derivatives",
    "check_projection",
]
