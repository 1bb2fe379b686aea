"""The worker that reads lines, draws typed ones, and tells how a line was read.

It reads as `chainrule reader read` does; what it tells is `chainrule.reader.trace`.
"""

import io
from collections import OrderedDict
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from chainrule.errors import ChainruleError, InputError
from chainrule.io.checks import whole_number
from chainrule.io.pictures import read_bytes
from chainrule.lab.jobs.answering import answer_all, say_phase
from chainrule.lab.rooms.small_copies import small_copy

if TYPE_CHECKING:
    from chainrule.glyphs.lines import LineFont
    from chainrule.reader.reader import Reader
    from chainrule.reader.trace import ReaderTrace, Trace, TracedLine

Found = tuple[dict[str, Any], bytes]

_SMALL = 1600  # pixels of a small copy's longer side
_MOST_READERS = 4  # that are held ready
_MOST_TRACES = 8
_SHIPPED = ("package", "fast", "large")


def main(pipe: Connection) -> None:
    """Answer what comes through the pipe, until the process is ended."""
    answer_all(pipe, _Reading(pipe))


class _Reading:
    """The questions, each a method; it answers with JSON values and bytes."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._readers: OrderedDict[Any, Reader] = OrderedDict()
        self._traces: OrderedDict[Any, Trace] = OrderedDict()

    def fonts(self) -> Found:
        """The names of the package's fonts."""
        return {"fonts": list(self._fonts)}, b""

    def draw(self, text: str, font: str, path: str | None, look: str, seed: int) -> Found:
        """A typed line as a PNG: in a font of the package or that of a file, plain or in a look."""
        from chainrule.glyphs.fonts import open_font
        from chainrule.glyphs.lines import line_font, render_line
        from chainrule.glyphs.looks import draw_look

        if path is not None:
            own = open_font(path)
            characters = "".join(sorted(set(text) & own.characters))
            if not characters.strip():
                raise InputError(f"the font {font} draws none of the text's characters")
            drawn = line_font(own, characters)
        elif font in self._fonts:
            drawn = self._fonts[font]
        else:
            raise InputError(f"font: found {font!r}; expected one of the list")
        if look == "plain":
            values = render_line(drawn, text).image
        else:
            values = draw_look(look, np.random.default_rng(seed), [drawn], text)
        stream = io.BytesIO()
        Image.fromarray(values).save(stream, "PNG")
        return {}, stream.getvalue()

    def look(self, path: str, name: str, small: str, pixels: int) -> Found:
        """Write the small copy; its size upright, or the reason why it is no picture."""
        return small_copy(path, name, small, pixels, _SMALL), b""

    def read(self, places: list[dict[str, str]], model: str, words: bool) -> Found:
        """What is read in several pictures, as `reader read --json` has it."""
        from chainrule.reader.described import described

        lines = self._reader(model, words).read([Path(place["path"]) for place in places])
        found = [described(place["name"], line) for place, line in zip(places, lines, strict=True)]
        for place, one in zip(places, found, strict=True):
            if one["reason"]:
                one["reason"] = one["reason"].replace(place["path"], place["name"])
        return {"lines": found}, b""

    def trace(self, path: str, name: str, model: str, words: bool) -> Found:
        """How a picture was read; the content has each line's crop (bytes) and the probabilities
        (float32) of its classes at its frames, of each reader in turn."""
        from chainrule.reader.cascade import decided_by
        from chainrule.reader.confidence import SURE

        found = self._trace(path, name, model, words)
        parts = []
        for line in (line for one in found.readers for line in one.lines):
            ink = np.rint(255 * line.crop.values.clip(0, 1)).astype(np.uint8)
            parts += [ink.tobytes(), np.exp(line.log_p).astype(np.float32).tobytes()]
        names = self._names(model)
        lines = [one.line for one in found.readers]
        height, width = found.picture.shape
        return {
            "width": width, "height": height, "kept": found.kept, "sure": SURE, "words": words,
            "is_cascade": len(names) > 1, "doubt": found.doubt,
            "decided": decided_by(*lines) if len(lines) > 1 else None,
            "readers": [
                _reader_document(name, one)
                for name, one in zip(names, found.readers, strict=False)
            ],
        }, b"".join(parts)  # fmt: skip

    def beam(
        self, path: str, name: str, model: str, words: bool, reader: int, line: int, frame: int
    ) -> Found:
        """The texts that the search keeps after a frame."""
        from chainrule.reader.trace import beam

        found = self._trace(path, name, model, words)
        one = found.readers[whole_number("reader", reader, 0, len(found.readers) - 1)]
        if not one.lines:
            raise InputError("no line is found in this picture; expected one with text")
        own = one.lines[whole_number("line", line, 0, len(one.lines) - 1)]
        whole_number("frame", frame, 0, own.log_p.shape[1] - 1)
        return {
            "kept": [
                {"text": text, "seen": prefix.log_probability, "score": prefix.score}
                for text, prefix in beam(one.reader, own, frame)
            ]
        }, b""

    def _trace(self, path: str, name: str, model: str, words: bool) -> "Trace":
        from chainrule.reader.trace import trace

        key = path, self._key(model), words
        if key not in self._traces:
            content = read_bytes(Path(path))
            try:
                self._traces[key] = trace(self._reader(model, words), content)
            except ChainruleError as error:
                raise InputError(str(error).replace(path, name)) from error
            while len(self._traces) > _MOST_TRACES:
                self._traces.popitem(last=False)
        self._traces.move_to_end(key)
        return self._traces[key]

    @staticmethod
    def _names(model: str) -> list[str]:
        if model == "package":
            return ["fast", "large"]
        return [model if model in _SHIPPED else "yours"]

    @staticmethod
    def _key(model: str) -> Any:
        if model in _SHIPPED:
            return model
        try:
            return model, Path(model).stat().st_mtime_ns
        except OSError as error:
            raise InputError(
                "this sheet has no reader of its own; expected it to be trained"
            ) from error

    def _reader(self, model: str, words: bool) -> "Reader":
        """A reader that is ready: the first time kernels may have to be compiled."""
        key = self._key(model), words
        if key not in self._readers:
            say_phase(self._pipe, "loading the reader")
            import torch

            from chainrule.reader.front_door import load_reader

            torch.set_num_threads(1)  # one line at a time: threads would wait for a busy core
            reader = load_reader(
                None if model == "package" else model, words="english" if words else None
            )
            say_phase(self._pipe, "preparing the compiled kernels")
            line = np.full((32, 64), 255, np.uint8)
            line[8:24, 8:56:6] = 0
            reader.texts([line])
            self._readers[key] = reader
            while len(self._readers) > _MOST_READERS:
                self._readers.popitem(last=False)
            say_phase(self._pipe, "")
        self._readers.move_to_end(key)
        return self._readers[key]

    @cached_property
    def _fonts(self) -> "dict[str, LineFont]":
        """One style of each family of the package."""
        from chainrule.glyphs.lines import load_line_fonts

        found: dict[str, LineFont] = {}
        for font in load_line_fonts():
            if font.name.endswith("-normal") or font.family not in found:
                found.setdefault(font.family, font)
        return dict(sorted(found.items()))


def _reader_document(name: str, one: "ReaderTrace") -> dict[str, Any]:
    return {
        "name": name, "text": one.line.text, "confidence": one.line.confidence,
        "reason": one.line.reason, "field": one.field, "classes": ["", *one.reader.alphabet],
        "lines": [_line_document(line) for line in one.lines],
    }  # fmt: skip


def _line_document(line: "TracedLine") -> dict[str, Any]:
    return {
        "text": line.line.text, "confidence": line.line.confidence, "crops": line.crops,
        "spaces": line.spaces, "width": line.crop.values.shape[1], "frames": line.log_p.shape[1],
        "path": line.path,
        "characters": [
            {"character": c.character, "box": c.box, "frames": c.frames, "surest": c.surest,
             "best": c.best, "path": c.path}
            for c in line.characters
        ],
        "readings": [
            {"how": r.how, "text": r.text, "seen": r.seen, "words": r.words, "kept": r.kept}
            for r in line.readings
        ],
    }  # fmt: skip
