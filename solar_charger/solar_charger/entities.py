"""What Home Assistant shows: the table of entities, their ids and topics. No I/O.

Units, device and state classes as Home Assistant's documentation allows them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .control.decision import ControllerState
from .homeassistant import Component, Device, Origin, template
from .measurements import ChargingState
from .settings import Mode
from .stored_settings import RANGES

APP: Final = "solar_charger"
DEADLINE_PATTERN: Final = r"^$|^([01]\d|2[0-3]):[0-5]\d$"
CAR_WORDS: Final = (*(state.value for state in ChargingState), "Away")

_CONFIG: Final = {"entity_category": "config"}
_DIAGNOSTIC: Final = {"entity_category": "diagnostic"}


@dataclass(frozen=True, slots=True)
class Entity:
    """One row; `member` names the JSON member where it is not the key, None: it has no state."""

    platform: str
    key: str
    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    member: str | None = ""


def _number(key: str, name: str, kind: str, unit: str, step: int = 1) -> Entity:
    low, high = RANGES[key]
    config = {
        "device_class": kind, "unit_of_measurement": unit, "min": low, "max": high, "step": step,
        "mode": "box", **_CONFIG,
    }  # fmt: skip
    return Entity("number", key, name, config)


def _sensor(key: str, name: str, kind: str | None, unit: str | None, **more: Any) -> Entity:
    member = more.pop("member", "")
    config = {
        "device_class": kind, "unit_of_measurement": unit, "state_class": "measurement", **more,
    }  # fmt: skip
    return Entity("sensor", key, name, config, member)


def _energy(key: str, name: str) -> Entity:
    return _sensor(key, name, "energy", "Wh", state_class="total_increasing")


def _enum(key: str, name: str, words: tuple[str, ...]) -> Entity:
    return Entity("sensor", key, name, {"device_class": "enum", "options": list(words)})


def _binary(key: str, name: str, kind: str | None, **more: Any) -> Entity:
    return Entity("binary_sensor", key, name, {"device_class": kind, **more})


def _button(key: str, name: str, **more: Any) -> Entity:
    return Entity("button", key, name, {"payload_press": "PRESS", **more}, None)


ENTITIES: Final = (
    Entity("select", "mode", "Mode", {"options": [m.value for m in Mode]}, "mode_ext"),
    Entity("switch", "enabled", "Enabled"),
    Entity("switch", "takeover", "Take over charge"),
    _button("start_now", "Charge now"),
    _button("stop_now", "Stop charging"),
    _button("wake", "Wake car"),
    _button("pair", "Pair", **_CONFIG),
    _button("normalize", "Restore full current", **_CONFIG),
    _number("max_amps", "Maximum current", "current", "A"),
    _number("min_amps", "Minimum current", "current", "A"),
    _number("target_soc", "Emergency target", "battery", "%"),
    _number("deadline_soc", "Deadline target", "battery", "%"),
    _number("start_w", "Start surplus", "power", "W", 10),
    Entity("text", "deadline", "Deadline", {"pattern": DEADLINE_PATTERN, "max": 5, **_CONFIG}),
    _sensor("amps", "Current", "current", "A", suggested_display_precision=1),
    _sensor("target_amps", "Target current", "current", "A"),
    _sensor("available_w", "Available power", "power", "W"),
    _sensor("own_w", "Car power", "power", "W"),
    _sensor("grid_w", "Grid power", "power", "W"),
    _sensor("excess_watts", "Excess", "power", "W"),
    _sensor("production_watts", "Production", "power", "W"),
    _sensor("battery", "Car battery", "battery", "%"),
    _sensor("car_limit", "Car charge limit", "battery", "%"),
    _sensor(
        "battery_age", "Car battery age", "duration", "s", member="battery_age_sec", **_DIAGNOSTIC
    ),
    _energy("session_energy", "Session energy"),
    _energy("solar_energy", "Solar energy"),
    _energy("grid_energy", "Grid energy"),
    _enum("state", "Car state", CAR_WORDS),
    _enum("controller_state", "Controller", tuple(state.value for state in ControllerState)),
    Entity("sensor", "reason", "Why", {}, "reason_text"),
    Entity("sensor", "eta", "Ready at", {"device_class": "timestamp"}),
    _sensor("starts_today", "Starts today", None, None, **_DIAGNOSTIC),
    _sensor("commands_today", "Commands today", None, None, **_DIAGNOSTIC),
    _sensor("ble_fail_count", "Bluetooth failures", None, None, **_DIAGNOSTIC),
    _sensor("ble_backoff_remaining", "Bluetooth pause", "duration", "s", **_DIAGNOSTIC),
    _binary("plugged", "Plugged in", "plug"),
    _binary("charging", "Charging", "battery_charging"),
    _binary("problem", "Problem", "problem"),
    _binary("grid_charge_warning", "Charge from the grid", "problem"),
    _binary("stale", "Meter stale", "problem", **_DIAGNOSTIC),
    _binary("ble_ok", "Bluetooth", "connectivity", **_DIAGNOSTIC),
    _binary("pending_normalization", "Normalisation pending", None, **_DIAGNOSTIC),
    _binary("dry_run", "Dry run", None, **_DIAGNOSTIC),
)
COMMANDED: Final = ("select", "switch", "button", "number", "text")
"""Platforms that send commands."""


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics of one installation; `identity` is 8 hex digits, made once and kept."""

    identity: str

    @property
    def state(self) -> str:
        """One JSON with everything."""
        return f"{APP}/{self.identity}/state"

    @property
    def availability(self) -> str:
        """`online`, and `offline` by last will."""
        return f"{APP}/{self.identity}/availability"

    def command(self, key: str) -> str:
        """Where Home Assistant sends what the owner wants."""
        return f"{APP}/{self.identity}/{key}/set"


def device(
    identity: str, version: str, support_url: str = "", left_out: Collection[str] = ()
) -> Device:
    """The discovery message; `left_out` are keys of entities that would be of no use here."""
    topics = Topics(identity)
    info = {
        "identifiers": [f"{APP}_{identity}"],
        "name": "Solar charger",
        "model": "Solar surplus charging",
        "sw_version": version,
    }
    origin = Origin("Solar charger", version, support_url)
    shown = (entity for entity in ENTITIES if entity.key not in left_out)
    components = [_component(entity, topics) for entity in shown]
    shared = {"availability": [{"topic": topics.availability}], "qos": 1}
    return Device(f"{APP}_{identity}", info, origin, components, shared)


def commanded(left_out: Collection[str] = ()) -> tuple[Entity, ...]:
    """The entities a person can use."""
    return tuple(e for e in ENTITIES if e.platform in COMMANDED and e.key not in left_out)


def _component(entity: Entity, topics: Topics) -> Component:
    config: dict[str, Any] = {
        "name": entity.name,
        "unique_id": f"{APP}_{topics.identity}_{entity.key}",
        "default_entity_id": f"{entity.platform}.{APP}_{entity.key}",
    }
    if entity.platform in COMMANDED:
        config["command_topic"] = topics.command(entity.key)
    if entity.member is not None:
        config["state_topic"] = topics.state
        config["value_template"] = template(entity.member or entity.key)
    if entity.key == "reason":
        config["json_attributes_topic"] = topics.state
        config["json_attributes_template"] = (
            "{{ {'reason': value_json.reason | default(none), "
            "'text': value_json.text | default(none), "
            "'alarms': value_json.alarms | default([])} | tojson }}"
        )
    return Component(entity.key, entity.platform, config | dict(entity.config))
