"""The worker of a sheet's own reader: `chainrule reader train-lines`, told as it goes."""

import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from chainrule.errors import ChainruleError
from chainrule.io.files import write_json
from chainrule.lab.jobs.frames import packed, unpacked

if TYPE_CHECKING:
    from chainrule.reader.reader import Reader
    from chainrule.training.state import RunOptions

CHECKPOINT = "training.checkpoint.safetensors"
_EVERY = 0.1  # seconds between two reports of progress
_EPOCH = (
    "epoch", "seconds", "energy_train", "energy_validation", "character_errors_train",
    "character_errors_validation",
)  # fmt: skip


def main(pipe: Connection) -> None:
    """Take one message, train as it asks, and tell how far it is."""
    asked, _ = unpacked(pipe.recv_bytes())
    run = _Run(pipe, asked)
    try:
        result = run.on_lines() if asked["on"] == "lines" else run.on_fonts()
    except (ChainruleError, OSError, MemoryError) as error:
        run.send("failed", said=run.named(str(error)) or "there is not enough memory for this")
        return
    run.send("finished", result=result)


class _Run:
    def __init__(self, pipe: Connection, asked: dict[str, Any]) -> None:
        self._pipe, self._asked = pipe, asked
        self._folder = Path(asked["folder"])
        self._began, self._told = time.monotonic(), 0.0
        self._history: list[dict[str, Any]] = []

    def send(self, what: str, **values: Any) -> None:
        """Tell the server."""
        self._pipe.send_bytes(packed({"what": what, **values}))

    def named(self, text: str) -> str:
        """A sentence with the files called as their giver calls them."""
        for number, name, *_ in (*self._asked["lines"], *self._asked["fonts"]):
            text = text.replace(str(self._folder / "pictures" / str(number)), name)
        return text

    def on_lines(self) -> dict[str, Any]:
        """Train on corrected lines, a quarter of them held out."""
        self._phase("loading the reader")
        from chainrule.glyphs.alphabet import parse_alphabet
        from chainrule.reader.evaluation.error_rates import character_error_rate
        from chainrule.reader.lines.labelled import Labelled
        from chainrule.reader.lines.own_pictures import (
            OWN,
            open_own,
            split_own,
            train_on_pictures,
        )
        from chainrule.reader.model_file import load_reader

        # in the order that a folder with these names has
        rows = sorted(self._asked["lines"], key=lambda row: PurePosixPath(row[1]).stem + ".gt.txt")
        own, skipped = open_own(
            [
                Labelled(self._folder / "pictures" / str(number), " ".join(text.split()), name)
                for number, name, text in rows
            ]
        )
        learned, held_out = split_own(own, self._asked["seed"])
        alphabet = self._asked["alphabet"]
        characters = parse_alphabet(alphabet) if alphabet else own.alphabet
        if " " in own.alphabet and " " not in characters:
            characters += " "
        start = load_reader(self._asked["start"])
        self._phase("reading what is held out")
        before = character_error_rate(start.texts(held_out.pictures), held_out.texts)
        recipe = replace(OWN, settings=self._settings(OWN.settings))
        reader, _ = train_on_pictures(
            learned, held_out, characters, recipe, start=start, **self._options()
        )
        after = character_error_rate(reader.texts(held_out.pictures), held_out.texts)
        return self._kept(
            reader,
            pictures=len(learned.lines),
            held_out=len(held_out.lines),
            before=before,
            after=after,
            skipped=[[self.named(one.file), self.named(one.reason)] for one in skipped],
        )

    def on_fonts(self) -> dict[str, Any]:
        """Train on lines that are drawn in one's own fonts."""
        self._phase("drawing the fonts' characters")
        from chainrule.reader.front_door import drawn_fonts
        from chainrule.reader.lines.training import ONWARD, train_reader
        from chainrule.reader.model_file import load_reader

        fonts = [self._folder / "pictures" / str(number) for number, *_ in self._asked["fonts"]]
        drawn, characters, dropped = drawn_fonts(fonts, self._asked["alphabet"])
        recipe = replace(ONWARD, settings=self._settings(ONWARD.settings))
        start = load_reader(self._asked["start"])
        recipe = replace(recipe, size=start.size)
        reader, trained = train_reader(
            drawn, characters, recipe, start=start, seed=self._asked["seed"], **self._options()
        )
        return self._kept(
            reader,
            fonts=len(drawn),
            after=trained.history[-1]["character_errors_validation"],
            held_out_families=len({font.family for font in drawn if font.validation}),
            skipped=[[self.named(name), self.named(why)] for name, why in dropped],
        )

    def _settings(self, settings: Any) -> Any:
        return replace(settings, epochs=self._asked["epochs"], seed=self._asked["seed"])

    def _options(self) -> "RunOptions":
        from chainrule.training.checkpoints import read_checkpoint

        checkpoint = self._folder / CHECKPOINT
        resume = self._asked["resume"] and checkpoint.exists()
        if resume:  # its curves begin where they began
            for line in read_checkpoint(checkpoint).history:
                self._epoch(line)
        return {
            "checkpoint": checkpoint,
            "resume": resume,
            "progress": self._progress,
            "on_epoch": lambda line, _: self._epoch(line),
        }

    def _kept(self, reader: "Reader", **found: Any) -> dict[str, Any]:
        from chainrule.reader.model_file import save_reader

        save_reader(self._folder / "model.safetensors", reader)
        seconds = time.monotonic() - self._began
        result = {
            "on": self._asked["on"], **found, "alphabet": reader.alphabet, "seconds": seconds,
            "history": self._history,
            "what": f"a reader of {len(reader.alphabet)} characters, {found['after']:.1%} wrong",
            "done": f"{self._asked['epochs']} epochs",
        }  # fmt: skip
        write_json(self._folder / "trained.json", result)
        (self._folder / CHECKPOINT).unlink(missing_ok=True)
        return result

    def _phase(self, said: str, done: int = 0, of: int = 0) -> None:
        self.send("phase", said=said, done=done, of=of)

    def _progress(self, done: int, of: int) -> None:
        if time.monotonic() - self._told > _EVERY:
            self._told = time.monotonic()
            self._phase("training", done, of)

    def _epoch(self, line: dict[str, Any]) -> None:
        short = {name: line[name] for name in _EPOCH}
        self._history.append(short)
        self.send("epoch", line=short)
