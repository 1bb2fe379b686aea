"""Networks whose weights others published: VGG, from torchvision or from the Hub."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from chainrule.blocks import Convolution, Flatten, FullyConnected, MaxPooling, ReLU
from chainrule.blocks.block import Block
from chainrule.chain import Chain
from chainrule.errors import FileError, InputError
from chainrule.images.imagenet import imagenet_classes
from chainrule.images.network import Network
from chainrule.images.preprocessing import Preprocessing
from chainrule.images.store import default_cache_folder
from chainrule.io.downloads import download, file_checksum
from chainrule.io.names import shown
from chainrule.io.progress import Progress

TORCHVISION = "https://download.pytorch.org/models/"


@dataclass(frozen=True)
class _Published:
    """`stages[i]` 3x3 convolutions, then pooling. The file's name ends in its SHA-256's start."""

    stages: tuple[int, ...]
    torchvision: str
    hub: str


_VGG = {
    "vgg11": _Published((1, 1, 2, 2, 2), "vgg11-8a719046.pth", "timm/vgg11.tv_in1k"),
    "vgg13": _Published((2, 2, 2, 2, 2), "vgg13-19584684.pth", "timm/vgg13.tv_in1k"),
    "vgg16": _Published((2, 2, 3, 3, 3), "vgg16-397923af.pth", "timm/vgg16.tv_in1k"),
    "vgg19": _Published((2, 2, 4, 4, 4), "vgg19-dcbb9e9d.pth", "timm/vgg19.tv_in1k"),
}
NAMES = tuple(_VGG)


def pull_weights(
    name: str,
    *,
    source: str = "torchvision",
    mirror: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Fetch a network's weights, if they are not there already, and give the file.

    `source` "torchvision" fetches into chainrule's cache folder, with resume and checksum, from
    `mirror` if given; "hub" fetches the same weights into the cache folder of `huggingface_hub`,
    from the address in the environment variable HF_ENDPOINT if there is one.

    Raises InputError for an unknown name or source, FileError if the file cannot be had.
    """
    if name not in _VGG:
        raise InputError(f"network {name!r}; expected one of {', '.join(NAMES)}")
    published = _VGG[name]
    if source == "hub":
        return _from_hub(published.hub)
    if source != "torchvision":
        raise InputError(f"source {source!r}; expected torchvision or hub")
    file = published.torchvision
    checksum = file.removesuffix(".pth").rpartition("-")[2]
    address = (mirror or TORCHVISION).rstrip("/") + f"/{file}"
    return download(address, _cached(file), sha256=checksum, progress=progress)


def load_published(name: str) -> Network:
    """A network whose weights `pull_weights` has fetched. Raises FileError if it has not."""
    published = _VGG[name]
    path = _cached(published.torchvision)
    if path.exists():
        weights = _read_pth(path)
    else:
        path = _in_hub_cache(published.hub) or path
        if not path.exists():
            raise FileError(
                f"the weights of {name} are not here; expected them after "
                f"`chainrule images pull {name}`"
            )
        weights = _read_safetensors(path)
    try:
        chain, params = vgg(published.stages, weights)
    except (KeyError, ValueError, RuntimeError) as error:
        raise FileError(f"{shown(path)} holds no weights of {name}: {error}") from error
    return Network(
        name,
        chain,
        params,
        Preprocessing(
            224,
            256,
            "bilinear",
            mean=(123.675, 116.28, 103.53),
            deviation=(58.395, 57.12, 57.375),
        ),
        imagenet_classes(),
        feature_layer="fc7_relu",
        last_convolution=f"conv{len(published.stages)}_{published.stages[-1]}_relu",
    )


