"""A training that plays at any pace, holds, steps, and goes back and forth to the same bits."""

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import ChainruleError, DivergedError, InputError
from chainrule.lab.rooms.points_counts import CountsWriter
from chainrule.lab.rooms.points_recipe import Recipe
from chainrule.points.network import PARAMETERS
from chainrule.points.stepping import Stepping
from chainrule.points.training import children, initial_parameters, state, train

_SLICE = 0.006  # seconds of steps between two looks at the messages
_FRAME = 1 / 75  # seconds between two reports, which wait for a slice to end: 30 or more come
_SLOWEST = 8 << 20  # bytes of weights that are reported a second
_MARKS = 64
_PACE = 2000.0  # iterations a second, until another is asked for; None: as fast as it goes
_LOOK_FOR_DEATH = 2_000_000  # hidden units times points that are looked at in each report
_HALVINGS, _USUAL = 12, (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)


class LiveRun:
    """One run. `slice` goes on, `do` obeys, `news` tells where it is."""

    def __init__(self, folder: Path, data: Path, recipe: dict[str, Any]) -> None:
        self._recipe = Recipe(**recipe)
        self._dataset = self._recipe.dataset(data)
        weights, order = children(self._recipe.seed_sequence)
        d = self._dataset.training.features.shape[1]
        recipe_ = self._recipe
        initial = initial_parameters(d, recipe_.hidden, recipe_.initialization, weights)
        self._stepping = Stepping(
            self._dataset.training, self._dataset.validation, initial, recipe_.learning_rate, order
        )
        self._counts = CountsWriter(folder)
        self._marks = [self._stepping.mark()]
        self._until = recipe_.iterations
        self._pace: float | None = _PACE
        self._seeking = False
        self._owed, self._before = 0.0, time.monotonic()
        self._chunk = 256
        self._speed, self._steps_since, self._timed = 0.0, 0, time.monotonic()
        self._then = "pause"
        self._advice: dict[str, Any] | None = None
        self.is_looking = False  # for a rate that works, in a thread
        self.is_playing, self.has_news, self.next_report = False, True, 0.0
        self._ended = self._said = ""

    @property
    def is_fast(self) -> bool:
        """Whether it goes as fast as it can."""
        return self._seeking or self._pace is None

    def points(self) -> tuple[dict[str, Any], bytes]:
        """The points and their standardization; features, labels of both kinds as float64."""
        found = self._dataset
        parts = (found.training, found.validation)
        header = {
            "sizes": [len(part) for part in parts],
            "features": found.training.features.shape[1],
            "names": list(found.training.feature_names),
            "classes": list(found.training.class_names),
            "label": found.training.label_name,
            "mean": found.mean.tolist(),
            "scale": found.scale.tolist(),
            "notes": list(found.training.notes),
        }
        arrays = [array for part in parts for array in (part.features, part.labels)]
        return header, b"".join(np.ascontiguousarray(array, "<f8").tobytes() for array in arrays)

    def do(self, values: dict[str, Any]) -> None:
        """Obey one message."""
        what = values["do"]
        if what == "pace":
            self._pace = values["pace"]
        elif what == "play" and self._seeking:
            self._then = "play"  # from where it is going
        elif what == "play":
            self._play(self._recipe.iterations, seeking=False)
        elif what == "pause":
            self.is_playing = self._seeking = False
        elif what == "step":
            at = self._until if self._seeking else self._stepping.iteration
            self._play(at + values["steps"], seeking=True)
        elif what == "seek":
            self._seek(values["to"], values.get("then", "pause"))
        self.has_news, self.next_report = True, 0.0

    def slice(self, now: float) -> None:
        """Take the steps of some milliseconds, if it plays."""
        if not self.is_playing:
            return
        if self.is_fast:
            end = time.monotonic() + _SLICE
            while self.is_playing and time.monotonic() < end:
                self._advance(self._chunk)
        else:
            assert self._pace is not None
            self._owed += self._pace * min(now - self._before, 0.25)
            steps = int(self._owed)
            self._owed -= steps
            end = time.monotonic() + 2 * _SLICE
            while self.is_playing and steps > 0 and time.monotonic() < end:
                steps -= self._advance(min(steps, self._chunk))
        self._before = now

    def news(self, now: float) -> tuple[dict[str, Any], bytes]:
        """Where it is, and its weights: W_in, b_in, w_out, b_out as float64."""
        now = time.monotonic()
        if now - self._timed > 0.5:
            self._speed = self._steps_since / (now - self._timed)
            self._steps_since, self._timed = 0, now
        parameters = self._stepping.parameters
        content = b"".join(
            np.ascontiguousarray(parameters[name], "<f8").tobytes() for name in PARAMETERS
        )
        train_wrong, validation_wrong = self._counts.at(self._stepping.iteration)
        header = {
            "iteration": self._stepping.iteration,
            "known": self._counts.known,
            "train_wrong": train_wrong,
            "validation_wrong": validation_wrong,
            "is_playing": self.is_playing,
            "is_seeking": self._seeking,
            "pace": self._pace,
            "speed": round(self._speed),
            "ended": self._ended if self._is_over() else "",
            "said": self._said,
            "dead": self._is_dead(),
            "advice": self._advice,
        }
        self.next_report = now + max(_FRAME, len(content) / _SLOWEST)
        self.has_news = self.is_playing
        return header, content

    def _is_over(self) -> bool:
        """Whether it is where it ended: a run that was taken back has no end yet."""
        return self._ended == "diverged" or self._stepping.iteration == self._recipe.iterations

    def close(self) -> None:
        """Let go of the files."""
        self.is_playing = False
        self._counts.close()

    def _play(self, until: int, *, seeking: bool) -> None:
        self._until = min(until, self._recipe.iterations)
        self._seeking = seeking
        self.is_playing = self._stepping.iteration < self._until and self._ended != "diverged"
        self._owed, self._before = 0.0, time.monotonic()
        self._then = "pause"

    def _seek(self, to: int, then: str) -> None:
        if to < self._stepping.iteration:
            mark = max(
                (m for m in self._marks if m["iteration"] <= to), key=lambda m: m["iteration"]
            )
            self._stepping.back_to(mark)
            if self._ended == "diverged":
                self._ended = self._said = ""
        self._play(to, seeking=True)
        self._then = then
        if not self.is_playing:
            self._arrive()

    def _advance(self, steps: int) -> int:
        """Take at most so many steps; adapt to how long they take."""
        steps = min(steps, self._until - self._stepping.iteration)
        train_wrong, validation_wrong = np.empty(steps, np.int32), np.empty(steps, np.int32)
        first = self._stepping.iteration
        started = time.perf_counter()
        try:
            self._stepping.advance(train_wrong, validation_wrong)
        except DivergedError as error:
            self._diverge(str(error))
            return steps
        self._counts.write(first, train_wrong, validation_wrong)
        took = time.perf_counter() - started
        if steps == self._chunk:
            if took < _SLICE / 8:
                self._chunk = min(2 * self._chunk, 65_536)
            elif took > _SLICE:
                self._chunk = max(self._chunk // 2, 1)
        self._steps_since += steps
        self._mark()
        if self._stepping.iteration == self._until:
            self._arrive()
        return steps

    def _mark(self) -> None:
        every = max(100_000, self._recipe.iterations // _MARKS)
        if self._stepping.iteration >= self._marks[-1]["iteration"] + every:
            self._marks.append(self._stepping.mark())

    def _arrive(self) -> None:
        """At the end of a seek or of the run."""
        self.is_playing = self._seeking = False
        self.has_news, self.next_report = True, 0.0
        if self._stepping.iteration == self._recipe.iterations and not self._ended:
            self._finish()
        elif self._then == "play":
            self._play(self._recipe.iterations, seeking=False)

    def _finish(self) -> None:
        counts = self._counts.train(self._recipe.iterations)
        try:
            self._ended = state(counts, self._stepping.parameters, self._dataset.training)
        except InputError:
            self._diverge(
                f"the outputs overflowed at iteration {self._recipe.iterations} with learning rate "
                f"{self._recipe.learning_rate:g}; expected finite outputs: choose a smaller rate"
            )
            return
        if self._ended == "dead":
            self._advise()

    def _diverge(self, said: str) -> None:
        """Go to the last iteration whose numbers are finite; the counts up to there are kept."""
        self._ended, self._said = "diverged", said
        self.is_playing = self._seeking = False
        self.has_news, self.next_report = True, 0.0
        if self._stepping.failed_at is not None:
            self._stepping.back_to(self._marks[-1])
            while (left := self._stepping.failed_at - 1 - self._stepping.iteration) > 0:
                first, steps = self._stepping.iteration, min(left, 65_536)
                counts = np.empty((2, steps), np.int32)
                self._stepping.advance(*counts)
                self._counts.write(first, *counts)
        self._advise()

    def _advise(self) -> None:
        """Look for a rate that works, beside all else: the kernel needs no lock."""
        self.is_looking = True
        threading.Thread(target=self._find_rate, daemon=True).start()

    def _find_rate(self) -> None:
        found: dict[str, Any] | None = None
        recipe = self._recipe
        for rate in _smaller(recipe.learning_rate):
            try:
                run = train(
                    self._dataset.training,
                    self._dataset.validation,
                    hidden=recipe.hidden,
                    learning_rate=rate,
                    iterations=min(recipe.iterations, 10**6),
                    seed=recipe.seed_sequence,
                    initialization=recipe.initialization,
                )
            except ChainruleError:
                continue
            wrong = int(run.train_wrong[-1])
            if run.state != "dead" and (found is None or wrong < found["wrong"]):
                found = {"rate": rate, "wrong": wrong, "of": run.n_train, "state": run.state}
            if run.state == "converged":
                break
        self._advice = found or {"rate": None}
        self.has_news, self.next_report = True, 0.0
        self.is_looking = False

    def _is_dead(self) -> bool:
        """No hidden unit is active at any training point: only b_out moves from here on."""
        X = self._dataset.training.features
        parameters = self._stepping.parameters
        if len(X) * len(parameters["b_in"]) > _LOOK_FOR_DEATH:
            return False
        with np.errstate(over="ignore", invalid="ignore"):
            z = X @ parameters["W_in"].T + parameters["b_in"]
        return not (z > 0).any()


def _smaller(rate: float) -> list[float]:
    """The rates that are tried instead: the largest first, then some usual ones."""
    halved = [rate / 2**k for k in range(1, _HALVINGS + 1)]
    return [*halved, *(usual for usual in _USUAL if usual < halved[-1])]
