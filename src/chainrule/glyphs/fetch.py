"""Getting the packages that hold fonts, with npm."""

import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from chainrule.errors import FileError
from chainrule.glyphs.manifest import NAME, PinnedFont, check_bytes, write_manifest
from chainrule.io.files import make_folder, written_whole
from chainrule.io.progress import Progress
from chainrule.io.temporary import temporary_folder


@dataclass(frozen=True)
class Fetched:
    """What a fetch did: how many packages and files it got, and how many files were there."""

    packages: int
    files: int
    kept: int


def fetch(
    fonts: Sequence[PinnedFont],
    folder: str | os.PathLike[str],
    *,
    jobs: int = 3,
    progress: Progress | None = None,
) -> Fetched:
    """Get the files of a manifest into `folder`/FAMILY/FILE, and the manifest beside them.

    A file that is there with the pinned SHA-256 is kept and its package not asked for, so a fetch
    that was stopped goes on where it was. Each other package comes by `npm pack`, `jobs` at once.

    Raises FileError if npm isn't there or refuses, or if a file isn't the pinned one; what was
    fetched until then is kept.
    """
    folder = make_folder(folder)
    packages = [
        list(group) for _, group in groupby(fonts, lambda font: (font.package, font.version))
    ]
    missing = [[font for font in group if not _is_there(folder, font)] for group in packages]
    wanted = [group for group in missing if group]
    done, files = 0, 0
    with ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(_fetch_package, group, folder) for group in wanted]
        try:
            for future in as_completed(running):
                files += future.result()
                done += 1
                if progress:
                    progress(done, len(wanted))
        finally:
            pool.shutdown(cancel_futures=True)
    write_manifest(folder / NAME, fonts)
    return Fetched(len(wanted), files, len(fonts) - files)


def pack(specification: str) -> bytes:
    """Give the bytes of the package `specification` ("@fontsource/lato@5.2.7") as npm packs it.

    Raises FileError with npm's reason.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise FileError("npm is not there; expected the npm command, which gets the font packages")
    with temporary_folder() as place:
        result = subprocess.run(
            [
                npm,
                "pack",
                specification,
                "--loglevel=error",
                "--ignore-scripts",
                "--pack-destination",
                str(place),
            ],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        packed = list(place.glob("*.tgz"))
        if result.returncode or len(packed) != 1:
            reason = _reason(result.stderr) or f"it ended with {result.returncode}"
            raise FileError(f"npm cannot pack {specification}: {reason}")
        return packed[0].read_bytes()


_UNREACHABLE = "the registry cannot be reached"
_DAMAGED = "what the registry answered is damaged"
_MEANINGS = {
    "code E404": "the registry has no such package",
    "code ETARGET": "the registry has no such version",
    "code EINTEGRITY": _DAMAGED,
    "invalid json": _DAMAGED,
    "code ENOTFOUND": _UNREACHABLE,
    "code EAI_AGAIN": _UNREACHABLE,
    "code ECONN": _UNREACHABLE,
    "code ETIMEDOUT": _UNREACHABLE,
    "timeout": _UNREACHABLE,
}


def _reason(said: str) -> str:
    """Why npm failed: what its code means, and the first line in which it says something."""
    meaning = next((_MEANINGS[words] for words in _MEANINGS if words.lower() in said.lower()), "")
    lines = (re.sub(r"^npm (error|ERR!) ?", "", line).strip() for line in said.splitlines())
    plain = re.compile(r"(?!(code|errno|syscall|path) )\w+\W* \w")
    line = next((line for line in lines if plain.match(line)), "")
    return f"{meaning} ({line})" if meaning and line else meaning or line


def read_members(package: bytes, names: Iterable[str] | None = None) -> dict[str, bytes]:
    """The files of a packed package by their path in it; only `names`, if given.

    Raises FileError if the archive is broken or lacks one of `names`.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(package)) as archive:
            members = {
                member.name.removeprefix("package/"): member
                for member in archive.getmembers()
                if member.isfile()
            }
            found = {}
            for name in members if names is None else names:
                if name not in members:
                    raise FileError(f"the package holds no {name}")
                content = archive.extractfile(members[name])
                assert content is not None
                found[name] = content.read()
            return found
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"the package's archive is broken ({error})") from error


def _is_there(folder: Path, font: PinnedFont) -> bool:
    path = folder / font.family / font.file
    try:
        check_bytes(path, path.read_bytes(), font)
    except OSError:
        return False
    return True


def _fetch_package(fonts: Sequence[PinnedFont], folder: Path) -> int:
    package = f"{fonts[0].package}@{fonts[0].version}"
    try:
        members = read_members(pack(package), [f"files/{font.file}" for font in fonts])
    except FileError as error:
        raise FileError(str(error).replace("the package", package, 1)) from error
    for font in fonts:
        data = members[f"files/{font.file}"]
        target = make_folder(folder / font.family) / font.file
        check_bytes(target, data, font)
        with written_whole(target) as temporary:
            temporary.write_bytes(data)
    return len(fonts)
