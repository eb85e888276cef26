"""The page's requests; all paths are relative, so that any prefix in front of them will do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .. import logs
from ..health import Report
from .door import same_site
from .live import Live
from .view import View

log = logs.get("page")

HERE = Path(__file__).parent
LONGEST_BODY = 16 << 10
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_.~-]+)*")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'self'; form-action 'none'; frame-ancestors 'self'"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page says that does not change while the program runs."""

    version: str
    target: str
    scheme: str
    port: int
    logs_messages: bool


class Routes:
    """Answers for the page; `forget` says whether the station was known."""

    def __init__(
        self,
        view: View,
        live: Live,
        facts: Facts,
        *,
        health: Callable[[], Report],
        forget: Callable[[str], bool],
        log_files: Callable[[], Iterable[Path]],
    ) -> None:
        self._view = view
        self._live = live
        self._facts = facts
        self._health = health
        self._forget = forget
        self._log_files = log_files
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
        )

    def application(self) -> web.Application:
        """All of it; every answer carries the same protection."""
        application = web.Application(client_max_size=LONGEST_BODY)
        application.on_response_prepare.append(_protect)
        application.add_routes(
            [
                web.get("/", self.index),
                web.get("/health", self.health),
                web.get("/api/state", self.state),
                web.get("/events", self._live.stream),
                web.post("/api/forget", self.forget),
                web.get("/download/messages", self.download),
                web.static("/static", HERE / "static"),
            ]
        )
        return application

    async def index(self, request: web.Request) -> web.Response:
        """The page itself; `X-Ingress-Path` is where the browser sees it."""
        prefix = request.headers.get("X-Ingress-Path", "").rstrip("/")
        base = f"{prefix}/" if prefix and _PREFIX.fullmatch(prefix) else ""
        text = self._templates.get_template("index.html").render(facts=self._facts, base=base)
        return web.Response(text=text, content_type="text/html")

    async def health(self, request: web.Request) -> web.Response:
        """Whether this program itself is well: 200, else 503 and why."""
        report = self._health()
        answer = {
            "status": "ok" if report.well else "fault",
            "reasons": report.reasons,
            "loop_lag_ms": round(report.lag * 1000, 1),
        }
        return web.json_response(answer, status=200 if report.well else 503)

    async def state(self, request: web.Request) -> web.Response:
        """Everything, for browsers without a stream; `after` names the last message they have."""
        number = self._view.number(request.query.get("after", ""))
        return web.json_response(self._view.whole(number))

    async def forget(self, request: web.Request) -> web.Response:
        """Forget one station: `{"station": id}`."""
        if not same_site(request.headers):
            return _refused(403, "this came from another site")
        if request.content_type != "application/json":
            return _refused(415, "send JSON")
        station = await _station_of(request)
        if station is None:
            return _refused(400, 'send {"station": "its id"}')
        if not self._forget(station):
            return _refused(404, "this wallbox is not known (any more)")
        log.notice("%s was forgotten, as asked for on the page", station)
        return web.json_response({"forgotten": station})

    async def download(self, request: web.Request) -> web.StreamResponse:
        """The messages as JSON lines: the message log's files, else the last 500."""
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        response = web.StreamResponse(
            headers={
                "Content-Type": "application/x-ndjson; charset=utf-8",
                "Content-Disposition": f'attachment; filename="ocpp-messages-{stamp}.jsonl"',
            }
        )
        await response.prepare(request)
        async for part in self._parts():
            await response.write(part)
        return response

    async def _parts(self) -> AsyncIterator[bytes]:
        files = await asyncio.to_thread(_opened, self._log_files())
        if not files:
            messages = self._view.all_messages()
            for begin in range(0, len(messages), 50):
                yield b"".join(message.line() for message in messages[begin : begin + 50])
                await asyncio.sleep(0)
            return
        try:
            for file in files:
                while part := await asyncio.to_thread(file.read, 1 << 18):
                    yield part
        finally:
            for file in files:
                file.close()


def _opened(paths: Iterable[Path]) -> list[Any]:
    """All at once, so that a rotation meanwhile repeats or leaves out nothing."""
    files = []
    for path in paths:
        try:
            files.append(path.open("rb"))
        except OSError as error:
            log.warning("%s cannot be read: %s", path, error.strerror)
    return files


async def _station_of(request: web.Request) -> str | None:
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        return None
    station = body.get("station") if isinstance(body, dict) else None
    return station if isinstance(station, str) else None


def _refused(status: int, why: str) -> web.Response:
    return web.json_response({"error": why}, status=status)


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    headers = response.headers
    headers["Content-Security-Policy"] = _POLICY
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Cache-Control"] = "no-cache" if request.path.startswith("/static/") else "no-store"
    headers["Server"] = "ocpp_proxy"