def vgg(stages: tuple[int, ...], weights: dict[str, Tensor]) -> tuple[Chain, dict[str, Tensor]]:
    """The chain of a VGG network, as wide as its weights, by torchvision's names or timm's.

    Raises KeyError for a weight that is missing, ShapeError for one that does not fit.
    Source: Simonyan and Zisserman, Very deep convolutional networks, 2015.
    """
    layers: list[tuple[str, Block]] = []
    params: dict[str, Tensor] = {}
    number, channels = 0, 3
    for stage, repeats in enumerate(stages, 1):
        for i in range(1, repeats + 1):
            name = f"conv{stage}_{i}"
            weight = weights[f"features.{number}.weight"]
            layers += [
                (name, Convolution(channels, len(weight), 3, padding=1)),
                (f"{name}_relu", ReLU()),
            ]
            params[f"{name}.weight"] = weight
            params[f"{name}.bias"] = weights[f"features.{number}.bias"]
            number, channels = number + 2, len(weight)
        layers.append((f"pool{stage}", MaxPooling(2)))
        number += 1
    layers.append(("flatten", Flatten()))
    heads = ("classifier.0", "pre_logits.fc1"), ("classifier.3", "pre_logits.fc2")
    for name, keys in zip(
        ("fc6", "fc7", "fc8"), (*heads, ("classifier.6", "head.fc")), strict=True
    ):
        key = next((k for k in keys if f"{k}.weight" in weights), keys[0])
        weight = weights[f"{key}.weight"].flatten(1)
        layers.append((name, FullyConnected(weight.shape[1], len(weight))))
        params[f"{name}.weight"], params[f"{name}.bias"] = weight, weights[f"{key}.bias"]
        if name != "fc8":
            layers.append((f"{name}_relu", ReLU()))
    chain = Chain(layers)
    for key, shape in chain.parameter_shapes().items():
        if tuple(params[key].shape) != shape:
            raise ValueError(f"{key} has shape {tuple(params[key].shape)}; expected {shape}")
    return chain, params


def _cached(file: str) -> Path:
    return default_cache_folder() / "weights" / file


def _from_hub(repository: str) -> Path:
    """The file in the hub's own cache folder, as `huggingface_hub` resumes and keeps it."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import logging
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        path = _fetched(hf_hub_download, repository)
    except Exception as error:  # every transport below the hub's client raises its own kinds
        reason = " ".join(str(error.__cause__ or error).split())
        raise FileError(
            f"{repository} cannot be fetched ({reason}); expected a network connection to the Hub"
        ) from error
    # the hub names a large file by its SHA-256; its client compares nothing but the size
    blob = path.resolve()
    if len(blob.name) == 64 and (found := file_checksum(blob)) != blob.name:
        blob.unlink()
        path.unlink()
        raise FileError(
            f"{repository} has the SHA256 checksum {found[:16]}...; expected {blob.name[:16]}...: "
            "the file was damaged on its way"
        )
    return path


def _fetched(download: Callable[..., str], repository: str) -> Path:
    """Download; once more if it was cut off, which some versions of the client leave to us."""
    try:
        return Path(download(repository, "model.safetensors"))
    except Exception:
        if not _is_begun(repository):
            raise
    return Path(download(repository, "model.safetensors"))


def _is_begun(repository: str) -> bool:
    """Whether a part of a file of the repository lies in the hub's cache folder."""
    from huggingface_hub.constants import HF_HUB_CACHE

    folder = Path(HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
    return any(part.stat().st_size for part in folder.rglob("*.incomplete"))


def _in_hub_cache(repository: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, "model.safetensors")
    return Path(found) if isinstance(found, str) else None


def _read_pth(path: Path) -> dict[str, Tensor]:
    """A .pth file's tensors; one that holds anything that could run is refused."""
    import pickle
    import warnings

    import torch

    try:
        with warnings.catch_warnings():
            # of a pickle that PyTorch did not write it warns before it refuses it
            warnings.simplefilter("ignore", UserWarning)
            weights = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise FileError(f"{shown(path)} is damaged or holds more than weights") from error
    if not isinstance(weights, dict):
        raise FileError(f"{shown(path)} holds a {type(weights).__name__}; expected weights by name")
    return weights


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise FileError(f"{shown(path)} is damaged: {error}") from error
