"""Serve the lab until Ctrl-C."""

import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from chainrule.errors import InputError
from chainrule.io.files import make_folder
from chainrule.io.lock import only_run
from chainrule.lab.rooms.registry import open_rooms
from chainrule.lab.server.app import Lab
from chainrule.lab.settings import LabSettings


def serve(settings: LabSettings, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM; `ready(address)` is called once the address answers.

    The address holds the token. Raises InputError if the port is taken or the folder is in use.
    """
    make_folder(settings.folder)
    with only_run(settings.folder, "`chainrule lab`"), listening_socket(settings) as listening:
        lab = Lab(settings)
        lab.port = listening.getsockname()[1]
        open_rooms(lab)
        config = uvicorn.Config(
            lab.application(),
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            ws="none",
        )
        server = _Server(config, lab, lambda: ready(_address(settings, lab.port)))
        server.run([listening])


class _Server(uvicorn.Server):
    """Ends the streams first: tabs that are open keep nothing waiting."""

    def __init__(self, config: uvicorn.Config, lab: Lab, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._lab, self._ready = lab, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._lab.hub.close()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._lab.hub.close()
        await super().shutdown(sockets)


def listening_socket(settings: LabSettings) -> socket.socket:
    """Where the lab listens, bound. Raises InputError if the port is taken."""
    family: Any = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # with its protocol, or asyncio leaves Nagle's delay on: an answer's body would wait for the
    # browser's word that its head has come, which takes 40 ms
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise InputError(
            f"--port: found {settings.port} on {settings.host}, which cannot be used "
            f"({error.strerror or error}); expected a free one: choose another, or 0 for any"
        ) from error
    return listening


def _address(settings: LabSettings, port: int) -> str:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "localhost") else settings.host
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/?token={settings.secret}"
