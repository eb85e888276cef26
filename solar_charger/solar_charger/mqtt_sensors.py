"""Sensors on MQTT topics: the rows' source over whichever broker is the app's at the moment."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable

import aiomqtt

from .homeassistant import BrokerError
from .homeassistant.broker import Broker
from .sources.mqtt_topics import MqttSource
from .sources.readings import Readings, Sink, SourceError
from .sources.roles import SensorRow

LOOK_AGAIN_S = 30.0
"""The Supervisor's broker changes its password when it is set up anew."""


class MqttSensors:
    """A Source."""

    def __init__(
        self,
        rows: Iterable[SensorRow],
        find_broker: Callable[[], Awaitable[Broker]],
        clock: Callable[[], float],
    ) -> None:
        self._find_broker = find_broker
        self._broker: Broker | None = None
        self._source = MqttSource(rows, self._connect, clock=clock)

    @property
    def name(self) -> str:
        """The word people see."""
        return "mqtt"

    async def run(self, sink: Sink) -> None:
        """Listen until cancelled."""
        while self._broker is None:
            try:
                self._broker = await self._find_broker()
            except BrokerError as error:
                sink.failed(self.name, str(error))
                await asyncio.sleep(LOOK_AGAIN_S)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._source.run(sink))
            tasks.create_task(self._keep_looking())

    async def test(self) -> Readings:
        """Wait for a message. Raises SourceError."""
        try:
            self._broker = await self._find_broker()
        except BrokerError as error:
            raise SourceError(str(error)) from error
        return await self._source.test()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_AGAIN_S)
            try:
                self._broker = await self._find_broker()
            except BrokerError:
                continue

    def _connect(self) -> aiomqtt.Client:
        assert self._broker is not None
        broker = self._broker
        return aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username or None,
            password=broker.password or None,
            identifier=f"solar_charger_sensors_{secrets.token_hex(4)}",
            tls_context=broker.tls,
            keepalive=30,
            timeout=10.0,
            max_queued_incoming_messages=1000,
        )
