"""One run of the program: start-up lines, signals, the proxy and what watches it."""

from __future__ import annotations

import asyncio
import signal
import sys

from . import __version__, logs, masking
from .commandline import Settings
from .server import ProxyServer

log = logs.get()


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; raises OptionError when the proxy cannot start."""
    logs.configure(settings.options.log_level, redact=masking.credentials)
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(settings))
    else:
        uvloop.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Start, wait for a signal, stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    _summary(settings)
    proxy = ProxyServer(settings)
    await proxy.start()
    await stop.wait()
    log.info("stopping: %d wallboxes are told", len(proxy.stations.sessions))
    await proxy.stop()
    log.info("stopped")


def _summary(settings: Settings) -> None:
    options = settings.options
    for level, text in settings.remarks:
        log.line(level, text)
    log.info(
        "ocpp_proxy %s, subprotocols %s, stations %s, on upstream loss %s", __version__,
        ", ".join(options.subprotocols),
        ", ".join(each.id for each in options.stations) or "any", options.on_upstream_loss,
    )  # fmt: skip
    if options.ssl and "uvloop" not in sys.modules:
        log.warning("uvloop is missing: each TLS connection costs about 290 kB instead of 40 kB")
