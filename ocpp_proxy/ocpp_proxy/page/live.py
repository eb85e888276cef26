"""Server-sent events: what changed goes to everybody who looks, at most twice a second.

Nothing is computed while nobody looks. A slow browser misses messages, nobody waits for it.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from .view import Json, View
from .watch import Watch

MOST_STREAMS = 8
# Seconds: between two looks, without a change until a sign of life, for a browser to take one.
PAUSE = 0.5
ALIVE = 5.0
SLOWEST = 20.0


class Live:
    """All streams; they share what they look at."""

    def __init__(self, view: View, watch: Watch, *, most: int = MOST_STREAMS) -> None:
        self._view = view
        self._watch = watch
        self._most = most
        self._streams = 0
        self._closing = asyncio.Event()
        self._shared: tuple[float, Json] = (0.0, {})

    def close(self) -> None:
        """End all streams."""
        self._closing.set()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """One browser until it leaves; 503 when there are too many."""
        if self._streams >= self._most or self._closing.is_set():
            raise web.HTTPServiceUnavailable(
                text="too many pages are open\n", headers={"Retry-After": "10"}
            )
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        changed = asyncio.Event()
        self._streams += 1
        self._watch.tell(changed.set)
        try:
            await response.prepare(request)
            await self._follow(response, changed, request.query.get("after", ""))
        except (ConnectionError, TimeoutError):
            pass  # The browser left, or reads no more.
        finally:
            self._watch.leave(changed.set)
            self._streams -= 1
        return response

    async def _follow(
        self, response: web.StreamResponse, changed: asyncio.Event, cursor: str
    ) -> None:
        number, sent = self._view.number(cursor), Json()
        while not self._closing.is_set():
            changed.clear()
            news = self._news(sent)
            messages, more = self._view.messages(number)
            if messages:
                number = messages[-1]["number"]
                news["messages"] = messages
            await self._send(response, {**self._view.head(), **news})
            sent.update(news)
            if not more:
                await self._wait(changed)

    def _news(self, sent: Json) -> Json:
        """Stations and refusals, each only if it is not what this browser has."""
        now = asyncio.get_running_loop().time()
        if now - self._shared[0] >= PAUSE / 2 or not self._shared[1]:
            found = {"stations": self._view.stations(), "refused": self._view.refusals()}
            self._shared = now, found
        return {key: value for key, value in self._shared[1].items() if sent.get(key) != value}

    async def _send(self, response: web.StreamResponse, news: dict[str, Any]) -> None:
        text = json.dumps(news, separators=(",", ":"))
        async with asyncio.timeout(SLOWEST):
            await response.write(f"data: {text}\n\n".encode())

    async def _wait(self, changed: asyncio.Event) -> None:
        """Until something changed, or a sign of life is due; at least the pause."""
        if await self._ends(self._closing, PAUSE):
            return
        waits = [asyncio.ensure_future(event.wait()) for event in (changed, self._closing)]
        try:
            await asyncio.wait(waits, timeout=ALIVE, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _ends(self, event: asyncio.Event, within: float) -> bool:
        try:
            async with asyncio.timeout(within):
                return await event.wait()
        except TimeoutError:
            return False
