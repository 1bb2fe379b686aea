"""Any model of the package timm, as a source of features."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from chainrule.errors import FileError, InputError
from chainrule.images.network import content_key
from chainrule.images.preprocessing import Preprocessing
from chainrule.io.names import shown

PREFIX = "timm:"


@dataclass(frozen=True)
class TimmModel:
    """A model of timm without its classifier. It runs as timm wrote it, in float32."""

    name: str
    model: Any = field(repr=False)
    preprocessing: Preprocessing

    @cached_property
    def key(self) -> str:
        """What tells this model, its weights and its preprocessing from every other."""
        return content_key((self.name, self.preprocessing), self.model.state_dict())

    def feature_function(self, precision: str) -> Callable[[Tensor], Tensor]:
        """Pictures (N, 3, size, size) to features (N, d) in float32, whatever `precision` is."""

        def features(x: Tensor) -> Tensor:
            with torch.inference_mode():
                y: Tensor = self.model(x)
                return y.flatten(1)

        return features


def load_timm(name: str) -> TimmModel:
    """The model `timm:...` with its published weights, which timm fetches and keeps.

    Raises InputError if timm is not installed or has no such model, FileError if its weights cannot
    be had.
    """
    try:
        import timm  # type: ignore[import-not-found]
        import timm.data  # type: ignore[import-not-found]
    except ModuleNotFoundError as error:
        raise InputError(
            f"network {shown(name)} needs the package {error.name}, which is not installed; "
            "expected it after pip install 'chainrule[timm]'"
        ) from error
    own = name.removeprefix(PREFIX)
    if not timm.is_model(own):
        raise InputError(f"network {shown(name)}: timm has no such model; see timm.list_models()")
    try:
        model = timm.create_model(own, pretrained=True, num_classes=0).eval()
    except Exception as error:  # every way that timm fetches weights raises its own kinds
        reason = " ".join(str(error).split())
        raise FileError(
            f"the weights of {shown(name)} cannot be had ({reason}); expected published ones and "
            "a network connection"
        ) from error
    return TimmModel(name, model, _preprocessing(name, timm.data.resolve_model_data_config(model)))


def _preprocessing(name: str, config: dict[str, Any]) -> Preprocessing:
    """As timm's `create_transform` for evaluation: resize to size / crop_pct, cut the middle.

    With the mode "center" the shorter side is resized, with "squash" both are.
    """
    channels, height, width = config["input_size"]
    interpolation, mode = config["interpolation"], config["crop_mode"]
    if channels != 3 or height != width or interpolation not in ("bicubic", "bilinear"):
        raise InputError(
            f"network {shown(name)} sees {channels} x {height} x {width} pixels, "
            f"{interpolation}; expected a square of 3 channels, bicubic or bilinear"
        )
    if mode not in ("center", "squash"):
        raise InputError(
            f"network {shown(name)} cuts its pictures by the mode {mode!r}; expected center or "
            "squash"
        )
    red, green, blue = (255 * value for value in config["mean"])
    deviation = tuple(255 * value for value in config["std"])
    return Preprocessing(
        height,
        int(height / config["crop_pct"]),
        interpolation,
        (red, green, blue),
        (deviation[0], deviation[1], deviation[2]),
        whole=mode == "squash",
    )
