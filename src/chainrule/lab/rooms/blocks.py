"""The blocks room's routes: a picture, a chain, and every number of it taken apart."""

from starlette.routing import BaseRoute

from chainrule.lab.server.app import Lab


class BlocksRoom:
    """Chains on pictures by their names."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def routes(self) -> list[BaseRoute]:
        """Its part of the addresses."""
        return []

    def start(self) -> None:
        """Nothing is ready before it is asked for."""

    def stop(self) -> None:
        """End the processes."""

    def forget(self, run: str) -> None:
        """Remove a run's files."""
