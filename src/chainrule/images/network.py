"""A pretrained network: its chain, its parameters, how its pictures are made, what it names."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, overload, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float32
from PIL import Image
from torch import Tensor

from chainrule.blocks import Flatten
from chainrule.chain import Chain
from chainrule.chain.inference.fused import FusedChain
from chainrule.chain.inference.precision import Precision
from chainrule.images.preprocessing import Preprocessing
from chainrule.images.rechecked import RecheckedFeatures
from chainrule.io.checks import one_of, whole_number
from chainrule.io.pictures import PictureSource, open_picture

if TYPE_CHECKING:
    from chainrule.images.explanation import Explanation


@runtime_checkable
class FeatureSource(Protocol):
    """What gives features: a `Network`, or a model of timm."""

    @property
    def name(self) -> str: ...

    @property
    def key(self) -> str: ...

    @property
    def preprocessing(self) -> Preprocessing: ...

    def feature_function(self, precision: Precision) -> Callable[[Tensor], Tensor]: ...


@dataclass(frozen=True)
class Guess:
    """A class with its probability."""

    index: int
    name: str
    probability: float


@dataclass(frozen=True)
class Network:
    """`chain` maps pictures (N, 3, size, size) to one score a class.

    The layers up to `feature_layer` (counted in) give the features, after which comes nothing but
    the classifier; `last_convolution` is the layer whose output still has places in the picture.
    `wide_layers` is how many of the first layers need float32 where the rest runs in bfloat16.
    """

    name: str
    chain: Chain
    params: dict[str, Tensor] = field(repr=False)
    preprocessing: Preprocessing
    classes: tuple[str, ...] = field(repr=False)
    feature_layer: str
    last_convolution: str
    wide_layers: int = 0

    @cached_property
    def key(self) -> str:
        """What tells this network, its weights and its preprocessing from every other."""
        # a tensor's text shows only a part of it: its bytes go in with the weights
        look = replace(self.preprocessing, mean_image=None)
        average = self.preprocessing.mean_image
        tensors = self.params if average is None else {**self.params, "mean_image": average}
        return content_key((look, self.feature_layer), tensors)

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """One picture's: (1, channels, size, size)."""
        size = self.preprocessing.size
        return 1, 1 if self.preprocessing.grey else 3, size, size

    @cached_property
    def body(self) -> Chain:
        """The layers that give the features, as a chain from pictures to (N, features)."""
        chain = self.chain.until(self.feature_layer)
        flat = len(chain.shape(self.input_shape)) == 2
        return Chain(chain.layers if flat else [*chain.layers, ("features", Flatten())])

    def feature_function(self, precision: Precision) -> Callable[[Tensor], Tensor]:
        """The body, ready to run: pictures (N, 3, size, size) to features (N, d) in float32.

        With "bfloat16" those whose first class is in doubt are computed once more in float32.
        """
        if precision == "bfloat16":
            return self.rechecked_features()
        return FusedChain(self.body, self.params, "float32", self.input_shape)

    def rechecked_features(self) -> RecheckedFeatures:
        """The feature function in bfloat16, with its parts."""
        shape = self.chain.until(self.feature_layer).shape(self.input_shape)
        head = FusedChain(self.chain.after(self.feature_layer), self.params, "float32", shape)
        return RecheckedFeatures(
            FusedChain(self.body, self.params, "bfloat16", self.input_shape, self.wide_layers),
            FusedChain(self.body, self.params, "float32", self.input_shape),
            lambda features: head(features.reshape(-1, *shape[1:])).flatten(1),
        )

    def logit_function(self) -> FusedChain:
        """The whole chain, ready to run: pictures to scores in float32."""
        chain = self.chain
        if len(chain.shape(self.input_shape)) != 2:
            chain = Chain([*chain.layers, ("scores", Flatten())])
        return FusedChain(chain, self.params, "float32", self.input_shape)

    @overload
    def classify(self, pictures: PictureSource, *, top: int = 5) -> tuple[Guess, ...]: ...
    @overload
    def classify(
        self, pictures: list[Any] | tuple[Any, ...], *, top: int = 5
    ) -> list[tuple[Guess, ...]]: ...
    def classify(
        self, pictures: PictureSource | list[Any] | tuple[Any, ...], *, top: int = 5
    ) -> tuple[Guess, ...] | list[tuple[Guess, ...]]:
        """The `top` most probable classes of a picture, or of each of several, best first.

        Pictures are what `chainrule.io.pictures.open_picture` takes: paths, pictures of Pillow,
        arrays. Raises FileError, InputError.
        """
        from chainrule.images.classification import classify_pictures

        whole_number("top", top, 1)
        found = classify_pictures(self, _several(pictures), top)
        return found if isinstance(pictures, list | tuple) else found[0]

    def features(
        self, pictures: PictureSource | list[Any] | tuple[Any, ...]
    ) -> Float32[np.ndarray, "n d"]:
        """The penultimate features of each picture, in float32; a picture alone is one row.

        Raises FileError, InputError.
        """
        from chainrule.images.features import picture_features

        return picture_features(_several(pictures), self)

    def explain(self, picture: PictureSource, class_name: str | int | None = None) -> "Explanation":
        """Which pixels of a picture decided on a class: by its name or number, or the best one.

        Raises FileError, and InputError for a class that the network does not know.
        """
        from chainrule.images.explanation import explain

        number = class_name
        if isinstance(class_name, str):
            number = self.classes.index(one_of("class", class_name, self.classes))
        elif class_name is not None:
            number = whole_number("class", class_name, 0, len(self.classes) - 1)
        return explain(self, open_picture(picture), number)  # type: ignore[arg-type]

    def logits(self, images: Sequence[Image.Image]) -> Float[Tensor, "n classes"]:
        """The scores of RGB pictures, in float32."""
        x = torch.cat([self.preprocessing.input(image) for image in images])
        return self.logit_function()(x)


def _several(pictures: PictureSource | list[Any] | tuple[Any, ...]) -> list[PictureSource]:
    return list(pictures) if isinstance(pictures, list | tuple) else [pictures]


def content_key(settings: tuple[object, ...], tensors: Mapping[str, Tensor]) -> str:
    """A hash of the settings' text and of every tensor's name and bytes."""
    digest = hashlib.blake2b(repr(settings).encode(), digest_size=16)
    for name, value in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(value.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
