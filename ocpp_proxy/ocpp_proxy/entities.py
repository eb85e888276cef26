"""Station state → what Home Assistant shows: the table of entities, ids, state JSON. No I/O.

Units, device and state classes as Home Assistant's documentation allows them ("Sensor",
"Binary sensor"); an entity appears once it has had a value, and then stays.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from . import masking
from .actions.choices import (
    AUTHORIZATION_STATUS,
    CHARGE_POINT_STATUS,
    ERROR_CODE,
    REGISTRATION_STATUS,
    SIGNED_FIRMWARE_STATUS,
    STOP_REASON,
)
from .homeassistant import Component, Device, Origin, template
from .station import Connector, Station

LONGEST_ID = 48

_DIAGNOSTIC: Final = {"entity_category": "diagnostic"}
_LINES: Final = ("1", "2", "3")

Value = str | float | int | bool | None
# What has had a value: (connector, key); connector None for the station itself.
Shown = tuple[int | None, str]


def safe_id(station_id: str) -> str:
    """The id as it may stand in topics and unique ids, different for different ids.

    Other characters than letters, digits, `_` and `-` become `_`; then, or when it is cut to 48
    characters, a piece of its SHA-256 is added.
    """
    replaced = re.sub(r"[^A-Za-z0-9_-]", "_", station_id)
    if replaced == station_id and len(replaced) <= LONGEST_ID:
        return replaced
    digest = hashlib.sha256(station_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{replaced[:LONGEST_ID]}_{digest[:6]}"


@dataclass(frozen=True, slots=True)
class Entity:
    """One row of the table; `measured`: of no use while the charger is away."""

    key: str
    name: str
    platform: str = "sensor"
    measured: bool = True
    config: Mapping[str, Any] = field(default_factory=dict)


def _measurement(key: str, name: str, kind: str, unit: str, digits: int, **more: Any) -> Entity:
    config = {
        "device_class": kind,
        "state_class": "measurement",
        "unit_of_measurement": unit,
        "suggested_display_precision": digits,
    }
    return Entity(key, name, config=config | more)


def _energy(key: str, name: str) -> Entity:
    config = {
        "device_class": "energy",
        "state_class": "total_increasing",
        "unit_of_measurement": "kWh",
        "suggested_display_precision": 2,
    }
    return Entity(key, name, config=config)


def _choice(key: str, name: str, options: tuple[str, ...], **more: Any) -> Entity:
    config = {"device_class": "enum", "options": list(options)}
    return Entity(key, name, measured=False, config=config | more)


def _binary(key: str, name: str, kind: str, **more: Any) -> Entity:
    return Entity(key, name, "binary_sensor", config={"device_class": kind} | more)


def _connection(key: str, name: str) -> Entity:
    config = {"device_class": "connectivity"} | _DIAGNOSTIC
    return Entity(key, name, "binary_sensor", measured=False, config=config)


def _while_connected(entity: Entity) -> Entity:
    return replace(entity, measured=True)


def _time(key: str, name: str, **more: Any) -> Entity:
    return Entity(key, name, measured=False, config={"device_class": "timestamp"} | more)


def _text(key: str, name: str, **more: Any) -> Entity:
    return Entity(key, name, measured=False, config=more)


STATION_ENTITIES: Final = (
    _connection("charger_connected", "Charger connected"),
    _connection("upstream_connected", "Upstream connected"),
    _text("id_tag", "RFID tag", icon="mdi:card-account-details", **_DIAGNOSTIC),
    _choice("authorization_status", "Authorization", AUTHORIZATION_STATUS, **_DIAGNOSTIC),
    _text("firmware", "Firmware", **_DIAGNOSTIC),
    _text("vendor", "Vendor", **_DIAGNOSTIC),
    _text("model", "Model", **_DIAGNOSTIC),
    _text("serial", "Serial number", **_DIAGNOSTIC),
    _choice("firmware_status", "Firmware update", SIGNED_FIRMWARE_STATUS, **_DIAGNOSTIC),
    _time("last_heartbeat", "Last heartbeat", **_DIAGNOSTIC),
    _time("last_message", "Last message", **_DIAGNOSTIC),
    _time("last_boot", "Last boot", **_DIAGNOSTIC),
    _choice("registration", "Registration", REGISTRATION_STATUS, **_DIAGNOSTIC),
    _text("reconnects", "Reconnects", state_class="total_increasing", **_DIAGNOSTIC),
    _measurement("latency_charger", "Latency to charger", "duration", "ms", 0, **_DIAGNOSTIC),
    _measurement("latency_upstream", "Latency to upstream", "duration", "ms", 0, **_DIAGNOSTIC),
    _text("peer_address", "Address", icon="mdi:ip-network", **_DIAGNOSTIC),
    _text("protocol", "Protocol", **_DIAGNOSTIC),
)

CONNECTOR_ENTITIES: Final = (
    _while_connected(_choice("status", "Status", CHARGE_POINT_STATUS, icon="mdi:ev-station")),
    _binary("plugged", "Plugged in", "plug"),
    _binary("charging", "Charging", "battery_charging"),
    _while_connected(_choice("error_code", "Error", ERROR_CODE, **_DIAGNOSTIC)),
    _binary("problem", "Problem", "problem", **_DIAGNOSTIC),
    _measurement("power", "Power", "power", "W", 0),
    *(_measurement(f"power_l{n}", f"Power L{n}", "power", "W", 0) for n in _LINES),
    *(_measurement(f"current_l{n}", f"Current L{n}", "current", "A", 1) for n in _LINES),
    _measurement("current_max", "Highest current", "current", "A", 1),
    *(_measurement(f"voltage_l{n}", f"Voltage L{n}", "voltage", "V", 0) for n in _LINES),
    _energy("energy_total", "Energy"),
    _energy("session_energy", "Session energy"),
    _time("session_start", "Session start"),
    _text("transaction_id", "Transaction", **_DIAGNOSTIC),
    _choice("stop_reason", "Stop reason", STOP_REASON, **_DIAGNOSTIC),
    _measurement("current_offered", "Offered current", "current", "A", 1),
    _measurement("power_offered", "Offered power", "power", "W", 0),
    _measurement("limit_current", "Current limit", "current", "A", 1),
    _measurement("limit_power", "Power limit", "power", "W", 0),
    _measurement("soc", "State of charge", "battery", "%", 0),
    _measurement("temperature", "Temperature", "temperature", "°C", 1, **_DIAGNOSTIC),
    _measurement("frequency", "Frequency", "frequency", "Hz", 2, **_DIAGNOSTIC),
)


def station_values(station: Station, *, mask_id_tags: bool = True) -> dict[str, Value]:
    """The station's entity states by key; None: no value."""
    tag = station.id_tag
    return {
        "charger_connected": station.charger_connected,
        "upstream_connected": station.upstream_connected,
        "id_tag": masking.id_tag(tag) if tag and mask_id_tags else tag,
        "authorization_status": station.authorization_status,
        "firmware": station.firmware or None,
        "vendor": station.vendor or None,
        "model": station.model or None,
        "serial": station.serial or None,
        "firmware_status": station.firmware_status,
        "last_heartbeat": _moment(station.last_heartbeat),
        "last_message": _moment(station.last_message),
        "last_boot": _moment(station.last_boot),
        "registration": station.registration,
        "reconnects": max(0, station.connects - 1),
        "latency_charger": station.latency_charger,
        "latency_upstream": station.latency_upstream,
        "peer_address": station.peer_address,
        "protocol": station.protocol,
    }


