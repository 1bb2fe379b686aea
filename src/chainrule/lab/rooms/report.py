"""The report room's routes: reports that are run, read, opened elsewhere and taken away."""

import base64
import hashlib
import json
import re
import secrets
import time
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from chainrule.errors import InputError
from chainrule.io.checks import one_of
from chainrule.lab.jobs.store import Record
from chainrule.lab.rooms import report_worker
from chainrule.lab.rooms.albums import Albums
from chainrule.lab.rooms.report_runs import ReportRuns, asked_settings
from chainrule.lab.server.app import Lab
from chainrule.lab.server.bodies import document
from chainrule.lab.server.guard import refused
from chainrule.report.contents import PARTS

_NAMES = ("index.html", "results.json", "report.sh")
_MOST_LISTED = 20


class ReportRoom:
    """Reports by their names, each a run of the store with a folder of its own."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._reports = Albums(lab, "report", "a report", {})
        self._runs = ReportRuns(lab, self._reports)

    def routes(self) -> list[BaseRoute]:
        """Its part of the addresses."""
        report = "/api/report/reports/{report}"
        return [
            Route("/api/report/reports", self._list),
            Route("/api/report/reports", self._make, methods=["POST"]),
            Route(report, self._show),
            Route(f"{report}/do", self._do, methods=["POST"]),
            Route(f"{report}/sections", self._sections),
            Route(f"{report}/page", self._page),
            Route(f"{report}/take/{{name}}", self._away),
        ]

    def start(self) -> None:
        """Nothing is ready before it is asked for: a report takes all cores."""

    def stop(self) -> None:
        """End what runs; what was finished is kept."""
        self._runs.stop()

    def forget(self, run: str) -> None:
        """End a report, and remove its files."""
        self._runs.forget(run)
        self._reports.forget(run)

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes that make reports."""
        return self._runs.pids

    async def _list(self, request: Request) -> Response:
        """What there is, the last changed first, and what can be asked for."""
        reports = self._lab.store.listed(request.scope["session"], "report", _MOST_LISTED)
        return JSONResponse(
            {"reports": [self._described(report) for report in reports],
             "parts": [{"number": part.number, "title": part.title} for part in PARTS],
             "whole_reports": self._lab.quotas.whole_reports}
        )  # fmt: skip

    async def _make(self, request: Request) -> Response:
        owner, asked = request.scope["session"], await document(request)
        settings = asked_settings(asked, self._lab.quotas)
        if self._lab.store.count(owner) >= self._lab.quotas.runs:
            return refused(429, f"{self._lab.quotas.runs:,} runs are kept; remove some of them")
        now = time.time()
        report = Record(
            secrets.token_hex(8), owner, "report", "report", settings, "open", "", 0, {}, now, now
        )
        self._runs.check_free(report)
        self._reports.folder(report.id).mkdir(parents=True)
        self._lab.store.add(report)
        self._runs.begin(report, settings)
        return JSONResponse({"id": report.id}, 201)

    async def _show(self, request: Request) -> Response:
        return JSONResponse(self._described(self._found(request)))

    def _found(self, request: Request) -> Record:
        return self._reports.found(request.path_params["report"], request.scope["session"])

    def _described(self, report: Record) -> dict[str, Any]:
        report = self._runs.settled(report)
        return {
            "id": report.id, "state": report.state, "said": report.said, "changed": report.changed,
            "settings": report.settings, "result": report.result,
            "going": self._runs.going(report.id),
            "is_there": (self._reports.folder(report.id) / report_worker.SECTIONS).exists(),
        }  # fmt: skip

    async def _do(self, request: Request) -> Response:
        report, asked = self._found(request), await document(request)
        what = one_of("do", asked.get("do"), ("cancel", "go on", "make whole"))
        if what == "cancel":
            self._runs.cancel(report.id)
            return JSONResponse({})
        settings = report.settings
        if what == "make whole":
            settings = asked_settings({**settings, "quick": False}, self._lab.quotas)
        self._runs.check_free(report)
        self._runs.begin(report, settings)
        return JSONResponse({})

    # what was found

    async def _read(self, request: Request, name: str) -> bytes:
        path = self._reports.folder(self._found(request).id) / name
        try:
            return await run_in_threadpool(path.read_bytes)
        except FileNotFoundError as error:
            raise InputError("this report has no page yet; expected it to be finished") from error

    async def _sections(self, request: Request) -> Response:
        """Each part with its sections: what the original states beside what was found."""
        content = await self._read(request, report_worker.SECTIONS)
        return Response(content, media_type="application/json")

    async def _page(self, request: Request) -> Response:
        """The page as the command line makes it, under a policy of its own: no code, no request."""
        content = await self._read(request, "index.html")
        return Response(
            content,
            media_type="text/html",
            headers={"content-security-policy": page_policy(content), "cache-control": "no-store"},
        )

    async def _away(self, request: Request) -> Response:
        name = one_of("file", request.path_params["name"], _NAMES)
        if name == "report.sh":
            found = json.loads(await self._read(request, report_worker.SECTIONS))
            content = f"{found['command']}\n".encode()
        else:
            content = await self._read(request, name)
        return Response(
            content,
            media_type="application/octet-stream",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )


def page_policy(content: bytes) -> str:
    """The Content-Security-Policy of a report's page: its own style, its own pictures, no more.

    With another origin than the lab's the guard would refuse it when it is loaded again.
    """
    found = re.search(rb"<style>(.*?)</style>", content, re.DOTALL)
    style = base64.b64encode(hashlib.sha256(found[1] if found else b"").digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; sandbox allow-same-origin"
    )
