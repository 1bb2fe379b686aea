"""`check(name, function)`: what a notebook's cell calls to hold an answer against what is right."""

import copy
import importlib
from collections.abc import Callable, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from chainrule.errors import InputError
from chainrule.practical.notebooks.failure import describe, sentence

if TYPE_CHECKING:
    from chainrule.practical.notebooks.checks.parts import Part

# each notebook by its number, and the file of its checks
ROOMS = {
    1: "two_layer_network",
    2: "blocks",
    3: "back_propagation",
    4: "characters",
    5: "lines",
    6: "photographs",
}


class NotRight(Exception):  # noqa: N818 (the sentence is what the student reads)
    """An answer that is not right; a notebook shows the sentence and nothing else."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def check(name: str, function: Any, part: str | None = None) -> float | None:
    """Print that the answer `function` to the task `name` is right; raise NotRight if nothing is.

    Where a part of it is right, print the points with what is not, and give the points: nbgrader
    takes a cell's number for them. part: one part alone, by what it asks. Raises InputError on
    another name.
    """
    from chainrule.practical.notebooks.checks.parts import judged

    parts = parts_of(name)
    held = [one for one in parts if part in (None, one.asks)]
    if not held:
        asked = ", ".join(repr(one.asks) for one in parts)
        raise InputError(f"part: found {part!r}; expected one of {name}'s: {asked}")
    verdict = judged(held, answered(name, function))
    said = "; ".join(verdict.sentences)
    if not verdict.points:
        raise NotRight(f"{name}: {said}.")
    if verdict.sentences:
        print(f"{name}: {verdict.points:g} of {verdict.of:g} points: {said}.")  # noqa: T201
        return verdict.points
    print(f"{name}: right.")  # noqa: T201 (in a notebook, where the cell's output is the answer)
    return None


def parts_of(name: str) -> "tuple[Part, ...]":
    """What a task asks for, with points. Raises InputError on a name that is no task's."""
    for number, room in ROOMS.items():
        # by the notebook's text, so that no other notebook's checks are loaded with all they need
        text = (resources.files(__package__) / "sources" / f"{number}_{room}.md").read_text("utf-8")
        if f' check="{name}"' in text:
            module = importlib.import_module(f"chainrule.practical.notebooks.checks.{room}")
            found: tuple[Part, ...] = module.TASKS[name]
            return found
    raise InputError(f"task: found {name!r}; expected the name of one of the practical's")


def changed(given: Sequence[Any], kept: Sequence[Any]) -> int | None:
    """The number, from 1, of the first array that differs from what was given; None if none does.

    An entry that was moved and moved back may differ in its last digits.
    """
    import numpy as np

    for number, (before, after) in enumerate(zip(given, kept, strict=False), start=1):
        for a, b in zip(_leaves(before), _leaves(after), strict=False):
            if a.shape != b.shape or not np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True):
                return number
    return None


def _leaves(value: Any) -> list[Any]:
    import numpy as np

    if isinstance(value, tuple | list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value] if isinstance(value, np.ndarray) and value.dtype.kind in "fiub" else []


def answered(name: str, function: Any) -> Callable[..., Any]:
    """The function as the checks call it: with copies, its exceptions as sentences."""
    from chainrule.practical.notebooks.checks.compare import WrongAnswer
    from chainrule.practical.notebooks.wire import Code, pack, unpack

    def answer(*arguments: Any) -> Any:
        import numpy as np

        if not callable(function):
            raise WrongAnswer(f"{name} is no function but {type(function).__name__}")

        given = [
            eval(a.text, {"np": np}) if isinstance(a, Code) else copy.deepcopy(a) for a in arguments
        ]
        try:
            value = function(*given)
        except Exception as error:
            raise WrongAnswer(sentence(describe(error))) from error
        number = changed(arguments, given)
        if number is not None:
            raise WrongAnswer(overwrites(number))
        return unpack(pack(value))  # as it comes from a submission's process

    return answer


def overwrites(number: int) -> str:
    """The sentence on an answer that changes what it was given."""
    return f"it changes the array that it is given as argument {number}: work on a copy"
