"""The lines room's routes: sheets of lines, typed or dropped, and how each of them is read."""

import contextlib
import hashlib
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from chainrule.errors import ChainruleError, InputError
from chainrule.io.checks import flag, one_of, seed_number
from chainrule.lab.jobs.answering import Answering
from chainrule.lab.jobs.frames import packed
from chainrule.lab.jobs.store import Kept, Record
from chainrule.lab.rooms import lines_read_worker
from chainrule.lab.rooms.albums import Albums, checked_name
from chainrule.lab.rooms.lines_sheet import (
    FONTS,
    TRUTH,
    checked_text,
    described,
    is_font,
    lines_of,
    new_settings,
    truth_for,
)
from chainrule.lab.rooms.lines_take import NAMES, commands, taken
from chainrule.lab.rooms.lines_training import ReaderTrainings
from chainrule.lab.server.app import Lab
from chainrule.lab.server.bodies import document, whole
from chainrule.lab.server.guard import refused

_MOST_ROWS = 200  # lines that are told of at once
_LOOKS = ("plain", "print", "screen", "scene", "plate", "display", "counter")
_SAMPLES = (  # text, font, look, seed
    ("modern burn, clean corner", "lato", "plain", 0),
    ("The bill is 21.40 in all", "playfair-display", "print", 2),
    ("Room 214, modern burn", "lato", "screen", 2),
)


