"""The photographs room's routes: albums, their pictures, what they show and what decided it."""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from chainrule.errors import ChainruleError, FileError, InputError
from chainrule.images.imagenet import imagenet_classes
from chainrule.io.checks import finite_number, one_of
from chainrule.io.pictures import sample_files
from chainrule.lab.jobs.answering import Answering
from chainrule.lab.jobs.frames import packed
from chainrule.lab.jobs.store import Kept, Record
from chainrule.lab.rooms import photographs_look_worker
from chainrule.lab.rooms.albums import Albums, checked_name
from chainrule.lab.rooms.bundles import take_bundle
from chainrule.lab.rooms.photographs_albums import classes_of, described
from chainrule.lab.rooms.photographs_take import NAMES, commands, taken
from chainrule.lab.rooms.photographs_training import ClassifierTrainings
from chainrule.lab.server.app import Lab
from chainrule.lab.server.bodies import document, whole
from chainrule.lab.server.guard import refused
from chainrule.report.experiments.photographs import SHOWN, packaged

_HEAVY = ("best", "explain", "answers")  # what needs the network
_MOST_ROWS = 200  # pictures that are told of at once


class PhotographsRoom:
    """Albums of pictures; one worker looks at them, another one a training."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._albums = Albums(lab, "photographs", "an album", {"balanced": False, "seed": 0})
        self._looker = Answering(photographs_look_worker.main, self._phase, _HEAVY)
        self._trainings = ClassifierTrainings(lab, self._albums, self._looker)
        self._revision = 0

    def routes(self) -> list[BaseRoute]:
        """Its part of the addresses."""
        album = "/api/photographs/albums/{album}"
        picture = f"{album}/pictures/{{number}}"
        return [
            Route("/api/photographs/classes", self._classes),
            Route("/api/photographs/albums", self._make, methods=["POST"]),
            Route(album, self._show),
            Route(f"{album}/pictures", self._take, methods=["POST"]),
            Route(f"{album}/bundle", self._take_many, methods=["POST"]),
            Route(f"{album}/pictures", self._rows),
            Route(picture, self._one),
            Route(picture, self._remove, methods=["DELETE"]),
            Route(f"{picture}/small", self._small),
            Route(f"{picture}/best", self._best),
            Route(f"{picture}/decided", self._decided),
            Route(f"{album}/take/{{name}}", self._away),
            *self._trainings.routes(),
        ]

    @property
    def looker_pid(self) -> int | None:
        """The number of the process that looks at pictures, if there is one."""
        return self._looker.pid

    def start(self) -> None:
        """Nothing is ready before it is asked for: the network takes memory."""

    def stop(self) -> None:
        """End the processes."""
        self._looker.stop()
        self._trainings.stop()

    def forget(self, run: str) -> None:
        """End an album's training, and remove its files."""
        self._trainings.forget(run)
        self._albums.forget(run)

    def _phase(self, owner: str, said: str) -> None:
        self._revision += 1
        signal = {"run": "looker", "room": "photographs", "revision": self._revision, "phase": said}
        self._lab.hub.say(owner, "looker", signal)

    # albums

    async def _make(self, request: Request) -> Response:
        owner, asked = request.scope["session"], await document(request)
        what = one_of(
            "with", asked.get("with", "nothing"), ("nothing", "sample", "newest", "report")
        )
        albums = self._lab.store.listed(owner, "photographs", 1)
        if what == "newest" and albums:
            return JSONResponse({"id": albums[0].id})
        if self._lab.store.count(owner) >= self._lab.quotas.runs:
            return refused(429, f"{self._lab.quotas.runs:,} runs are kept; remove some of them")
        album = self._albums.make(owner)
        if what != "nothing":
            files = packaged()[:SHOWN] if what == "report" else sample_files()
            await run_in_threadpool(self._take_samples, album, files)
        return JSONResponse({"id": album.id}, 201)

    def _take_samples(self, album: Record, files: Sequence[Path]) -> None:
        for file in files:
            written = self._albums.new_file(album.id)
            written.write_bytes(file.read_bytes())
            self._albums.take(album, file.name, written, file.stat().st_size)

    async def _show(self, request: Request) -> Response:
        files = self._lab.store.files(self._found(request).id)
        collection = await run_in_threadpool(classes_of, files)
        album = self._found(request)  # a training may have ended meanwhile
        counts = (collection.truth == 1).sum(0).tolist()
        quotas = self._lab.quotas
        return JSONResponse(
            {"id": album.id, "pictures": len(files), "bytes": sum(kept.bytes for kept in files),
             "classes": dict(zip(collection.classes, counts, strict=True)),
             "quotas": {"picture": quotas.picture, "pictures": quotas.pictures},
             "commands": commands(album, files), **self._trainings.described(album)}
        )  # fmt: skip

    def _found(self, request: Request) -> Record:
        return self._albums.found(request.path_params["album"], request.scope["session"])

    # pictures

    async def _take(self, request: Request) -> Response:
        """A picture's bytes, as they are; its name is in the address."""
        album = self._found(request)
        name = checked_name(request.query_params.get("name", ""))
        refusal = self._albums.refusal(album.owner, int(request.headers.get("content-length", 0)))
        if refusal:
            return refused(429, refusal)
        async with self._albums.arriving(request, album, name) as (written, size):
            kept = self._albums.take(album, name, written, size)
        return JSONResponse(described(kept, None) if kept is not None else {}, 201)

    async def _take_many(self, request: Request) -> Response:
        """Pictures with their names; what became of each, and why no more of them were taken."""
        album = self._found(request)
        most = self._lab.quotas.picture
        became, stopped = await take_bundle(request, self._albums, album, most)
        files = [
            {"reason": what} if isinstance(what, str) else described(what, None) if what else {}
            for what in became
        ]
        return JSONResponse({"files": files, "stopped": stopped}, 201)

    async def _rows(self, request: Request) -> Response:
        """A part of the pictures, each looked at, the newest first; and all that are none."""
        album = self._found(request)
        files = self._lab.store.files(album.id)
        shown = _shown(files)
        wanted = request.query_params.get("class")
        fit = [kept for kept in files if "reason" not in kept.seen]
        if wanted is not None:
            fit = [kept for kept in fit if shown.get(kept.name) == (wanted or None)]
        first, count = whole(request, "first", 0), min(whole(request, "count", 48), _MOST_ROWS)
        part = fit[::-1][first : first + count]
        looked = await asyncio.gather(*(self._looked_at(album, kept) for kept in part))
        rows = [described(kept, shown.get(kept.name)) for kept in looked]
        broken = [described(kept, None) for kept in files if "reason" in kept.seen]
        broken += [row for row in rows if "reason" in row]
        return JSONResponse(
            {"pictures": [row for row in rows if "reason" not in row], "of": len(fit),
             "broken": broken}
        )  # fmt: skip

    async def _looked_at(self, album: Record, kept: Kept) -> Kept:
        """The picture with its size, or the reason why it is none."""
        small = self._albums.small(album.id, kept.number)
        if "reason" in kept.seen or ("width" in kept.seen and small.exists()):
            return kept
        try:
            seen, _ = await self._looker.ask(
                album.owner, "look", **self._place(album, kept), small=str(small),
                pixels=self._lab.quotas.pixels,
            )  # fmt: skip
        except ChainruleError as error:
            seen = {"reason": str(error)}
        with contextlib.suppress(FileError):  # a full disk: it is looked at again
            seen = self._lab.store.see_file(album.id, kept.number, seen)
        return Kept(kept.number, kept.name, kept.bytes, seen)

    def _place(self, album: Record, kept: Kept) -> dict[str, str]:
        return {"path": str(self._albums.picture(album.id, kept.number)), "name": kept.name}

    def _picture(self, request: Request) -> tuple[Record, Kept]:
        album, number = self._found(request), request.path_params["number"]
        kept = self._lab.store.file(album.id, int(number)) if _is_number(number) else None
        if kept is None:
            raise InputError("there is no such picture; it may have been removed")
        return album, kept

    async def _fit(self, request: Request) -> tuple[Record, Kept]:
        """A picture that was found to be one. Raises InputError with the reason if it is none."""
        album, kept = self._picture(request)
        kept = await self._looked_at(album, kept)
        if "reason" in kept.seen:
            raise InputError(kept.seen["reason"])
        return album, kept

    async def _one(self, request: Request) -> Response:
        album, kept = self._picture(request)
        kept = await self._looked_at(album, kept)
        return JSONResponse(described(kept, None))

    async def _remove(self, request: Request) -> Response:
        album, kept = self._picture(request)
        self._albums.drop(album.id, kept.number)
        return JSONResponse({})

    async def _small(self, request: Request) -> Response:
        album, kept = await self._fit(request)
        content = self._albums.small_content(album.id, kept.number)
        return Response(content, media_type="image/jpeg", headers={"cache-control": "no-store"})

    async def _best(self, request: Request) -> Response:
        album, kept = await self._fit(request)
        found, _ = await self._looker.ask(
            album.owner, "best", **self._place(album, kept), model=self._model(album)
        )
        return JSONResponse(found)

    def _model(self, album: Record) -> str | None:
        model = self._albums.folder(album.id) / "model.safetensors"
        return str(model) if model.exists() else None

    async def _decided(self, request: Request) -> Response:
        """A line of JSON with the class and the square's size, then its pixels and the two maps."""
        album, kept = await self._fit(request)
        number = whole(request, "class") if "class" in request.query_params else None
        own = whole(request, "own", 0) > 0
        model = self._model(album) if own else None
        if own and model is None:
            raise InputError("this album has no classifier; expected it to be trained")
        found, content = await self._looker.ask(
            album.owner, "explain", **self._place(album, kept), class_index=number, model=model
        )
        return Response(
            packed(found, content),
            media_type="application/octet-stream",
            headers={"cache-control": "no-store"},
        )

    async def _away(self, request: Request) -> Response:
        album = self._found(request)
        name = one_of("file", request.path_params["name"], NAMES)
        files = self._lab.store.files(album.id)
        if name == "answers.csv":
            content = await self._answers(album, files, request.query_params.get("unsure"))
        else:
            folder = self._albums.folder(album.id)
            content = await run_in_threadpool(taken, name, folder, album, files)
        return Response(
            content,
            media_type="application/octet-stream",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    async def _answers(self, album: Record, files: list[Kept], unsure: str | None) -> bytes:
        """What the classifier says of every picture, as `images predict --out` has it."""
        model = self._model(album)
        if model is None:
            raise InputError("this album has no classifier; expected it to be trained")
        fit = [self._place(album, kept) for kept in files if "reason" not in kept.seen]
        _, content = await self._looker.ask(
            album.owner, "answers", places=fit, model=model, unsure=_margin(unsure),
            cache=str(self._albums.folder(album.id) / "cache"),
        )  # fmt: skip
        return content

    async def _classes(self, request: Request) -> Response:
        return JSONResponse({"classes": await run_in_threadpool(imagenet_classes)})


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 18


def _margin(text: str | None) -> float | None:
    try:
        return None if text is None else finite_number("unsure", float(text), 0, 1)
    except ValueError as error:
        raise InputError(f"unsure: found {text!r}; expected a number from 0 to 1") from error


def _shown(files: list[Kept]) -> dict[str, str]:
    """The class of each picture whose folder says one."""
    found = classes_of(files)
    names = [found.classes[c] for c in (found.truth == 1).argmax(1)] if found.classes else []
    return {file.as_posix(): name for file, name in zip(found.files, names, strict=True)}
