"""The MQTT source against a real broker, where the machine has one."""

from __future__ import annotations

import asyncio
import shutil
import socket
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest
from solar_charger.sources.mqtt_topics import MqttSource
from solar_charger.sources.readings import SourceError
from solar_charger.sources.roles import Role, SensorRow

from tests.solar_charger.fakes import Collector, known

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="no mosquitto program on this machine")

ROW = SensorRow(Role.GRID, "mqtt:meter/state#power")


class Broker:
    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.config = folder / "mosquitto.conf"
        self.config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self.process: Process | None = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            known(MOSQUITTO), "-c", self.config, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(20):
            while b"running" not in await known(self.process.stderr).readline():
                continue

    async def stop(self) -> None:
        process = known(self.process)
        if process.returncode is None:
            process.terminate()
        await process.wait()

    def client(self) -> aiomqtt.Client:
        return aiomqtt.Client("127.0.0.1", self.port, timeout=5)

    async def publish(self, payload: str, retain: bool = False) -> None:
        async with self.client() as client:
            await client.publish("meter/state", payload, qos=1, retain=retain)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    running = Broker(tmp_path)
    await running.start()
    yield running
    await running.stop()


async def test_retained_and_live_messages_are_told_apart_over_a_restart(broker: Broker) -> None:
    collector = Collector()
    await broker.publish('{"power": 100}', retain=True)
    task = asyncio.create_task(MqttSource([ROW], broker.client, reconnect_s=0.1).run(collector))
    await collector.until(lambda c: len(c.readings) == 1)
    await broker.publish('{"power": -200}')
    await collector.until(lambda c: len(c.readings) == 2)
    await broker.stop()
    await collector.until(lambda c: bool(c.errors))
    await broker.start()
    async with asyncio.timeout(20):
        while len(collector.readings) < 3:
            await broker.publish('{"power": -300}')
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [known(reading.grid_w).value for reading in collector.readings[:3]] == [100, -200, -300]
    assert [known(reading.grid_w).usable for reading in collector.readings[:3]] == [
        False,
        True,
        True,
    ]


async def test_the_test_button_takes_the_first_message_or_says_why_not(broker: Broker) -> None:
    await broker.publish('{"power": 7}', retain=True)
    assert known((await MqttSource([ROW], broker.client).test()).grid_w).value == 7
    await broker.publish('{"other": 7}', retain=True)
    with pytest.raises(SourceError, match="power"):
        await MqttSource([ROW], broker.client).test()
    await broker.stop()
    with pytest.raises(SourceError, match="broker"):
        await MqttSource([ROW], broker.client).test()
