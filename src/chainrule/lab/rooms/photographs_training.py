"""An album's classifier: trained in a process of its own, judged, and taken away."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from chainrule.errors import InputError
from chainrule.io.checks import one_of, whole_number
from chainrule.lab.jobs.answering import Answering
from chainrule.lab.jobs.store import Record
from chainrule.lab.rooms import photographs_training_worker
from chainrule.lab.rooms.albums import Albums
from chainrule.lab.rooms.trainings import Trainings
from chainrule.lab.server.app import Lab
from chainrule.lab.server.bodies import document

MODEL = "efficientnet-lite0"


class ClassifierTrainings(Trainings):
    """The trainings that go on, by their albums."""

    def __init__(self, lab: Lab, albums: Albums, looker: Answering) -> None:
        super().__init__(lab, albums, "photographs", "classifier", "album")
        self._looker = looker

    def routes(self) -> list[BaseRoute]:
        """Its part of the addresses."""
        album = "/api/photographs/albums/{album}"
        return [
            Route(f"{album}/do", self._do, methods=["POST"]),
            Route(f"{album}/judged", self._judged),
        ]

    def described(self, album: Record) -> dict[str, Any]:
        """What the page is told of an album's classifier."""
        album = self.settled(album)
        return {
            "state": album.state, "said": album.said, "settings": album.settings,
            "result": album.result, "going": self.going(album.id),
            "has_model": (self._albums.folder(album.id) / "model.safetensors").exists(),
        }  # fmt: skip

    async def _do(self, request: Request) -> Response:
        album = self._albums.found(request.path_params["album"], request.scope["session"])
        asked = await document(request)
        what = one_of("do", asked.get("do"), ("train", "cancel"))
        if what == "train":
            self._begin(album, asked)
        else:
            self.cancel(album.id)
        return JSONResponse({})

    async def _judged(self, request: Request) -> Response:
        album = self._albums.found(request.path_params["album"], request.scope["session"])
        try:
            content = (self._albums.folder(album.id) / "judged.json").read_bytes()
        except OSError as error:
            raise InputError("this album has no classifier; expected it to be trained") from error
        return Response(content, media_type="application/json")

    def _begin(self, album: Record, asked: dict[str, Any]) -> None:
        self.check_free(album)
        balanced = asked.get("balanced", False)
        if not isinstance(balanced, bool):
            raise InputError(f"balanced: found {balanced!r}; expected true or false")
        settings = {
            "balanced": balanced,
            "seed": whole_number("seed", asked.get("seed", 0), 0, 2**32 - 1),
        }
        files = self._lab.store.files(album.id)
        named = [[kept.number, kept.name] for kept in files if "reason" not in kept.seen]
        broken = [
            {"file": kept.name, "reason": kept.seen["reason"]}
            for kept in files
            if "reason" in kept.seen
        ]
        asked = {**settings, "model": MODEL, "files": named, "broken": broken}
        self.start(album, photographs_training_worker.main, asked, settings)
        if not self._lab.settings.is_shared:  # in a class the others go on looking
            self._looker.hold()

    def kept(self, result: dict[str, Any]) -> dict[str, Any]:
        """With the number of pictures that it was trained on."""
        return {"result": result, "done": result["trained_on"]}

    def ended(self) -> None:
        """The others look again."""
        if not self._going:
            self._looker.release()
