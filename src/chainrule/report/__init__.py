"""The original report run again: its facts, the experiments, and the page that shows both."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
