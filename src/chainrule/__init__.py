"""chainrule: neural networks in vision, taken apart.

The names below are what the package offers; each is imported when it is first used, so that
`import chainrule` loads neither PyTorch, nor Numba, nor scikit-learn.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
