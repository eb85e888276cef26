"""What is remembered of a station, how much of it, and what of it survives a restart."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from ocpp_proxy.frames import build_call, json_bytes
from ocpp_proxy.relay import StationMemory

from tests.ocpp_proxy.relaying import BOOT, NOON, call, meter_values, status


def remembering(*payloads: bytes) -> StationMemory:
    memory = StationMemory()
    for data in payloads:
        memory.saw(json.loads(data)[2], data)
    return memory


def test_the_boot_survives_a_restart_byte_for_byte() -> None:
    memory = StationMemory()
    memory.saw(
        "BootNotification", b'[2,"1","BootNotification", {"chargePointModel" : "M\\u00e4"} ]\0'
    )
    stored = json.loads(json.dumps(memory.to_dict()))
    again = StationMemory.from_dict(stored)
    expected = b'[2,"px-1","BootNotification",{"chargePointModel" : "M\\u00e4"}]'
    assert again.boot_call("px-1") == memory.boot_call("px-1") == expected


def test_saving_is_due_only_when_the_boot_changed() -> None:
    memory = StationMemory()
    memory.saw("BootNotification", call("1", "BootNotification", BOOT))
    version = memory.version
    memory.saw("BootNotification", call("2", "BootNotification", BOOT))
    memory.saw("StatusNotification", call("3", "StatusNotification", status(1, "Charging")))
    assert memory.version == version
    memory.saw("BootNotification", call("4", "BootNotification", {"chargePointModel": "other"}))
    assert memory.version > version


def test_a_boot_that_cannot_be_read_or_is_empty_replaces_none() -> None:
    memory = remembering(call("1", "BootNotification", BOOT))
    for data in (b'[2,"1","BootNotification",', b'[2,"1","BootNotification",{}]', b"[2,1"):
        memory.saw("BootNotification", data)
    boot = memory.boot_call("x")
    assert boot is not None
    assert json.loads(boot)[3] == BOOT


def test_a_truncated_boot_is_kept_as_far_as_it_can_be_read() -> None:
    memory = StationMemory()
    memory.saw("BootNotification", b'[2,"1","BootNotification",{"chargePointModel":"M"')
    boot = memory.boot_call("x")
    assert boot is not None
    assert json.loads(boot) == [2, "x", "BootNotification", {"chargePointModel": "M"}]


@settings(max_examples=settings().max_examples // 8)  # nested values are slow to make
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.none() | st.integers() | st.text() | st.lists(st.integers()),
        max_size=3,
    )
    | st.fixed_dictionaries({"boot": st.text() | st.just("[" * 9000) | st.just("{}") | st.none()})
)
def test_whatever_is_in_the_file_a_memory_comes_of_it(stored: dict[str, object]) -> None:
    boot = StationMemory.from_dict(stored).boot_call("x")
    assert boot is None or isinstance(json.loads(boot)[3], dict)


def test_the_latest_status_of_each_connector_is_kept_with_a_fresh_timestamp() -> None:
    memory = remembering(
        call("1", "StatusNotification", status(2, "Available", "2020-01-01T00:00:00Z")),
        call("2", "StatusNotification", status(1, "Preparing")),
        call("3", "StatusNotification", status(2, "Charging", "2020-01-01T00:00:00Z")),
    )
    assert memory.status_connectors() == [1, 2]
    assert json.loads(memory.status_call(1, "x", NOON))[3] == status(1, "Preparing")
    expected = status(2, "Charging", "2026-11-01T12:00:00.000Z")
    assert json.loads(memory.status_call(2, "x", NOON)) == [2, "x", "StatusNotification", expected]


def test_a_status_that_upstream_could_not_read_is_not_sent_again() -> None:
    memory = StationMemory()
    memory.saw("StatusNotification", b'[2,"1","StatusNotification",{"connectorId":1,]')
    memory.saw("MeterValues", b'[2,"1","MeterValues",{"connectorId":1,]')
    assert memory.status_connectors() == []
    assert memory.meter_connectors() == []


def test_text_that_looks_like_a_field_is_not_taken_for_one() -> None:
    info = {"info": '"connectorId":9,"timestamp":"no"', **status(1, "Charging")}
    memory = remembering(call("1", "StatusNotification", info))
    assert memory.status_connectors() == [1]
    assert json.loads(memory.status_call(1, "x", NOON))[3] == info


def test_a_station_that_names_ever_new_connectors_costs_no_more_memory() -> None:
    memory = StationMemory()
    for connector in range(5000):
        memory.saw("StatusNotification", call("1", "StatusNotification", status(connector, "A")))
        values = meter_values(connector, "x" * 12_000)
        memory.saw("MeterValues", call("1", "MeterValues", values))
    assert len(memory.status_connectors()) <= 64
    kept = sum(len(memory.meter_values_call(n, "x")) for n in memory.meter_connectors())
    assert kept <= 256 * 1024


def test_oversized_messages_are_not_kept() -> None:
    memory = StationMemory()
    memory.saw("BootNotification", call("1", "BootNotification", {"chargePointModel": "x" * 9000}))
    memory.saw("StatusNotification", call("1", "StatusNotification", status(1, "x" * 9000)))
    memory.saw("MeterValues", call("1", "MeterValues", meter_values(1, "x" * 20_000)))
    assert memory.boot is None
    assert memory.status_connectors() == memory.meter_connectors() == []


@given(st.binary(max_size=100))
def test_no_bytes_make_the_memory_fail(data: bytes) -> None:
    memory = StationMemory()
    for action in ("BootNotification", "StatusNotification", "MeterValues"):
        memory.saw(action, data)
        memory.saw(action, build_call("1", action, json_bytes({"connectorId": 1}) + data))
    memory.boot_call("x")
    for connector in memory.status_connectors():
        memory.status_call(connector, "x", NOON)
    for connector in memory.meter_connectors():
        memory.meter_values_call(connector, "x")
