"""A sheet's own reader: trained in a process of its own, on corrected lines or on fonts."""

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from chainrule.errors import InputError
from chainrule.io.checks import one_of, seed_number, whole_number
from chainrule.lab.jobs.store import Record
from chainrule.lab.rooms import lines_training_worker
from chainrule.lab.rooms.albums import Albums
from chainrule.lab.rooms.lines_sheet import flat_names, is_font, lines_of
from chainrule.lab.rooms.trainings import Trainings
from chainrule.lab.server.app import Lab
from chainrule.lab.server.bodies import document

_LONGEST = 400  # characters of an alphabet


class ReaderTrainings(Trainings):
    """The trainings that go on, by their sheets."""

    def __init__(self, lab: Lab, sheets: Albums) -> None:
        super().__init__(lab, sheets, "lines", "reader", "sheet")

    def routes(self) -> list[BaseRoute]:
        """Its part of the addresses."""
        return [Route("/api/lines/sheets/{sheet}/do", self._do, methods=["POST"])]

    def model(self, sheet: Record) -> Path:
        """The file of a sheet's own reader, which may not be there yet."""
        return self._albums.folder(sheet.id) / "model.safetensors"

    def described(self, sheet: Record) -> dict[str, Any]:
        """What the page is told of a sheet's reader."""
        sheet = self.settled(sheet)
        folder = self._albums.folder(sheet.id)
        return {
            "state": sheet.state, "said": sheet.said, "result": sheet.result,
            "going": self.going(sheet.id),
            "has_model": self.model(sheet).exists(),
            "can_go_on": (folder / lines_training_worker.CHECKPOINT).exists(),
        }  # fmt: skip

    def noted(self, album: Record, going: dict[str, Any]) -> dict[str, Any]:
        """The curves of a training that may be stopped, beside what an earlier one gave."""
        sheet = self._lab.store.get(album.id, album.owner) or album
        return {"result": {**sheet.result, "stopped": going["history"]}}

    async def _do(self, request: Request) -> Response:
        sheet = self._albums.found(request.path_params["sheet"], request.scope["session"])
        asked = await document(request)
        what = one_of("do", asked.get("do"), ("train", "go on", "cancel"))
        if what == "cancel":
            self.cancel(sheet.id)
        elif what == "train":
            self._begin(sheet, self._settings(asked), resume=False)
        elif "training" in sheet.settings:
            self._begin(sheet, sheet.settings["training"], resume=True)
        else:
            raise InputError("nothing was trained here yet; expected a training to go on with")
        return JSONResponse({})

    def _settings(self, asked: dict[str, Any]) -> dict[str, Any]:
        alphabet = asked.get("alphabet", "")
        if not isinstance(alphabet, str) or len(alphabet) > _LONGEST:
            raise InputError(f"alphabet: expected at most {_LONGEST} characters, or a name")
        on = one_of("on", asked.get("on", "lines"), ("lines", "fonts"))
        return {
            "on": on,
            "start": one_of("start", asked.get("start", "fast"), ("fast", "large")),
            "epochs": whole_number("epochs", asked.get("epochs", 10), 1, self._lab.quotas.epochs),
            "alphabet": alphabet or ("lowercase" if on == "fonts" else ""),
            "seed": seed_number(asked.get("seed", 0)),
        }

    def _begin(self, sheet: Record, settings: dict[str, Any], *, resume: bool) -> None:
        self.check_free(sheet)
        files = self._lab.store.files(sheet.id)
        lines = [kept for kept in lines_of(files) if "reason" not in kept.seen]
        names = flat_names(lines)
        labelled = [
            [k.number, names[k.number], k.seen["truth"]] for k in lines if "truth" in k.seen
        ]
        fonts = [[kept.number, kept.name] for kept in files if is_font(kept)]
        if settings["on"] == "lines" and len(labelled) < 2:
            raise InputError(
                f"{len(labelled)} lines have a text that you gave; expected at least two"
            )
        if settings["on"] == "fonts" and not fonts:
            raise InputError("the sheet has no font; expected one that you drop or open")
        if not resume:  # the curves of another one that was stopped
            result = {name: value for name, value in sheet.result.items() if name != "stopped"}
            self._lab.store.change(sheet.id, result=result)
        asked = {**settings, "lines": labelled, "fonts": fonts, "resume": resume}
        self.start(
            sheet, lines_training_worker.main, asked, {**sheet.settings, "training": settings}
        )
