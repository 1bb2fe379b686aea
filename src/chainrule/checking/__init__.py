"""Is a derivative right? For our blocks and for anyone's layer: differences against `backward`."""

from chainrule.checking.check import ArrayCheck, DerivativeCheck, Mistake, check_derivatives
from chainrule.checking.projection import ProjectionCheck, check_projection
from chainrule.checking.suite import BlockCheck, check_blocks

__all__ = [
    "ArrayCheck",
    "BlockCheck",
    "DerivativeCheck",
    "Mistake",
    "ProjectionCheck",
    "check_blocks",
    "check_derivatives",
    "check_projection",
]
