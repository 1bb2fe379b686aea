"""A worker's part: the jobs of a bundle, one after the other."""

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

_kept = threading.local()


@dataclass(frozen=True)
class Work:
    """What is done to each job. token: tells what is shared and prepared from all else."""

    job: Callable[[Any, Any], Any]
    prepare: Callable[[Any], Any] | None = None
    token: str = field(default_factory=lambda: secrets.token_hex(8))


@dataclass(frozen=True)
class Answer:
    """What a job gave or what it raised, and how long it took."""

    value: Any = None
    error: Exception | None = None
    seconds: float = 0.0


def do_bundle(
    work: Work, shared: Callable[[], Any], ones: Sequence[Any], *, alone: bool = False
) -> list[Answer]:
    """The answer of each job. shared: fetches what all share, at this worker's first bundle.

    alone: what the job raises is raised, so that whoever counts the failures sees it.
    """
    common = _common(work, shared)
    answers = []
    for one in ones:
        start = time.perf_counter()
        try:
            value = work.job(common, one)
        except Exception as error:
            if alone:
                raise
            answers.append(Answer(error=sendable(error)))
        else:
            answers.append(Answer(value, None, time.perf_counter() - start))
    return answers


def sendable(error: Exception) -> Exception:
    """The error with its traceback as a note, if it can travel; else its text."""
    import pickle
    import traceback

    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _common(work: Work, shared: Callable[[], Any]) -> Any:
    """What the jobs share, prepared; each thread of a worker keeps that of its last work."""
    if getattr(_kept, "token", None) != work.token:
        common = shared()
        if work.prepare is not None:
            common = work.prepare(common)
        _kept.token, _kept.common = work.token, common
    return _kept.common
