"""Learning-rate schedules: the rate at a step, as a share of the settings' rate."""

import math
from collections.abc import Callable

from chainrule.errors import InputError

Schedule = Callable[[float], float]

_WARM = 0.2  # the share of a one-cycle run in which the rate rises
_FIRST = 0.125  # the share of a two-cycle run that its first cycle takes
_STEPS, _FACTOR = 3, 0.1  # a step run: three equal parts, each with a tenth of the rate before it


def schedule(name: str) -> Schedule:
    """The function of the run's progress (0 at the first step, 1 after the last) by its name.

    constant: 1. step: 1, 0.1, 0.01 over the thirds of the run. cosine: (1 + cos(pi t)) / 2
    (Loshchilov & Hutter 2017, eq. 5, without restarts). one-cycle: from 0.04 up to 1 in the first
    fifth of the run and down to 0 along half a cosine each (Smith & Topin 2018). two-cycles: one
    such cycle over the first eighth of the run, another over the rest: soon at a good error, and
    then at a better one (a warm restart: Loshchilov & Hutter 2017).

    Raises InputError on another name.
    """
    if name not in SCHEDULES:
        raise InputError(f"schedule: found {name!r}; expected one of {', '.join(SCHEDULES)}")
    return SCHEDULES[name]


def _constant(progress: float) -> float:
    return 1.0


def _step(progress: float) -> float:
    return float(_FACTOR ** min(int(progress * _STEPS), _STEPS - 1))


def _cosine(progress: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * progress))


def _one_cycle(progress: float) -> float:
    if progress < _WARM:
        return 0.04 + 0.96 * _cosine(1 - progress / _WARM)
    return _cosine((progress - _WARM) / (1 - _WARM))


def _two_cycles(progress: float) -> float:
    if progress < _FIRST:
        return _one_cycle(progress / _FIRST)
    return _one_cycle((progress - _FIRST) / (1 - _FIRST))


SCHEDULES: dict[str, Schedule] = {
    "constant": _constant,
    "step": _step,
    "cosine": _cosine,
    "one-cycle": _one_cycle,
    "two-cycles": _two_cycles,
}

OPEN_ENDED = {"constant"}
"""The schedules whose rate does not depend on how long the run is to be."""
