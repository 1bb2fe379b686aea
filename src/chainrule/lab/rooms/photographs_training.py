"""An album's classifier: trained in a process of its own, judged, and taken away."""

import contextlib
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from chainrule.errors import FileError, InputError
from chainrule.io.checks import one_of, whole_number
from chainrule.lab.jobs.answering import Answering
from chainrule.lab.jobs.store import Record
from chainrule.lab.jobs.worker import Worker
from chainrule.lab.rooms import photographs_training_worker
from chainrule.lab.rooms.albums import Albums
from chainrule.lab.server.app import Lab
from chainrule.lab.server.bodies import document

MODEL = "efficientnet-lite0"
_MOST_AT_ONCE = 2  # trainings at the same time, in all sessions together


@dataclass
class _Training:
    album: Record
    worker: Worker | None
    phase: str = "starting"
    done: int = 0
    of: int = 0

    @property
    def going(self) -> dict[str, Any]:
        """How far it is."""
        return {"phase": self.phase, "done": self.done, "of": self.of}


class Trainings:
    """The trainings that go on, by their albums."""

    def __init__(self, lab: Lab, albums: Albums, looker: Answering) -> None:
        self._lab, self._albums, self._looker = lab, albums, looker
        self._going: dict[str, _Training] = {}
        self._revision = 0

    def routes(self) -> list[BaseRoute]:
        """Its part of the addresses."""
        album = "/api/photographs/albums/{album}"
        return [
            Route(f"{album}/do", self._do, methods=["POST"]),
            Route(f"{album}/judged", self._judged),
        ]

    def stop(self) -> None:
        """End all trainings; the features that were computed are kept."""
        for training in self._going.values():
            if training.worker is not None:
                training.worker.end()
                training.worker.join()

    def forget(self, album: str) -> None:
        """End an album's training."""
        training = self._going.pop(album, None)
        if training is not None:
            self._end(training)
            self._let_look()
            self._lab.hub.forget(training.album.owner, album)

    def described(self, album: Record) -> dict[str, Any]:
        """What the page is told of an album's classifier."""
        training = self._going.get(album.id)
        return {
            "state": album.state, "said": album.said, "settings": album.settings,
            "result": album.result, "going": training.going if training is not None else None,
            "has_model": (self._albums.folder(album.id) / "model.safetensors").exists(),
        }  # fmt: skip

    async def _do(self, request: Request) -> Response:
        album = self._albums.found(request.path_params["album"], request.scope["session"])
        asked = await document(request)
        what = one_of("do", asked.get("do"), ("train", "cancel"))
        if what == "train":
            self._begin(album, asked)
        elif album.id in self._going:
            self._over(self._going[album.id], "cancelled")
        return JSONResponse({})

    async def _judged(self, request: Request) -> Response:
        album = self._albums.found(request.path_params["album"], request.scope["session"])
        try:
            content = (self._albums.folder(album.id) / "judged.json").read_bytes()
        except OSError as error:
            raise InputError("this album has no classifier; expected it to be trained") from error
        return Response(content, media_type="application/json")

    def _begin(self, album: Record, asked: dict[str, Any]) -> None:
        if album.id in self._going:
            raise InputError("the album's classifier is being trained already")
        mine = [t for t in self._going.values() if t.album.owner == album.owner]
        if len(self._going) >= _MOST_AT_ONCE or (self._lab.settings.is_shared and mine):
            raise InputError(
                f"{len(self._going)} classifiers are being trained; expected one of them to end "
                "first"
            )
        balanced = asked.get("balanced", False)
        if not isinstance(balanced, bool):
            raise InputError(f"balanced: found {balanced!r}; expected true or false")
        settings = {
            "balanced": balanced,
            "seed": whole_number("seed", asked.get("seed", 0), 0, 2**32 - 1),
        }
        files = [k for k in self._lab.store.files(album.id) if "reason" not in k.seen]
        self._lab.store.change(album.id, state="running", said="", settings=settings)
        training = _Training(album, None)
        if not self._lab.settings.is_shared:  # in a class the others go on looking
            self._looker.hold()
        training.worker = Worker(
            photographs_training_worker.main,
            lambda values, _: self._heard(training, values),
            lambda: self._lost(training),
        )
        self._going[album.id] = training
        training.worker.send(
            {**settings, "model": MODEL, "folder": str(self._albums.folder(album.id)),
             "files": [[kept.number, kept.name] for kept in files]}
        )  # fmt: skip
        self._say(training, "running")

    def _heard(self, training: _Training, values: dict[str, Any]) -> None:
        if training.album.id not in self._going:
            return
        if values["what"] == "phase":
            training.phase = values["said"]
            training.done = values.get("done", training.done)
            training.of = values.get("of", training.of)
            self._say(training, "running")
        elif values["what"] == "failed":
            self._over(training, "failed", values["said"])
        else:
            self._over(training, "finished", "", values["result"])

    def _lost(self, training: _Training) -> None:
        if training.album.id in self._going:
            self._over(training, "interrupted", "its worker process was ended")

    def _over(
        self, training: _Training, state: str, said: str = "", result: Any | None = None
    ) -> None:
        self._going.pop(training.album.id, None)
        self._end(training)
        self._let_look()
        values: dict[str, Any] = {"state": state, "said": said}
        if result is not None:
            values |= {"result": result, "done": result["trained_on"]}
        with contextlib.suppress(FileError):  # a full disk: the page is told all the same
            self._lab.store.change(training.album.id, **values)
        self._say(training, state)

    def _let_look(self) -> None:
        if not self._going:
            self._looker.release()

    @staticmethod
    def _end(training: _Training) -> None:
        if training.worker is not None:
            training.worker.end()
            training.worker = None

    def _say(self, training: _Training, state: str) -> None:
        self._revision += 1
        album = training.album
        signal = {
            "run": album.id, "room": "photographs", "revision": self._revision, "state": state,
            "going": training.going,
        }  # fmt: skip
        self._lab.hub.say(album.owner, album.id, signal)
