"""What the processes of a training on a cluster run, whichever chainrule they have.

Ray sends a function or a class that is defined in a function by its code and not by its name, so
that it runs where there is another chainrule, or none.
"""

from collections.abc import Callable
from typing import Any


def the_notes() -> type:
    """What the processes tell, until it is taken, and the last checkpoint: an actor."""

    class Notes:
        def __init__(self, checkpoint: bytes) -> None:
            self._told: list[tuple[str, Any]] = []
            self._checkpoint = checkpoint

        def tell(self, what: str, value: Any) -> None:
            if what == "epoch":
                self._checkpoint = value[2]
            self._told.append((what, value))

        def taken(self) -> list[tuple[str, Any]]:
            told, self._told = self._told, []
            return told

        def checkpoint(self) -> bytes:
            return self._checkpoint

    return Notes


def the_start() -> Callable[..., None]:
    """A task that has Ray Train run the processes: where it runs, Ray Train keeps its own files."""

    def chainrule_start(process: Any, told: dict[str, Any], count: int, retries: int) -> None:
        import logging
        import tempfile

        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchConfig, TorchTrainer

        logging.getLogger("ray.train").setLevel(logging.ERROR)
        with tempfile.TemporaryDirectory() as folder:
            TorchTrainer(
                process,
                train_loop_config=told,
                torch_config=TorchConfig(backend="gloo"),
                scaling_config=ScalingConfig(num_workers=count, resources_per_worker={"CPU": 1}),
                run_config=RunConfig(
                    storage_path=folder, failure_config=FailureConfig(max_failures=retries)
                ),
            ).fit()

    return chainrule_start


def the_process() -> Callable[[dict[str, Any]], None]:
    """One process of the training, connected to the others by Ray Train."""

    def chainrule_process(told: dict[str, Any]) -> None:
        import ray

        try:
            from chainrule.executors.versions import versions

            found = versions()
        except ImportError as error:
            found = f"no such chainrule ({error})"
        if found != told["wanted"]:
            ray.get(told["notes"].tell.remote("versions", found))
            raise RuntimeError(found)
        from chainrule.training.ranks.part import take_part

        take_part(told)

    return chainrule_process
