"""Who may ask the lab: the right Host, from a page of its own, with the token's cookie.

Every request passes here before any route sees it. Against other pages in the same browser: the
Host must be this machine's (a name that was rebound to it is refused), and the browser must say
that the request comes from a page of the lab (Sec-Fetch-Site, where it says none Origin). Against
other people: the cookie that only the token gives.
"""

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chainrule.errors import ChainruleError
from chainrule.lab.jobs.store import Store
from chainrule.lab.settings import LabSettings

SAFE_METHODS = ("GET", "HEAD")

_CLOSED = """<!doctype html><html lang="en"><meta charset="utf-8"><title>chainrule lab</title>
<main><h1>The lab is closed</h1><p>It opens with its token: follow the address that
<code>chainrule lab</code> printed when it was started, or give the token.</p>
<form method="get" action="/"><label>Token <input name="token" autocomplete="off"></label>
<button>Open</button></form></main></html>"""
_AGAIN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>chainrule lab</title>
<meta http-equiv="refresh" content="0"><p>Opening the lab.</p></html>"""


@dataclass
class Guard:
    """The middleware around the routes. policy: the Content-Security-Policy of every answer."""

    app: ASGIApp
    settings: LabSettings
    store: Store
    policy: str
    port: Callable[[], int]
    names: frozenset[str] = field(default_factory=lambda: frozenset({socket.gethostname()}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with `scope["session"]`."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = message["headers"]
                message["headers"] = [*own, *self._headers({name.lower() for name, _ in own})]
            await send(message)

        try:
            answer = self._refusal(Request(scope))
        except ChainruleError as error:  # a full disk takes no new session
            answer = refused(422, str(error))
        await (self.app if answer is None else answer)(scope, receive, sent)

    def _refusal(self, request: Request) -> Response | None:
        headers = request.headers
        if not self.is_our_host(headers.get("host", "")):
            return refused(421, "the address of this page is not the lab's")
        site = headers.get("sec-fetch-site")
        entering = request.url.path == "/" and request.method in SAFE_METHODS
        if not entering and not self._is_from_us(headers, request.method):
            return refused(403, "the request comes from another page")
        if entering and "token" in request.query_params:
            return self._let_in(request.query_params["token"], request)
        session = request.cookies.get(self.cookie)
        if session is None or not self.store.has_session(session, self.settings.secret_hash):
            if entering and site == "cross-site":
                return HTMLResponse(_AGAIN)  # the cookie is not sent from a link on another site
            if entering:
                return HTMLResponse(_CLOSED, 401)
            return refused(401, "the lab was started again, or never opened here: open its address")
        request.scope["session"] = session if self.settings.is_shared else ""
        return None

    @property
    def cookie(self) -> str:
        """The cookie's name: with the port, as cookies are shared between ports."""
        return f"chainrule-lab-{self.port()}"

    def is_our_host(self, host: str) -> bool:
        """Whether a Host header names this lab: another name may have been rebound to us."""
        name, _, port = host.rpartition(":")
        if port != str(self.port()):
            return False
        if name in ("127.0.0.1", "localhost", "[::1]"):
            return True
        if not self.settings.is_shared:
            return False
        # an address cannot be rebound; this machine's own name is no stranger's
        return name == self.settings.host or name in self.names or _is_address(name.strip("[]"))

    def _is_from_us(self, headers: Headers, method: str) -> bool:
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if origin is not None and not self._is_our_origin(origin, headers["host"]):
            return False
        if site is not None:
            return site in ("same-origin", "none")
        return origin is not None or method in SAFE_METHODS

    @staticmethod
    def _is_our_origin(origin: str, host: str) -> bool:
        parts = urlsplit(origin)
        return parts.scheme == "http" and parts.netloc == host

    def _let_in(self, token: str, request: Request) -> Response:
        if not hmac.compare_digest(token.encode(), self.settings.secret.encode()):
            return HTMLResponse(_CLOSED, 401)
        session = request.cookies.get(self.cookie)
        if session is None or not self.store.has_session(session, self.settings.secret_hash):
            session = secrets.token_urlsafe(24)
            self.store.add_session(session, self.settings.secret_hash)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self.cookie, session, httponly=True, samesite="strict", path="/")
        return answer

    def _headers(self, own: set[bytes]) -> list[tuple[bytes, bytes]]:
        """What every answer says; an answer may have a policy of its own, for a page of its own."""
        policy = b"content-security-policy"
        return [
            *([] if policy in own else [(policy, self.policy.encode())]),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]


def refused(status: int, sentence: str) -> JSONResponse:
    """The answer to what is not done: one sentence."""
    return JSONResponse({"error": sentence}, status)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