def connector_values(connector: Connector) -> dict[str, Value]:
    """A connector's entity states by key; None: no value."""
    limit = connector.limit
    return {
        "status": connector.status,
        "plugged": connector.plugged,
        "charging": connector.charging,
        "error_code": connector.error_code,
        "problem": connector.problem,
        **connector.values,
        "session_energy": connector.session_energy,
        "session_start": _moment(connector.session_start),
        "transaction_id": connector.transaction_id,
        "stop_reason": connector.stop_reason,
        "limit_current": limit.value if limit and limit.unit == "A" else None,
        "limit_power": limit.value if limit and limit.unit == "W" else None,
    }


def having_value(station: Station) -> Iterator[Shown]:
    """All entities that have a value now, and for connectors seen those that go with it."""
    for key, value in station_values(station).items():
        if value is not None:
            yield None, key
    for number, connector in station.connectors.items():
        for key, value in connector_values(connector).items():
            if value is not None:
                yield number, key


def _moment(seconds: float | None) -> str | None:
    """ISO 8601 in UTC with offset, whole seconds; None for what no calendar holds."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one station under the app's prefix."""

    prefix: str
    sid: str

    @property
    def status(self) -> str:
        """The app's own availability."""
        return f"{self.prefix}/status"

    @property
    def availability(self) -> str:
        """Whether the charger is connected."""
        return f"{self.prefix}/{self.sid}/availability"

    def state(self, connector: int | None) -> str:
        """The JSON state of the station (None and connector 0) or of a connector."""
        if not connector:
            return f"{self.prefix}/{self.sid}/state"
        return f"{self.prefix}/{self.sid}/connector/{connector}"


