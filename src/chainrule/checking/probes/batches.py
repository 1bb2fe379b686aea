"""Batches of other sizes: one sample alone, and one more than at the point."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from chainrule.checking.differentiable import flat
from chainrule.checking.dy import random_dy
from chainrule.checking.probes.elsewhere import wrong_at
from chainrule.checking.probes.trial import Trial
from chainrule.checking.structure import named_leaves, replaced
from chainrule.checking.subject import in_words
from chainrule.checking.verdict import Mistake


def batch_sizes(trial: Trial) -> Mistake | None:
    """Derivatives that are right for this batch, wrong for another one.

    The first axis is taken for the batch where y has it, too; who refuses another size is left.
    """
    first = next(iter(named_leaves("x", trial.subject.x).values()))
    batch = first.shape[0] if first.dim() else 0
    for size in {1, batch + 1} - {batch} if batch else ():

        def resized(_: str, leaf: Any, size: int = size) -> Any:
            if not isinstance(leaf, Tensor) or not leaf.dim() or leaf.shape[0] != batch:
                return leaf
            return leaf[:size] if size < batch else torch.cat([leaf, leaf[:1]])

        subject = replace(
            trial.subject,
            x=replaced("x", trial.subject.x, resized),
            target=replaced("target", trial.subject.target, resized),
        )
        try:
            form = subject.form()
            outputs = form.outputs(form.arrays)
        except Exception:
            continue
        shapes = [tuple(y.shape) for y in outputs]
        expected = [(size, *y.shape[1:]) if y.dim() else () for y in trial.outputs]
        if shapes == [shape[1:] for shape in expected] and size == 1 and any(expected):
            hint = f"for a batch of 1, y has shape {shapes[0]}; expected {expected[0]}"
            return Mistake("y", kind="batch size", hint=hint)
        if shapes != expected:
            continue
        dy = flat(random_dy(outputs, trial.generator))
        try:
            found = wrong_at(form, form.arrays, dy, trial)
        except Exception as error:
            hint = f"for a batch of {size} backward fails: {in_words(error)}"
            return Mistake("the layer", kind="batch size", hint=hint)
        if found is not None:
            name, projection = found
            hint = (
                f"wrong for a batch of {size}: along a line its sum is {projection.ours:.6g}, by "
                f"differences {projection.numeric:.6g}"
            )
            return Mistake(name, kind="batch size", hint=hint)
    return None
