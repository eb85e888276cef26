"""The page for tests: a running proxy with it, a client, and the way through Home Assistant."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from ocpp_proxy.page.door import ALWAYS
from ocpp_proxy.page.server import Page
from ocpp_proxy.page.watch import Watch
from ocpp_proxy.server import ProxyServer

from tests.ocpp_proxy.harness import SOON, ProxyProcess, free_port, proxy_server

PREFIX = "/api/hassio_ingress/MadeUpToken-x_1"


@dataclass
class Paged:
    """A proxy and its page."""

    proxy: ProxyServer
    page: Page

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.page.port}/"


@asynccontextmanager
async def paged(
    folder: Path,
    target: str | int,
    *,
    always: tuple[str, ...] = ALWAYS,
    page_allow: tuple[str, ...] = (),
    more: dict[str, Any] | None = None,
    **raw: Any,
) -> AsyncIterator[Paged]:
    """Both started; `more` goes to the page, `raw` to the proxy."""
    async with proxy_server(folder, target, **raw) as proxy:
        settings = replace(
            proxy.settings, page_host="127.0.0.1", page_port=free_port(), page_allow=page_allow,
            listen_port=proxy.port,
        )  # fmt: skip
        watch = Watch(mask_id_tags=settings.options.mask_id_tags)
        proxy.journal.add(watch)
        page = Page(settings, proxy, watch, always=always, **(more or {}))
        await page.start()
        try:
            yield Paged(proxy, page)
        finally:
            await page.stop()


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


async def ask(
    page: Page, path: str = "/", *, method: str = "GET", source: str = "127.0.0.1", **more: Any
) -> Answer:
    """One request to the page from an address of this machine; raises aiohttp.ClientError."""
    connector = aiohttp.TCPConnector(local_addr=(source, 0))
    async with (
        aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=SOON)
        ) as session,
        session.request(method, f"http://127.0.0.1:{page.port}{path}", **more) as answer,
    ):
        return Answer(answer.status, dict(answer.headers), await answer.text())


async def forget(page: Page, station: Any, **headers: str) -> Answer:
    """Press the button."""
    named = {"Content-Type": "application/json", **headers}
    body = json.dumps({"station": station})
    return await ask(page, "/api/forget", method="POST", data=body, headers=named)


async def state(page: Page, after: str = "") -> Any:
    return (await ask(page, f"/api/state?after={after}")).json


async def shown(page: Page, what: Callable[[Any], Any]) -> Any:
    """Wait until the page's state is such that `what` is true, and return it."""
    async with asyncio.timeout(SOON):
        while not what(found := await state(page)):  # noqa: ASYNC110 - the page tells nobody
            await asyncio.sleep(0.01)
    return found


async def begun(process: ProxyProcess, line: str = "listening on") -> None:
    """Wait for this line of a program's log; loading it takes its time on a busy machine."""
    async with asyncio.timeout(6 * SOON):
        while not any(line in each for each in process.lines):  # noqa: ASYNC110 - from its log
            await asyncio.sleep(0.02)


class Ingress:
    """What Home Assistant does in between: takes the prefix off and says so in headers.

    `holds_streams`: an answer of unknown length is kept back, as some proxies do.
    """

    def __init__(self, port: int, *, holds_streams: bool = False) -> None:
        self._port = port
        self._holds_streams = holds_streams
        self.asked: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path_qs.removeprefix(PREFIX)
        self.asked.append(path)
        if not request.path.startswith(PREFIX + "/"):
            return web.Response(status=404)
        if path.startswith("/events") and self._holds_streams:
            await asyncio.sleep(3600)
        headers = {
            name: value
            for name, value in request.headers.items()
            if name not in ("Host", "Content-Length", "Connection")
        }
        headers |= {
            "Host": f"127.0.0.1:{self._port}",
            "X-Ingress-Path": PREFIX,
            "X-Forwarded-Host": request.host,
        }
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method,
                f"http://127.0.0.1:{self._port}{path}",
                headers=headers,
                data=await request.read(),
            ) as answer,
        ):
            return await self._pass_on(request, answer)

    async def _pass_on(
        self, request: web.Request, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        dropped = ("Transfer-Encoding", "Content-Length", "Connection")
        kept = {name: value for name, value in answer.headers.items() if name not in dropped}
        response = web.StreamResponse(status=answer.status, headers=kept)
        await response.prepare(request)
        async for part in answer.content.iter_any():
            await response.write(part)
        return response


@asynccontextmanager
async def ingress(page: Page, **more: Any) -> AsyncIterator[tuple[str, Ingress]]:
    """The page's address under Home Assistant's, and who stands in between."""
    between = Ingress(page.port, **more)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", between.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port := free_port())
    await site.start()
    try:
        yield f"http://127.0.0.1:{port}{PREFIX}/", between
    finally:
        await runner.cleanup()
