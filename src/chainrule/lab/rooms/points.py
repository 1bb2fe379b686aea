"""The points room's routes: runs that live in a worker, their numbers, what is taken away."""

import asyncio
import base64
import contextlib
import hashlib
import re
import secrets
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from chainrule.errors import FileError, InputError
from chainrule.io.checks import finite_number, one_of, whole_number
from chainrule.io.files import write_text
from chainrule.lab.jobs.store import Record
from chainrule.lab.jobs.worker import Worker
from chainrule.lab.rooms import points_take, points_worker
from chainrule.lab.rooms.points_counts import Curves
from chainrule.lab.rooms.points_derivation import derived
from chainrule.lab.rooms.points_link import read_link, write_link
from chainrule.lab.rooms.points_map import Maps
from chainrule.lab.rooms.points_recipe import Recipe, read_recipe
from chainrule.lab.server.app import Lab
from chainrule.lab.server.bodies import body, document, whole
from chainrule.lab.server.guard import refused

_DOINGS = ("play", "pause", "step", "seek", "pace")
_IDLE = 20.0  # seconds without a run that plays, until the worker is let go
_SMALL = 2048  # bytes of weights that go with a signal: larger ones are asked for
_KEEP_EVERY = 2.0  # seconds between two notes in the store of how far a run is
_COMPRESSED = (b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")


@dataclass
class Live:
    """A run that the worker holds, and the newest that it told of it."""

    id: str
    owner: str
    recipe: Recipe
    folder: Path
    curves: Curves
    revision: int = 0
    news: dict[str, Any] = field(default_factory=dict)
    weights: bytes = b""
    shape: dict[str, Any] = field(default_factory=dict)
    points: bytes = b""
    kept: float = 0.0
    link: str | None = None
    used: float = field(default_factory=time.monotonic)

    def parameters(self) -> dict[str, np.ndarray]:
        """W_in (h, d), b_in (h,), w_out (h,), b_out () of the newest news."""
        h, d = self.recipe.hidden, self.shape["features"]
        numbers = np.frombuffer(self.weights, "<f8")
        W_in, b_in, w_out, b_out = np.split(numbers, np.cumsum([h * d, h, h]))
        return {"W_in": W_in.reshape(h, d), "b_in": b_in, "w_out": w_out, "b_out": b_out[0]}

    def digest(self) -> str | None:
        """The digest of the newest weights, once there are some."""
        ready = self.weights and self.shape
        return points_take.digest(self.parameters()) if ready else None

    def part(self, validation: bool) -> tuple[np.ndarray, np.ndarray]:
        """The training or the validation points: features (n, d), labels (n,)."""
        numbers = np.frombuffer(self.points, "<f8")
        (n, m), d = self.shape["sizes"], self.shape["features"]
        X, y, V, v = np.split(numbers, np.cumsum([n * d, n, m * d]))
        return (V.reshape(m, d), v) if validation else (X.reshape(n, d), y)


class PointsRoom:
    """Runs by their names; one worker plays them all, and is started again if it is killed. It is
    let go when nothing has played for a while, and comes back when it is asked for something."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._live: dict[str, Live] = {}
        self._worker: Worker | None = None
        self._phase = ""
        self._busy, self._is_waited_for = time.monotonic(), False
        self._timer: asyncio.TimerHandle | None = None
        self._data = lab.settings.folder / "data"
        self._maps = Maps(lab, self._data)
        lab.lets_go.append(lambda: self._let_go_after(0))

    def routes(self) -> list[BaseRoute]:
        """Its part of the addresses."""
        run = "/api/points/runs/{run}"
        return [
            Route("/api/points/data", self._take_data, methods=["POST"]),
            Route("/api/points/link", self._read_link, methods=["POST"]),
            Route("/api/points/runs", self._make, methods=["POST"]),
            Route(run, self._show),
            Route(f"{run}/do", self._do, methods=["POST"]),
            Route(f"{run}/points", self._points),
            Route(f"{run}/weights", self._weights),
            Route(f"{run}/curves", self._curves),
            Route(f"{run}/counts", self._counts),
            Route(f"{run}/derivation", self._derivation),
            Route(f"{run}/take/{{name}}", self._take),
            *self._maps.routes(),
        ]

    def start(self) -> None:
        """Start the worker at once: the first visitor finds it ready."""
        self._begin()
        self._look_later()

    def stop(self) -> None:
        """Note how far every run is, and end the worker."""
        for live in self._live.values():
            with contextlib.suppress(FileError):  # a full disk must not keep us
                self._keep(live)
        if self._timer is not None:
            self._timer.cancel()
        if self._worker is not None:
            self._worker.end()
            self._worker.join()
        self._maps.stop()

    def forget(self, run: str) -> None:
        """Stop a run, and remove its files."""
        live = self._live.pop(run, None)
        if live is not None:
            self._send({"run": run, "do": "close"})
            self._lab.hub.forget(live.owner, run)
        shutil.rmtree(self._folder(run), ignore_errors=True)
        self._maps.forget(run)

    # the worker

    def _begin(self) -> Worker:
        self._worker = Worker(points_worker.main, self._heard, self._lost)
        return self._worker

    @property
    def worker_pid(self) -> int | None:
        """The number of the process that plays the runs, if there is one."""
        return self._worker.pid if self._worker is not None else None

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_IDLE / 2, self._let_go)

    def _let_go(self) -> None:
        """End the worker if nothing has played for a while; look again later."""
        self._let_go_after(_IDLE)
        self._look_later()

    def _let_go_after(self, idle: float) -> None:
        now = time.monotonic()
        if self._is_waited_for or any(
            live.news.get("is_playing", True) for live in self._live.values()
        ):
            self._busy = now
        elif self._worker is not None and now - self._busy > idle:
            self._worker.end()
            self._worker = None

    def _send(self, values: dict[str, Any]) -> None:
        """Tell the worker; one that was let go is started, and its runs are where they were."""
        self._busy, self._is_waited_for = time.monotonic(), values["do"] != "close"
        if self._worker is not None:
            self._worker.send(values)
        elif values["do"] != "close":
            worker = self._begin()
            for live in self._live.values():
                if live.id != values["run"] or values["do"] != "open":
                    self._open(live, live.news.get("iteration", 0), "pause")
            if values["do"] != "pause":  # it would keep the run from where it was
                worker.send(values)

    def _lost(self) -> None:
        """The worker was killed: another one brings every run to where it was."""
        self._begin()
        for live in self._live.values():
            news = live.news
            playing = news.get("is_playing") and not news.get("is_seeking")
            self._open(live, news.get("iteration", 0), "play" if playing else "pause")

    def _open(self, live: Live, at: int, then: str) -> None:
        recipe = live.recipe.document()
        self._send(
            {"run": live.id, "do": "open", "folder": str(live.folder), "data": str(self._data),
             "recipe": recipe, "at": at, "then": then}
        )  # fmt: skip

    def _heard(self, values: dict[str, Any], content: bytes) -> None:
        what, live = values.pop("what"), self._live.get(values.pop("run"))
        self._is_waited_for &= what not in ("news", "failed")
        if what == "phase":
            self._phase = values["said"]
            for each in self._live.values():
                self._say(each)
        elif live is None:
            return
        elif what == "points":
            live.shape, live.points = values, content
            live.link = write_link(live.recipe, self._data)
        elif what == "news":
            live.news, live.weights = values, content
            self._note(live)
            self._say(live)
        elif what == "failed":
            # whoever gave the table does not know where it lies
            said = values["said"].replace(str(live.recipe.file(self._data)), "the table")
            live.news = {**live.news, "is_playing": False, "ended": "failed", "said": said}
            with contextlib.suppress(FileError):
                self._keep(live)
            self._say(live)
            del self._live[live.id]

    def _say(self, live: Live) -> None:
        live.revision += 1
        signal = {"run": live.id, "room": "points", "revision": live.revision, "phase": self._phase}
        if live.weights and len(live.weights) <= _SMALL:
            signal["weights"] = base64.b64encode(live.weights).decode()
        self._lab.hub.say(live.owner, live.id, {**signal, **live.news})

    def _note(self, live: Live) -> None:
        """Keep how far the run is: at once when it stops, now and then while it plays."""
        now = time.monotonic()
        if not live.news["is_playing"] or now - live.kept > _KEEP_EVERY:
            live.kept = now
            with contextlib.suppress(FileError):  # a full disk: it is kept when there is room again
                self._keep(live)

    def _keep(self, live: Live) -> None:
        news = live.news
        if not news:
            return
        state = news["ended"] or ("running" if news["is_playing"] else "paused")
        result = {name: news.get(name) for name in ("train_wrong", "validation_wrong")}
        result["weights_digest"] = live.digest()
        self._lab.store.change(
            live.id, state=state, said=news["said"], done=news.get("iteration", 0), result=result
        )

    # what is asked

    async def _take_data(self, request: Request) -> Response:
        content = await body(request, self._lab.quotas.upload)
        name = await run_in_threadpool(self._kept_data, content)
        return JSONResponse({"data": name})

    def _kept_data(self, content: bytes) -> str:
        if content.startswith(_COMPRESSED):
            raise InputError("the file is packed; expected a table as text: unpack it first")
        if not content.strip():
            raise InputError("the file is empty; expected a table as text")
        if content.count(b"\n") > self._lab.quotas.points:
            raise InputError(
                f"the file has more than {self._lab.quotas.points:,} lines; expected at most so "
                "many"
            )
        name = f"own-{hashlib.sha256(content).hexdigest()}"
        self._data.mkdir(exist_ok=True)
        path = self._data / f"{name}.csv"
        if not path.exists():
            write_text(path, _text(content))
        return name

    async def _read_link(self, request: Request) -> Response:
        text = (await document(request)).get("link")
        recipe, at = read_link(text, self._data, self._lab.quotas)
        return JSONResponse({"settings": recipe.document(), "at": at})

    async def _make(self, request: Request) -> Response:
        owner, asked = request.scope["session"], await document(request)
        recipe = read_recipe(asked.get("settings", {}), self._lab.quotas)
        at = whole_number("at", asked.get("at", 0), 0, recipe.iterations)
        then = one_of("then", asked.get("then", "play"), ("play", "pause"))
        if recipe.is_own and not recipe.file(self._data).exists():
            raise InputError("the lab has no such points any more; expected them to be given again")
        refusal = self._over_quota(owner, recipe.iterations)
        if refusal is not None:
            return refusal
        now = time.time()
        run = Record(
            secrets.token_hex(8), owner, "points", "training", recipe.document(), "running", "", 0,
            {}, now, now,
        )  # fmt: skip
        self._lab.store.add(run)
        live = self._enter(run)
        self._open(live, at, then)
        return JSONResponse({"id": run.id, "settings": run.settings}, 201)

    def _over_quota(self, owner: str, iterations: int) -> Response | None:
        quotas, own = self._lab.quotas, [r for r in self._live.values() if r.owner == owner]
        if self._lab.store.count(owner) >= quotas.runs:
            return refused(429, f"{quotas.runs:,} runs are kept; remove some of them")
        if 8 * (self._lab.store.done(owner, "training") + iterations) > quotas.disk:
            return refused(
                429,
                f"the curves that are kept would take more than {quotas.disk:,} bytes; remove some "
                "of the runs",
            )
        resting = [live for live in own if not live.news.get("is_playing")]
        if len(own) >= quotas.live and not resting:
            return refused(429, f"{quotas.live} runs go already; pause one of them")
        if len(own) >= quotas.live:
            self._rest(min(resting, key=lambda live: live.used))
        return None

    def _rest(self, live: Live) -> None:
        """Let a run that does not play go; whoever looks at it again finds it where it was."""
        del self._live[live.id]
        self._send({"run": live.id, "do": "close"})
        self._lab.hub.forget(live.owner, live.id)

    def _enter(self, run: Record) -> Live:
        folder = self._folder(run.id)
        folder.mkdir(parents=True, exist_ok=True)
        live = Live(run.id, run.owner, Recipe(**run.settings), folder, Curves(folder))
        self._live[run.id] = live
        return live

    def _folder(self, run: str) -> Path:
        return self._lab.settings.folder / "points" / run

    def _found(self, request: Request) -> Live:
        """The run that is asked for; one that rests is brought back to where it was."""
        name, owner = request.path_params["run"], request.scope["session"]
        live = self._live.get(name)
        if live is not None and live.owner == owner:
            live.used = time.monotonic()
            return live
        run = self._lab.store.get(name, owner) if re.fullmatch("[0-9a-f]{16}", name) else None
        if run is None or run.room != "points" or run.kind != "training":
            raise InputError("there is no such run; it may have been removed")
        live = self._enter(run)
        self._open(live, run.done, "pause")
        return live

    async def _show(self, request: Request) -> Response:
        live = self._found(request)
        return JSONResponse(
            {"id": live.id, "settings": live.recipe.document(), "points": live.shape,
             "news": {**live.news, "phase": self._phase, "revision": live.revision},
             "link": live.link, "digest": live.digest()}
        )  # fmt: skip

    async def _do(self, request: Request) -> Response:
        live, asked = self._found(request), await document(request)
        what = one_of("do", asked.get("do"), _DOINGS)
        values: dict[str, Any] = {"run": live.id, "do": what}
        if what == "seek":
            values["to"] = whole_number("to", asked.get("to"), 0, live.recipe.iterations)
            values["then"] = one_of("then", asked.get("then", "pause"), ("play", "pause"))
        elif what == "step":
            values["steps"] = whole_number("steps", asked.get("steps"), 1, live.recipe.iterations)
        elif what == "pace" and asked.get("pace") is not None:
            values["pace"] = finite_number("pace", asked.get("pace"), 0.1, 1e9)
        elif what == "pace":
            values["pace"] = None
        self._send(values)
        return JSONResponse({})

    async def _points(self, request: Request) -> Response:
        return _binary(self._found(request).points)

    async def _weights(self, request: Request) -> Response:
        """The iteration as float64, then W_in, b_in, w_out, b_out: of one moment."""
        live = self._found(request)
        iteration = np.float64(live.news.get("iteration", 0)).astype("<f8").tobytes()
        return _binary(iteration + live.weights if live.weights else b"")

    async def _curves(self, request: Request) -> Response:
        live = self._found(request)
        first, last = whole(request, "from", 1), whole(request, "to", live.recipe.iterations)
        pieces = min(max(whole(request, "pieces", 1000), 1), 4000)
        rows = await run_in_threadpool(live.curves.extremes, first, last, pieces)
        return _binary(rows.astype("<i4").tobytes())

    async def _counts(self, request: Request) -> Response:
        live = self._found(request)
        found = live.curves.at(whole(request, "at"))
        if found is None:
            raise InputError("that iteration was not reached yet; expected an earlier one")
        return JSONResponse({"train_wrong": found[0], "validation_wrong": found[1]})

    async def _derivation(self, request: Request) -> Response:
        live = self._found(request)
        if not live.weights or not live.shape:
            raise InputError("the run has no weights yet; expected a run that has begun")
        part = one_of("part", request.query_params.get("part", "train"), ("train", "validation"))
        X, y = live.part(part == "validation")
        point = whole(request, "point")
        whole_number("point", point, 0, len(y) - 1)
        digits = whole_number("digits", whole(request, "digits", 6), 2, 17)
        found = derived(X[point], float(y[point]), live.parameters(), live.shape, digits)
        return JSONResponse(
            {"iteration": live.news["iteration"], "point": point, "digits": digits, **found}
        )

    async def _take(self, request: Request) -> Response:
        live = self._found(request)
        if not live.weights or not live.shape:
            raise InputError("the run has no weights yet; expected a run that has begun")
        name = one_of("file", request.path_params["name"], points_take.NAMES)
        content = await run_in_threadpool(
            points_take.taken, name, live.recipe, live.news["iteration"], live.parameters(),
            live.part(False), live.part(True), live.shape, self._data,
        )  # fmt: skip
        return Response(
            content,
            media_type="application/octet-stream",
            headers={
                "content-disposition": f'attachment; filename="{name}"',
                "cache-control": "no-store",
            },
        )


def _text(content: bytes) -> str:
    """The table as text; what it must hold is said by the library when it is read."""
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    if b"\0" in content and not wide:
        raise InputError("the file is no text; expected a table as text")
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _binary(content: bytes) -> Response:
    return Response(
        content, media_type="application/octet-stream", headers={"cache-control": "no-store"}
    )
