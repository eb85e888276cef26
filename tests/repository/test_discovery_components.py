"""Single components: Home Assistant drops a bad one alone and silently, so it is found here."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.repository.discovery import check_device_payload
from tests.repository.discovery.keys import COMMON, PLATFORMS
from tests.repository.discovery.units import NUMBER_CLASSES, SENSOR_CLASSES, UNITS

GOOD: dict[str, dict[str, Any]] = {
    "sensor": {"state_topic": "a/power", "device_class": "power", "unit_of_measurement": "W"},
    "binary_sensor": {"state_topic": "a/plug", "device_class": "plug", "off_delay": 5},
    "switch": {"command_topic": "a/set", "state_topic": "a/state", "optimistic": False},
    "button": {"command_topic": "a/press", "device_class": "restart", "payload_press": "GO"},
    "number": {
        "command_topic": "a/set", "state_topic": "a/state", "min": 0, "max": 32, "step": 1,
        "mode": "slider", "device_class": "current", "unit_of_measurement": "A",
    },
    "select": {"command_topic": "a/set", "options": ["SOLAR", "MANUAL"]},
    "text": {"command_topic": "a/set", "pattern": "^[0-9]{2}:[0-9]{2}$", "max": 5},
    "device_tracker": {"json_attributes_topic": "a/place", "source_type": "gps"},
    "lock": {"command_topic": "a/set", "state_topic": "a/state", "code_format": "^\\d{4}$"},
    "climate": {
        "modes": ["off", "heat_cool"], "mode_command_topic": "a/mode", "min_temp": 16,
        "max_temp": 30, "temp_step": 0.5, "precision": 0.5, "temperature_unit": "C",
        "current_temperature_topic": "a/t", "current_temperature_template": "{{ value }}",
    },
    "event": {"state_topic": "a/event", "event_types": ["alert"]},
    "update": {
        "state_topic": "a/version", "latest_version_topic": "a/latest", "command_topic": "a/do",
        "payload_install": "install", "release_url": "https://example.org/notes",
    },
}  # fmt: skip


def _found(platform: str, /, **changes: Any) -> str:
    """Findings about one good component with keys changed; `...` takes a key out."""
    component = {
        "platform": platform,
        "name": "Thing",
        "unique_id": "app_1_thing",
        "default_entity_id": f"{platform}.app_thing",
        **GOOD.get(platform, {}),
        **changes,
    }
    payload = {
        "device": {"identifiers": ["app_1"], "name": "Box"},
        "origin": {"name": "App"},
        "availability_topic": "app/state",
        "components": {"x": {key: value for key, value in component.items() if value is not ...}},
    }
    return "\n".join(map(str, check_device_payload(payload)))


@pytest.mark.parametrize("platform", GOOD)
def test_a_good_component_passes(platform: str) -> None:
    assert _found(platform) == ""
    assert _found(platform, name=None, icon="mdi:ev-station", enabled_by_default=False) == ""
    assert _found(platform, entity_category="diagnostic", qos=0) == ""


@pytest.mark.parametrize("platform", GOOD)
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"surprise": 1}, "surprise is no key of a"),
        ({"object_id": "x"}, "object_id is dead since Core 2026.4"),
        ({"uniq_id": "x"}, "uniq_id is a short name; write unique_id"),
        ({"device": {"identifiers": ["y"]}}, "device is no key of a"),
        ({"unique_id": ...}, "has no unique_id, the whole payload is refused"),
        ({"unique_id": 7}, "unique_id is 7"),
        ({"unique_id": "a b"}, "unique_id is 'a b'"),
        ({"name": ...}, "has no name; always send one"),
        ({"name": ""}, "name is ''"),
        ({"name": "Box Thing"}, "name 'Box Thing' repeats the device's"),
        ({"default_entity_id": ...}, "default_entity_id is None"),
        ({"default_entity_id": "thing"}, "default_entity_id is 'thing'"),
        ({"default_entity_id": "camera.x"}, "default_entity_id is 'camera.x'"),
        ({"entity_category": "setting"}, "write config or diagnostic"),
        ({"icon": "car"}, "write mdi:<name>"),
        ({"icon": None}, "icon is null; leave the key out"),
        ({"enabled_by_default": "false"}, "enabled_by_default is 'false'"),
        ({"qos": 3}, "qos is 3"),
        ({"json_attributes_topic": "a/#"}, "json_attributes_topic holds a wildcard"),
        ({"json_attributes_topic": ""}, "json_attributes_topic is no topic"),
        ({"json_attributes_topic": "/a"}, "has an empty level"),
        ({"json_attributes_topic": "a\nb"}, "holds a control or non-character"),
        ({"entity_picture": "logo.png"}, "entity_picture is no URL"),
    ],
)
def test_what_no_component_may_say_is_found(
    platform: str, changes: dict[str, Any], expected: str
) -> None:
    assert expected in _found(platform, **changes)


@pytest.mark.parametrize(
    ("platform", "key"),
    [
        ("sensor", "state_topic"), ("binary_sensor", "state_topic"), ("switch", "command_topic"),
        ("button", "command_topic"), ("number", "command_topic"), ("select", "command_topic"),
        ("select", "options"), ("text", "command_topic"), ("lock", "command_topic"),
        ("event", "state_topic"), ("event", "event_types"), ("update", "state_topic"),
    ],
)  # fmt: skip
def test_a_missing_key_is_found(platform: str, key: str) -> None:
    assert f"has no {key}; a {platform} needs it" in _found(platform, **{key: ...})


@pytest.mark.parametrize("platform", ["sensor", "binary_sensor"])
def test_a_setting_that_can_only_be_read_is_found(platform: str) -> None:
    assert "entity_category config is refused" in _found(platform, entity_category="config")
    assert _found("number", entity_category="config") == ""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"unit_of_measurement": "kw"}, "unit 'kw' does not go with power"),
        ({"unit_of_measurement": ...}, "unit None does not go with power"),
        ({"device_class": "watts"}, "device_class 'watts' does not exist"),
        ({"device_class": "voltage", "unit_of_measurement": "\u00b5V"}, "has the micro sign"),
        ({"device_class": "temperature", "unit_of_measurement": "\u00baC"}, "does not go with"),
        ({"state_class": "total"}, "state_class total does not go with power"),
        ({"state_class": "mean"}, "state_class 'mean' does not exist"),
        ({"state_class": "measurement_angle"}, "needs the unit °"),
        (
            {"device_class": "energy", "unit_of_measurement": "kWh", "state_class": "measurement"},
            "write total or total_increasing",
        ),
        ({"device_class": "timestamp"}, "unit 'W' does not go with timestamp"),
        (
            {"device_class": "timestamp", "unit_of_measurement": ..., "state_class": "measurement"},
            "state_class measurement does not go with timestamp; leave it out",
        ),
        ({"device_class": "enum", "unit_of_measurement": ...}, "enum without options"),
        ({"options": ["a"]}, "options without device_class enum"),
        (
            {"device_class": "enum", "options": ["a"]},
            "options together with unit_of_measurement",
        ),
        (
            {"device_class": "enum", "unit_of_measurement": ..., "options": ["a", "a"]},
            "options repeats an entry",
        ),
        ({"device_class": "enum", "unit_of_measurement": ..., "options": []}, "at least one text"),
        ({"device_class": "enum", "unit_of_measurement": ..., "options": [1]}, "is no text"),
        ({"device_class": "monetary", "unit_of_measurement": "€"}, "is no currency"),
        ({"suggested_display_precision": -1}, "suggested_display_precision is -1"),
        ({"suggested_display_precision": 1.5}, "suggested_display_precision is 1.5"),
        ({"expire_after": "60"}, "expire_after is '60'"),
        ({"force_update": "yes"}, "force_update is 'yes'"),
        ({"last_reset_value_template": "{{ value }}"}, "without state_class total"),
        ({"value_template": "value_json.x"}, "value_template is no template"),
        ({"value_template": "{{ value_json.x }}"}, "renders nothing when the key is missing"),
        ({"value_template": "{{ value }"}, "opens {{ and does not close it"),
        ({"command_topic": "a/set"}, "command_topic is no key of a sensor"),
        ({"state_topic": "a/+/b"}, "state_topic holds a wildcard"),
        ({"state_topic": "$SYS/x"}, "begins with $"),
        ({"json_attributes_template": "{{ value }}"}, "without json_attributes_topic"),
    ],
)
def test_a_bad_sensor_is_found(changes: dict[str, Any], expected: str) -> None:
    assert expected in _found("sensor", **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"state_class": "measurement", "suggested_display_precision": 1},
        {"device_class": "energy", "unit_of_measurement": "kWh", "state_class": "total_increasing"},
        {"device_class": "distance", "unit_of_measurement": "km", "state_class": "measurement"},
        {"device_class": "timestamp", "unit_of_measurement": ...},
        {"device_class": "power_factor", "unit_of_measurement": ...},
        {"device_class": "power_factor", "unit_of_measurement": "%"},
        {"device_class": "enum", "unit_of_measurement": ..., "options": ["Charging", "Idle"]},
        {"device_class": "monetary", "unit_of_measurement": "EUR", "state_class": "total"},
        {"device_class": "current", "unit_of_measurement": "\u03bcA"},
        {"device_class": ..., "unit_of_measurement": "SMS", "state_class": "total"},
        {"device_class": None, "unit_of_measurement": None, "state_class": None},
        {"value_template": "{{ value_json.x | default('None') }}"},
        {"value_template": "{{ value_json.x if value_json.x is defined else 'None' }}"},
        {"~": "a/b", "state_topic": "~/power", "json_attributes_topic": "attributes/~"},
        {"availability_topic": "a/own", "payload_available": "yes", "payload_not_available": "no"},
        {"message_expiry_interval": 60},
    ],
    ids=str,
)
def test_a_right_sensor_passes(changes: dict[str, Any]) -> None:
    assert _found("sensor", **changes) == ""


@pytest.mark.parametrize("device_class", sorted(SENSOR_CLASSES - {"enum", "monetary"}))
def test_every_unit_of_every_class_passes_and_no_other(device_class: str) -> None:
    for unit in UNITS[device_class]:
        assert _found("sensor", device_class=device_class, unit_of_measurement=unit or ...) == ""
    wrong = _found("sensor", device_class=device_class, unit_of_measurement="furlong")
    assert f"unit 'furlong' does not go with {device_class}" in wrong


@pytest.mark.parametrize("device_class", ["enum", "timestamp", "date"])
def test_a_number_cannot_be_a_time_or_a_word(device_class: str) -> None:
    assert device_class not in NUMBER_CLASSES
    changes = {"device_class": device_class, "unit_of_measurement": ...}
    assert f"device_class {device_class!r} does not exist" in _found("number", **changes)


@pytest.mark.parametrize(
    ("platform", "changes", "expected"),
    [
        ("binary_sensor", {"device_class": "charger"}, "does not exist for binary_sensor"),
        ("binary_sensor", {"payload_on": True}, "payload_on is True"),
        ("binary_sensor", {"payload_on": "OFF"}, "payload_on equals payload_off"),
        ("binary_sensor", {"state_class": "measurement"}, "is no key of a binary_sensor"),
        ("switch", {"state_off": "ON"}, "state_on equals state_off"),
        ("switch", {"retain": True}, "retains its commands"),
        ("switch", {"command_topic": "a/+"}, "command_topic has a wildcard"),
        ("switch", {"value_template": "{{ value }}", "state_topic": ...}, "without state_topic"),
        ("button", {"state_topic": "a"}, "state_topic is no key of a button"),
        ("button", {"device_class": "reboot"}, "does not exist for button"),
        ("number", {"min": 40}, "min 40 is above max 32"),
        ("number", {"step": 0.0001}, "write 0.001 or more"),
        ("number", {"min": "0"}, "min is '0'"),
        ("number", {"mode": "dial"}, "write auto, box or slider"),
        ("number", {"unit_of_measurement": "V"}, "unit 'V' does not go with current"),
        ("number", {"state_class": "measurement"}, "state_class is no key of a number"),
        ("select", {"options": []}, "at least one text"),
        ("select", {"options": ["a", 1]}, "is no text"),
        ("text", {"pattern": "["}, "pattern is no regular expression"),
        ("text", {"max": 300}, "keep 0 ≤ min ≤ max ≤ 255"),
        ("text", {"min": 9}, "keep 0 ≤ min ≤ max ≤ 255"),
        ("text", {"mode": "secret"}, "write text or password"),
        ("device_tracker", {"json_attributes_topic": ...}, "neither state_topic nor"),
        ("device_tracker", {"source_type": "satellite"}, "write one of gps"),
        ("device_tracker", {"battery_level": 5}, "battery_level is deprecated"),
        ("lock", {"code_format": "("}, "code_format is no regular expression"),
        ("lock", {"payload_lock": "UNLOCK"}, "payload_lock equals payload_unlock"),
        ("climate", {"modes": ["warm"]}, "modes names warm"),
        ("climate", {"min_temp": 30}, "min_temp 30.0 is not below max_temp 30.0"),
        ("climate", {"precision": 0.2}, "write 0.1, 0.5 or 1.0"),
        ("climate", {"temperature_unit": "K"}, "write C or F"),
        ("climate", {"preset_modes": ["eco"]}, "write both"),
        ("climate", {"mode_state_template": "{{ value }}"}, "without mode_state_topic"),
        ("climate", {"target_humidity_state_topic": "a"}, "without its command topic"),
        ("event", {"event_types": "alert"}, "write a list"),
        ("event", {"device_class": "alarm"}, "does not exist for event"),
        ("update", {"payload_install": ...}, "payload_install and command_topic"),
        ("update", {"release_url": "notes"}, "release_url is no URL"),
        ("update", {"device_class": "software"}, "does not exist for update"),
        ("time", {}, "platform 'time' is not described here; write text with a pattern"),
        ("thermostat", {}, "platform 'thermostat' is not described here"),
        ("sensor", {"platform": ...}, "has no platform, the whole payload is refused"),
        ("sensor", {"platform": ["x"]}, "is not described here"),
    ],
)
def test_a_bad_component_is_found(platform: str, changes: dict[str, Any], expected: str) -> None:
    assert expected in _found(platform, **changes)


def test_a_topic_of_the_whole_device_is_enough() -> None:
    payload = {
        "device": {"identifiers": ["app_1"], "name": "Box"},
        "origin": {"name": "App"},
        "availability_topic": "app/state",
        "state_topic": "app/values",
        "components": {
            "x": {
                "platform": "sensor",
                "name": "Thing",
                "unique_id": "app_1_thing",
                "default_entity_id": "sensor.app_thing",
                "value_template": "{{ value_json.thing | default('None') }}",
            }
        },
    }
    assert check_device_payload(payload) == []


_ODD = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=6)
_JSON = _ODD | st.lists(_ODD, max_size=2) | st.dictionaries(st.text(max_size=3), _ODD, max_size=2)


# Capped: there are few keys, each takes few kinds of values.
@settings(max_examples=600)
@given(st.data())
def test_no_value_of_any_key_breaks_the_check(data: st.DataObject) -> None:
    platform = data.draw(st.sampled_from(sorted(PLATFORMS)))
    key = data.draw(st.sampled_from(sorted(COMMON | PLATFORMS[platform].keys)))
    assert isinstance(_found(platform, **{key: data.draw(_JSON)}), str)
