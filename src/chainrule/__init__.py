"""chainrule: neural networks in vision, taken apart."""

from chainrule.errors import ChainruleError

__all__ = ["ChainruleError", "__version__"]

__version__ = "0.1.0"
