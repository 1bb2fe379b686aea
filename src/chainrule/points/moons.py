"""Two half-moons in any position: what `points infer` fits to published runs."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float64

from chainrule.errors import InputError
from chainrule.io.checks import finite_number, one_of, positive_number, whole_number
from chainrule.points.data import Points

Noise = Literal["band", "square"]
NOISES: tuple[Noise, ...] = get_args(Noise)


@dataclass(frozen=True)
class HalfMoons:
    """Where two half-moons of radius 1 lie, before everything is multiplied by `scale`.

    With a in [0, pi], the upper moon is (cos a, sin a), and the lower one is (cos a, -sin a) +
    (offset, -distance). Then the first feature, the second or both change sign (`mirrored_1`,
    `mirrored_2`), and the two features trade places (`exchanged`). The noise is

        band    the radius is uniform in 1 +- width/2 (Haykin, Neural Networks and Learning
                Machines, 3rd ed., section 1.5)
        square  the radius is 1, and both features get a number uniform in [0, width] at the end

    centred: the middle of all is moved to the origin. upper_label: the class of the upper moon.
    Raises InputError on a number out of range.
    """

    width: float
    distance: float
    offset: float = 1.0
    scale: float = 1.0
    noise: Noise = "band"
    mirrored_1: bool = False
    mirrored_2: bool = False
    exchanged: bool = False
    centred: bool = False
    upper_label: int = 1

    def __post_init__(self) -> None:
        for name in ("distance", "offset"):
            finite_number(f"half-moons, {name}", getattr(self, name))
        positive_number("half-moons, scale", self.scale)
        finite_number("half-moons, width", self.width, 0)
        one_of("half-moons, noise", self.noise, NOISES)
        if self.noise == "band" and self.width > 2:
            raise InputError(f"half-moons, width: found {self.width}; expected at most 2")
        if self.upper_label not in (-1, 1):
            raise InputError(f"half-moons, upper label: found {self.upper_label}; expected -1 or 1")

    def draw(self, n: int, seed: int | np.random.SeedSequence) -> Points:
        """Draw n points, half on each moon (the upper one has the odd point), in turn.

        With the same seed the points move smoothly with the settings. Raises InputError if n < 2.
        """
        whole_number("points on the half-moons", n, 2)
        angle, first, second = np.random.default_rng(seed).random((3, n))
        angle = math.pi * angle
        lower = np.arange(n) % 2 == 1
        rho = 1 + self.width * (first - 0.5) if self.noise == "band" else 1.0
        moons = np.stack([rho * np.cos(angle), rho * np.sin(angle)], axis=1)
        moons[lower, 1] *= -1
        moons[lower] += self.offset, -self.distance
        moons = self._turned(moons)
        if self.noise == "square":
            moons += self.width * np.stack([first, second], axis=1)
        if self.centred:
            moons -= self._middle()
        return Points(
            np.ascontiguousarray(self.scale * moons),
            np.where(lower, -float(self.upper_label), float(self.upper_label)),
        )

    def _turned(self, moons: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
        moons = moons * np.where((self.mirrored_1, self.mirrored_2), -1.0, 1.0)
        return moons[:, ::-1] if self.exchanged else moons

    def _middle(self) -> Float64[np.ndarray, "1 2"]:
        middle = self._turned(np.array([[self.offset / 2, -self.distance / 2]]))
        return middle + (self.width / 2 if self.noise == "square" else 0.0)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "HalfMoons":
        """The settings that `dataclasses.asdict` made a dictionary of."""
        return cls(**{f.name: document[f.name] for f in fields(cls)})


@dataclass(frozen=True)
class DrawnMoons:
    """Half-moons and the seeds that draw the training and the validation points from them."""

    moons: HalfMoons
    training_seed: int
    validation_seed: int

    def draw(self, n: int) -> tuple[Points, Points]:
        """n training points and n validation points."""
        return self.moons.draw(n, self.training_seed), self.moons.draw(n, self.validation_seed)

    def document(self) -> dict[str, Any]:
        """What JSON holds of it."""
        return {
            "moons": asdict(self.moons),
            "training_seed": self.training_seed,
            "validation_seed": self.validation_seed,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "DrawnMoons":
        """Those that `document` was made of."""
        seeds = document["training_seed"], document["validation_seed"]
        return cls(HalfMoons.from_document(document["moons"]), *seeds)


# the best candidates of the stored inferences (`chainrule.points.inference.stored`): seed 0 of the
# half-moons of that name
NAMED_MOONS: Mapping[str, DrawnMoons] = MappingProxyType(
    {
        "inferred-moons": DrawnMoons(
            HalfMoons(
                width=0.3335594328913165,
                distance=-0.3381570767626291,
                offset=0.6602072919015483,
                scale=1.3759673670642973,
                noise="band",
                mirrored_2=True,
                exchanged=True,
                centred=True,
                upper_label=1,
            ),
            training_seed=1270074827,
            validation_seed=846921492,
        ),
    }
)
