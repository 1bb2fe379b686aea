"""Photographs: pretrained networks, features, linear classifiers, average precision.

    from chainrule.images import load_network, PhotoClassifier

The names are imported when they are first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
