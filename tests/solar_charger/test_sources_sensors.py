from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import aiomqtt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solar_charger.json_values import UnreadableAnswerError
from solar_charger.measurements import CarState, ChargingState, Quality, Snapshot
from solar_charger.sources import units
from solar_charger.sources.home_assistant.entity import Ages, Entity, parse_entity
from solar_charger.sources.home_assistant.live import HomeAssistantSource, read_event
from solar_charger.sources.home_assistant.rest import Core
from solar_charger.sources.mqtt_topics import MqttSource, MqttTopics, read_payload
from solar_charger.sources.readings import Readings, SourceError, SourceRefusedError
from solar_charger.sources.roles import Role, RoleBook, SensorRow, Value
from solar_charger.testing.home_assistant import FakeHomeAssistant

from tests.solar_charger.fakes import Clock, Collector, as_bytes, json_values, known, objects_with

GRID = SensorRow(Role.GRID, "sensor.grid")


def take(
    row: SensorRow,
    raw: object,
    unit: str | None = None,
    at: float = 10.0,
    now: float = 10.0,
    book: RoleBook | None = None,
) -> Readings:
    return (book or RoleBook([row], "test")).take(row, Value(raw, at, unit), now)


@pytest.mark.parametrize(
    ("raw", "unit", "watts"),
    [
        ("1234.5", "W", 1234.5),
        ("1.2", "kW", 1200),
        ("0.001", "MW", 1000),
        (" 7 ", None, 7),
        (0, "W", 0),
        ("-3", "kW", -3000),
    ],
)
def test_a_power_is_converted_by_its_unit(raw: object, unit: str | None, watts: float) -> None:
    assert known(take(GRID, raw, unit).grid_w).value == pytest.approx(watts)


@pytest.mark.parametrize(
    ("raw", "unit"),
    [("x", "W"), (None, "W"), ("nan", "W"), ("5", "kWh"), ("5", "°C"), (True, "W"), ("2e5", "W")],
)
def test_what_is_no_possible_power_is_refused_naming_the_sensor(
    raw: object, unit: str | None
) -> None:
    with pytest.raises(SourceError, match=r"sensor\.grid"):
        take(GRID, raw, unit)


def test_invert_and_scale_apply_to_numbers_and_invert_to_yes_and_no() -> None:
    row = SensorRow(Role.BATTERY_POWER, "sensor.battery", invert=True, scale=10)
    assert known(take(row, "5", "W").house_battery_w).value == -50
    plug = SensorRow(Role.PLUG, "binary_sensor.plug", invert=True)
    assert known(take(plug, "off").plug).value is True
    assert known(take(plug, "on").plug).value is False


def test_import_and_export_make_one_grid_power() -> None:
    bought, sold = (
        SensorRow(Role.IMPORT, "sensor.in"),
        SensorRow(Role.EXPORT, "sensor.out", max_age=30),
    )
    book = RoleBook([bought, sold], "test")
    assert take(bought, "0", "W", at=0, now=0, book=book).grid_w is None
    readings = take(sold, "2500", "W", at=60, now=60, book=book)
    assert (known(readings.grid_w).value, known(readings.grid_w).measured_at) == (-2500, 60)
    assert readings.max_age == {"grid_w": 30}
    assert take(sold, "2500", "W", at=95, now=95, book=book).grid_w is None, "the other fell silent"


def test_two_inverters_add_up_and_one_silent_leaves_the_sum_unknown() -> None:
    roof, shed = (
        SensorRow(Role.PRODUCTION, "sensor.roof"),
        SensorRow(Role.PRODUCTION, "sensor.shed"),
    )
    book = RoleBook([roof, shed], "test")
    assert take(roof, "1000", book=book).production_w is None
    assert known(take(shed, "500", book=book).production_w).value == 1500


def test_phases_without_a_sensor_are_unknown() -> None:
    rows = [SensorRow(Role.AMPS_A, "sensor.a"), SensorRow(Role.AMPS_C, "sensor.c")]
    book = RoleBook(rows, "test")
    take(rows[0], "4.5", "A", book=book)
    assert known(take(rows[1], "-2", "A", book=book).grid_phase_a).value == (4.5, None, -2)


def test_the_car_is_put_together_from_its_sensors() -> None:
    rows = [
        SensorRow(Role.CAR_SOC, "sensor.soc"),
        SensorRow(Role.CAR_STATE, "sensor.state"),
        SensorRow(Role.CAR_AMPS, "sensor.amps"),
        SensorRow(Role.CAR_LIMIT, "number.limit"),
    ]
    book = RoleBook(rows, "test")
    for row, raw in zip(rows, ("0", "no_power", "3.5", "80"), strict=True):
        car = take(row, raw, book=book).car
    assert known(car).value == CarState(
        ChargingState.NO_POWER, battery_level=0, charger_actual_current=3.5, charge_limit_soc=80
    )
    with pytest.raises(SourceError):
        take(rows[0], "101", "%", book=book)


