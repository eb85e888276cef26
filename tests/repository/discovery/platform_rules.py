"""Rules of the other platforms that go beyond the list of their keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.repository.discovery.sensor_rules import number_faults, sensor_faults
from tests.repository.discovery.values import Fault, is_number

Config = Mapping[str, Any]

_LONGEST_STATE = 255
_CLIMATE_MODES = ("auto", "off", "cool", "heat", "dry", "fan_only", "heat_cool")
_SOURCES = ("gps", "router", "bluetooth", "bluetooth_le")


def _two_payloads(config: Config) -> Iterator[Fault]:
    if config.get("payload_on", "ON") == config.get("payload_off", "OFF"):
        yield "payload_on equals payload_off", "write two words"


def _switch(config: Config) -> Iterator[Fault]:
    yield from _two_payloads(config)
    on = config.get("state_on", config.get("payload_on", "ON"))
    if on == config.get("state_off", config.get("payload_off", "OFF")):
        yield "state_on equals state_off", "write two words"


def _text(config: Config) -> Iterator[Fault]:
    low, high = config.get("min", 0), config.get("max", _LONGEST_STATE)
    whole = [value for value in (low, high) if isinstance(value, int)]
    if len(whole) != 2 or not 0 <= low <= high <= _LONGEST_STATE:
        yield f"min {low!r} and max {high!r}", f"keep 0 ≤ min ≤ max ≤ {_LONGEST_STATE}"
    if config.get("mode", "text") not in ("text", "password"):
        yield f"mode is {config['mode']!r}", "write text or password"
    yield from _expression(config, "pattern")


def _expression(config: Config, key: str) -> Iterator[Fault]:
    try:
        re.compile(str(config.get(key, "")))
    except re.error as error:
        yield f"{key} is no regular expression ({error})", "mend it"


def _tracker(config: Config) -> Iterator[Fault]:
    if not {"state_topic", "json_attributes_topic"} & set(config):
        yield "has neither state_topic nor json_attributes_topic", "send json_attributes_topic"
    if config.get("source_type", "gps") not in _SOURCES:
        yield f"source_type is {config['source_type']!r}", f"write one of {', '.join(_SOURCES)}"


def _lock(config: Config) -> Iterator[Fault]:
    yield from _expression(config, "code_format")
    if config.get("payload_lock", "LOCK") == config.get("payload_unlock", "UNLOCK"):
        yield "payload_lock equals payload_unlock", "write two words"


def _number(value: Any) -> float | None:
    return float(value) if is_number(value) else None


def _listed(config: Config, key: str) -> list[Any]:
    found = config.get(key)
    return found if isinstance(found, list) else []


def _climate(config: Config) -> Iterator[Fault]:
    modes = _listed(config, "modes")
    unknown = [mode for mode in modes if mode not in _CLIMATE_MODES]
    if unknown:
        yield f"modes names {', '.join(map(str, unknown))}", "write modes of Home Assistant"
    if ("preset_modes" in config) != ("preset_mode_command_topic" in config):
        yield "preset_modes and preset_mode_command_topic belong together", "write both"
    if "none" in _listed(config, "preset_modes"):
        yield "preset_modes holds none", "leave it out, it is always there"
    if "target_humidity_state_topic" in config and "target_humidity_command_topic" not in config:
        yield "target_humidity_state_topic without its command topic", "write both"
    low, high = (_number(config.get(key)) for key in ("min_temp", "max_temp"))
    if low is not None and high is not None and low >= high:
        yield f"min_temp {low} is not below max_temp {high}", "write both limits"
    if config.get("precision", 1.0) not in (0.1, 0.5, 1.0):
        yield f"precision is {config['precision']}", "write 0.1, 0.5 or 1.0"
    if config.get("temperature_unit", "C") not in ("C", "F"):
        yield f"temperature_unit is {config['temperature_unit']!r}", "write C or F"


def _update(config: Config) -> Iterator[Fault]:
    if ("payload_install" in config) != ("command_topic" in config):
        yield "payload_install and command_topic belong together", "write both or none"


RULES: dict[str, Callable[[Config], Iterator[Fault]]] = {
    "sensor": sensor_faults,
    "number": number_faults,
    "binary_sensor": _two_payloads,
    "switch": _switch,
    "text": _text,
    "device_tracker": _tracker,
    "lock": _lock,
    "climate": _climate,
    "update": _update,
}
