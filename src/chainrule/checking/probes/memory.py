"""What a layer keeps between calls: nothing but what forward hands to backward in `saved`."""

from torch import Tensor

from chainrule.checking.differentiable import Derivatives, copies
from chainrule.checking.probes.trial import Trial
from chainrule.checking.subject import in_words
from chainrule.checking.verdict import Mistake


def second_backward(trial: Trial) -> Mistake | None:
    """Backward once and twice more, with what the same forward saved."""
    run = trial.form.run(trial.arrays)
    first = _kept(run.backward(copies(trial.dy)))
    for earlier, now in (("first", "second"), ("second", "third")):
        try:
            found = trial.differs(run.backward(copies(trial.dy)), first)
            words = found and found.words
        except Exception as error:
            words = in_words(error)
        if words is not None:
            hint = f"the {earlier} backward spoils what forward saved: at the {now} {words}"
            return Mistake("the layer", kind="saved", hint=hint)
    return None


def first_call(trial: Trial) -> Mistake | None:
    """A copy that was never called gives the same as the layer, which was called elsewhere."""
    if trial.first is None:
        return None
    outputs, given = trial.first
    if trial.outputs_differ(outputs):
        hint = "a copy that was never called before gives another y: the layer keeps its first call"
        return Mistake("y", kind="cache", hint=hint)
    found = trial.differs(given)
    if found is None:
        return None
    hint = f"in a copy that was never called before {found.words}: the layer keeps its first call"
    return Mistake("the layer", kind="cache", hint=hint)


def other_calls(trial: Trial) -> Mistake | None:
    """Forward and backward at another point come between forward and backward."""
    first = trial.form.run(trial.arrays)
    outputs = [y.detach().clone() for y in first.outputs]
    second = trial.form.run(trial.other)
    if any(bool((y.detach() != was).any()) for y, was in zip(first.outputs, outputs, strict=True)):
        return Mistake("y", kind="buffer", hint="the next forward writes into the last one's y")
    given = first.backward(copies(trial.dy))
    found = trial.differs(given)
    if found is not None:
        hint = "backward depends on the last forward, not on what its own one saved: " + found.words
        return Mistake("the layer", kind="state", hint=hint)
    kept = _kept(given)
    second.backward(copies(trial.dy))
    found = trial.differs(given, kept)
    if found is not None:
        hint = "the next backward writes into the last one's derivatives: " + found.words
        return Mistake("the layer", kind="buffer", hint=hint)
    return None


def in_the_end(trial: Trial) -> Mistake | None:
    """After all these calls, the layer gives at the point what it gave in the beginning."""
    run = trial.form.run(trial.arrays)
    other = trial.outputs_differ(run.outputs)  # before backward, which may write into them
    found = trial.differs(run.backward(copies(trial.dy)))
    if not other and found is None:
        return None
    words = found.words if found else "y is another"
    hint = f"after other calls {words}: it changes from call to call"
    return Mistake("the layer", kind="state", hint=hint)


def _kept(given: Derivatives) -> dict[str, Tensor | None]:
    return {name: None if d is None else d.detach().clone() for name, d in given.items()}
