"""Home Assistant's side: what is published over a real broker, and which commands are heard."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from solar_charger.clock import SystemClock
from solar_charger.commands import Action, Answer, Request
from solar_charger.entities import Topics, commanded
from solar_charger.homeassistant.broker import Broker
from solar_charger.publishing import MqttSide, PayloadError, request_of
from solar_charger.view import View, ViewBoard

from tests.repository.discovery import check_device_payload
from tests.solar_charger.home import at_home
from tests.stand.broker import TestBroker

IDENTITY = "0a1b2c3d"
TOPICS = Topics(IDENTITY)
WITHIN_S = 15.0
DOCUMENT = {"mode_ext": "SOLAR", "amps": None, "problem": False, "battery_age_sec": 5}
BY_KEY = {entity.key: entity for entity in commanded()}


@asynccontextmanager
async def publishing(
    broker: TestBroker, data: Path, board: ViewBoard, heard: asyncio.Queue[Request]
) -> AsyncIterator[MqttSide]:
    async def carry_out(request: Request) -> Answer:
        heard.put_nowait(request)
        return Answer(200)

    async def find() -> Broker:
        return Broker(broker.host, broker.port, broker.username, broker.password)

    side = MqttSide(IDENTITY, data, find, board, carry_out, SystemClock())
    task = asyncio.create_task(side.run())
    try:
        yield side
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[TestBroker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    made = TestBroker(folder)
    await made.start()
    yield made
    await made.stop()


async def retained(broker: TestBroker, topic: str, wanted: str | None = None) -> str:
    async with asyncio.timeout(WITHIN_S):
        async with broker.client() as client:
            await client.subscribe(topic, qos=1)
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                text = message.payload.decode()
                if wanted is None or text == wanted:
                    return text
    raise AssertionError


async def test_everything_stands_at_the_broker_and_offline_at_the_end(
    broker: TestBroker, tmp_path: Path
) -> None:
    board = ViewBoard()
    board.swap(View(number=1, document=DOCUMENT))
    async with publishing(broker, tmp_path, board, asyncio.Queue()):
        assert await retained(broker, TOPICS.availability, "online")
        state = json.loads(await retained(broker, TOPICS.state))
        assert state == {"mode_ext": "SOLAR", "amps": None, "problem": "OFF", "battery_age_sec": 5}
        topic = f"homeassistant/device/solar_charger_{IDENTITY}/config"
        assert check_device_payload(await retained(broker, topic), topic) == []
    found = await broker.retained(TOPICS.availability)
    assert found[TOPICS.availability] == "offline"


async def test_a_command_is_heard_once_and_a_retained_one_never(
    broker: TestBroker, tmp_path: Path
) -> None:
    async with broker.client() as client:
        await client.publish(TOPICS.command("mode"), "MANUAL", qos=1, retain=True)
    heard: asyncio.Queue[Request] = asyncio.Queue()
    board = ViewBoard()
    board.swap(View(number=1, document=DOCUMENT))
    async with publishing(broker, tmp_path, board, heard):
        await retained(broker, TOPICS.availability, "online")
        async with broker.client() as client:
            await client.publish(TOPICS.command("max_amps"), "500", qos=1)
            async with asyncio.timeout(WITHIN_S):
                request = await heard.get()
    assert (request.action, request.value, request.actor) == (
        Action.SETTINGS,
        {"max_amps": 80},
        "mqtt",
    )
    assert heard.empty()


@pytest.mark.parametrize(
    ("key", "payload", "action", "value"),
    [
        ("mode", "MIN_SOLAR", Action.MODE, "MIN_SOLAR"),
        ("enabled", "OFF", Action.SETTINGS, {"enabled": False}),
        ("takeover", "ON", Action.TAKEOVER, True),
        ("start_now", "PRESS", Action.CHARGE, "start"),
        ("stop_now", "PRESS", Action.CHARGE, "stop"),
        ("wake", "PRESS", Action.CHARGE, "wake"),
        ("normalize", "PRESS", Action.CHARGE, "normalize"),
        ("pair", "PRESS", Action.PAIRING_REQUEST, None),
        ("min_amps", "-3", Action.SETTINGS, {"min_amps": 1}),
        ("start_w", "1500.0", Action.SETTINGS, {"start_w": 1500}),
        ("deadline", "07:30", Action.SETTINGS, {"deadline": "07:30"}),
        ("deadline", "07:30:00", Action.SETTINGS, {"deadline": "07:30"}),
        ("deadline", "", Action.SETTINGS, {"deadline": ""}),
    ],
)
def test_each_entity_asks_for_its_own(key: str, payload: str, action: Action, value: Any) -> None:
    request = request_of(BY_KEY[key], payload)
    assert (request.action, request.value) == (action, value)


@pytest.mark.parametrize(
    ("key", "payload"),
    [
        ("enabled", "maybe"),
        ("start_now", "ON"),
        ("pair", ""),
        ("max_amps", "much"),
        ("max_amps", "nan"),
        ("max_amps", "inf"),
    ],
)
def test_a_bad_payload_asks_for_nothing(key: str, payload: str) -> None:
    with pytest.raises(PayloadError):
        request_of(BY_KEY[key], payload)


async def test_the_state_has_a_member_for_every_entity(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.pass_time(20)
        document = home.service.backend.view.document
        from solar_charger.entities import ENTITIES

        members = {entity.member or entity.key for entity in ENTITIES if entity.member is not None}
        assert members <= document.keys()
