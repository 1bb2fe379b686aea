"""How a check is made: the settings that both checks take by name."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypedDict, TypeVar

from chainrule.checking.derivatives import check_delta
from chainrule.errors import InputError
from chainrule.io.checks import check_option_names

METHODS = {"central": 1e-6, "forward": 1e-4}  # each with its tolerance


class CheckOptions(TypedDict, total=False):
    """How `check_derivatives` is made.

    step: of the differences, 1e-5 unless given. tolerance: 1e-8 unless given. seed: of dy, and of
    all else that is drawn. conduct: whether the layer is called in other ways, too; it is unless
    this is False.
    """

    step: float
    tolerance: float
    seed: int
    conduct: bool


class ProjectionOptions(TypedDict, total=False):
    """How `check_projection` is made.

    eta: the step, 1e-6 unless given. method: "central" (as it is unless given) or "forward".
    tolerance: 1e-6 or 1e-4 unless given. seed, conduct: as for `check_derivatives`.
    """

    eta: float
    method: str
    tolerance: float | None
    seed: int
    conduct: bool


@dataclass(frozen=True)
class CheckSettings:
    """`CheckOptions`, all of them. Raises InputError on one out of range."""

    step: float = 1e-5
    tolerance: float = 1e-8
    seed: int = 0
    conduct: bool = True

    def __post_init__(self) -> None:
        check_delta(self.step)
        _check_tolerance(self.tolerance)


@dataclass(frozen=True)
class ProjectionSettings:
    """`ProjectionOptions`, all of them. Raises InputError on one out of range."""

    eta: float = 1e-6
    method: str = "central"
    tolerance: float | None = None
    seed: int = 0
    conduct: bool = True

    def __post_init__(self) -> None:
        check_delta(self.eta)
        if self.method not in METHODS:
            raise InputError(f"method: found {self.method!r}; expected one of {', '.join(METHODS)}")
        _check_tolerance(self.bar)

    @property
    def bar(self) -> float:
        """The tolerance, or the method's."""
        return METHODS[self.method] if self.tolerance is None else self.tolerance


S = TypeVar("S", CheckSettings, ProjectionSettings)


def settings_of(kind: type[S], function: str, options: Mapping[str, Any]) -> S:
    """The settings with these options. Raises TypeError on another name, as Python does."""
    check_option_names(function, options, [field.name for field in fields(kind)])
    return kind(**options)


def _check_tolerance(tolerance: float) -> None:
    if not tolerance > 0:
        raise InputError(f"tolerance: found {tolerance:g}; expected a number above 0")
