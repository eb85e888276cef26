"""Puts the page together and listens for it, apart from the wallboxes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from aiohttp import web

from .. import __version__, logs
from ..health import Health
from ..listener import open_socket
from .door import ALWAYS, Door, allowed
from .live import Live
from .routes import Facts, Routes
from .view import View
from .watch import Watch

if TYPE_CHECKING:
    from ..commandline import Settings
    from ..messagelog import MessageLog
    from ..server import ProxyServer

log = logs.get("page")

# Browsers get this long to end when the program stops, in seconds.
PATIENCE = 0.5


class Page:
    """The page of a running proxy; `start` and `stop` with it.

    `watch` observes the proxy already. `withdraw` takes a station out of Home Assistant, where
    there is one. `always` is there for tests.
    """

    def __init__(
        self,
        settings: Settings,
        proxy: ProxyServer,
        watch: Watch,
        *,
        withdraw: Callable[[str], bool] | None = None,
        message_log: MessageLog | None = None,
        always: Iterable[str] = ALWAYS,
    ) -> None:
        self._settings = settings
        self._proxy = proxy
        self._withdraw = withdraw
        self._allowed = allowed(settings.page_allow, always)
        self._watch = watch
        view = View(proxy, self._watch)
        self._live = Live(view, self._watch)
        self._health = Health(proxy)
        self._routes = Routes(
            view, self._live, self._facts(message_log),
            health=self._health.report, forget=self.forget,
            log_files=message_log.files.existing if message_log else tuple,
        )  # fmt: skip
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port really listened on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen; raises OptionError when that cannot be."""
        sock = open_socket(self._settings.page_host, self._settings.page_port, "--page")
        self._runner = web.AppRunner(
            self._routes.application(), access_log=None, shutdown_timeout=PATIENCE
        )
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Door(self._allowed, server), sock=sock
        )
        self._health.start()
        log.info("the page is on port %d", self.port)

    async def stop(self) -> None:
        """End all streams and connections."""
        self._health.stop()
        self._live.close()
        if self._server is not None:
            self._server.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def forget(self, station: str) -> bool:
        """Forget a station everywhere: boot cache, states, Home Assistant; whether it was known."""
        known = [
            self._proxy.stations.forget(station),
            self._watch.forget(station),
            self._withdraw is not None and self._withdraw(station),
        ]
        return any(known)

    def _facts(self, message_log: MessageLog | None) -> Facts:
        options = self._settings.options
        return Facts(
            version=__version__,
            target=str(options.target_of(None)),
            scheme="wss" if options.ssl else "ws",
            port=self._settings.listen_port,
            logs_messages=message_log is not None,
        )