def device(
    station: Station,
    shown: Set[Shown],
    origin: Origin,
    topics: Topics,
) -> Device:
    """The discovery message of a station with the entities shown so far."""
    info = {
        "identifiers": [f"ocpp_proxy_{topics.sid}"],
        "name": re.sub(r"[^\x20-\x7e\u00a0-\ufffc]", "", station.id).strip() or topics.sid,
        "manufacturer": station.vendor or None,
        "model": station.model or None,
        "serial_number": station.serial or None,
        "sw_version": station.firmware or None,
    }
    shared = {
        "availability": [{"topic": topics.status}],
        "availability_mode": "all",
        "qos": 1,
    }
    components = [
        _component(entity, number, station, topics)
        for number, entity in _rows(station)
        if (number, entity.key) in shown
    ]
    return Device(f"ocpp_{topics.sid}", info, origin, components, shared)


def _rows(station: Station) -> Iterator[tuple[int | None, Entity]]:
    for entity in STATION_ENTITIES:
        yield None, entity
    for number in sorted(station.connectors):
        for entity in CONNECTOR_ENTITIES:
            yield number, entity


def _component(entity: Entity, number: int | None, station: Station, topics: Topics) -> Component:
    suffix = "" if number is None else f"_{number}"
    object_id = _slug(f"{topics.sid}_{entity.key}{suffix}")
    state_key = _state_key(number, entity.key)
    config: dict[str, Any] = {
        "name": _name(entity, number, station),
        "unique_id": f"ocpp_proxy_{topics.sid}_{entity.key}{suffix}",
        "default_entity_id": f"{entity.platform}.{object_id}",
        "state_topic": topics.state(number),
        "value_template": template(state_key),
        **entity.config,
    }
    if entity.measured:
        config["availability"] = [{"topic": topics.status}, {"topic": topics.availability}]
    if entity.key == "error_code":
        config["json_attributes_topic"] = topics.state(number)
        details = _state_key(number, "error_details")
        config["json_attributes_template"] = (
            f"{{{{ value_json.{details} | default({{}}) | tojson }}}}"
        )
    return Component(f"{entity.key}{suffix}", entity.platform, config)


def _name(entity: Entity, number: int | None, station: Station) -> str:
    if number is None:
        return entity.name
    if number == 0:
        return f"Station {entity.name[0].lower()}{entity.name[1:]}"
    return entity.name if station.single else f"{entity.name} {number}"


def _slug(text: str) -> str:
    return re.sub(r"_+", "_", re.sub(r"[^a-z0-9]", "_", text.lower())).strip("_")


def _state_key(number: int | None, key: str) -> str:
    """Connector 0 shares the station's topic: its members carry their own names there."""
    return f"station_{key}" if number == 0 else key


def states(
    station: Station, shown: Set[Shown], topics: Topics, *, mask_id_tags: bool = True
) -> dict[str, dict[str, Any]]:
    """State topic → JSON members, for all entities shown so far."""
    own = station_values(station, mask_id_tags=mask_id_tags)
    found: dict[str, dict[str, Any]] = {topics.state(None): _members(None, own, shown)}
    for number, connector in sorted(station.connectors.items()):
        members = _members(number, connector_values(connector), shown)
        if (number, "error_code") in shown:
            members[_state_key(number, "error_details")] = connector.error_details
        found.setdefault(topics.state(number), {}).update(members)
    return {topic: members for topic, members in found.items() if members}


def _members(number: int | None, values: Mapping[str, Value], shown: Set[Shown]) -> dict[str, Any]:
    table = STATION_ENTITIES if number is None else CONNECTOR_ENTITIES
    return {
        _state_key(number, entity.key): values.get(entity.key)
        for entity in table
        if (number, entity.key) in shown
    }
