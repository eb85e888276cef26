"""One run of the program: start-up lines, signals, the proxy and what accompanies it."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import __version__, logs, masking
from .commandline import Settings
from .server import ProxyServer

if TYPE_CHECKING:
    from .messagelog import MessageLog
    from .mqtt import MqttSide
    from .page.server import Page
    from .page.watch import Watch

log = logs.get()

# The last states and `offline` for Home Assistant; with the proxy's own end within ten seconds.
MQTT_PATIENCE = 3.5


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; raises OptionError when the proxy cannot start."""
    # A station id of 17 characters is no VIN: it must be readable as it is.
    logs.configure(settings.options.log_level, redact=masking.credentials, vins=False)
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
    mqtt = mqtt_side(settings, os.environ)
    if mqtt is not None:
        proxy.journal.add(mqtt.observer)
    message_log = _message_log(settings, proxy)
    watch = _watch(settings, proxy, mqtt)
    await proxy.start()
    page = None
    if watch is not None:
        page = await _page(settings, proxy, watch, mqtt, message_log)
    companion = None if mqtt is None else loop.create_task(_beside(mqtt))
    await stop.wait()
    log.info("stopping: %d wallboxes are told", len(proxy.stations.sessions))
    if page is not None:
        await page.stop()
    await proxy.stop()
    if message_log is not None:
        await message_log.stop()
    if companion is not None:
        companion.cancel()
        await asyncio.wait([companion], timeout=MQTT_PATIENCE)
    log.info("stopped")


def mqtt_side(settings: Settings, environ: Mapping[str, str]) -> MqttSide | None:
    """The way to Home Assistant, if there can be a broker; its libraries are loaded only then."""
    from_supervisor = environ.get("SUPERVISOR_TOKEN") or environ.get("SUPERVISOR_TOKEN_FILE")
    supervisor = None
    if from_supervisor:
        from .supervisor import Supervisor, SupervisorError

        try:
            supervisor = Supervisor.from_environment(environ)
        except SupervisorError as error:
            log.warning("%s", error)
    if supervisor is None and settings.options.mqtt_host is None:
        log.info("no Supervisor and no mqtt_host: nothing is shown in Home Assistant")
        return None
    from .mqtt import MqttSide

    return MqttSide(settings.options, settings.data, supervisor, ssl_folder=settings.tls_folder)


def _message_log(settings: Settings, proxy: ProxyServer) -> MessageLog | None:
    if not settings.options.message_log:
        return None
    from .messagelog import MessageLog

    message_log = MessageLog(settings.data, mask_id_tags=settings.options.mask_id_tags)
    message_log.start()
    proxy.journal.add(message_log)
    return message_log


def _watch(settings: Settings, proxy: ProxyServer, mqtt: MqttSide | None) -> Watch | None:
    """What the page sees, unless it is switched off; it must not miss the first messages."""
    if not settings.page_port:
        return None
    from .page.watch import Watch

    observer = None if mqtt is None else mqtt.observer
    watch = Watch(
        mask_id_tags=settings.options.mask_id_tags,
        followed=None if observer is None else lambda: observer.stations,
    )
    proxy.journal.add(watch)
    return watch


async def _page(
    settings: Settings, proxy: ProxyServer, watch: Watch, mqtt: MqttSide | None,
    message_log: MessageLog | None,
) -> Page:  # fmt: skip
    """The page; its libraries take a second to load on a Pi, and wallboxes do not wait for that."""
    await asyncio.to_thread(importlib.import_module, ".page.server", __package__)
    from .page.server import Page

    withdraw = None if mqtt is None else mqtt.forget
    page = Page(settings, proxy, watch, withdraw=withdraw, message_log=message_log)
    await page.start()
    return page


async def _beside(mqtt: MqttSide) -> None:
    """Whatever happens there, wallboxes are relayed."""
    try:
        await mqtt.run()
    except Exception:
        log.exception("the way to Home Assistant failed; wallboxes are relayed all the same")


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
