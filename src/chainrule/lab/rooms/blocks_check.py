"""The check of a chain's derivative on a part of its picture, and of a layer that one wrote."""

import math
from typing import Any

from torch import Tensor

from chainrule.chain import Chain
from chainrule.checking import check_derivatives, check_projection
from chainrule.checking.written import FUNCTIONS, Written
from chainrule.errors import ChainruleError, InputError

_SIDES = (6, 8, 10, 12, 16, 20, 24, 32, 48, 64)  # of the part, in pixels
_EVERY = 700  # numbers of the part and the parameters that are all checked one by one


def check_chain(chain: Chain, x: Tensor, params: dict[str, Tensor]) -> dict[str, Any]:
    """Hold every derivative of the chain on the middle of x against differences, as JSON values.

    Where these are too many, along one random direction. Raises InputError if it cannot be checked.
    """
    part = _middle(chain, x)
    params = {name: params[name] for name in chain.parameter_shapes()}
    numbers = part.numel() + sum(value.numel() for value in params.values())
    if numbers <= _EVERY:
        found = check_derivatives(chain, part, params, conduct=False)
        rows = [
            {"name": a.name, "shape": list(a.shape), "error": _finite(a.worst_relative_error),
             "tested": a.tested} for a in found.arrays
        ]  # fmt: skip
        mistakes, moved = [str(mistake) for mistake in found.mistakes], found.moved_from_kinks
        verdict: str = found.verdict
    else:
        along = check_projection(chain, part, params, conduct=False)
        rows = [
            {"name": a.name, "shape": list(a.shape), "error": _finite(a.relative_error),
             "tested": a.tested} for a in along.arrays
        ]  # fmt: skip
        mistakes, moved = [str(mistake) for mistake in along.mistakes], 0
        verdict = "right" if along.right else "wrong" if mistakes else "not tested"
    return {
        "verdict": verdict, "rows": rows, "mistakes": mistakes, "moved": moved,
        "every": numbers <= _EVERY, "part": list(part.shape[1:]), "numbers": numbers,
    }  # fmt: skip


def check_written(y: str, dx: str, dw: str, db: str) -> dict[str, Any]:
    """What the check says of a layer that is written as formulas. Raises InputError."""
    layer = Written(y, dx, dw, db)
    found = check_derivatives(layer, *layer.point())
    return {
        "verdict": found.verdict,
        "rows": [
            {"name": a.name, "shape": list(a.shape), "error": _finite(a.worst_relative_error),
             "tested": a.tested} for a in found.arrays
        ],
        "mistakes": [str(mistake) for mistake in found.mistakes],
        "moved": found.moved_from_kinks,
    }  # fmt: skip


def written_code(y: str, dx: str, dw: str, db: str) -> str:
    """The layer as a Python file that checks it. Raises InputError."""
    layer = Written(y, dx, dw, db)
    return (
        '"""A layer that was written in the lab, and what the check says of it."""\n\n'
        "from chainrule.checking import check_derivatives\n"
        "from chainrule.checking.written import Written\n\n"
        f"layer = {layer!r}\n"
        "print(check_derivatives(layer, *layer.point()))\n"
    )


def functions() -> list[dict[str, str]]:
    """What a formula may call, in words."""
    letters = {1: "a", 2: "a, f", 3: "condition, a, c"}
    named = {"meet": "a, c", "flip": "f", "swap": "f"}
    return [
        {"call": f"{name}({named.get(name, letters[count])})", "said": said}
        for name, (count, _, said) in FUNCTIONS.items()
    ]


def _middle(chain: Chain, x: Tensor) -> Tensor:
    """The smallest square in the middle of x that the chain takes; all of x if it takes none."""
    height, width = x.shape[2:]
    for side in _SIDES:
        if side > min(height, width) or chain.input_shape is not None:
            break
        top, left = (height - side) // 2, (width - side) // 2
        part = x[:, :, top : top + side, left : left + side].contiguous()
        try:
            chain.shape(tuple(part.shape))
        except ChainruleError:
            continue
        return part
    if x.numel() > 3 * 64 * 64:
        raise InputError(
            f"the chain takes the whole picture of {width} by {height} pixels; expected at most 64 "
            "by 64 for the check: choose a smaller picture"
        )
    return x


def _finite(error: float) -> float | None:
    return error if math.isfinite(error) else None
