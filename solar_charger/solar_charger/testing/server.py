"""What every HTTP fake has: a port, faults that can be switched on, a count of what was asked."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Faults:
    """Set a field to spoil every answer from then on."""

    status: int | None = None
    """Answer with this status instead."""
    delay_s: float = 0.0
    """Wait before the first byte."""
    body: bytes | None = None
    """Send this instead of the right body."""
    drop: bool = False
    """Close the connection without an answer."""
    drip_s: float = 0.0
    """Pause between single bytes of the body."""


class FakeServer:
    """A fake on 127.0.0.1; `async with` starts and stops it."""

    tls: ssl.SSLContext | None = None

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.faults = Faults()
        self.asked: Counter[str] = Counter()
        self._runner: web.AppRunner | None = None

    def routes(self) -> list[web.RouteDef]:
        """The paths of this fake."""
        raise NotImplementedError

    @property
    def host(self) -> str:
        """`127.0.0.1:port`."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Base address."""
        return f"{'https' if self.tls else 'http'}://{self.host}"

    async def start(self) -> None:
        """Listen."""
        app = web.Application(middlewares=[self._spoil])
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.tls)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and drop every connection; `start` listens on the same port again."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def _spoil(self) -> Any:
        @web.middleware
        async def spoil(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.asked[request.path] += 1
            faults = self.faults
            if faults.delay_s:
                await asyncio.sleep(faults.delay_s)
            if faults.drop and request.transport is not None:
                request.transport.abort()
            if faults.status is not None:
                return web.Response(status=faults.status, text="fault")
            response = await handler(request)
            if faults.body is not None:
                return web.Response(body=faults.body, content_type="application/json")
            if faults.drip_s and isinstance(response, web.Response):
                return await self._drip(request, response)
            return response

        return spoil

    async def _drip(self, request: web.Request, whole: web.Response) -> web.StreamResponse:
        response = web.StreamResponse(status=whole.status)
        response.content_type = whole.content_type
        await response.prepare(request)
        body = whole.body if isinstance(whole.body, bytes) else b""
        for byte in body:
            await response.write(bytes([byte]))
            await asyncio.sleep(self.faults.drip_s)
        return response
