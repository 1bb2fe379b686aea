"""Maps of trainability: which sizes and rates learn these points; each cell opens its run."""

import contextlib
import secrets
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from chainrule.errors import FileError, InputError
from chainrule.io.checks import one_of, positive_number, whole_number
from chainrule.io.cores import available_cores
from chainrule.lab.jobs.store import Record
from chainrule.lab.jobs.worker import Worker
from chainrule.lab.rooms import points_map_worker
from chainrule.lab.rooms.points_recipe import read_recipe
from chainrule.lab.server.app import Lab
from chainrule.lab.server.bodies import document
from chainrule.lab.server.guard import refused

_MOST_TRIALS = 20
_MOST_AT_ONCE = 2  # studies that run at the same time, in all sessions together


@dataclass
class _Study:
    """A map that runs or ran in this process of the lab."""

    run: Record
    trials: list[dict[str, Any]] = field(default_factory=list)
    done: int = 0
    state: str = "running"
    said: str = ""
    revision: int = 0
    worker: Worker | None = None


class Maps:
    """The points room's maps."""

    def __init__(self, lab: Lab, data: Path) -> None:
        self._lab, self._data = lab, data
        self._studies: dict[str, _Study] = {}

    def routes(self) -> list[BaseRoute]:
        """Its part of the addresses."""
        return [
            Route("/api/points/maps", self._make, methods=["POST"]),
            Route("/api/points/maps/{run}", self._show),
            Route("/api/points/maps/{run}/do", self._do, methods=["POST"]),
        ]

    def stop(self) -> None:
        """End all studies; their journals keep what was finished."""
        for study in self._studies.values():
            if study.worker is not None:
                study.worker.end()
                study.worker.join()

    def forget(self, run: str) -> None:
        """End a study, and remove its journal."""
        study = self._studies.pop(run, None)
        if study is not None:
            self._end(study)
            self._lab.hub.forget(study.run.owner, run)
        shutil.rmtree(self._folder(run), ignore_errors=True)

    async def _make(self, request: Request) -> Response:
        owner, asked = request.scope["session"], await document(request)
        quotas = self._lab.quotas
        recipe = read_recipe(asked.get("settings", {}), quotas)
        hidden = [whole_number("hidden units", h, 1, quotas.hidden) for h in _list(asked, "hidden")]
        rates = [positive_number("learning rate", rate) for rate in _list(asked, "rates")]
        trials = whole_number("trials", asked.get("trials", 1), 1, _MOST_TRIALS)
        if len(hidden) * len(rates) * trials > quotas.cells:
            raise InputError(
                f"the map has {len(hidden) * len(rates) * trials:,} trials; expected at most "
                f"{quotas.cells:,}"
            )
        if self._lab.store.count(owner) >= quotas.runs:
            return refused(429, f"{quotas.runs:,} runs are kept; remove some of them")
        settings = {
            **recipe.document(),
            "grid": {"hidden": hidden, "rates": rates, "trials": trials},
        }
        now = time.time()
        run = Record(
            secrets.token_hex(8), owner, "points", "map", settings, "running", "", 0, {}, now, now
        )
        self._refuse_many()
        self._lab.store.add(run)
        self._begin(run)
        return JSONResponse({"id": run.id}, 201)

    async def _show(self, request: Request) -> Response:
        study = self._found(request)
        return JSONResponse(
            {"id": study.run.id, "settings": study.run.settings, "state": study.state,
             "said": study.said, "done": study.done, "trials": study.trials,
             "revision": study.revision}
        )  # fmt: skip

    async def _do(self, request: Request) -> Response:
        study, asked = self._found(request), await document(request)
        what = one_of("do", asked.get("do"), ("cancel", "go on"))
        if what == "cancel" and study.state == "running":
            self._end(study)
            self._change(study, "cancelled")
        elif what == "go on" and study.state in ("cancelled", "interrupted", "failed"):
            self._refuse_many()
            self._begin(study.run)
        return JSONResponse({})

    def _found(self, request: Request) -> _Study:
        name, owner = request.path_params["run"], request.scope["session"]
        study = self._studies.get(name)
        if study is not None and study.run.owner == owner:
            return study
        run = self._lab.store.get(name, owner)
        if run is None or run.kind != "map":
            raise InputError("there is no such map; it may have been removed")
        return self._read_again(run)

    def _read_again(self, run: Record) -> _Study:
        """A map of an earlier process of the lab, with what its journal holds."""
        study = _Study(run, state=run.state, said=run.said, done=run.done)
        study.trials = points_map_worker.Tail(self._folder(run.id) / "journal").new()
        self._studies[run.id] = study
        return study

    def _refuse_many(self) -> None:
        if sum(study.state == "running" for study in self._studies.values()) >= _MOST_AT_ONCE:
            raise InputError(
                f"{_MOST_AT_ONCE} maps are being made already; expected one of them to end first"
            )

    def _begin(self, run: Record) -> None:
        study = _Study(run)
        self._studies[run.id] = study
        folder = self._folder(run.id)
        folder.mkdir(parents=True, exist_ok=True)
        study.worker = Worker(
            points_map_worker.main,
            lambda values, _: self._heard(study, values),
            lambda: self._lost(study),
        )
        recipe = {name: value for name, value in run.settings.items() if name != "grid"}
        study.worker.send(
            {**run.settings["grid"], "recipe": recipe, "data": str(self._data),
             "journal": str(folder / "journal"), "workers": max(1, available_cores() - 1)}
        )  # fmt: skip
        self._change(study, "running")

    def _heard(self, study: _Study, values: dict[str, Any]) -> None:
        if study.state != "running":
            return
        if values["what"] == "trials":
            study.done = values["done"]
            study.trials += values["trials"]
            self._say(study)
        else:
            self._end(study)
            self._change(study, values["what"], values.get("said", ""))

    def _lost(self, study: _Study) -> None:
        if study.state == "running":
            study.worker = None
            self._change(study, "interrupted", "its worker process was ended")

    def _end(self, study: _Study) -> None:
        if study.worker is not None:
            study.worker.end()
            study.worker = None

    def _change(self, study: _Study, state: str, said: str = "") -> None:
        study.state, study.said = state, said
        with contextlib.suppress(FileError):  # a full disk: the page is told all the same
            self._lab.store.change(study.run.id, state=state, said=said, done=study.done)
        self._say(study)

    def _say(self, study: _Study) -> None:
        study.revision += 1
        signal = {"run": study.run.id, "room": "points", "kind": "map", "state": study.state}
        self._lab.hub.say(
            study.run.owner,
            study.run.id,
            {**signal, "revision": study.revision, "done": study.done},
        )

    def _folder(self, run: str) -> Path:
        return self._lab.settings.folder / "maps" / run


def _list(asked: dict[str, Any], name: str) -> list[Any]:
    found = asked.get(name)
    if not isinstance(found, list) or not found:
        raise InputError(f"{name}: found {found!r}; expected a list of numbers")
    return found
