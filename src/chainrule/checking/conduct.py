"""All probes of how a layer acts, in turn, until one finds something."""

import warnings
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from chainrule.checking.probes.batches import batch_sizes
from chainrule.checking.probes.elsewhere import elsewhere
from chainrule.checking.probes.layouts import layout_of_arrays, layout_of_dy
from chainrule.checking.probes.linearity import linearity
from chainrule.checking.probes.lookalikes import lookalikes
from chainrule.checking.probes.memory import first_call, in_the_end, other_calls, second_backward
from chainrule.checking.probes.modes import grad_mode, threads
from chainrule.checking.probes.overwriting import overwriting
from chainrule.checking.probes.partial import one_derivative_alone, shortcuts, unused_outputs
from chainrule.checking.probes.trial import Probe, Trial
from chainrule.checking.probes.types import float32
from chainrule.checking.subject import in_words
from chainrule.checking.verdict import Mistake

_ALWAYS: tuple[Probe, ...] = (overwriting, second_backward, first_call, in_the_end)
# where no mistake in the numbers has a name: what may be its cause
_CAUSES: tuple[Probe, ...] = (
    other_calls,
    lookalikes,
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
    lookalikes,
    in_the_end,
)
# what costs few evaluations, however large the arrays are
CHEAP: tuple[Probe, ...] = (
    *_ALWAYS,
    other_calls,
    lookalikes,
    linearity,
    layout_of_dy,
    layout_of_arrays,
    grad_mode,
    unused_outputs,
)


def with_conduct(trial: Trial, mistakes: list[Mistake]) -> list[Mistake]:
    """The mistakes in the numbers, and what else is found; one that has no name takes its name."""
    nameless = all(mistake.kind is None for mistake in mistakes)
    found = first_found(
        trial, _ALWAYS + (_CAUSES if nameless else ()) + (() if mistakes else _FURTHER)
    )
    if found is None or (mistakes and found.kind == "fails"):
        return mistakes  # what is wrong already may well fail
    if not mistakes:
        return [found]
    named = [
        replace(mistake, kind=found.kind, hint=f"{found.parameter}: {found.hint}")
        if mistake.kind is None
        else mistake
        for mistake in mistakes
    ]
    return named if nameless else [*mistakes, found]


def first_found(trial: Trial, probes: Iterable[Probe]) -> Mistake | None:
    """What the first of the probes finds that finds something."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a function may well warn at the points we try
        for probe in probes:
            found = _found(trial, probe)
            if found is not None:
                # what changes from call to call looks like anything: it is told by its own name
                return _found(trial, in_the_end) or found
    return None


def _found(trial: Trial, probe: Probe) -> Mistake | None:
    try:
        return probe(trial)
    except Exception as error:  # whatever a layer may raise when it is called in another way
        what = (probe.__doc__ or probe.__name__).partition("\n")[0].rstrip(".")
        hint = f"it fails when it is called in another way ({what}): {in_words(error)}"
        return Mistake("the layer", kind="fails", hint=hint)
