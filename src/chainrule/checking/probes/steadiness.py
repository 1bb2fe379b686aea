"""A function gives the same for the same arrays."""

import numpy as np

from chainrule.checking.differentiable import Arrays, Differentiable, flat
from chainrule.checking.draws import draws_from_them, same_draws
from chainrule.checking.verdict import Mistake

_PLACES, _TURNS = 8, 6


def unsteady(form: Differentiable) -> Mistake | None:
    """The same arrays give another y at the next call."""
    with same_draws():
        first, second = form.vector(form.arrays), form.vector(form.arrays)
    if _same(first, second):
        return None
    if draws_from_them(lambda: form.vector(form.arrays)):
        hint = "y differs from one call to the next, as it draws from the global random state"
        return Mistake("y", kind="random", hint=hint + "; give the draw as a parameter")
    hint = "y differs from one call to the next for the same arrays: something is kept or drawn"
    return Mistake("y", kind="state", hint=hint)


def kept_by_place(form: Differentiable, other: Arrays) -> Mistake | None:
    """y is that of other arrays, which lay at the same address: a cache whose key says no more.

    Which arrays lie where others lay is the allocator's choice: of what is held half is let go
    before each turn, so that the two points take each other's places.
    """
    found: dict[str, list[np.ndarray]] = {"here": [], "there": []}
    alive: list[object] = []
    for turn in range(_TURNS):
        for point, arrays in (("here", form.arrays), ("there", other)):
            try:
                new = [form.run(arrays) for _ in range(_PLACES)]
            except Exception:  # the function is not defined there
                continue
            found[point] += [np.nan_to_num(flat(run.outputs)) for run in new]
            alive = [*alive, *new][turn % 2 :: 2]
            del new
    if all(_same(rows[0], y) for rows in found.values() for y in rows):
        return None
    hint = "y is at times that of other arrays, which lay at the same address in memory"
    return Mistake("y", kind="cache", hint=f"{hint}: something is kept by an address or an id")


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((np.abs(one - other) <= 1e-10 * np.abs(one).max(initial=0.0)).all())