class LinesRoom:
    """Sheets of lines; one worker reads them, another one trains on them."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._sheets = Albums(
            lab, "lines", "a sheet", new_settings(), {"what": "lines of text", "done": ""}
        )
        self._reading = Answering(lines_read_worker.main, self._phase)
        self._trainings = ReaderTrainings(lab, self._sheets)
        self._revision = 0

    def routes(self) -> list[BaseRoute]:
        """Its part of the addresses."""
        sheet = "/api/lines/sheets/{sheet}"
        line = f"{sheet}/lines/{{number}}"
        return [
            Route("/api/lines/fonts", self._fonts),
            Route("/api/lines/sheets", self._make, methods=["POST"]),
            Route(sheet, self._show),
            Route(f"{sheet}/typed", self._type, methods=["POST"]),
            Route(f"{sheet}/lines", self._take, methods=["POST"]),
            Route(f"{sheet}/lines", self._rows),
            Route(line, self._correct, methods=["POST"]),
            Route(line, self._remove, methods=["DELETE"]),
            Route(f"{line}/small", self._small),
            Route(f"{line}/trace", self._trace),
            Route(f"{line}/beam", self._beam),
            Route(f"{sheet}/reader", self._choose, methods=["POST"]),
            Route(f"{sheet}/take/{{name}}", self._away),
            *self._trainings.routes(),
        ]

    @property
    def reading_pid(self) -> int | None:
        """The number of the process that reads, if there is one."""
        return self._reading.pid

    def start(self) -> None:
        """Nothing is ready before it is asked for: the readers take memory."""

    def stop(self) -> None:
        """End the processes."""
        self._reading.stop()
        self._trainings.stop()

    def forget(self, run: str) -> None:
        """End a sheet's training, and remove its files."""
        self._trainings.forget(run)
        self._sheets.forget(run)

    def _phase(self, owner: str, said: str) -> None:
        self._revision += 1
        signal = {"run": "reading", "room": "lines", "revision": self._revision, "phase": said}
        self._lab.hub.say(owner, "reading", signal)

    # sheets

    async def _make(self, request: Request) -> Response:
        owner, asked = request.scope["session"], await document(request)
        what = one_of("with", asked.get("with", "nothing"), ("nothing", "sample", "newest"))
        sheets = self._lab.store.listed(owner, "lines", 1)
        if what == "newest" and sheets:
            return JSONResponse({"id": sheets[0].id})
        if self._lab.store.count(owner) >= self._lab.quotas.runs:
            return refused(429, f"{self._lab.quotas.runs:,} runs are kept; remove some of them")
        sheet = self._sheets.make(owner)
        if what != "nothing":
            for sample in _SAMPLES:
                await self._draw(sheet, *sample)
        return JSONResponse({"id": sheet.id}, 201)

    async def _show(self, request: Request) -> Response:
        sheet = self._found(request)
        files = self._lab.store.files(sheet.id)
        lines, quotas = lines_of(files), self._lab.quotas
        return JSONResponse(
            {"id": sheet.id, "lines": len(lines), "settings": sheet.settings,
             "labelled": sum("truth" in kept.seen for kept in lines),
             "fonts": [described(kept) for kept in files if is_font(kept)],
             "quotas": {"picture": quotas.picture, "epochs": quotas.epochs},
             "commands": commands(sheet), **self._trainings.described(sheet)}
        )  # fmt: skip

    def _found(self, request: Request) -> Record:
        return self._sheets.found(request.path_params["sheet"], request.scope["session"])

    async def _choose(self, request: Request) -> Response:
        """Which reader reads, and whether with the dictionary."""
        sheet, asked = self._found(request), await document(request)
        known = ("package", "fast", "large", "yours")
        reader = one_of("reader", asked.get("reader", "package"), known)
        if reader == "yours" and not self._trainings.model(sheet).exists():
            raise InputError("this sheet has no reader of its own; expected it to be trained")
        chosen = {"reader": reader, "words": flag("words", asked.get("words", True))}
        self._lab.store.change(sheet.id, settings={**sheet.settings, **chosen})
        return JSONResponse({})

    # lines

    async def _fonts(self, request: Request) -> Response:
        found, _ = await self._reading.ask(request.scope["session"], "fonts")
        return JSONResponse({"fonts": found["fonts"], "looks": _LOOKS})

    async def _type(self, request: Request) -> Response:
        sheet, asked = self._found(request), await document(request)
        text = checked_text(asked.get("text"))
        look = one_of("look", asked.get("look", "plain"), _LOOKS)
        font, seed = asked.get("font", "lato"), seed_number(asked.get("seed", 0))
        if not isinstance(font, str):
            raise InputError(f"font: found {font!r}; expected a font's name")
        refusal = self._sheets.refusal(sheet.owner, 0)
        if refusal:
            return refused(429, refusal)
        return JSONResponse(described(await self._draw(sheet, text, font, look, seed)), 201)

    async def _draw(self, sheet: Record, text: str, font: str, look: str, seed: int) -> Kept:
        files = self._lab.store.files(sheet.id)
        own = next((kept for kept in files if is_font(kept) and kept.name == font), None)
        path = None if own is None else self._font(sheet, own)
        _, content = await self._reading.ask(
            sheet.owner, "draw", text=text, font=font, path=path, look=look, seed=seed
        )
        kind = font if look == "plain" else f"{font}, {look}"
        seen = {"truth": " ".join(text.split()), "typed": kind}
        written = self._sheets.new_file(sheet.id)
        with self._sheets.keeping("the line"):
            try:
                await run_in_threadpool(written.write_bytes, content)
                files = self._lab.store.files(sheet.id)  # another may have been drawn meanwhile
                count = 1 + max((kept.number for kept in files), default=0)
                return self._sheets.keep(sheet, f"typed {count}.png", written, len(content), seen)
            finally:
                with contextlib.suppress(OSError):
                    written.unlink(missing_ok=True)

    def _font(self, sheet: Record, kept: Kept) -> str:
        return str(self._sheets.picture(sheet.id, kept.number))

    async def _take(self, request: Request) -> Response:
        """A picture's, a font's or a text's bytes, as they are; its name is in the address."""
        sheet = self._found(request)
        name = checked_name(request.query_params.get("name", ""))
        refusal = self._sheets.refusal(sheet.owner, int(request.headers.get("content-length", 0)))
        if refusal:
            return refused(429, refusal)
        async with self._sheets.arriving(request, sheet, name) as (written, size):
            if name.endswith(TRUTH):
                return JSONResponse(self._label(sheet, name, written), 201)
            if Path(name).suffix.lower() in FONTS:
                kept = self._sheets.keep(sheet, name, written, size, {"kind": "font"})
            else:
                taken = self._sheets.take(sheet, name, written, size)
                if taken is None:
                    return JSONResponse({}, 201)
                kept = taken
        self._label_waiting(sheet, kept)
        return JSONResponse(described(kept), 201)

    def _label(self, sheet: Record, name: str, written: Path) -> dict[str, Any]:
        """A text beside pictures: the truth of the one that it is named after, also a later one."""
        try:
            text = checked_text(written.read_text("utf-8-sig").strip("\r\n"))
        except (ChainruleError, UnicodeDecodeError) as error:
            return {"name": name, "reason": f"its text cannot be used ({error})"}
        files = self._lab.store.files(sheet.id)
        kept = truth_for(name, lines_of(files))
        if kept is None:
            self._sheets.keep(sheet, name, written, 0, {"kind": "truth", "text": text})
        else:
            self._see(sheet, kept, truth=text)
        return {"name": name}

    def _label_waiting(self, sheet: Record, kept: Kept) -> None:
        """A picture's text may have come before it."""
        stem = kept.name.rpartition(".")[0]
        number = self._lab.store.file_named(sheet.id, stem + TRUTH)
        for text in self._lab.store.files(sheet.id):
            if text.number == number:
                self._see(sheet, kept, truth=text.seen["text"])
                self._sheets.drop(sheet.id, text.number)

    def _see(self, sheet: Record, kept: Kept, **values: Any) -> Kept:
        seen = self._lab.store.see_file(sheet.id, kept.number, values)
        return Kept(kept.number, kept.name, kept.bytes, seen)

    async def _rows(self, request: Request) -> Response:
        """A part of the lines, the newest first, each read; and all files that are none."""
        sheet = self._found(request)
        lines = lines_of(self._lab.store.files(sheet.id))
        fit = [kept for kept in lines if "reason" not in kept.seen]
        first, count = whole(request, "first", 0), min(whole(request, "count", 48), _MOST_ROWS)
        looked = [await self._looked_at(sheet, k) for k in fit[::-1][first : first + count]]
        read = await self._read(sheet, [kept for kept in looked if "reason" not in kept.seen])
        broken = [kept for kept in (*lines, *looked) if "reason" in kept.seen]
        return JSONResponse(
            {"lines": [described(kept) for kept in read], "of": len(fit),
             "broken": [described(kept) for kept in broken]}
        )  # fmt: skip

    async def _looked_at(self, sheet: Record, kept: Kept) -> Kept:
        """The line with its picture's size, or the reason why it is none."""
        small = self._sheets.small(sheet.id, kept.number)
        if "reason" in kept.seen or ("width" in kept.seen and small.exists()):
            return kept
        try:
            seen, _ = await self._reading.ask(
                sheet.owner, "look", **self._place(sheet, kept), small=str(small),
                pixels=self._lab.quotas.pixels,
            )  # fmt: skip
        except ChainruleError as error:
            seen = {"reason": str(error)}
        return self._see(sheet, kept, **seen)

    async def _read(self, sheet: Record, lines: list[Kept]) -> list[Kept]:
        """The lines with what the chosen reader reads in them."""
        model, words = self._reader(sheet)
        by = self._reader_key(model, words)
        unread = [kept for kept in lines if kept.seen.get("read", {}).get("by") != by]
        found: dict[int, Kept] = {kept.number: kept for kept in lines}
        if unread:
            answer, _ = await self._reading.ask(
                sheet.owner, "read", model=model, words=words,
                places=[self._place(sheet, kept) for kept in unread],
            )  # fmt: skip
            for kept, line in zip(unread, answer["lines"], strict=True):
                read = {"by": by, **{key: line[key] for key in ("text", "confidence", "reason")}}
                found[kept.number] = self._see(sheet, kept, read=read)
        return [found[kept.number] for kept in lines]

    def _reader(self, sheet: Record) -> tuple[str, bool]:
        """What the worker takes: a reader's name or file, and whether with the dictionary."""
        name = sheet.settings["reader"]
        model = str(self._trainings.model(sheet)) if name == "yours" else name
        return model, sheet.settings["words"]

    @staticmethod
    def _reader_key(model: str, words: bool) -> str:
        """What tells one reader from another."""
        made = Path(model).stat().st_mtime_ns if model.endswith(".safetensors") else 0
        return hashlib.sha256(f"{model} {words} {made}".encode()).hexdigest()[:16]

    def _place(self, sheet: Record, kept: Kept) -> dict[str, str]:
        return {"path": str(self._sheets.picture(sheet.id, kept.number)), "name": kept.name}

    def _line(self, request: Request) -> tuple[Record, Kept]:
        sheet, number = self._found(request), request.path_params["number"]
        for kept in lines_of(self._lab.store.files(sheet.id)):
            if str(kept.number) == number:
                return sheet, kept
        raise InputError("there is no such line; it may have been removed")

    async def _fit(self, request: Request) -> tuple[Record, Kept]:
        """A line's picture that was found to be one. Raises InputError with the reason if not."""
        sheet, kept = self._line(request)
        kept = await self._looked_at(sheet, kept)
        if "reason" in kept.seen:
            raise InputError(kept.seen["reason"])
        return sheet, kept

    async def _correct(self, request: Request) -> Response:
        """What a line says; nothing takes that away."""
        asked = await document(request)
        text = asked.get("text", "")
        truth = None if text == "" else checked_text(text)
        sheet, kept = self._line(request)
        return JSONResponse(described(self._see(sheet, kept, truth=truth)))

    async def _remove(self, request: Request) -> Response:
        sheet, number = self._found(request), request.path_params["number"]
        for kept in self._lab.store.files(sheet.id):  # a font, too
            if str(kept.number) == number:
                self._sheets.drop(sheet.id, kept.number)
                return JSONResponse({})
        raise InputError("there is no such line; it may have been removed")

    async def _small(self, request: Request) -> Response:
        sheet, kept = await self._fit(request)
        content = self._sheets.small_content(sheet.id, kept.number)
        return Response(content, media_type="image/jpeg", headers={"cache-control": "no-store"})

    async def _trace(self, request: Request) -> Response:
        """A line of JSON that tells how it was read, then the crops and the probabilities."""
        sheet, kept = await self._fit(request)
        model, words = self._reader(sheet)
        found, content = await self._reading.ask(
            sheet.owner, "trace", **self._place(sheet, kept), model=model, words=words
        )
        return Response(
            packed(found, content),
            media_type="application/octet-stream",
            headers={"cache-control": "no-store"},
        )

    async def _beam(self, request: Request) -> Response:
        sheet, kept = await self._fit(request)
        model, words = self._reader(sheet)
        place = {name: whole(request, name) for name in ("reader", "line", "frame")}
        found, _ = await self._reading.ask(
            sheet.owner, "beam", **self._place(sheet, kept), model=model, words=words, **place
        )
        return JSONResponse(found)

    async def _away(self, request: Request) -> Response:
        sheet = self._found(request)
        name = one_of("file", request.path_params["name"], NAMES)
        lines = [k for k in lines_of(self._lab.store.files(sheet.id)) if "reason" not in k.seen]
        read: dict[str, Any] = {}
        if name == "read.json":
            model, words = self._reader(sheet)
            read, _ = await self._reading.ask(
                sheet.owner, "read", model=model, words=words,
                places=[self._place(sheet, kept) for kept in lines],
            )  # fmt: skip
        content = await run_in_threadpool(taken, name, self._sheets, sheet, lines, read)
        return Response(
            content,
            media_type="application/octet-stream",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )
