"""The lab's application: its rooms behind the guard."""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

import chainrule
from chainrule.errors import ChainruleError
from chainrule.lab.jobs.leftovers import remove_leftovers
from chainrule.lab.jobs.store import Store
from chainrule.lab.server.events import Hub
from chainrule.lab.server.guard import Guard, refused
from chainrule.lab.server.static import Static
from chainrule.lab.settings import LabSettings


class Room(Protocol):
    """What the application asks of a room."""

    def routes(self) -> list[BaseRoute]:
        """Its part of the addresses, all under /api/."""

    def start(self) -> None:
        """Start what should be ready when it is entered; the event loop runs."""

    def stop(self) -> None:
        """End its processes, and keep what must be kept."""

    def forget(self, run: str) -> None:
        """Stop a run of its own, if it goes on, and remove its files."""


class Lab:
    """What the rooms share: the settings, the store of runs, the stream of signals."""

    def __init__(self, settings: LabSettings) -> None:
        self.settings = settings
        self.quotas = settings.quotas
        self.store = Store(settings.folder)
        self.hub = Hub()
        self.static = Static()
        self.rooms: dict[str, Room] = {}
        self.port = settings.port
        # each lets go of a process that nobody waits for: what begins takes much memory
        self.lets_go: list[Callable[[], None]] = []

    def application(self) -> Guard:
        """The routes behind the guard; `port` is asked at each request, as 0 is found out late."""
        routes: list[BaseRoute] = [
            Route("/", self._index),
            Route("/static/{hash}/{name:path}", self.static.file),
            Route("/api/events", self._events),
            Route("/api/runs", self._runs),
            Route("/api/runs/{run}", self._remove, methods=["DELETE"]),
        ]
        for room in self.rooms.values():
            routes += room.routes()
        app = Starlette(
            routes=routes,
            lifespan=self._life,
            exception_handlers={
                ChainruleError: _sentence,
                ClientDisconnect: _gone,
                404: _no_such,
                405: _no_such,
            },
        )
        return Guard(app, self.settings, self.store, self.static.policy, self._port)

    def _port(self) -> int:
        return self.port

    @contextlib.asynccontextmanager
    async def _life(self, _: Starlette) -> AsyncIterator[None]:
        self.store.interrupt()
        remove_leftovers(self.settings.folder, self.store, self.rooms)
        for room in self.rooms.values():
            room.start()
        yield
        for room in self.rooms.values():
            room.stop()
        self.store.close()

    async def _index(self, request: Request) -> Response:
        return self.static.index(chainrule.__version__)

    async def _events(self, request: Request) -> Response:
        owner = request.scope["session"]
        if self.hub.tabs(owner) >= self.quotas.tabs:
            return refused(429, f"there are {self.quotas.tabs} open tabs; close one")
        return self.hub.stream(owner)

    async def _runs(self, request: Request) -> Response:
        owner = request.scope["session"]
        return JSONResponse({"runs": [run.document for run in self.store.listed(owner)]})

    async def _remove(self, request: Request) -> Response:
        run = self.store.get(request.path_params["run"], request.scope["session"])
        if run is None:
            return refused(404, "there is no such run")
        self.rooms[run.room].forget(run.id)
        self.store.remove(run.id)
        return JSONResponse({})


Handler = Callable[[Request, Exception], Response]


def _sentence(request: Request, error: Exception) -> Response:
    """What the library says of bad input is the answer."""
    return refused(422, str(error))


def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


def _no_such(request: Request, error: Exception) -> Response:
    return refused(getattr(error, "status_code", 404), "the lab has no such address")
