"""An aiohttp application in a thread of its own, beside synchronous tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence

from aiohttp import web

START_SECONDS = 10.0


class WebThread:
    """Serves `application` on several addresses until `stop`."""

    def __init__(self, application: web.Application, listeners: Sequence[tuple[str, int]]) -> None:
        self._application = application
        self._listeners = listeners
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None

    def start(self) -> None:
        """Returns when all listeners accept; raises OSError if one cannot."""
        self._thread.start()
        try:
            self._run(self._serve())
        except OSError:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends every connection."""
        if self._runner is not None:
            self._run(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS)
        self._loop.close()

    def _run(self, work: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(START_SECONDS)

    async def _serve(self) -> None:
        runner = web.AppRunner(self._application, access_log=None, shutdown_timeout=1.0)
        self._runner = runner
        await runner.setup()
        for host, port in self._listeners:
            await web.TCPSite(runner, host, port).start()
