"""The blocks room's routes: a picture, a chain, and every number of it taken apart."""

import contextlib
import re
import secrets
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from chainrule.errors import FileError, InputError
from chainrule.io.checks import one_of, whole_number
from chainrule.io.pictures import sample_files
from chainrule.lab.jobs.answering import Answering
from chainrule.lab.jobs.frames import packed
from chainrule.lab.jobs.leftovers import ARRIVING
from chainrule.lab.jobs.store import Record
from chainrule.lab.rooms import blocks_worker
from chainrule.lab.rooms.albums import checked_name
from chainrule.lab.server.app import Lab
from chainrule.lab.server.bodies import body_to, document, whole
from chainrule.lab.server.guard import refused

_SIDE = 128  # pixels of the longer side that a board begins with
_LEAST_SIDE = 8
_NAMES = ("chain.safetensors", "picture.png", "output.npy", "chain.py")
_MOST_DIMENSIONS = 8
_FORMULAS = ("y", "dx", "dw", "db")


class BlocksRoom:
    """Boards by their names, each a picture with a chain; one worker runs them all."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._worker = Answering(blocks_worker.main, self._phase)
        self._revision = 0

    def routes(self) -> list[BaseRoute]:
        """Its part of the addresses."""
        board = "/api/blocks/boards/{board}"
        return [
            Route("/api/blocks/boards", self._make, methods=["POST"]),
            Route(board, self._show),
            Route(f"{board}/change", self._change, methods=["POST"]),
            Route(f"{board}/picture", self._take_picture, methods=["POST"]),
            Route(f"{board}/chain", self._take_chain, methods=["POST"]),
            Route(f"{board}/maps", self._maps),
            Route(f"{board}/entry", self._entry),
            Route(f"{board}/derivative", self._derivative),
            Route(f"{board}/apart", self._apart),
            Route(f"{board}/filters", self._filters),
            Route(f"{board}/weight", self._weight),
            Route(f"{board}/check", self._check),
            Route(f"{board}/digest", self._digest),
            Route(f"{board}/take/{{name}}", self._away),
            Route("/api/blocks/functions", self._functions),
            Route("/api/blocks/written", self._written, methods=["POST"]),
            Route("/api/blocks/written/layer.py", self._written_away),
        ]

    def start(self) -> None:
        """Nothing is ready before it is asked for: the blocks take memory."""

    def stop(self) -> None:
        """End the process."""
        self._worker.stop()

    def forget(self, run: str) -> None:
        """Remove a board's files."""
        shutil.rmtree(self._folder(run), ignore_errors=True)

    @property
    def worker_pid(self) -> int | None:
        """The number of the process that runs the chains, if there is one."""
        return self._worker.pid

    def _phase(self, owner: str, said: str) -> None:
        self._revision += 1
        signal = {"run": "bench", "room": "blocks", "revision": self._revision, "phase": said}
        self._lab.hub.say(owner, "bench", signal)

    # boards

    async def _make(self, request: Request) -> Response:
        owner, asked = request.scope["session"], await document(request)
        boards = self._lab.store.listed(owner, "blocks", 1)
        if asked.get("with") == "newest" and boards:
            return JSONResponse({"id": boards[0].id})
        if self._lab.store.count(owner) >= self._lab.quotas.runs:
            return refused(429, f"{self._lab.quotas.runs:,} runs are kept; remove some of them")
        sample, now = sample_files()[0], time.time()
        board = Record(
            secrets.token_hex(8), owner, "blocks", "board",
            {"picture": sample.name, "side": _SIDE}, "open", "", 0, {}, now, now,
        )  # fmt: skip
        folder = self._folder(board.id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "picture").write_bytes(sample.read_bytes())
        try:
            found, _ = await self._worker.ask(
                owner, "make", board=self._values(board), preset=asked.get("preset", "network"),
                numbers=asked.get("filter"),
            )  # fmt: skip
        except BaseException:
            self.forget(board.id)
            raise
        self._lab.store.add(replace(board, result=_in_words(found)))
        return JSONResponse({"id": board.id}, 201)

    def _folder(self, board: str) -> Path:
        return self._lab.settings.folder / "blocks" / board

    def _values(self, board: Record) -> dict[str, Any]:
        """What the worker must know of a board."""
        quotas = self._lab.quotas
        return {
            "folder": str(self._folder(board.id)), "name": board.settings["picture"],
            "size": min(board.settings["side"], quotas.side), "pixels": quotas.pixels,
            "numbers": quotas.outputs,
        }  # fmt: skip

    def _found(self, request: Request) -> Record:
        name, owner = request.path_params["board"], request.scope["session"]
        board = self._lab.store.get(name, owner) if re.fullmatch("[0-9a-f]{16}", name) else None
        if board is None or board.room != "blocks":
            raise InputError("there is no such board; it may have been removed")
        return board

    async def _ask(self, request: Request, do: str, **values: Any) -> tuple[dict[str, Any], bytes]:
        board = self._found(request)
        return await self._worker.ask(board.owner, do, board=self._values(board), **values)

    async def _show(self, request: Request) -> Response:
        found, _ = await self._ask(request, "describe")
        return JSONResponse(self._described(self._found(request), found))

    def _described(self, board: Record, found: dict[str, Any]) -> dict[str, Any]:
        sides = [side for side in (64, 128, 256, 512) if side <= self._lab.quotas.side]
        return {
            "id": board.id, "side": board.settings["side"], "sides": sides,
            "most": self._lab.quotas.picture, **found,
        }  # fmt: skip

    async def _change(self, request: Request) -> Response:
        board, values = self._found(request), await document(request)
        do = values.pop("do", None)
        if do == "side":
            side = whole_number("side", values.get("side"), _LEAST_SIDE, self._lab.quotas.side)
            other = {**self._values(board), "size": side}
            found, _ = await self._worker.ask(board.owner, "resize", board=other)
            return _framed(({**self._noted(board, found, side=side), "maps": None}, b""))
        layer = whole(request, "maps", 0)  # what is looked at comes with the answer: one way less
        found, content = await self._ask(
            request, "change", what=str(do), values=values, layer=layer
        )
        return _framed((self._noted(board, found), content))

    def _noted(self, board: Record, found: dict[str, Any], **settings: Any) -> dict[str, Any]:
        """The board as the page is told of it; the list of runs says what it is now."""
        self._lab.store.change(
            board.id, settings={**board.settings, **settings}, result=_in_words(found)
        )
        kept = self._lab.store.get(board.id, board.owner)
        return self._described(kept or board, found)

    async def _take_picture(self, request: Request) -> Response:
        name = checked_name(request.query_params.get("name", "")).rpartition("/")[2]
        found = await self._given(request, "picture", self._lab.quotas.picture, name=name)
        return JSONResponse(self._noted(self._found(request), found, picture=name))

    async def _take_chain(self, request: Request) -> Response:
        found = await self._given(request, "open", self._lab.quotas.upload)
        return JSONResponse(self._noted(self._found(request), found))

    async def _given(self, request: Request, do: str, most: int, **values: Any) -> dict[str, Any]:
        """What the worker says of a file that is given."""
        written = self._folder(self._found(request).id) / f"{ARRIVING}{secrets.token_hex(8)}"
        try:
            await body_to(request, written, most)
            found, _ = await self._ask(request, do, path=str(written), **values)
        except OSError as error:
            raise FileError(
                f"the file cannot be kept: {error.strerror or error}; remove a run under Runs"
            ) from error
        except InputError as error:  # whoever gave the file does not know where it lies
            raise InputError(str(error).replace(str(written), "the file")) from error
        finally:
            with contextlib.suppress(OSError):
                written.unlink(missing_ok=True)
        return found

    # numbers

    async def _maps(self, request: Request) -> Response:
        return _framed(await self._ask(request, "maps", layer=whole(request, "layer")))

    async def _entry(self, request: Request) -> Response:
        found, _ = await self._ask(
            request, "entry", layer=whole(request, "layer"), place=_place(request, "place")
        )
        return JSONResponse(found)

    async def _derivative(self, request: Request) -> Response:
        return _framed(
            await self._ask(
                request, "derivative", layer=whole(request, "layer"), place=_place(request, "place")
            )
        )

    async def _apart(self, request: Request) -> Response:
        found, _ = await self._ask(
            request, "apart", layer=whole(request, "layer"), place=_place(request, "place"),
            at=whole(request, "at"), entry=_place(request, "entry"),
        )  # fmt: skip
        return JSONResponse(found)

    async def _filters(self, request: Request) -> Response:
        place = _place(request, "place") if "place" in request.query_params else None
        found, _ = await self._ask(
            request, "filters", layer=whole(request, "layer"), place=place,
            at=whole(request, "at"), channel=whole(request, "channel", 0),
        )  # fmt: skip
        return JSONResponse(found)

    async def _weight(self, request: Request) -> Response:
        found, _ = await self._ask(
            request, "weight", layer=whole(request, "layer"), place=_place(request, "place"),
            name=request.query_params.get("name", ""), entry=_place(request, "entry"),
        )  # fmt: skip
        return JSONResponse(found)

    async def _check(self, request: Request) -> Response:
        return JSONResponse((await self._ask(request, "check", layer=whole(request, "layer")))[0])

    async def _digest(self, request: Request) -> Response:
        return JSONResponse((await self._ask(request, "digest"))[0])

    async def _away(self, request: Request) -> Response:
        name = one_of("file", request.path_params["name"], _NAMES)
        _, content = await self._ask(request, "take", name=name)
        return _file(name, content)

    # a layer of one's own

    async def _functions(self, request: Request) -> Response:
        found, _ = await self._worker.ask(request.scope["session"], "functions")
        return JSONResponse(found)

    async def _written(self, request: Request) -> Response:
        asked = await document(request)
        formulas = {name: str(asked.get(name, ""))[:1000] for name in _FORMULAS}
        found, _ = await self._worker.ask(request.scope["session"], "written", **formulas)
        return JSONResponse(found)

    async def _written_away(self, request: Request) -> Response:
        formulas = {name: request.query_params.get(name, "")[:1000] for name in _FORMULAS}
        _, content = await self._worker.ask(request.scope["session"], "written_code", **formulas)
        return _file("layer.py", content)


def _in_words(found: dict[str, Any]) -> dict[str, Any]:
    """What the list of runs says of a board."""
    layers = [layer["name"] for layer in found["layers"]]
    names = ", ".join(layers[:6]) + (", ..." if len(layers) > 6 else "")
    return {"what": f"{found['picture']['name']}: {names}", "done": f"{len(layers)} layers"}


def _place(request: Request, name: str) -> list[int]:
    """Whole numbers with commas from the address. Raises InputError."""
    text = request.query_params.get(name, "")
    if not re.fullmatch(rf"\d{{1,9}}(,\d{{1,9}}){{0,{_MOST_DIMENSIONS}}}", text, re.ASCII):
        raise InputError(f"{name}: found {text[:40]!r}; expected whole numbers with commas")
    return [int(number) for number in text.split(",")]


def _framed(answer: tuple[dict[str, Any], bytes]) -> Response:
    """A line of JSON, then the bytes."""
    return Response(
        packed(*answer),
        media_type="application/octet-stream",
        headers={"cache-control": "no-store"},
    )


def _file(name: str, content: bytes) -> Response:
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"
        },
    )  # fmt: skip
