"""Files from the network: resumed, checked, whole or not at all."""

import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path

from chainrule.errors import FileError, InputError
from chainrule.io.files import make_folder
from chainrule.io.names import shown
from chainrule.io.progress import Progress

_BLOCK = 1 << 20


def download(
    url: str,
    path: Path,
    *,
    sha256: str | None = None,
    md5: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Fetch `url` into `path`; what an earlier try left in `path`.part is gone on with.

    `sha256` and `md5` are checksums in hexadecimal digits, or their beginnings. A `path` that is
    there already is taken as it is: it was checked when it came.

    Raises InputError for an address that is neither http:// nor https://, FileError if the server
    cannot be reached, does not have the file, or sends another one.
    """
    if path.exists():
        return path
    if not url.startswith(("http://", "https://")):
        raise InputError(f"address {shown(url)}: expected one that begins with http:// or https://")
    make_folder(path.parent)
    part = path.with_name(path.name + ".part")
    try:
        _fetch(url, part, progress)
    except urllib.error.HTTPError as error:
        raise FileError(f"{url} answers {error.code} {error.reason}; expected the file") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise FileError(
            f"{url} cannot be fetched ({reason}); expected a network connection: try again, what "
            "has come is kept"
        ) from error
    for kind, expected in (("sha256", sha256), ("md5", md5)):
        if expected is not None and not (found := file_checksum(part, kind)).startswith(expected):
            part.unlink()
            raise FileError(
                f"{url} has the {kind.upper()} checksum {found[:16]}...; expected "
                f"{expected[:16]}...: the file was damaged on its way or is another one"
            )
    part.replace(path)
    return path


def _fetch(url: str, part: Path, progress: Progress | None) -> None:
    there = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={there}-"} if there else {})
    try:
        response = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not there:
            raise
        # the part is not the beginning of this file (or all of it): begin again
        part.unlink()
        _fetch(url, part, progress)
        return
    with response:
        resumed = response.status == 206
        done = there if resumed else 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else 0
        with part.open("ab" if resumed else "wb") as file:
            while block := response.read(_BLOCK):
                file.write(block)
                done += len(block)
                if progress is not None and total:
                    progress(done, total)
    if total and done != total:
        raise OSError(f"{done:,} of {total:,} bytes came")


def file_checksum(path: Path, kind: str = "sha256") -> str:
    """The file's checksum in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()
