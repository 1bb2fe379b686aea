"""All probes of how a layer acts, in turn, until one finds something."""

import warnings
from dataclasses import replace

import numpy as np

from chainrule.checking.probes.batches import batch_sizes
from chainrule.checking.probes.elsewhere import elsewhere
from chainrule.checking.probes.layouts import layout_of_arrays, layout_of_dy
from chainrule.checking.probes.linearity import linearity
from chainrule.checking.probes.memory import in_the_end, other_calls, second_backward
from chainrule.checking.probes.modes import grad_mode, threads
from chainrule.checking.probes.overwriting import overwriting
from chainrule.checking.probes.partial import one_derivative_alone, shortcuts, unused_outputs
from chainrule.checking.probes.trial import Probe, Trial
from chainrule.checking.probes.types import float32
from chainrule.checking.verdict import Mistake

_ALWAYS: tuple[Probe, ...] = (overwriting,)
# where no mistake in the numbers has a name: what may be its cause
_CAUSES: tuple[Probe, ...] = (
    second_backward,
    other_calls,
    linearity,
    layout_of_dy,
    layout_of_arrays,
    grad_mode,
    threads,
)
# where the numbers are right at the point
_FURTHER: tuple[Probe, ...] = (
    one_derivative_alone,
    unused_outputs,
    shortcuts,
    float32,
    batch_sizes,
    elsewhere,
    in_the_end,
)


def with_conduct(trial: Trial, mistakes: list[Mistake]) -> list[Mistake]:
    """The mistakes in the numbers, and what else is found; one that has no name takes its name."""
    nameless = all(mistake.kind is None for mistake in mistakes)
    probes = _ALWAYS + (_CAUSES if nameless else ()) + (() if mistakes else _FURTHER)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a function may well warn at the points we try
        found = next((mistake for probe in probes if (mistake := probe(trial)) is not None), None)
    if found is None:
        return mistakes
    if not mistakes:
        return [found]
    named = [
        replace(mistake, kind=found.kind, hint=f"{found.parameter}: {found.hint}")
        if mistake.kind is None
        else mistake
        for mistake in mistakes
    ]
    return named if nameless else [*mistakes, found]
