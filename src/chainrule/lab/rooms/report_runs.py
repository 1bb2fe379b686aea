"""Reports that are made: each in a process of its own, with children, one at a time."""

from typing import Any

from chainrule.errors import InputError
from chainrule.io.checks import flag, whole_number
from chainrule.lab.jobs.store import Record
from chainrule.lab.rooms import report_worker
from chainrule.lab.rooms.albums import Albums
from chainrule.lab.rooms.trainings import Trainings
from chainrule.lab.server.app import Lab
from chainrule.lab.settings import Quotas
from chainrule.report.contents import PARTS

_MOST_TRIALS = 1_000
_NUMBERS = [part.number for part in PARTS]


class ReportRuns(Trainings):
    """The reports that are being made, by their names."""

    has_children = True

    def __init__(self, lab: Lab, reports: Albums) -> None:
        super().__init__(lab, reports, "report", "report", "report")

    def check_free(self, album: Record) -> None:
        """Raises InputError where another report is being made: one takes all cores."""
        if self._going:
            raise InputError(
                "a report is being made already, which takes the whole machine; expected it to "
                "end first"
            )

    def begin(self, report: Record, settings: dict[str, Any]) -> None:
        """Make the report, or go on with it."""
        workers = 1 if self._lab.settings.is_shared else None
        asked = {**settings, "workers": workers, "what": _in_words(settings)}
        self.start(report, report_worker.main, asked, settings)
        self._lab.store.change(report.id, result=self._told(settings, []))

    def noted(self, album: Record, going: dict[str, Any]) -> dict[str, Any]:
        """The parts that are answered: a lab that was killed lists them."""
        report = self._lab.store.get(album.id, album.owner) or album
        return {"result": self._told(report.settings, going["history"])}

    @staticmethod
    def _told(settings: dict[str, Any], found: list[dict[str, Any]]) -> dict[str, Any]:
        return report_worker.told(_in_words(settings), found, len(settings["parts"]))


def asked_settings(asked: dict[str, Any], quotas: Quotas) -> dict[str, Any]:
    """The settings of a report, as the command line has them. Raises InputError."""
    quick = flag("quick", asked.get("quick", True))
    if not quick and not quotas.whole_reports:
        raise InputError("quick: found a whole report; expected a quick one in a lab for a class")
    return {
        "quick": quick,
        "parts": _numbers(asked.get("parts", _NUMBERS)),
        "seed": whole_number("seed", asked.get("seed", 0), 0, 2**32 - 1),
        "trials": whole_number("trials", asked.get("trials", 100), 1, _MOST_TRIALS),
    }


def _in_words(settings: dict[str, Any]) -> str:
    kind = "quick" if settings["quick"] else "whole"
    numbers = settings["parts"]
    part = (
        "all parts"
        if numbers == _NUMBERS
        else f"part{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"
    )
    runs = "1 run" if settings["trials"] == 1 else f"{settings['trials']} runs"
    return f"{kind}, {part}, {runs} of each setting, seed {settings['seed']}"


def _numbers(found: Any) -> list[int]:
    """The parts that are asked for, in the report's order. Raises InputError."""
    if not isinstance(found, list) or not found:
        raise InputError(f"parts: found {str(found)[:100]}; expected a list of one or more numbers")
    asked = {whole_number("parts", number, _NUMBERS[0], _NUMBERS[-1]) for number in found}
    return [number for number in _NUMBERS if number in asked]
