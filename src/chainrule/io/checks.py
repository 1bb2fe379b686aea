"""Checks of arguments, all with one sentence: what it is, what was found, what was expected."""

import difflib
import math
import numbers
from collections.abc import Iterable
from typing import Any

from chainrule.errors import InputError

LARGEST_SEED = 2**64 - 1


def whole_number(what: str, value: Any, least: int | None = None, most: int | None = None) -> int:
    """Give `value` as an int if it is whole (1e4 is) and in the range. Raises InputError."""
    number = None
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        number = int(value)
    elif isinstance(value, numbers.Real) and math.isfinite(value) and float(value).is_integer():
        number = int(float(value)) if not isinstance(value, bool) else None
    if number is None or not _inside(number, least, most):
        raise InputError(f"{what}: found {value!r}; expected a whole number{_range(least, most)}")
    return number


def finite_number(
    what: str, value: Any, least: float | None = None, most: float | None = None
) -> float:
    """Give `value` as a float if it is finite and in the range. Raises InputError."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not _inside(value, least, most):
        raise InputError(f"{what}: found {value!r}; expected a finite number{_range(least, most)}")
    return float(value)


def positive_number(what: str, value: Any) -> float:
    """Give `value` as a float if it is finite and above 0. Raises InputError."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value <= 0:
        raise InputError(f"{what}: found {value!r}; expected a finite number above 0")
    return float(value)


def seed_number(value: Any, what: str = "seed") -> int:
    """Give `value` as an int if it can be a seed, 0 to 2^64 - 1. Raises InputError."""
    return whole_number(what, value, 0, LARGEST_SEED)


def flag(what: str, value: Any) -> bool:
    """Give `value` if it is True or False. Raises InputError."""
    if not isinstance(value, bool):
        raise InputError(f"{what}: found {value!r}; expected true or false")
    return value


def check_option_names(function: str, options: Iterable[str], known: Iterable[str]) -> None:
    """Raise TypeError, as Python does, if one of the options that are given is not known."""
    names = list(known)
    for name in options:
        if name not in names:
            raise TypeError(
                f"{function}() has no argument {name!r}; expected one of {', '.join(names)}"
            )


def one_of(what: str, value: Any, allowed: Iterable[str]) -> str:
    """Give `value` if it is one of the names; else say the nearest. Raises InputError."""
    names = list(allowed)
    if value not in names:
        near = difflib.get_close_matches(str(value), names, 1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        raise InputError(f"{what}: found {value!r}{hint}; expected one of {', '.join(names)}")
    return str(value)


def _inside(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _range(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f" from {least:,} to {most:,}"
    if least is not None:
        return f" of at least {least:,}"
    return f" of at most {most:,}" if most is not None else ""
