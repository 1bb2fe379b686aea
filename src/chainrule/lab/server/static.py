"""The files of the page: read once, under a path that holds their common hash.

Their types are from a table of our own, since what the system says of .js can be wrong.
"""

import base64
import hashlib
import json
from functools import cached_property
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from chainrule.lab.server.guard import refused

PAGE = Path(__file__).parents[1] / "page"
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_MODULES = {
    "preact": "vendor/preact.js",
    "preact/hooks": "vendor/hooks.js",
    "htm": "vendor/htm.js",
    "uplot": "vendor/uplot.js",
}


class Static:
    """What the browser gets: `index`, which is never kept, and files that are kept for ever."""

    def __init__(self, folder: Path = PAGE) -> None:
        paths = (path for path in sorted(folder.rglob("*")) if path.suffix in TYPES)
        self._files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        self._index = (folder / "index.html").read_text("utf-8")

    @cached_property
    def hash(self) -> str:
        """Of all files together: a page never meets a file of another version."""
        digest = hashlib.sha256(self._index.encode())
        for name, content in self._files.items():
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()[:16]

    @cached_property
    def _map(self) -> str:
        return json.dumps({"imports": {name: self.url(file) for name, file in _MODULES.items()}})

    @property
    def policy(self) -> str:
        """The Content-Security-Policy: nothing from elsewhere, no code but the files'."""
        digest = base64.b64encode(hashlib.sha256(self._map.encode()).digest()).decode()
        return (
            f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self'; "
            "img-src 'self' blob: data:; connect-src 'self'; font-src 'self'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )

    def url(self, name: str) -> str:
        """Where a file of the page is."""
        return f"/static/{self.hash}/{name}"

    def index(self, version: str) -> HTMLResponse:
        """The page itself."""
        text = self._index.replace("{static}", self.url("").rstrip("/"))
        text = text.replace("{imports}", self._map).replace("{version}", version)
        return HTMLResponse(text, headers={"cache-control": "no-store"})

    async def file(self, request: Request) -> Response:
        """A file of the page; no path of the disk is ever made of what was asked."""
        name, found = request.path_params["name"], request.path_params["hash"]
        if found != self.hash or name not in self._files:
            return refused(404, "the page has no such file; load the page again")
        return Response(
            self._files[name],
            media_type=TYPES[Path(name).suffix],
            headers={"cache-control": "public, max-age=31536000, immutable"},
        )
