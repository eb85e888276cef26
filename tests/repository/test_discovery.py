"""Whole discovery payloads: what makes Home Assistant refuse everything, and what it accepts."""

from __future__ import annotations

import copy
import json
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.repository.discovery import check_device_payload, check_device_payloads

TOPIC = "homeassistant/device/tesla_telemetry_5b1c0e94d7a2/config"
STATE = "tesla_telemetry/5b1c0e94d7a2"

GOOD: dict[str, Any] = {
    "device": {
        "identifiers": ["tesla_telemetry_5b1c0e94d7a2"],
        "name": "Model Y",
        "manufacturer": "Tesla",
        "serial_number": "5YJ3E1EA0KF000000",
    },
    "origin": {
        "name": "Tesla Telemetry",
        "sw_version": "1.0.0",
        "support_url": "https://example.org/help",
    },
    "availability": [{"topic": "tesla_telemetry/bridge/state"}],
    "qos": 1,
    "components": {
        "battery": {
            "platform": "sensor",
            "name": "Battery",
            "unique_id": "tesla_telemetry_5b1c0e94d7a2_battery",
            "default_entity_id": "sensor.model_y_battery",
            "device_class": "battery",
            "unit_of_measurement": "%",
            "state_class": "measurement",
            "state_topic": f"{STATE}/battery",
        },
        "location": {
            "platform": "device_tracker",
            "name": "Location",
            "unique_id": "tesla_telemetry_5b1c0e94d7a2_location",
            "default_entity_id": "device_tracker.model_y_location",
            "json_attributes_topic": f"{STATE}/location",
        },
    },
}
"""The device payload of a made-up car that Home Assistant was seen to take whole."""


def _found(payload: Any, topic: str | None = TOPIC) -> str:
    return "\n".join(map(str, check_device_payload(payload, topic)))


def _with(place: str, **changes: Any) -> dict[str, Any]:
    """The good payload with keys of one place changed; `...` takes a key out."""
    payload = copy.deepcopy(GOOD)
    target = payload
    for step in filter(None, place.split(".")):
        target = target[step]
    for key, value in changes.items():
        if value is ...:
            target.pop(key, None)
        else:
            target[key] = value
    return payload


@pytest.mark.parametrize("form", [GOOD, json.dumps(GOOD), json.dumps(GOOD).encode()])
def test_a_good_payload_passes_in_every_form(form: Any) -> None:
    assert _found(form) == ""
    assert _found(form, None) == ""


def test_a_text_enumeration_is_its_text() -> None:
    class Unit(StrEnum):
        PERCENT = "%"

    assert _found(_with("components.battery", unit_of_measurement=Unit.PERCENT)) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"connections": [["mac", "00:11:22:33:44:55"]]},
        {"identifiers": "one_text"},
        {"configuration_url": "homeassistant://hassio/ingress/ocpp_proxy"},
        {"sw_version": "1", "hw_version": "2", "model": "Y", "model_id": "y", "via_device": "x"},
    ],
)
def test_what_a_device_may_say_passes(changes: dict[str, Any]) -> None:
    assert _found(_with("device", **changes)) == ""


@pytest.mark.parametrize(
    ("place", "changes", "expected"),
    [
        ("", {"retain": True}, "payload: retain is no key of a device payload"),
        ("", {"~": "a/b"}, "payload: ~ is no key of a device payload"),
        ("", {"expire_after": 60}, "expire_after is no key of a device payload"),
        ("", {"child_devices": []}, "child_devices is unknown to Cores before 2026"),
        ("", {"cmps": {}}, "cmps is a short name; write components"),
        ("", {"components": ...}, "has no components"),
        ("", {"device": ...}, "has no device"),
        ("", {"origin": ...}, "has no origin"),
        ("", {"components": {}}, "components: is no object with entries"),
        ("", {"components": [1]}, "components: is no object with entries"),
        ("", {"qos": 3}, "qos is 3; write 0, 1 or 2"),
        ("", {"qos": True}, "qos is True"),
        ("", {"availability": ...}, "has no availability"),
        ("", {"encoding": None}, "encoding is null"),
        ("device", {"identifiers": ...}, "has neither identifiers nor connections"),
        ("device", {"identifiers": []}, "has neither identifiers nor connections"),
        ("device", {"identifiers": [5]}, "identifiers is [5]"),
        ("device", {"connections": [["mac"]]}, 'write a list of ["mac", "…"] pairs'),
        ("device", {"via_hub": "x"}, "via_hub is dead; write via_device"),
        ("device", {"mf": "Tesla"}, "mf is a short name; write manufacturer"),
        ("device", {"vin": "x"}, "vin is no key of a device"),
        ("device", {"model": None}, "model is None"),
        ("device", {"sw_version": 1.0}, "sw_version is 1.0"),
        ("device", {"name": ...}, "device: has no name"),
        ("device", {"configuration_url": "/here"}, "configuration_url is no URL"),
        ("device", {"configuration_url": "http://a b/"}, "configuration_url is no URL"),
        ("device", {"configuration_url": "http://a:x/"}, "configuration_url is no URL"),
        ("origin", {"name": ...}, "origin: has no name"),
        ("origin", {"url": "https://a.org"}, "url is a short name; write support_url"),
        ("origin", {"support_url": "a.org"}, "support_url is no URL"),
        ("origin", {"sw_version": ""}, "sw_version is ''"),
        ("origin", {"vendor": "x"}, "vendor is no key of an origin"),
        ("components", {"bad key": {"platform": "sensor"}}, "has an odd key"),
        ("components", {"a": "sensor"}, "components.a: is no object"),
    ],
)
def test_a_payload_home_assistant_refuses_is_found(
    place: str, changes: dict[str, Any], expected: str
) -> None:
    assert expected in _found(_with(place, **changes))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[]", "is no JSON object"),
        (b"\xff", "is no JSON"),
        (_with("", qos=float("nan")), "is no JSON"),
        (_with("", qos={1, 2}), "is no JSON"),
        (_with("", device="x"), "device: is no object"),
        (_with("", origin=[]), "origin: is no object"),
    ],
)
def test_what_is_no_payload_is_one_clear_finding(payload: Any, expected: str) -> None:
    assert expected in _found(payload)


