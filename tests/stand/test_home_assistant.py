"""The real Home Assistant of the stand sees what is announced over MQTT, and apps can ask it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.stand.app import App, read_app
from tests.stand.home_assistant import HomeAssistant
from tests.stand.mosquitto import Mosquitto
from tests.stand.network import SUPERVISOR
from tests.stand.stand import Stand
from tests.stand.supervisor import RunningApp

TOPIC = "homeassistant/device/stand_1/config"
STATE = "stand/1/power"
DISCOVERY: dict[str, Any] = {
    "device": {"identifiers": ["stand_1"], "name": "Test wallbox", "manufacturer": "Nobody"},
    "origin": {"name": "Stand"},
    "components": {
        "power": {
            "platform": "sensor",
            "name": "Power",
            "unique_id": "stand_1_power",
            "default_entity_id": "sensor.test_wallbox_power",
            "device_class": "power",
            "unit_of_measurement": "W",
            "state_class": "measurement",
            "state_topic": STATE,
        }
    },
}
ENTITY = "sensor.test_wallbox_power"
SECONDS = 30


@pytest.fixture(scope="module")
def tiny(stand: Stand, home_assistant: HomeAssistant, tiny_app: Path) -> Iterator[RunningApp]:
    running = stand.supervisor.start_app(read_app(tiny_app))
    yield running
    running.uninstall()


async def announce(broker: Mosquitto, watts: int) -> None:
    async with broker.client() as client:
        await client.publish(TOPIC, json.dumps(DISCOVERY), qos=1, retain=True)
        await client.publish(STATE, str(watts), qos=1, retain=True)


async def test_an_announced_device_has_its_entity(
    home_assistant: HomeAssistant, broker: Mosquitto
) -> None:
    await announce(broker, 1500)
    state = await asyncio.to_thread(home_assistant.wait_for_state, ENTITY, "1500")
    assert state["attributes"]["unit_of_measurement"] == "W"
    entities = {each["entity_id"]: each for each in home_assistant.entities()}
    assert entities[ENTITY]["unique_id"] == "stand_1_power"
    devices = [
        each for each in home_assistant.devices() if ["mqtt", "stand_1"] in each["identifiers"]
    ]
    assert devices[0]["manufacturer"] == "Nobody"


async def test_a_restart_keeps_the_entity_and_its_state(
    home_assistant: HomeAssistant, broker: Mosquitto
) -> None:
    await announce(broker, 1200)
    await asyncio.to_thread(home_assistant.restart)
    await asyncio.to_thread(home_assistant.wait_for_state, ENTITY, "1200")


async def test_a_restart_of_the_broker_is_survived(
    home_assistant: HomeAssistant, broker: Mosquitto
) -> None:
    await asyncio.to_thread(broker.restart)
    await announce(broker, 700)
    await asyncio.to_thread(home_assistant.wait_for_state, ENTITY, "700", 60)


def test_an_app_reaches_home_assistant_through_the_supervisor(tiny: RunningApp) -> None:
    curl = 'curl -s -H "Authorization: Bearer $SUPERVISOR_TOKEN" http://supervisor/core/api/config'
    done = tiny.container.execute("bash", "-c", curl)
    assert json.loads(done.stdout)["version"].startswith("20")


def test_an_app_reaches_home_assistant_under_its_name(tiny: RunningApp) -> None:
    curl = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://homeassistant:8123/api/"]
    assert tiny.container.execute(*curl).stdout == "401"


@pytest.mark.parametrize(("granted", "answer"), [(True, "auth_ok"), (False, "auth_invalid")])
async def test_the_websocket_of_home_assistant_needs_the_right(
    stand: Stand, tiny: RunningApp, granted: bool, answer: str
) -> None:
    before = tiny.entry.app
    tiny.entry.app = App(before.folder, {**before.config, "homeassistant_api": granted})
    try:
        async with (
            aiohttp.ClientSession() as session,
            asyncio.timeout(SECONDS),
            session.ws_connect(f"http://{SUPERVISOR}/core/websocket") as socket,
        ):
            assert (await socket.receive_json())["type"] == "auth_required"
            await socket.send_json({"type": "auth", "access_token": tiny.entry.token})
            assert (await socket.receive_json())["type"] == answer
            if granted:
                await socket.send_json({"id": 1, "type": "get_states"})
                assert (await socket.receive_json())["success"]
                await socket.send_json({"id": 2, "type": "supervisor/api"})
                assert (await socket.receive_json())["error"]["code"] == "unauthorized"
    finally:
        tiny.entry.app = before
