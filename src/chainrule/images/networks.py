"""Networks by name: the packaged one, MatConvNet files, published weights, timm's."""

from pathlib import Path

from chainrule.errors import InputError
from chainrule.images.network import FeatureSource, Network
from chainrule.io.names import shown

DEFAULT = "efficientnet-lite0"


def load_feature_source(name: str) -> FeatureSource:
    """The network called `name`, or with `timm:NAME` a model of timm. Raises as `load_network`."""
    from chainrule.images.timm_models import PREFIX, load_timm

    return load_timm(name) if name.startswith(PREFIX) else load_network(name)


def load_network(name: str = DEFAULT) -> Network:
    """The network called `name`, with `classify`, `features` and `explain`.

    - `efficientnet-lite0`, which comes with the installation;
    - the path of a MatConvNet `.mat` file;
    - `vgg16`, `vgg19`, ... once `chainrule images pull` has fetched it.

    Raises InputError for a name that is none of these, FileError for a file that cannot be used.
    """
    from chainrule.images.published import NAMES, load_published

    if name == DEFAULT:
        from chainrule.images.efficientnet import load_efficientnet_lite0

        return load_efficientnet_lite0()
    if Path(name).is_dir():
        raise InputError(f"network {shown(name)} is a folder; expected a name or a .mat file")
    if name.endswith(".mat"):
        from chainrule.images.matconvnet import load_matconvnet

        return load_matconvnet(Path(name))
    if name in NAMES:
        return load_published(name)
    raise InputError(
        f"network {shown(name)}; expected {DEFAULT}, {', '.join(NAMES)} or a .mat file "
        "(or, for features, timm:NAME)"
    )
