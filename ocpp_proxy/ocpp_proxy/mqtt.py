"""Puts the MQTT side together: options → broker, publisher and the observer that feeds it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from . import __version__, logs
from .homeassistant import Announced, BrokerOptions, Origin, Publisher, find
from .homeassistant.broker import Broker
from .keptstations import KeptStations
from .options import Options
from .publishing import StationPublishing
from .supervisor import Supervisor

_log = logs.get("mqtt")


class MqttSide:
    """`observer` is for the journal; `run` carries out what it asks for."""

    def __init__(
        self,
        options: Options,
        data: Path,
        supervisor: Supervisor | None,
        *,
        ssl_folder: Path = Path("/ssl"),
    ) -> None:
        """Files are kept under `data`; `mqtt_ca` is looked for in `ssl_folder`."""
        self._broker_options = BrokerOptions(
            host=options.mqtt_host or "",
            port=options.mqtt_port,
            username=options.mqtt_username or "",
            password=options.mqtt_password or "",
            tls=options.mqtt_tls,
            ca=options.mqtt_ca or "",
        )
        self._supervisor = supervisor
        self._ssl_folder = ssl_folder
        prefix = options.mqtt_topic_prefix
        self._publisher = Publisher(
            "ocpp_proxy",
            self._find_broker,
            Announced(data / "announced.json"),
            status_topic=f"{prefix}/status",
            discovery_prefix=options.discovery_prefix,
            discovery=options.mqtt_discovery,
        )
        self.observer = StationPublishing(
            self._publisher,
            KeptStations(data),
            Origin("OCPP proxy", __version__),
            prefix=prefix,
            mask_id_tags=options.mask_id_tags,
        )

    @property
    def forget(self) -> Callable[[str], bool]:
        """Take a station out of Home Assistant, for the page's button."""
        return self.observer.forget

    async def run(self) -> None:
        """Until cancelled; then the last states go out, and `offline` (at most 5 s)."""
        if names := self._broker_options.without_effect():
            _log.warning("%s: without mqtt_host these options do nothing", ", ".join(names))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publisher.run())
            # In the body, so that it ends, with its last word, before the publisher does.
            await self.observer.run()

    async def _find_broker(self) -> Broker:
        return await find(self._broker_options, self._supervisor, self._ssl_folder)
