"""An answer's value against the right one: the same, or a sentence on how it differs.

A sentence points at the mistake, never at the solution: what is off, by how much, where.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.practical.notebooks.wire import Other

MATCH = 1e-5  # of the largest entry: an answer in float32 is right


class WrongAnswer(Exception):  # noqa: N818 (the sentence is what the student reads)
    """An answer that is not right: the sentence says why, and case for which input.

    vague: not by what mistake.
    """

    def __init__(self, sentence: str, case: str = "", vague: bool = False) -> None:
        super().__init__(f"{sentence} {case}".rstrip())
        self.sentence, self.vague = sentence, vague


Answer = Callable[..., Any]
"""The answer's function: called with arguments, it gives a value or raises WrongAnswer."""

Check = Callable[[Answer], None]
"""Holds an answer against what is right; raises WrongAnswer."""


@dataclass(frozen=True)
class Hints:
    """What the mistake may be.

    guesses: values that typical mistakes give, each with its sentence. counts: numbers that an
    answer may be too large or too small by, with what they count.
    """

    guesses: Sequence[tuple[Any, str]] = ()
    counts: Mapping[str, float] = field(default_factory=dict)


def same(name: str, found: Any, right: Any, hints: Hints | None = None, case: str = "") -> None:
    """Raise WrongAnswer unless `found` is `right` to 1e-5 of its largest entry.

    name: what it is, for the sentence. case: for which input, in words ("for y = -1").
    """
    hints = hints or Hints()
    wanted = np.asarray(right, np.float64)
    array = as_array(name, found, wanted)
    if np.isfinite(array).all() and _close(array, wanted):
        return
    for guess, sentence in hints.guesses:
        guessed = np.asarray(guess, np.float64)
        if guessed.shape == array.shape and _close(array, guessed):
            raise WrongAnswer(sentence, case)
    if array.shape != wanted.shape:
        raise WrongAnswer(f"{name} has shape {array.shape}; expected {wanted.shape}", case)
    if array.any() and _close(array, np.trunc(wanted)):
        raise WrongAnswer(
            f"{name} is cut to whole numbers: its array is one of whole numbers", case
        )
    if not np.isfinite(array).all():
        raise WrongAnswer(f"{name} holds NaN or infinity", case)
    sentence, vague = _difference(name, array, wanted, hints.counts)
    raise WrongAnswer(sentence, case, vague)


def as_array(name: str, found: Any, right: Any = None) -> np.ndarray:
    """An answer's value as float64. Raises WrongAnswer if it is no array of numbers."""
    expected = "a number" if right is not None and np.ndim(right) == 0 else "an array of numbers"
    if found is None:
        raise WrongAnswer(f"{name} is None: does the function return it? expected {expected}")
    if isinstance(found, Other):
        raise WrongAnswer(f"{name} is of type {found.type_name[:60]}; expected {expected}")
    stranger = _stranger(found)
    if stranger is not None:
        raise WrongAnswer(f"{name} holds a value of type {stranger}; expected {expected}")
    try:
        array = np.asarray(found)
    except (ValueError, TypeError) as error:
        raise WrongAnswer(f"{name} is no array: its rows differ in length") from error
    if array.dtype.kind not in "fiub":
        raise WrongAnswer(f"{name} is of type {type(found).__name__}; expected {expected}")
    return array.astype(np.float64)


def _stranger(found: Any) -> str | None:
    """The type of the first value in a list of lists that is no number: None if there is none.

    Looked for before NumPy sees it: of a list of texts it makes an array of the longest one's size.
    """
    if isinstance(found, list | tuple):
        return next((kind for kind in map(_stranger, found) if kind), None)
    plain = isinstance(found, int | float | np.ndarray | np.generic)
    return None if plain else _kind(found).removeprefix("one ")


def parts(found: Any, names: Sequence[str]) -> tuple[Any, ...]:
    """The values of a tuple or list of as many as there are names. Raises WrongAnswer."""
    if not isinstance(found, tuple | list) or len(found) != len(names):
        size = f" of {len(found)}" if isinstance(found, tuple | list) else ""
        raise WrongAnswer(
            f"it returns {_kind(found)}{size}; expected {len(names)} values: {', '.join(names)}"
        )
    return tuple(found)


def _kind(found: Any) -> str:
    if isinstance(found, Other):
        return f"one {found.type_name[:60]}"
    return {"NoneType": "None", "tuple": "a tuple", "list": "a list", "dict": "a dictionary"}.get(
        type(found).__name__, f"one {type(found).__name__}"
    )


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape != b.shape:
        return False
    if not a.size:
        return True
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return bool(np.array_equal(a, b, equal_nan=True))
    return bool(np.abs(a - b).max() <= MATCH * np.abs(b).max() + 1e-12)


def _difference(
    name: str, array: np.ndarray, right: np.ndarray, counts: Mapping[str, float]
) -> tuple[str, bool]:
    """How an array of the right shape differs, and whether that tells nothing of the mistake."""
    if not array.any():
        return f"{name} is zero everywhere", False
    if _close(-array, right):
        return f"{name} has the wrong sign", False
    square = float((right * right).sum())
    factor = float((array * right).sum()) / square if square else 0.0
    times = _times(factor, counts) if factor and _close(array / factor, right) else ""
    if times and (right.ndim or ", " in times):  # any two numbers are proportional
        return f"{name} is {times}", ", " not in times
    if array.ndim == 2 and array.shape == array.T.shape and _close(array.T, right):
        return f"{name} is transposed", False
    wrong = np.abs(array - right) > MATCH * np.abs(right).max() + 1e-12
    place = np.unravel_index(int(np.abs(array - right).argmax()), right.shape)
    at = f"[{', '.join(str(int(i)) for i in place)}]" if right.ndim else ""
    share = f" ({int(wrong.sum())} of {right.size} entries differ)" if right.ndim else ""
    direction = "large" if array[place] > right[place] else "small"
    return f"{name}{at} is {array[place]:.6g}, which is too {direction}{share}", True


def _times(factor: float, counts: Mapping[str, float]) -> str:
    sign = " and has the wrong sign" if factor < 0 else ""
    size = abs(factor)
    for words, count in counts.items():
        if count != 1 and abs(size / count - 1) < 1e-4:
            return f"{count:g} times too large, {words}{sign}"
        if count != 1 and abs(size * count - 1) < 1e-4:
            return f"{count:g} times too small, {words}{sign}"
    times = f"{size:.4g} times too large" if size > 1 else f"{1 / size:.4g} times too small"
    return times + sign
