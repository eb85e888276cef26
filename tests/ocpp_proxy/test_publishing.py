"""From a station's messages to what a real broker holds for Home Assistant."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
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
    async with asyncio.timeout(PATIENCE):
        while True:
            retained = await broker.retained()
            if check(retained):
                return retained
            await asyncio.sleep(0.05)


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
