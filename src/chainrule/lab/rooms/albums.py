"""What a room keeps of what it is given: albums of files, which lie under their numbers."""

import contextlib
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request

from chainrule.errors import FileError, InputError
from chainrule.images.listing import is_clutter
from chainrule.io.decoding import picture_suffixes, why_not_read
from chainrule.io.names import shown
from chainrule.lab.jobs.leftovers import ARRIVING
from chainrule.lab.jobs.store import Kept, Record
from chainrule.lab.server.app import Lab
from chainrule.lab.server.bodies import body_to

_LONGEST = 1_000  # characters of a name
_SVG = "an SVG, a drawing that may hold programs; expected a photograph"


@dataclass(frozen=True)
class Written:
    """A file that was written and is not kept yet; seen: what is known of it."""

    name: str
    path: Path
    size: int
    seen: dict[str, Any] = field(default_factory=dict)


class Albums:
    """Albums of one room by their names, each a run of the store with a folder of its own.

    called: what one is called, with its article. settings: of a new one; result: as `Record` has
    it.
    """

    def __init__(
        self,
        lab: Lab,
        room: str,
        called: str,
        settings: dict[str, Any],
        result: dict[str, Any] | None = None,
    ) -> None:
        self._lab, self._room, self._called = lab, room, called
        self._kind = called.rsplit(maxsplit=1)[-1]
        self._settings, self._result = settings, result or {}

    def make(self, owner: str) -> Record:
        """A new one, empty."""
        now = time.time()
        album = Record(
            secrets.token_hex(8), owner, self._room, self._kind, self._settings, "open", "", 0,
            self._result, now, now,
        )  # fmt: skip
        for part in ("pictures", "small"):
            (self.folder(album.id) / part).mkdir(parents=True, exist_ok=True)
        self._lab.store.add(album)
        return album

    def found(self, name: str, owner: str) -> Record:
        """The album of this owner. Raises InputError."""
        album = self._lab.store.get(name, owner) if re.fullmatch("[0-9a-f]{16}", name) else None
        if album is None or album.room != self._room:
            raise InputError(f"there is no such {self._kind}; it may have been removed")
        return album

    def folder(self, album: str) -> Path:
        """Where an album lies."""
        return self._lab.settings.folder / self._room / album

    def picture(self, album: str, number: int) -> Path:
        """Where a picture of it lies."""
        return self.folder(album) / "pictures" / str(number)

    def small(self, album: str, number: int) -> Path:
        """Where the small copy of a picture lies, once somebody has looked at it."""
        return self.folder(album) / "small" / f"{number}.jpg"

    def small_content(self, album: str, number: int) -> bytes:
        """The small copy of a picture. Raises FileError if none could be written."""
        try:
            return self.small(album, number).read_bytes()
        except OSError as error:
            raise FileError(
                f"no small copy of this picture could be written; is the disk full? Remove "
                f"{self._called} under Runs"
            ) from error

    def forget(self, album: str) -> None:
        """Remove an album's files."""
        shutil.rmtree(self.folder(album), ignore_errors=True)

    def take(self, album: Record, name: str, written: Path, size: int) -> Kept | None:
        """Keep a picture that was written, under its number; None for a system's clutter.

        One of the same name is replaced. What is no picture by its name is noted with the reason,
        and not kept.
        """
        return self.take_all(album, [Written(name, written, size)])[0]

    def take_all(self, album: Record, files: Sequence["Written"]) -> list[Kept | None]:
        """As `take`, all of them or none."""
        wanted = {i for i, file in enumerate(files) if not is_clutter(file.name.rpartition("/")[2])}
        for i, file in enumerate(files):
            if i not in wanted:
                file.path.unlink()
            elif reason := _why_not(file.name, file.path):
                file.seen["reason"] = reason
        kept = iter(self._keep_all(album, [files[i] for i in sorted(wanted)]))
        return [next(kept) if i in wanted else None for i in range(len(files))]

    def keep(
        self, album: Record, name: str, written: Path, size: int, seen: dict[str, Any]
    ) -> Kept:
        """Keep a file that was written, whatever it is; none of it if `seen` has a reason."""
        return self._keep_all(album, [Written(name, written, size, seen)])[0]

    def _keep_all(self, album: Record, files: Sequence["Written"]) -> list[Kept]:
        rows = [(f.name, 0 if "reason" in f.seen else f.size, f.seen) for f in files]

        def place(numbers: list[int]) -> None:
            for file, number in zip(files, numbers, strict=True):
                if "reason" not in file.seen:
                    file.path.replace(self.picture(album.id, number))

        numbers, replaced = self._lab.store.add_files(album.id, rows, place)
        for number in replaced:
            self._remove(album.id, number)
        for file in files:
            file.path.unlink(missing_ok=True)
        return [Kept(n, f.name, f.size, f.seen) for n, f in zip(numbers, files, strict=True)]

    @contextlib.asynccontextmanager
    async def arriving(
        self, request: Request, album: Record, name: str
    ) -> AsyncIterator[tuple[Path, int]]:
        """The body of a request as a file, and its bytes; whoever keeps it moves it.

        Raises InputError if it is too long, FileError where the disk is full.
        """
        written = self.new_file(album.id)
        with self.keeping(name):
            try:
                yield written, await body_to(request, written, self._lab.quotas.picture)
            finally:
                with contextlib.suppress(OSError):
                    written.unlink(missing_ok=True)

    @contextlib.contextmanager
    def keeping(self, what: str) -> Iterator[None]:
        """Where files are written: raises FileError where the disk is full."""
        try:
            yield
        except OSError as error:
            raise FileError(
                f"{what} cannot be kept: {error.strerror or error}; remove {self._called} under "
                "Runs"
            ) from error

    def new_file(self, album: str) -> Path:
        """Where a file can be written before it is kept."""
        return self.folder(album) / f"{ARRIVING}{secrets.token_hex(8)}"

    def drop(self, album: str, number: int) -> None:
        """Forget a picture."""
        self._lab.store.drop_file(album, number)
        self._remove(album, number)

    def _remove(self, album: str, number: int) -> None:
        self.picture(album, number).unlink(missing_ok=True)
        self.small(album, number).unlink(missing_ok=True)

    def refusal(self, owner: str, size: int) -> str:
        """Why another picture of so many bytes is too much, or nothing."""
        return self.too_much(*self.used(owner), size)

    def used(self, owner: str) -> tuple[int, int]:
        """How many pictures an owner has, and their bytes."""
        return self._lab.store.used(owner)

    def too_much(self, count: int, used: int, size: int) -> str:
        """As `refusal`, beside so many pictures of so many bytes."""
        quotas = self._lab.quotas
        if count >= quotas.pictures:
            return (
                f"{count:,} pictures are kept, as many as a session may have; remove "
                f"{self._called} under Runs"
            )
        if used + size > quotas.disk:
            return (
                f"the pictures that are kept take {used:,} bytes, and this one {size:,} more; "
                f"expected at most {quotas.disk:,}: remove {self._called} under Runs"
            )
        return ""


def checked_name(text: str) -> str:
    """The name that a picture was given, its folders by "/". Raises InputError."""
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts or len(text) > _LONGEST or "\0" in text:
        raise InputError(
            f"name: found {shown(text[:100])!r}; expected a file's name, at most {_LONGEST:,} "
            "characters, with the folders that it lies in"
        )
    return "/".join(parts)


def _why_not(name: str, written: Path) -> str:
    suffix = Path(name).suffix.lower()
    with written.open("rb") as file:
        start = file.read(1024)
    if suffix in (".svg", ".svgz") or b"<svg" in start.lower():
        return _SVG
    if not start:
        return "empty; expected a picture"
    return "" if suffix in picture_suffixes() else why_not_read(suffix)
