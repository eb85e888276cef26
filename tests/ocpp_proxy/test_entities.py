"""What Home Assistant is told: discovery that it accepts, states that fit, golden files.

`GOLDEN=write pytest tests/ocpp_proxy/test_entities.py` writes the golden files anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp_proxy.entities import (
    CONNECTOR_ENTITIES,
    STATION_ENTITIES,
    Shown,
    Topics,
    device,
    having_value,
    safe_id,
    states,
    station_values,
)
from ocpp_proxy.homeassistant import Origin, state_json
from ocpp_proxy.station import Connector, Limit, Station

from tests.repository.discovery import check_device_payload, check_device_payloads

GOLDEN = Path(__file__).parent / "golden"
ORIGIN = Origin("OCPP proxy", "0.1.0", "https://example.org/help")
WALL = 1_795_262_400.0


def fresh() -> Station:
    return Station("AcTec001", vendor="AcTEC", model="EV-AC22K", charger_connected=True)


def complete(number: int = 1) -> Station:
    """A station of which every entity has a value."""
    lines = {
        f"{kind}_l{n}": 10.0 * n for kind in ("power", "current", "voltage") for n in (1, 2, 3)
    }
    single = ("power", "current_max", "energy_total", "current_offered", "power_offered")
    others = ("soc", "temperature", "frequency")
    connector = Connector(
        number,
        status="Charging",
        error_code="NoError",
        values=lines | dict.fromkeys((*single, *others), 1.5),
        session_energy=1.25,
        session_start=WALL,
        transaction_id=1_770_000_001,
        stop_reason="Local",
        limit=Limit(16.0, "A"),
    )
    return Station(
        "AcTec001",
        vendor="AcTEC",
        model="EV-AC22K",
        serial="SN1",
        firmware="V1.17.9",
        registration="Accepted",
        accepted=True,
        firmware_status="Idle",
        id_tag="04A2B3C4D5E69F",
        authorization_status="Accepted",
        last_boot=WALL,
        last_heartbeat=WALL + 60,
        last_message=WALL + 61.7,
        charger_connected=True,
        upstream_connected=True,
        connects=3,
        peer_address="192.0.2.7",
        protocol="ocpp1.6",
        latency_charger=12.3,
        latency_upstream=0.4,
        connectors={number: connector},
    )


def shown(station: Station) -> set[Shown]:
    return set(having_value(station)) | {(n, "limit_power") for n in station.connectors}


def topics(station: Station) -> Topics:
    return Topics("ocpp_proxy", safe_id(station.id))


def payload(station: Station) -> dict[str, Any]:
    found = device(station, shown(station), ORIGIN, topics(station)).payload()
    assert not check_device_payload(
        found, f"homeassistant/device/ocpp_{safe_id(station.id)}/config"
    )
    loaded: dict[str, Any] = json.loads(found)
    return loaded


def all_states(station: Station, **more: Any) -> dict[str, dict[str, Any]]:
    found = states(station, shown(station), topics(station), **more)
    return {topic: json.loads(state_json(members)) for topic, members in found.items()}


def golden(name: str, content: dict[str, Any]) -> None:
    file = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    assert content == json.loads(file.read_text(encoding="utf-8"))


def test_the_discovery_message_of_a_complete_station_is_as_recorded() -> None:
    golden("discovery.json", payload(complete()))


def test_the_states_of_a_complete_station_are_as_recorded() -> None:
    golden("states.json", all_states(complete()))


def test_every_entity_of_the_table_is_announced_once_it_has_a_value() -> None:
    components = payload(complete())["components"]
    expected = {entity.key for entity in STATION_ENTITIES}
    expected |= {f"{entity.key}_1" for entity in CONNECTOR_ENTITIES}
    assert set(components) == expected


def test_what_never_had_a_value_is_not_announced() -> None:
    components = payload(fresh())["components"]
    assert set(components) == {
        *("charger_connected", "upstream_connected", "vendor", "model", "reconnects"),
    }


def test_every_member_a_template_reads_is_in_the_state() -> None:
    for station in (complete(), complete(0), complete(2)):
        found = all_states(station)
        for component in payload(station)["components"].values():
            key = component["value_template"].split("value_json.")[1].split()[0]
            assert key in found[component["state_topic"]]


def test_enumerations_only_ever_hold_words_from_their_options() -> None:
    found = all_states(complete())
    for component in payload(complete())["components"].values():
        if "options" in component:
            key = component["value_template"].split("value_json.")[1].split()[0]
            assert found[component["state_topic"]][key] in component["options"]


def test_a_value_that_is_gone_reads_unknown() -> None:
    station = complete()
    kept = shown(station)
    station.connectors[1].status = None
    station.connectors[1].limit = None
    members = states(station, kept, topics(station))["ocpp_proxy/AcTec001/connector/1"]
    assert (members["status"], members["plugged"], members["limit_current"]) == (None, None, None)


def test_measurements_need_the_charger_and_diagnostics_only_the_app() -> None:
    components = payload(complete())["components"]
    own, both = {"topic": "ocpp_proxy/status"}, {"topic": "ocpp_proxy/AcTec001/availability"}
    assert components["power_1"]["availability"] == [own, both]
    assert components["status_1"]["availability"] == [own, both]
    assert "availability" not in components["charger_connected"]
    assert payload(complete())["availability"] == [own]
    assert payload(complete())["availability_mode"] == "all"


def test_one_connector_goes_without_a_number_and_several_with() -> None:
    station = complete()
    assert payload(station)["components"]["power_1"]["name"] == "Power"
    station.connectors[2] = Connector(2, status="Available")
    components = payload(station)["components"]
    assert components["power_1"]["name"] == "Power 1"
    assert components["status_2"]["name"] == "Status 2"
    station.number_of_connectors = 1
    assert payload(station)["components"]["power_1"]["name"] == "Power"


def test_the_station_as_a_whole_has_names_and_members_of_its_own() -> None:
    station = complete(0)
    station.connectors[1] = complete().connectors[1]
    components = payload(station)["components"]
    assert components["status_0"]["name"] == "Station status"
    assert components["status_0"]["state_topic"] == "ocpp_proxy/AcTec001/state"
    names = [component["name"] for component in components.values()]
    assert len(set(names)) == len(names)
    members = all_states(station)["ocpp_proxy/AcTec001/state"]
    assert (members["station_status"], members["vendor"]) == ("Charging", "AcTEC")


def test_nobody_plugs_a_car_into_the_station_as_a_whole() -> None:
    components = payload(complete(0))["components"]
    assert "problem_0" in components
    assert not {"plugged_0", "charging_0"} & set(components)


def test_ids_name_app_station_key_and_connector() -> None:
    component = payload(complete())["components"]["session_energy_1"]
    assert component["unique_id"] == "ocpp_proxy_AcTec001_session_energy_1"
    assert component["default_entity_id"] == "sensor.actec001_session_energy_1"


def test_the_error_carries_its_details_as_attributes() -> None:
    station = complete()
    station.connectors[1].error_details = {"info": "fan"}
    assert all_states(station)["ocpp_proxy/AcTec001/connector/1"]["error_details"] == {
        "info": "fan"
    }
    component = payload(station)["components"]["error_code_1"]
    assert component["json_attributes_topic"] == component["state_topic"]


def test_rfid_tags_are_masked_unless_the_owner_wants_them() -> None:
    assert station_values(complete())["id_tag"] == "04A2…9F"
    assert station_values(complete(), mask_id_tags=False)["id_tag"] == "04A2B3C4D5E69F"
    hidden = Station("x", id_tag="1234")
    assert "1234" not in str(station_values(hidden)["id_tag"])


def test_times_carry_their_zone() -> None:
    assert station_values(complete())["last_message"] == "2026-11-21T12:01:01+00:00"


@pytest.mark.parametrize(
    ("station_id", "expected"),
    [
        ("AcTec001", "AcTec001"),
        ("a_b-C9", "a_b-C9"),
        ("CP 1", "CP_1_"),
        ("a/b", "a_b_"),
        ("a+b#", "a_b__"),
        ("ä", "__"),
        ("x" * 48, "x" * 48),
        ("x" * 49, "x" * 48 + "_"),
    ],
)
def test_unusual_ids_become_safe_and_stay_different(station_id: str, expected: str) -> None:
    found = safe_id(station_id)
    assert found.startswith(expected)
    assert len(found) in (len(expected), len(expected) + 6)
    assert (len(found) == len(expected)) == (found == station_id)


@given(st.text(min_size=1, max_size=80))
def test_any_station_id_makes_a_payload_home_assistant_accepts(station_id: str) -> None:
    station = fresh()
    station.id = station_id
    payload(station)
    assert json.loads(state_json(station_values(station)))["vendor"] == "AcTEC"


def test_many_stations_do_not_get_into_each_others_way() -> None:
    payloads = {}
    for station_id in ("CP1", "CP-1", "CP 1", "CP/1", "cp1_1", "CP1_status", "ä", "ö"):
        station = complete()
        station.id = station_id
        found = device(station, shown(station), ORIGIN, topics(station))
        payloads[found.topic("homeassistant")] = found.payload()
    assert len(payloads) == 8
    assert not check_device_payloads(payloads)
