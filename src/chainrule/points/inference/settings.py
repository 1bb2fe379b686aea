"""The numbers that an inference is made with."""

from dataclasses import dataclass

from chainrule.errors import InputError
from chainrule.io.checks import LARGEST_SEED, one_of, whole_number
from chainrule.points.inference.prior import CHOICES, RANGES, Fixed
from chainrule.points.moons import HalfMoons

POINTS = 1000  # the original's, for training and for validation each


@dataclass(frozen=True)
class InferenceSettings:
    """What an inference is asked for.

    hold_out: every so many rows are kept out of the fit (0: none); particles: the candidates that
    are the posterior; generations: at most so many; repeats: runs for each fitted one, whenever a
    candidate is looked at; trials: runs of each setting in a prediction; points: how many are drawn
    to train on, and to validate with; fixed: settings of the half-moons that are known and not
    inferred, as (name, value). Raises InputError on one out of range.
    """

    hold_out: int = 3
    particles: int = 200
    generations: int = 12
    repeats: int = 3
    trials: int = 200
    points: int = POINTS
    seed: int = 0
    fixed: Fixed = ()

    def __post_init__(self) -> None:
        for name, least, most in (
            ("particles", 4, 10**5),
            ("generations", 0, 1000),
            ("repeats", 1, 1000),
            ("trials", 1, 10**6),
            ("points", 2, 10**6),
            ("seed", 0, LARGEST_SEED),
        ):
            whole_number(name, getattr(self, name), least, most)
        if self.hold_out < 0 or self.hold_out == 1:
            raise InputError(
                f"hold out every: found {self.hold_out}; expected 0 (no row) or at least 2"
            )
        for name, _ in self.fixed:
            one_of("fixed", name, [*RANGES, *CHOICES])
        if self.fixed:
            HalfMoons(**{"width": 0.5, "distance": 0.0, **dict(self.fixed)})
