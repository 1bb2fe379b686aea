"""The task that a cluster's worker runs, whichever chainrule that has."""

from collections.abc import Callable
from typing import Any


def the_task() -> Callable[[str, list[Any] | None, bytes], tuple[str, Any]]:
    """It gives the worker's versions and, if they are those wanted, the answers of a bundle.

    Without handles it is only asked for its versions.

    Ray sends a function that is defined in another one by its code and not by its name, so that it
    runs where there is another chainrule, or none.
    """

    def chainrule_jobs(wanted: str, handles: list[Any] | None, packed: bytes) -> tuple[str, Any]:
        try:
            from chainrule.executors.versions import versions

            found = versions()
        except ImportError as error:
            found = f"no such chainrule ({error})"
        if found != wanted or handles is None:
            return found, None
        import ray
        from ray import cloudpickle

        from chainrule.executors.work import do_bundle

        work, ones, alone = cloudpickle.loads(packed)
        return found, do_bundle(work, lambda: ray.get(handles[0]), ones, alone=alone)

    return chainrule_jobs
