"""The surroundings of a call: the derivatives must not depend on them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch

from chainrule.checking.differentiable import Written, copies
from chainrule.checking.kinds import Kind
from chainrule.checking.probes.trial import Trial
from chainrule.checking.subject import in_words
from chainrule.checking.verdict import Mistake


def grad_mode(trial: Trial) -> Mistake | None:
    """With and without recording for torch.autograd."""
    if isinstance(trial.form, Written):
        return _under(trial, "grad mode", "torch.no_grad()", torch.no_grad) or _under(
            trial, "grad mode", "torch.enable_grad()", torch.enable_grad
        )
    if trial.outputs_differ(trial.form.run(trial.arrays).outputs):
        return Mistake("y", kind="grad mode", hint="under torch.no_grad() y is another")
    return None


def threads(trial: Trial) -> Mistake | None:
    """On one thread, or on two where there is one."""
    if torch.get_num_threads() > 1:
        return _under(trial, "threads", "one thread", lambda: _threads(1))
    return _under(trial, "threads", "two threads", lambda: _threads(2))


def _under(
    trial: Trial, kind: Kind, words: str, surroundings: Callable[[], AbstractContextManager[Any]]
) -> Mistake | None:
    try:
        with surroundings():
            run = trial.form.run(trial.arrays)
            given = run.backward(copies(trial.dy))
    except Exception as error:
        return Mistake("the layer", kind=kind, hint=f"under {words} it fails: {in_words(error)}")
    found = trial.differs(given)
    if found is None and not trial.outputs_differ(run.outputs):
        return None
    hint = f"under {words} {found.words if found else 'y is another'}"
    return Mistake("the layer", kind=kind, hint=hint)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