@pytest.mark.parametrize(
    "topic",
    [
        "homeassistant/device/a b/config",
        "homeassistant/device/wallbox.1/config",
        "homeassistant/device/ä/config",
        "homeassistant/sensor/x/config",
        "homeassistant/device/config",
        "homeassistant/device/a/b/c/config",
        "homeassistant/device/a/state",
        "home#/device/a/config",
    ],
)
def test_an_illegal_discovery_topic_is_found(topic: str) -> None:
    assert f"topic: {topic!r} is no discovery topic" in _found(GOOD, topic)


@pytest.mark.parametrize("topic", ["ha/device/a_b-1/config", "my/home/device/node/a/config"])
def test_a_legal_discovery_topic_passes(topic: str) -> None:
    assert _found(GOOD, topic) == ""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"availability": [{"topic": "a"}, {"topic": "b"}]}, "availability_mode: all"),
        ({"availability": [{"topic": "a"}, {"topic": "a"}]}, "stands twice"),
        ({"availability": [{}]}, "an availability topic is no topic"),
        ({"availability": [{"topic": "a", "qos": 1}]}, "qos is no key of an availability entry"),
        ({"availability": [{"topic": "a", "payload_available": True}]}, "write text"),
        ({"availability": {"topic": "a"}}, "write a list of"),
        ({"availability": []}, "write a list of"),
        ({"availability": ["a"]}, "availability holds 'a'"),
        ({"availability_topic": "a"}, "keep one of the two"),
        ({"availability_mode": "both"}, "write one of all, any, latest"),
        ({"availability_template": "{{ value }}"}, "without its topic"),
        ({"payload_available": "offline"}, "payload_available equals"),
    ],
)
def test_a_bad_availability_is_found(changes: dict[str, Any], expected: str) -> None:
    assert expected in _found(_with("", **changes))


def test_two_availability_topics_with_a_mode_pass() -> None:
    topics = [{"topic": "a"}, {"topic": "b", "value_template": "{{ value }}"}]
    assert _found(_with("", availability=topics, availability_mode="all")) == ""


def test_the_other_form_of_availability_beside_the_devices_own_is_found() -> None:
    payload = _with("components.battery", availability_topic="a")
    assert "components.battery: has availability and availability_topic" in _found(payload)


def test_a_removed_component_is_its_platform_alone() -> None:
    assert _found(_with("components", old={"platform": "sensor"})) == ""


def test_a_unique_id_used_twice_on_one_platform_is_found() -> None:
    again = {**GOOD["components"]["battery"], "default_entity_id": "sensor.again"}
    found = _found(_with("components", again=again))
    assert "sensor unique_id tesla_telemetry_5b1c0e94d7a2_battery is also at" in found
    other = {
        **{key: again[key] for key in ("unique_id", "name", "state_topic")},
        "platform": "binary_sensor",
        "default_entity_id": "binary_sensor.again",
    }
    assert _found(_with("components", again=other)) == ""


def test_an_entity_id_used_twice_is_found() -> None:
    again = {**GOOD["components"]["battery"], "unique_id": "another"}
    assert "default_entity_id sensor.model_y_battery is also at" in _found(
        _with("components", again=again)
    )


def test_devices_beside_each_other_must_differ() -> None:
    other = "homeassistant/device/other/config"
    findings = check_device_payloads({TOPIC: GOOD, other: GOOD})
    kinds = sorted(found.wrong.split(" is also at ")[0].rsplit(" ", 1)[0] for found in findings)
    assert kinds == [
        "default_entity_id",
        "default_entity_id",
        "device_tracker unique_id",
        "identifier",
        "sensor unique_id",
    ]
    assert check_device_payloads({TOPIC: GOOD}) == []


def test_findings_about_several_payloads_name_their_topic() -> None:
    (finding,) = check_device_payloads({TOPIC: _with("", retain=True)})
    assert str(finding).startswith(f"{TOPIC} payload: retain ")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["platform", "name", "qos", "a_topic", "x"]), inner)
    ),
    max_leaves=8,
)


# Capped: every example walks the whole payload, and the places are few.
@settings(max_examples=300)
@given(
    st.sampled_from(["", "device", "origin", "components", "components.battery"]),
    st.sampled_from([*GOOD, *GOOD["device"], *GOOD["components"]["battery"], "options", "~"]),
    _JSON,
)
def test_no_json_whatever_breaks_the_check(place: str, key: str, value: Any) -> None:
    payload = _with(place, **{key: value})
    for finding in check_device_payload(payload, TOPIC):
        assert finding.wrong
        assert finding.instead
