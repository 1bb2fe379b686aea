"""Ways in which a part of the work is asked for: each must give what the whole gives."""

from chainrule.checking.differentiable import Differentiated, Written, copies
from chainrule.checking.probes.trial import Trial
from chainrule.checking.structure import named_leaves
from chainrule.checking.subject import in_words
from chainrule.checking.verdict import Mistake


def one_derivative_alone(trial: Trial) -> Mistake | None:
    """The derivative by one array alone, as where the others are frozen."""
    if not isinstance(trial.form, Differentiated) or len(trial.arrays) < 2:
        return None
    for name in trial.arrays:
        try:
            run = trial.form.run(trial.arrays, learned=frozenset({name}))
            found = trial.differs(run.backward(copies(trial.dy)), only=[name])
            words = found and found.words
        except Exception as error:
            words = f"backward fails: {in_words(error)}"
        if words:
            hint = f"where its derivative alone is asked for, {words}"
            return Mistake(name, kind="alone", hint=hint)
    return None


def unused_outputs(trial: Trial) -> Mistake | None:
    """An output that nothing uses has None for its dy, which means 0."""
    if not isinstance(trial.form, Differentiated):
        return None
    run = trial.form.run(trial.arrays)
    for k in range(len(trial.dy)):
        zeros = [0 * part if i == k else part for i, part in enumerate(trial.dy)]
        unused = [None if i == k else part for i, part in enumerate(copies(trial.dy))]
        try:
            found = trial.differs(run.backward(unused), run.backward(zeros))
            words = found and found.words
        except Exception as error:
            words = f"backward fails: {in_words(error)}"
        if words:
            place = f"y[{k}]" if len(trial.dy) > 1 else "y"
            return Mistake(place, kind="unused", hint=f"where nothing uses it, {words}")
    return None


def shortcuts(trial: Trial) -> Mistake | None:
    """A block's `apply` gives forward's y, its `parameter_derivatives` backward's dparams."""
    form = trial.form
    if not isinstance(form, Written) or form.arguments.target is not None or len(trial.dy) > 1:
        return None
    block, given = form.function, {name: array.clone() for name, array in trial.arrays.items()}
    x, params = form.arguments.x_of(given), form.arguments.params_of(given)
    if hasattr(block, "apply"):
        y = block.apply(x, params)
        if trial.outputs_differ(named_leaves("y", y).values()):
            return Mistake("y", kind="shortcut", hint="`apply` gives another y than `forward`")
    if hasattr(block, "parameter_derivatives"):
        _, saved = block.forward(x, params)
        found = trial.differs(
            block.parameter_derivatives(trial.dy[0].clone(), params, saved),
            only=[name for name in trial.arrays if name in params],
        )
        if found is not None:
            hint = f"by `parameter_derivatives` {found.words}, which `backward` gives"
            return Mistake("the layer", kind="shortcut", hint=hint)
    return None
