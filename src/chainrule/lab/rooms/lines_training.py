"""A sheet's own reader: trained in a process of its own, on corrected lines or on fonts."""

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from chainrule.errors import FileError, InputError
from chainrule.io.checks import one_of, seed_number, whole_number
from chainrule.lab.jobs.store import Record
from chainrule.lab.jobs.worker import Worker
from chainrule.lab.rooms import lines_training_worker
from chainrule.lab.rooms.albums import Albums
from chainrule.lab.rooms.lines_sheet import flat_names, is_font, lines_of
from chainrule.lab.server.app import Lab
from chainrule.lab.server.bodies import document

_MOST_AT_ONCE = 2  # trainings at the same time, in all sessions together
_LONGEST = 400  # characters of an alphabet


@dataclass
class _Training:
    sheet: Record
    worker: Worker | None = None
    phase: str = "starting"
    done: int = 0
    of: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def going(self) -> dict[str, Any]:
        """How far it is."""
        return {
            "phase": self.phase, "done": self.done, "of": self.of, "history": self.history,
        }  # fmt: skip


class Trainings:
    """The trainings that go on, by their sheets."""

    def __init__(self, lab: Lab, sheets: Albums) -> None:
        self._lab, self._sheets = lab, sheets
        self._going: dict[str, _Training] = {}
        self._revision = 0

    def routes(self) -> list[BaseRoute]:
        """Its part of the addresses."""
        return [Route("/api/lines/sheets/{sheet}/do", self._do, methods=["POST"])]

    def model(self, sheet: Record) -> Path:
        """The file of a sheet's own reader, which may not be there yet."""
        return self._sheets.folder(sheet.id) / "model.safetensors"

    def stop(self) -> None:
        """End all trainings; their last whole epochs are kept."""
        for training in self._going.values():
            if training.worker is not None:
                training.worker.end()
                training.worker.join()

    def forget(self, sheet: str) -> None:
        """End a sheet's training."""
        training = self._going.pop(sheet, None)
        if training is not None:
            self._end(training)
            self._lab.hub.forget(training.sheet.owner, sheet)

    def described(self, sheet: Record) -> dict[str, Any]:
        """What the page is told of a sheet's reader."""
        training = self._going.get(sheet.id)
        folder = self._sheets.folder(sheet.id)
        return {
            "state": sheet.state, "said": sheet.said, "result": sheet.result,
            "going": training.going if training is not None else None,
            "has_model": self.model(sheet).exists(),
            "can_go_on": (folder / lines_training_worker.CHECKPOINT).exists(),
        }  # fmt: skip

    async def _do(self, request: Request) -> Response:
        sheet = self._sheets.found(request.path_params["sheet"], request.scope["session"])
        asked = await document(request)
        what = one_of("do", asked.get("do"), ("train", "go on", "cancel"))
        if what == "cancel":
            if sheet.id in self._going:
                self._over(self._going[sheet.id], "cancelled")
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
        if sheet.id in self._going:
            raise InputError("the sheet's reader is being trained already")
        mine = [t for t in self._going.values() if t.sheet.owner == sheet.owner]
        if len(self._going) >= _MOST_AT_ONCE or (self._lab.settings.is_shared and mine):
            raise InputError(
                f"{len(self._going)} readers are being trained; expected one of them to end first"
            )
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
        self._lab.store.change(
            sheet.id, state="running", said="", settings={**sheet.settings, "training": settings}
        )
        training = _Training(sheet)
        training.worker = Worker(
            lines_training_worker.main,
            lambda values, _: self._heard(training, values),
            lambda: self._lost(training),
        )
        self._going[sheet.id] = training
        training.worker.send(
            {**settings, "folder": str(self._sheets.folder(sheet.id)), "lines": labelled,
             "fonts": fonts, "resume": resume}
        )  # fmt: skip
        self._say(training, "running")

    def _heard(self, training: _Training, values: dict[str, Any]) -> None:
        if self._going.get(training.sheet.id) is not training:
            return
        if values["what"] == "phase":
            training.phase = values["said"]
            training.done, training.of = values["done"], values["of"]
            self._say(training, "running")
        elif values["what"] == "epoch":
            training.history.append(values["line"])
            self._say(training, "running")
        elif values["what"] == "failed":
            self._over(training, "failed", values["said"])
        else:
            self._over(training, "finished", "", values["result"])

    def _lost(self, training: _Training) -> None:
        if self._going.get(training.sheet.id) is training:
            self._over(training, "interrupted", "its worker process was ended")

    def _over(
        self, training: _Training, state: str, said: str = "", result: Any | None = None
    ) -> None:
        self._going.pop(training.sheet.id, None)
        self._end(training)
        values: dict[str, Any] = {"state": state, "said": said}
        if result is not None:
            values["result"] = result
        with contextlib.suppress(FileError):  # a full disk: the page is told all the same
            self._lab.store.change(training.sheet.id, **values)
        self._say(training, state)

    @staticmethod
    def _end(training: _Training) -> None:
        if training.worker is not None:
            training.worker.end()
            training.worker = None

    def _say(self, training: _Training, state: str) -> None:
        self._revision += 1
        sheet = training.sheet
        signal = {
            "run": sheet.id, "room": "lines", "revision": self._revision, "state": state,
            "going": training.going,
        }  # fmt: skip
        self._lab.hub.say(sheet.owner, sheet.id, signal)