def test_a_tracker_in_any_other_zone_is_not_at_home() -> None:
    row = SensorRow(Role.HOME, "device_tracker.car")
    assert known(take(row, "home").home).value is True
    assert known(take(row, "not_home").home).value is False
    assert known(take(row, "Work").home).value is False


def test_readings_replace_their_field_of_the_snapshot_only() -> None:
    snapshot = take(GRID, "100", "W").into(Snapshot())
    later = take(SensorRow(Role.ISLANDED, "binary_sensor.off_grid"), "on").into(snapshot)
    assert known(later.grid_w).value == 100
    assert known(later.islanded).value is True
    assert later.max_age == {"grid_w": 90.0, "islanded": 90.0}


def test_a_row_names_an_entity_or_a_topic_with_a_path() -> None:
    assert GRID.entity_id == "sensor.grid"
    row = SensorRow(Role.GRID, "mqtt:meter/power#total.0")
    topic = known(row.topic)
    assert (topic.topic, topic.path, row.entity_id) == ("meter/power", "total.0", None)


def entity(state: str, reported: float | None = None, **attributes: Any) -> Entity:
    return Entity("sensor.grid", state, attributes.get("unit"), reported, attributes)


def test_unknown_and_unavailable_are_no_value() -> None:
    for word in ("unknown", "unavailable", "", "Unavailable"):
        assert (
            parse_entity({"entity_id": "sensor.x", "state": word, "attributes": {}}).value is None
        )


def test_age_comes_from_the_last_report_and_never_runs_backwards() -> None:
    shown = {
        "entity_id": "sensor.x", "state": "5", "attributes": {"unit_of_measurement": "W"},
        "last_updated": "2026-01-01T12:00:00+00:00", "last_reported": "2026-01-01T12:10:00+00:00",
    }  # fmt: skip
    found = parse_entity(shown)
    ages = Ages()
    wall = known(found.reported) + 20
    assert known(ages.value(found, 500.0, wall)).measured_at == 480
    assert known(ages.value(found, 530.0, wall + 30)).measured_at == 480
    assert known(ages.value(found, 560.0, wall - 9999)).measured_at == 480
    del shown["last_reported"]
    assert parse_entity(shown).reported == known(found.reported) - 600


def test_a_clock_behind_home_assistants_gives_no_negative_age() -> None:
    found = entity("5", reported=1_000_000.0)
    assert known(Ages().value(found, 500.0, 3600.0)).measured_at == 500


