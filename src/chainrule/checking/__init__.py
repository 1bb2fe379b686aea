"""Is a derivative right? For our blocks and for anyone's layer: differences against `backward`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
