"""Every block and a few chains over random cases: against differences and against autograd."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from chainrule.chain.shown import in_one_line
from chainrule.checking.cases import CASES
from chainrule.checking.check import check_derivatives
from chainrule.checking.differentiable import Arrays, gradients
from chainrule.checking.drawing import Case, Draw
from chainrule.checking.dy import random_dy
from chainrule.checking.reference import reference
from chainrule.checking.subject import Subject
from chainrule.errors import InputError
from chainrule.executors import Executor, Here
from chainrule.io.progress import Progress

NUMERIC_BAR = 1e-6
AUTOGRAD_BAR = 1e-11
CONDUCT_CASES = 5  # of each block: they take as long as the differences


@dataclass(frozen=True)
class BlockCheck:
    """One block over its cases. Errors are infinite where a derivative is missing or misshapen.

    worst_relative_error_numeric: against central differences, as `check_derivatives` has it.
    worst_error_autograd: of the output and of every derivative against torch.autograd through the
    same function in other operations; relative to an array's largest entry where that is above
    1, else absolute. mistakes: one sentence each, with the block's settings.
    """

    name: str
    cases: int
    worst_relative_error_numeric: float
    worst_error_autograd: float
    moved_from_kinks: int
    mistakes: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Both errors are below their bars, and nothing else is wrong."""
        return (
            not self.mistakes
            and self.worst_relative_error_numeric < NUMERIC_BAR
            and self.worst_error_autograd < AUTOGRAD_BAR
        )


@dataclass(frozen=True)
class _Found:
    """What one case has shown."""

    numeric: float
    autograd: float
    moved: int
    mistakes: tuple[str, ...]


def check_blocks(
    cases: int = 20,
    seed: int = 0,
    progress: Progress | None = None,
    draws: Mapping[str, Callable[[Draw], Case]] = CASES,
    executor: Executor | None = None,
) -> list[BlockCheck]:
    """Check every block of `draws` at `cases` random settings, shapes and points, in float64.

    The first five of each are also called in the other ways in which a right block changes nothing.
    Each case has a seed of its own, made of `seed`, the block's place and the case's number, so
    that the table does not depend on where they are done: here, or by the `executor`.
    Raises InputError if cases is below 1 or seed below 0.
    """
    if cases < 1:
        raise InputError(f"cases: found {cases}; expected at least 1")
    if seed < 0:
        raise InputError(f"seed: found {seed}; expected at least 0")
    asked = [(place, number) for place in range(len(draws)) for number in range(cases)]
    shared = seed, tuple(draws.values())
    found: dict[int, _Found] = {}
    for k, one in (executor or Here()).results(_check_case, asked, shared):
        found[k] = one
        if progress is not None:
            progress(len(found), len(asked))
    table = []
    for place, name in enumerate(draws):
        of_block = [found[place * cases + number] for number in range(cases)]
        table.append(
            BlockCheck(
                name,
                cases,
                max(0.0, *(one.numeric for one in of_block)),
                max(0.0, *(one.autograd for one in of_block)),
                sum(one.moved for one in of_block),
                tuple(mistake for one in of_block for mistake in one.mistakes),
            )
        )
    return table


def _check_case(
    shared: tuple[int, Sequence[Callable[[Draw], Case]]], asked: tuple[int, int]
) -> _Found:
    seed, draws = shared
    place, number = asked
    draw = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place, number)))
    case = draws[place](draw)
    check = check_derivatives(
        case.block,
        case.x,
        case.params,
        target=case.target,
        fixed=case.fixed,
        seed=int(draw.integers(2**62)),
        conduct=number < CONDUCT_CASES,
    )
    error = _autograd_error(case, check.point, draw)
    mistakes = [f"{in_one_line(case.block)}: {mistake}" for mistake in check.mistakes]
    if not error < AUTOGRAD_BAR:
        mistakes.append(f"{in_one_line(case.block)}: differs from torch.autograd by {error:.1e}")
    return _Found(check.worst_relative_error, error, check.moved_from_kinks, tuple(mistakes))


def _autograd_error(case: Case, point: Arrays, draw: Draw) -> float:
    """The worst error of the output and the derivatives at `point`, which no kink is near."""
    params = {name: point.get(name, value) for name, value in case.params.items()}
    form = Subject(case.block, point["x"], params, case.target, case.fixed).form()
    outputs = form.outputs(point)
    dy = random_dy(outputs, draw)
    leaves = {name: array.clone().requires_grad_() for name, array in point.items()}
    y = reference(case.block, leaves["x"], {**params, **leaves}, case.target)
    ours = {"y": outputs[0], **form.derivatives(point, dy)}
    worst = 0.0
    for name, theirs in {"y": y.detach(), **gradients([y], leaves, dy)}.items():
        given, expected = (
            torch.zeros_like(point[name]) if array is None else array
            for array in (ours[name], theirs)
        )
        if given.shape != expected.shape:
            return np.inf
        scale = max(1.0, float(expected.abs().max()))
        error = float((given - expected).abs().max()) / scale
        worst = max(worst, error if np.isfinite(error) else np.inf)
    return worst