async def test_changes_arrive_over_the_websocket_with_unit_and_age() -> None:
    collector = Collector()
    async with FakeHomeAssistant() as core:
        await core.set("sensor.grid", "1.5", unit_of_measurement="kW")
        source = HomeAssistantSource(Core(core.token, core.core_url), [GRID], refresh_s=3600)
        task = asyncio.create_task(source.run(collector))
        await core.listening()
        await collector.until(lambda c: len(c.readings) == 1)
        await core.set("sensor.grid", "-2", unit_of_measurement="kW")
        await collector.until(lambda c: len(c.readings) == 2)
        await core.set("sensor.grid", "unavailable", unit_of_measurement="kW")
        await core.set("sensor.grid", "-1", unit_of_measurement="kW")
        await collector.until(lambda c: len(c.readings) == 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [known(reading.grid_w).value for reading in collector.readings] == [1500, -2000, -1000]
    assert collector.errors == []


async def test_a_value_that_stands_still_stays_young_by_asking() -> None:
    collector = Collector()
    async with FakeHomeAssistant() as core:
        await core.set("sensor.grid", "100", unit_of_measurement="W")
        source = HomeAssistantSource(Core(core.token, core.core_url), [GRID], refresh_s=0.02)
        task = asyncio.create_task(source.run(collector))
        await collector.until(lambda c: len(c.readings) >= 2)
        before = known(collector.readings[-1].grid_w).measured_at
        await core.set("sensor.grid", "100", unit_of_measurement="W")
        await collector.until(lambda c: known(c.readings[-1].grid_w).measured_at > before)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_restart_of_home_assistant_is_survived() -> None:
    collector = Collector()
    core = FakeHomeAssistant()
    async with core:
        await core.set("sensor.grid", "1", unit_of_measurement="W")
        source = HomeAssistantSource(
            Core(core.token, core.core_url), [GRID], refresh_s=0.05, reconnect_s=0.05
        )
        task = asyncio.create_task(source.run(collector))
        await core.listening()
    await collector.until(lambda c: len(c.errors) >= 2)
    async with core:
        await core.listening()
        await core.set("sensor.grid", "2", unit_of_measurement="W")
        await collector.until(lambda c: any(known(r.grid_w).value == 2 for r in c.readings))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_unknown_entity_and_a_wrong_token_are_told() -> None:
    async with FakeHomeAssistant() as core:
        with pytest.raises(SourceRefusedError, match=r"no entity sensor\.grid"):
            await HomeAssistantSource(Core(core.token, core.core_url), [GRID]).test()
        with pytest.raises(SourceRefusedError, match="token"):
            await HomeAssistantSource(Core("wrong", core.core_url), [GRID]).test()
        await core.set("sensor.grid", "5", unit_of_measurement="W")
        readings = await HomeAssistantSource(Core(core.token, core.core_url), [GRID]).test()
    assert known(readings.grid_w).value == 5
    assert core.token not in repr(Core(core.token))


@pytest.mark.parametrize(
    ("payload", "path", "value"),
    [
        (b" 42.5 ", "", "42.5"),
        (b'{"a":{"b":[1,{"c":7}]}}', "a.b.1.c", 7),
        (b'{"a":null}', "a", None),
        (b'{"0":3}', "0", 3),
    ],
)
def test_a_message_is_read_whole_or_by_its_path(payload: Any, path: str, value: object) -> None:
    assert read_payload(payload, path) == value


ROW = SensorRow(Role.GRID, "mqtt:meter#power.grid")


def test_a_retained_message_shows_and_does_not_steer_until_a_live_one_comes() -> None:
    topics = MqttTopics([ROW, GRID], clock=Clock())
    assert topics.topics == ("meter",)
    (stored,) = topics.message("meter", b'{"power":{"grid":5}}', retained=True)
    assert known(stored.grid_w).quality is Quality.RETAINED
    assert not known(stored.grid_w).usable
    (live,) = topics.message("meter", b'{"power":{"grid":6}}', retained=False)
    assert known(live.grid_w).usable
    assert topics.message("meter", b'{"power":{"grid":5}}', retained=True) == []


def test_a_bad_message_names_its_topic_and_an_empty_one_says_nothing() -> None:
    topics = MqttTopics([ROW], clock=Clock())
    (bad,) = topics.message("meter", b"{", retained=False)
    assert bad.problems[0].startswith("meter: ")
    assert topics.message("meter", b'{"power":{"grid":"unavailable"}}', retained=False) == []
    assert topics.message("other", b"5", retained=False) == []


class FakeBrokerClient:
    """The part of aiomqtt's client the source uses."""

    def __init__(self, script: list[tuple[bytes, bool]]) -> None:
        self._script = script
        self.subscribed: list[tuple[str, int]] = []

    async def __aenter__(self) -> FakeBrokerClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def subscribe(self, topic: str, qos: int = 0) -> None:
        self.subscribed.append((topic, qos))

    @property
    async def messages(self) -> AsyncIterator[SimpleNamespace]:
        for payload, retain in self._script:
            topic = SimpleNamespace(value="meter")
            yield SimpleNamespace(topic=topic, payload=payload, retain=retain)
        raise aiomqtt.MqttError("connection lost")


async def test_the_broker_is_left_and_found_again() -> None:
    clients = [
        FakeBrokerClient([(b'{"power":{"grid":1}}', True)]),
        FakeBrokerClient([(b'{"power":{"grid":2}}', False)]),
    ]
    made = iter(clients + [FakeBrokerClient([])] * 100)
    collector = Collector()
    source = MqttSource([ROW], lambda: next(made), reconnect_s=0.01)  # type: ignore[arg-type, return-value]
    task = asyncio.create_task(source.run(collector))
    await collector.until(lambda c: len(c.readings) == 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert clients[0].subscribed == [("meter", 1)]
    assert "connection lost" in collector.errors[0]
    assert [known(r.grid_w).usable for r in collector.readings] == [False, True]


@given(st.sampled_from(Role), json_values, st.sampled_from([None, "W", "kW", "A", "%", "x"]))
def test_any_value_in_any_role_is_read_or_refused(
    role: Role, raw: object, unit: str | None
) -> None:
    row = SensorRow(role, "sensor.x")
    try:
        found = take(row, raw, unit)
    except SourceError:
        return
    if found.grid_w is not None:
        assert abs(found.grid_w.value) <= 100_000
        assert raw is not None


@given(
    json_values | objects_with("entity_id", "state", "attributes", "last_updated", "last_reported")
)
def test_any_state_is_read_or_refused(value: object) -> None:
    try:
        found = parse_entity(value)
    except UnreadableAnswerError:
        return
    Ages().value(found, 1.0, 2.0)


@given(st.text() | json_values.map(json.dumps))
def test_any_websocket_message_is_read_or_refused(text: str) -> None:
    for message in (text, '{"type":"event","event":' + text + "}"):
        try:
            read_event(message)
        except SourceError:
            continue


@given(
    st.binary() | json_values.map(as_bytes),
    st.text(max_size=12) | st.sampled_from(["a", "a.b", "0", "1.0", "eid"]),
)
def test_any_message_and_path_is_read_or_refused(payload: Any, path: str) -> None:
    try:
        read_payload(payload, path)
    except SourceError:
        return


@given(json_values)
def test_any_word_is_yes_no_or_refused(value: object) -> None:
    for read in (units.to_flag, units.to_home, units.to_charging_state):
        try:
            read(value)
        except SourceError:
            continue
