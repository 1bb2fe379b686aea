"""Trainings on the albums of a room: each in a process of its own, heard, ended and told."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from chainrule.errors import FileError, InputError
from chainrule.lab.jobs.store import Record
from chainrule.lab.jobs.worker import Worker
from chainrule.lab.rooms.albums import Albums
from chainrule.lab.server.app import Lab

_MOST_AT_ONCE = 2  # trainings of a room at the same time, in all sessions together


@dataclass
class _Training:
    album: Record
    worker: Worker | None = None
    phase: str = "starting"
    done: int = 0
    of: int = 0
    left: float | None = None  # seconds, where the process says so
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def going(self) -> dict[str, Any]:
        """How far it is."""
        return {
            "phase": self.phase, "done": self.done, "of": self.of, "left": self.left,
            "history": self.history,
        }  # fmt: skip


class Trainings:
    """The trainings of a room that go on, by their albums.

    A training's process says {"what": "phase", "said", "done", "of", "left"}, {"what": "epoch",
    "line"}, {"what": "failed", "said"} or {"what": "finished", "result"}.
    """

    has_children = False  # whether a training's process starts processes of its own

    def __init__(self, lab: Lab, albums: Albums, room: str, learner: str, album: str) -> None:
        """learner, album: what is trained ("classifier"), and what on ("album"), as said."""
        self._lab, self._albums, self._room = lab, albums, room
        self._learner, self._album = learner, album
        self._going: dict[str, _Training] = {}
        self._unwritten: dict[str, dict[str, Any]] = {}  # ends that a full disk did not take
        self._revision = 0

    def stop(self) -> None:
        """End all trainings; what they keep by then is kept."""
        for training in self._going.values():
            if training.worker is not None:
                training.worker.end()
                training.worker.join()

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes that train."""
        return [t.worker.pid for t in self._going.values() if t.worker is not None]

    def forget(self, album: str) -> None:
        """End an album's training."""
        self._unwritten.pop(album, None)
        training = self._going.pop(album, None)
        if training is not None:
            self._end(training)
            self._lab.hub.forget(training.album.owner, album)

    def cancel(self, album: str) -> None:
        """End an album's training, if there is one, and say so."""
        if album in self._going:
            self._over(self._going[album], "cancelled")

    def going(self, album: str) -> dict[str, Any] | None:
        """How far an album's training is."""
        training = self._going.get(album)
        return None if training is None else training.going

    def settled(self, album: Record) -> Record:
        """The album as its last training left it: a full disk may not have taken that."""
        values = self._unwritten.get(album.id)
        if values is None:
            return album
        with contextlib.suppress(FileError):
            self._lab.store.change(album.id, **values)
            del self._unwritten[album.id]
        return replace(album, **values)

    def check_free(self, album: Record) -> None:
        """Raises InputError where no training of the album can begin now."""
        if album.id in self._going:
            raise InputError(f"the {self._album}'s {self._learner} is being trained already")
        mine = [t for t in self._going.values() if t.album.owner == album.owner]
        if len(self._going) >= _MOST_AT_ONCE or (self._lab.settings.is_shared and mine):
            raise InputError(
                f"{len(self._going)} {self._learner}s are being trained; expected one of them to "
                "end first"
            )

    def start(
        self,
        album: Record,
        main: Callable[..., None],
        asked: dict[str, Any],
        settings: dict[str, Any],
    ) -> None:
        """Begin: main is the process, asked what it is sent, settings what the album keeps."""
        for let_go in self._lab.lets_go:
            let_go()
        self._lab.store.change(album.id, state="running", said="", settings=settings)
        self._unwritten.pop(album.id, None)
        training = self._going[album.id] = _Training(album)
        training.worker = Worker(
            main,
            lambda values, _: self._heard(training, values),
            lambda: self._lost(training),
            has_children=self.has_children,
        )
        training.worker.send({**asked, "folder": str(self._albums.folder(album.id))})
        self._say(training, "running")

    def kept(self, result: dict[str, Any]) -> dict[str, Any]:
        """What the store keeps of a result."""
        return {"result": result}

    def noted(self, album: Record, going: dict[str, Any]) -> dict[str, Any]:
        """What the store keeps of an album's training that goes on, at each of its epochs."""
        return {}

    def ended(self) -> None:
        """Called when a training is over or forgotten."""

    def _heard(self, training: _Training, values: dict[str, Any]) -> None:
        if self._going.get(training.album.id) is not training:
            return
        if values["what"] == "failed":
            self._over(training, "failed", values["said"])
        elif values["what"] == "finished":
            self._over(training, "finished", "", values["result"])
        else:
            if values["what"] == "epoch":
                training.history.append(values["line"])
                self._note(training)
            else:
                training.phase = values["said"]
                training.done = values.get("done", training.done)
                training.of = values.get("of", training.of)
                training.left = values.get("left")
            self._say(training, "running")

    def _note(self, training: _Training) -> None:
        values = self.noted(training.album, training.going)
        if values:
            with contextlib.suppress(FileError):  # a full disk: the end says so
                self._lab.store.change(training.album.id, **values)

    def _lost(self, training: _Training) -> None:
        if self._going.get(training.album.id) is training:
            self._over(training, "interrupted", "its worker process was ended")

    def _over(
        self,
        training: _Training,
        state: str,
        said: str = "",
        result: dict[str, Any] | None = None,
    ) -> None:
        self._going.pop(training.album.id, None)
        self._end(training)
        values: dict[str, Any] = {"state": state, "said": said}
        if result is not None:
            values |= self.kept(result)
        try:
            self._lab.store.change(training.album.id, **values)
        except FileError:  # a full disk: the page is told all the same
            self._unwritten[training.album.id] = values
        self._say(training, state)

    def _end(self, training: _Training) -> None:
        if training.worker is not None:
            training.worker.end()
            training.worker = None
        self.ended()

    def _say(self, training: _Training, state: str) -> None:
        self._revision += 1
        album = training.album
        signal = {
            "run": album.id, "room": self._room, "revision": self._revision, "state": state,
            "going": training.going,
        }  # fmt: skip
        self._lab.hub.say(album.owner, album.id, signal)
