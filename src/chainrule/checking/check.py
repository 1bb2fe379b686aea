"""`check_derivatives`: every derivative against differences, and how the layer acts."""

from collections.abc import Collection, Mapping
from typing import Any, Unpack

import numpy as np

from chainrule.checking.compare import array_check, mistake_in
from chainrule.checking.conduct import with_conduct
from chainrule.checking.differences import differences_off_kinks
from chainrule.checking.dy import levelled, random_dy
from chainrule.checking.options import CheckOptions, CheckSettings, settings_of
from chainrule.checking.probes.steadiness import kept_by_place
from chainrule.checking.probes.trial import Trial
from chainrule.checking.rounding import check_smooth, rounding_of
from chainrule.checking.start import Start, called_first, started
from chainrule.checking.subject import Subject, claimed
from chainrule.checking.verdict import DerivativeCheck, Mistake
from chainrule.errors import InputError


def check_derivatives(
    function: Any,
    x: Any,
    params: Mapping[str, Any] | None = None,
    *,
    target: Any = None,
    fixed: Collection[str] = (),
    **options: Unpack[CheckOptions],
) -> DerivativeCheck:
    """Hold each derivative of `function` at x and params against differences.

    function: one of

    - a block, with forward(x, params) -> (y, saved) and backward(dy, params, saved) -> (dx,
      dparams); with `target` a loss, with forward(x, target) and backward(dloss, target, saved)
    - a torch.nn.Module: at its own parameters, where `params` gives no others; with `target`, a
      loss, called as function(x, target)
    - a torch.autograd.Function class, or a function of tensors that torch.autograd differentiates:
      called as function(x, *params.values()), where values that are no floating-point tensors are
      settings

    x: a tensor of any shape, the batch first, or a tuple, list or dictionary of several; one that
    holds whole numbers is not differentiated. What several outputs there are, dy has, too. fixed:
    names in params that are not differentiated (running moments, a mask that was drawn). All is
    done in float64 on x's device; the layer and its parameters are left as they were.

    options: `CheckOptions`, by name. For a random dy (drawn with `seed`, 0.5 to 1.5 in size), the
    derivative of sum(dy * y) by each entry is set against two-sided differences with `step` and
    half of it (Richardson's). It is wrong if it is off by more than `tolerance` of itself and what
    the differences cannot tell: their rounding and truncation are measured, and the step is made
    larger or smaller where that helps. Entries within reach of a kink are moved away from it, and
    counted. All this is judged from the function alone. An array whose derivative is 0 everywhere
    at this point, as far as differences can tell, is not tested, and then the verdict is not
    "right".

    Then the layer is called in other ways, in which a right one changes nothing: twice, with other
    calls between, with zeros in dy, a large dy, arrays that lie otherwise in memory, one sample, at
    other points, and so on (`chainrule.checking.kinds` lists what can be found); not so with
    `conduct=False`.

    It costs five evaluations of the function an entry, and as many again after each move, so it is
    for small arrays; `check_projection` is for large ones.

    Raises InputError if `function` is none of these, cannot be called, gives no finite real tensor,
    or cannot be moved clear of kinks (or of what looks like one at this step).

    Source: two-sided differences as in the practical's derivative check, which is one-sided.
    """
    settings = settings_of(CheckSettings, "check_derivatives", options)
    start = started(Subject(function, x, params, target, frozenset(fixed)))
    if start.unfit is not None:
        return _unfit(start, start.unfit, settings)
    try:
        return _checked(start, settings)
    except InputError:
        # what looks like a kink, or like no smooth function, may be no function at all
        kept = kept_by_place(start.form, start.other)
        if kept is None:
            raise
        return _unfit(start, kept, settings)


def _unfit(start: Start, mistake: Mistake, settings: CheckSettings) -> DerivativeCheck:
    form = start.form
    return DerivativeCheck((), (mistake,), form.arrays, 0, settings.tolerance, form.notes)


def _checked(start: Start, settings: CheckSettings) -> DerivativeCheck:
    generator, form = np.random.default_rng(settings.seed), start.form
    drawn = random_dy(form.outputs(form.arrays), generator)
    rounding = rounding_of(form.vector, form.arrays, generator)
    check_smooth(rounding)
    dy = levelled(drawn, rounding)
    step, tolerance = settings.step, settings.tolerance
    found = differences_off_kinks(
        form, dy, rounding, step=step, tolerance=tolerance, generator=generator
    )
    trial = Trial(
        subject=start.subject,
        form=form,
        arrays=found.arrays,
        other=start.other,
        dy=dy,
        outputs=form.outputs(found.arrays),
        claims=claimed(form, found.arrays, dy),
        unknown=found.unknown,
        rounding=rounding,
        generator=generator,
        first=called_first(start, found.arrays, dy),
    )
    checks = tuple(array_check(trial, found, name) for name in trial.arrays)
    mistakes = [mistake for name in trial.arrays
                if (mistake := mistake_in(trial, found, name, tolerance, step))]  # fmt: skip
    if settings.conduct:
        mistakes = with_conduct(trial, mistakes)
    notes = form.notes + rounding.notes
    return DerivativeCheck(checks, tuple(mistakes), found.arrays, found.moved, tolerance, notes)
