"""Units, state classes and options of sensors and numbers, as Core 2026.11 validates them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.repository.discovery.units import (
    NUMBER_CLASSES,
    SENSOR_CLASSES,
    STATE_CLASSES,
    UNITS,
    allowed_state_classes,
)
from tests.repository.discovery.values import Fault

_MICRO = "\u00b5"
_NO_NUMBER = ("date", "enum", "timestamp", "uptime")


def unit_faults(config: Mapping[str, Any], classes: frozenset[str]) -> Iterator[Fault]:
    """The unit beside the device class; Core drops the component for a wrong one."""
    device_class, unit = config.get("device_class"), config.get("unit_of_measurement")
    if isinstance(unit, str) and _MICRO in unit:
        yield f"unit {unit} has the micro sign U+00B5", "write the Greek letter U+03BC"
        return
    if device_class is None:
        return
    if not isinstance(device_class, str) or device_class not in classes:
        yield f"device_class {device_class!r} does not exist", "see the sensor integration's list"
    elif device_class == "monetary":
        if not isinstance(unit, str) or not re.fullmatch(r"[A-Z]{3}", unit):
            yield f"unit {unit!r} is no currency", "write an ISO 4217 code such as EUR"
    elif not any(unit == known for known in UNITS[device_class]):
        known = ", ".join(sorted(str(found or "none") for found in UNITS[device_class]))
        yield f"unit {unit!r} does not go with {device_class}", f"write one of {known}"


def sensor_faults(config: Mapping[str, Any]) -> Iterator[Fault]:
    """Everything that decides whether a sensor appears and keeps statistics."""
    yield from unit_faults(config, SENSOR_CLASSES)
    yield from _state_class_faults(config)
    yield from _option_faults(config)
    device_class = config.get("device_class")
    if device_class in _NO_NUMBER and "suggested_display_precision" in config:
        yield f"suggested_display_precision with {device_class}", "leave it out, it is no number"
    if "last_reset_value_template" in config and config.get("state_class") != "total":
        yield "last_reset_value_template without state_class total", "leave it out"


def _state_class_faults(config: Mapping[str, Any]) -> Iterator[Fault]:
    state_class, device_class = config.get("state_class"), config.get("device_class")
    if state_class is None:
        return
    if not isinstance(state_class, str) or state_class not in STATE_CLASSES:
        yield (
            f"state_class {state_class!r} does not exist",
            f"write {', '.join(sorted(STATE_CLASSES))}",
        )
        return
    if state_class == "measurement_angle" and config.get("unit_of_measurement") != "°":
        yield "state_class measurement_angle needs the unit °", "write it, or measurement"
    if isinstance(device_class, str) and device_class in SENSOR_CLASSES:
        allowed = allowed_state_classes(device_class)
        if state_class not in allowed:
            instead = f"write {' or '.join(sorted(allowed))}" if allowed else "leave it out"
            yield f"state_class {state_class} does not go with {device_class}", instead


def _option_faults(config: Mapping[str, Any]) -> Iterator[Fault]:
    device_class = config.get("device_class")
    if device_class == "enum" and "options" not in config:
        yield "device_class enum without options", "list every value it can have"
    if "options" not in config:
        return
    if device_class != "enum":
        yield "options without device_class enum", "write device_class enum"
    for key in ("state_class", "unit_of_measurement"):
        if config.get(key):
            yield f"options together with {key}", f"leave {key} out"


def number_faults(config: Mapping[str, Any]) -> Iterator[Fault]:
    """Limits and unit of a number."""
    yield from unit_faults(config, NUMBER_CLASSES)
    low, high, step = (config.get(key, default) for key, default in _NUMBER_DEFAULTS)
    numbers = [value for value in (low, high, step) if isinstance(value, int | float)]
    if len(numbers) == 3:
        if numbers[0] > numbers[1]:
            yield f"min {low} is above max {high}", "write both limits"
        if numbers[2] < 0.001:
            yield f"step is {step}", "write 0.001 or more"
    if config.get("mode", "auto") not in ("auto", "box", "slider"):
        yield f"mode is {config['mode']!r}", "write auto, box or slider"


_NUMBER_DEFAULTS = (("min", 1), ("max", 100), ("step", 1))
