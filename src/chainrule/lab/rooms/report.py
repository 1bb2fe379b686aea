"""The report room: the whole report as a run of the lab."""

from starlette.routing import BaseRoute

from chainrule.lab.server.app import Lab


class ReportRoom:
    """Its routes and its work."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def routes(self) -> list[BaseRoute]:
        """Its part of the addresses."""
        return []

    def start(self) -> None:
        """Nothing is ready before it is asked for."""

    def stop(self) -> None:
        """End its processes."""

    def forget(self, run: str) -> None:
        """Stop a run, and remove its files."""
