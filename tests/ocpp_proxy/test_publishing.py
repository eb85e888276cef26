"""From a station's messages to what a real broker holds for Home Assistant."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ocpp_proxy.keptstations import KeptStations, from_json, to_json
from ocpp_proxy.mqtt import MqttSide
from ocpp_proxy.observers import ConnectionFacts, Observer
from ocpp_proxy.options import read
from ocpp_proxy.publishing import MOST_STATIONS, StationPublishing
from ocpp_proxy.relay.events import Leg
from ocpp_proxy.station import Station
from ocpp_proxy.testing.central_system import CentralSystem
from ocpp_proxy.testing.wallbox import Wallbox
from ocpp_proxy.testing.wallbox_quirks import ACTEC

from tests.ocpp_proxy.harness import proxy_server
from tests.ocpp_proxy.proxied import UNHURRIED
from tests.ocpp_proxy.test_entities import complete, shown
from tests.stand.broker import MOSQUITTO, TestBroker, running

CONFIG = "homeassistant/device/ocpp_CP1/config"
WALL = 1_795_262_400.0
PATIENCE = 15.0

pytestmark = pytest.mark.skipif(
    not Path(MOSQUITTO).exists(), reason=f"Mosquitto is not installed ({MOSQUITTO})"
)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[TestBroker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    async with running(TestBroker(folder)) as running_broker:
        yield running_broker


@contextlib.asynccontextmanager
async def at_work(broker: TestBroker, data: Path, **raw: Any) -> AsyncIterator[StationPublishing]:
    options, _ = read(
        {
            "mqtt_host": broker.host,
            "mqtt_port": broker.port,
            "mqtt_username": broker.username,
            "mqtt_password": broker.password,
        }
        | raw
    )
    side = MqttSide(options, data, None)
    task = asyncio.create_task(side.run())
    try:
        yield side.observer
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def say(observer: Observer, leg: Leg, message: Any, station: str = "CP1") -> None:
    observer.message(station, leg, json.dumps(message).encode(), True, 0.0, WALL)


def connect(observer: Observer, station: str = "CP1") -> None:
    observer.connected(station, ConnectionFacts("192.0.2.7", "ocpp1.6"), 0.0)


def boot(observer: Observer, station: str = "CP1", status: str = "Accepted") -> None:
    connect(observer, station)
    say(observer, Leg.CHARGER, [2, "1", "BootNotification", {"chargePointModel": "M"}], station)
    say(observer, Leg.UPSTREAM, [3, "1", {"status": status}], station)


def status(observer: Observer, word: str) -> None:
    payload = {"connectorId": 1, "status": word, "errorCode": "NoError"}
    say(observer, Leg.CHARGER, [2, "2", "StatusNotification", payload])


async def until(broker: TestBroker, check: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    retained: dict[str, str] = {}
    try:
        async with asyncio.timeout(PATIENCE):
            # What is waited for happens in the broker, which sets no event of ours.
            while not check(retained := await broker.retained()):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"the broker holds {retained}") from None
    return retained


def member(retained: dict[str, str], topic: str, key: str) -> Any:
    return json.loads(retained.get(topic, "{}")).get(key)


async def test_a_station_appears_with_its_first_accepted_boot(
    broker: TestBroker, tmp_path: Path
) -> None:
    async with at_work(broker, tmp_path) as observer:
        boot(observer, status="Pending")
        await until(broker, lambda found: found.get("ocpp_proxy/status") == "online")
        assert CONFIG not in await broker.retained()
        boot(observer)
        found = await until(broker, lambda found: CONFIG in found)
        found = await until(broker, lambda found: "ocpp_proxy/CP1/availability" in found)
    assert found["ocpp_proxy/CP1/availability"] == "online"
    assert member(found, "ocpp_proxy/CP1/state", "model") == "M"


async def test_a_change_of_status_reaches_the_broker(broker: TestBroker, tmp_path: Path) -> None:
    topic = "ocpp_proxy/CP1/connector/1"
    async with at_work(broker, tmp_path) as observer:
        boot(observer)
        for word in ("Preparing", "Charging", "Available"):
            status(observer, word)
            await until(broker, lambda found, word=word: member(found, topic, "status") == word)  # type: ignore[misc]
        found = await broker.retained()
    assert "status_1" in json.loads(found[CONFIG])["components"]
    assert member(found, topic, "charging") == "OFF"


async def test_a_charger_that_leaves_is_unavailable(broker: TestBroker, tmp_path: Path) -> None:
    async with at_work(broker, tmp_path) as observer:
        boot(observer)
        observer.disconnected("CP1", 1.0)
        found = await until(
            broker, lambda found: found.get("ocpp_proxy/CP1/availability") == "offline"
        )
        assert member(found, "ocpp_proxy/CP1/state", "charger_connected") == "OFF"


async def test_after_a_restart_the_same_entities_are_there_and_live_values_unknown(
    broker: TestBroker, tmp_path: Path
) -> None:
    values = {"value": "1500", "measurand": "Power.Active.Import"}
    meter = {"connectorId": 1, "meterValue": [{"sampledValue": [values, {"value": "5000"}]}]}
    start = {"connectorId": 1, "idTag": "T", "meterStart": 4000}
    async with at_work(broker, tmp_path) as observer:
        boot(observer)
        say(observer, Leg.CHARGER, [2, "3", "StartTransaction", start])
        say(observer, Leg.UPSTREAM, [3, "3", {"transactionId": 9}])
        say(observer, Leg.CHARGER, [2, "4", "MeterValues", meter])
        await until(broker, lambda found: "power_1" in found.get(CONFIG, ""))
    before = await broker.retained()
    await broker.stop(kill=True)
    await broker.start()
    async with at_work(broker, tmp_path) as observer:
        found = await until(broker, lambda found: "ocpp_proxy/CP1/connector/1" in found)
        assert json.loads(found[CONFIG]) == json.loads(before[CONFIG])
        assert found["ocpp_proxy/CP1/availability"] == "offline"
        state = json.loads(found["ocpp_proxy/CP1/connector/1"])
        assert (state["power"], state["energy_total"], state["session_energy"]) == (None, 5.0, 1.0)
        connect(observer)
        meter["meterValue"] = [{"sampledValue": [{"value": "6500"}]}]
        say(observer, Leg.CHARGER, [2, "5", "MeterValues", meter])
        topic = "ocpp_proxy/CP1/connector/1"
        await until(broker, lambda found: member(found, topic, "session_energy") == 2.5)


async def test_a_forgotten_station_leaves_nothing_and_can_come_back(
    broker: TestBroker, tmp_path: Path
) -> None:
    async with at_work(broker, tmp_path) as observer:
        boot(observer)
        status(observer, "Available")
        await until(broker, lambda found: "ocpp_proxy/CP1/connector/1" in found and CONFIG in found)
        assert observer.forget("CP1")
        assert not observer.forget("CP2")
        await until(broker, lambda found: set(found) == {"ocpp_proxy/status"})
        say(observer, Leg.CHARGER, [2, "7", "Heartbeat", {}])
        boot(observer)
        await until(broker, lambda found: CONFIG in found)


async def test_discovery_switched_off_still_publishes_the_states(
    broker: TestBroker, tmp_path: Path
) -> None:
    async with at_work(broker, tmp_path, mqtt_discovery=False) as observer:
        boot(observer)
        found = await until(broker, lambda found: "ocpp_proxy/CP1/state" in found)
    assert not any(topic.startswith("homeassistant/") for topic in found)


async def test_an_evening_of_charging_through_the_real_proxy_is_seen_at_the_broker(
    broker: TestBroker, tmp_path: Path
) -> None:
    topic = "ocpp_proxy/AcTec001/connector/1"
    timing = replace(UNHURRIED, meter_tick=0.1, control_interval=0.2)
    async with (
        CentralSystem(timing=timing) as system,
        proxy_server(tmp_path, system.port) as proxy,
        at_work(broker, tmp_path) as observer,
    ):
        proxy.journal.add(observer)
        url = f"ws://127.0.0.1:{proxy.port}//"
        async with Wallbox("AcTec001", url, replace(ACTEC, ignores=frozenset())) as box:
            await system.events.wait_for("operational")
            assert await box.charge() is not None
            assert await system.set_limit("AcTec001", 10) == "Accepted"
            found = await until(broker, lambda found: member(found, topic, "limit_power") == 6900)
            await until(broker, lambda found: (member(found, topic, "power") or 0) > 1000)
            assert member(found, topic, "status") == "Charging"
            assert member(found, topic, "session_energy") is not None
            await box.unplug()
            found = await until(broker, lambda found: member(found, topic, "power") == 0)
        found = await until(
            broker, lambda found: found["ocpp_proxy/AcTec001/availability"] == "offline"
        )
    components = json.loads(found["homeassistant/device/ocpp_AcTec001/config"])["components"]
    assert {"power_1", "current_l3_1", "session_energy_1", "limit_power_1"} <= set(components)


async def test_a_flood_of_strangers_takes_nobodys_place(tmp_path: Path) -> None:
    options, _ = read({})
    observer = MqttSide(options, tmp_path, None).observer
    boot(observer, "CP1")
    for n in range(3 * MOST_STATIONS):
        connect(observer, f"stranger {n}")
        observer.disconnected(f"stranger {n}", 0.0)
    assert len(observer.stations) == MOST_STATIONS
    assert "CP1" in observer.stations


async def test_more_stations_than_are_kept_are_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options, _ = read({})
    observer = MqttSide(options, tmp_path, None).observer
    for n in range(MOST_STATIONS + 5):
        boot(observer, f"CP{n}")
    assert len(observer.stations) == MOST_STATIONS
    assert caplog.text.count("forget one") == 1


def test_what_is_kept_of_a_station_can_be_read_again() -> None:
    station = complete()
    stored = json.loads(json.dumps(to_json(station, shown(station))))
    again, entities = from_json(station.id, stored)
    assert entities == shown(station)
    assert to_json(again, entities) == stored


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format":2,"stations":{}}', "[" * 9999])
def test_a_damaged_file_is_set_aside(tmp_path: Path, text: str) -> None:
    kept = KeptStations(tmp_path)
    kept.path.write_text(text)
    assert kept.load() == {}
    assert (tmp_path / "entities.damaged").read_text() == text


def test_a_damaged_entry_costs_only_itself(tmp_path: Path) -> None:
    kept = KeptStations(tmp_path)
    good = to_json(Station("CP1", vendor="V"), set())
    stations = {"CP1": good, "CP2": {"vendor": 7}, "CP3": None, "CP4": good | {"shown": [[1]]}}
    kept.path.write_text(json.dumps({"format": 1, "stations": stations}))
    assert list(kept.load()) == ["CP1"]


async def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    kept = KeptStations(tmp_path / "missing")
    await kept.save({"CP1": (Station("CP1"), set())})
    assert kept.load() == {}
