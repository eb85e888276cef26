"""The rows of option `sensors`: which sensor or topic plays which role, and what follows of it.

Pure: the fetchers put values in, readings come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..measurements import CarState, ChargingState, Quality, Reading
from . import units
from .readings import PhaseAmps, Readings, SourceError, power


class Role(StrEnum):
    """What a value means."""

    GRID = "grid"
    IMPORT = "import"
    EXPORT = "export"
    PRODUCTION = "production"
    BATTERY_POWER = "battery_power"
    BATTERY_SOC = "battery_soc"
    AMPS_A = "amps_a"
    AMPS_B = "amps_b"
    AMPS_C = "amps_c"
    PLUG = "plug"
    HOME = "home"
    ISLANDED = "islanded"
    CAR_SOC = "car_soc"
    CAR_STATE = "car_state"
    CAR_AMPS = "car_amps"
    CAR_LIMIT = "car_limit"


_POWERS = (Role.GRID, Role.IMPORT, Role.EXPORT, Role.PRODUCTION, Role.BATTERY_POWER)
_AMPS = (Role.AMPS_A, Role.AMPS_B, Role.AMPS_C)
_FLAGS = (Role.PLUG, Role.ISLANDED)
_MAX_AMPS = 1000.0

_Meaning = float | ChargingState

FIELD = {
    Role.GRID: "grid_w",
    Role.IMPORT: "grid_w",
    Role.EXPORT: "grid_w",
    Role.PRODUCTION: "production_w",
    Role.BATTERY_POWER: "house_battery_w",
    Role.BATTERY_SOC: "house_battery_soc",
    Role.AMPS_A: "grid_phase_a",
    Role.AMPS_B: "grid_phase_a",
    Role.AMPS_C: "grid_phase_a",
    Role.PLUG: "plug",
    Role.HOME: "home",
    Role.ISLANDED: "islanded",
    Role.CAR_SOC: "car",
    Role.CAR_STATE: "car",
    Role.CAR_AMPS: "car",
    Role.CAR_LIMIT: "car",
}
"""The field of Snapshot a role ends in."""


@dataclass(frozen=True, slots=True)
class Topic:
    """An MQTT topic and, in a JSON payload, the way to the value: `a.b.0`."""

    topic: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class SensorRow:
    """One row of the option."""

    role: Role
    origin: str
    """`from`: entity id, `mqtt:TOPIC` or `mqtt:TOPIC#json.path`."""
    invert: bool = False
    scale: float = 1.0
    max_age: float = 90.0
    """Seconds a value stays true without a sign of life."""

    @property
    def topic(self) -> Topic | None:
        """The MQTT topic, None for an entity."""
        if not self.origin.startswith("mqtt:"):
            return None
        topic, _, path = self.origin[5:].partition("#")
        return Topic(topic, path)

    @property
    def entity_id(self) -> str | None:
        """The entity, None for a topic."""
        return None if self.origin.startswith("mqtt:") else self.origin


@dataclass(frozen=True, slots=True)
class Value:
    """What came from outside: number, boolean or text, with its unit."""

    raw: object
    measured_at: float
    unit: str | None = None
    quality: Quality = Quality.GOOD


@dataclass(frozen=True, slots=True)
class _Kept:
    value: _Meaning
    measured_at: float
    quality: Quality


class RoleBook:
    """Keeps the last value of each row and makes readings of them.

    Several rows of one power role add up (two inverters); elsewhere the newest row wins.
    """

    def __init__(self, rows: Iterable[SensorRow], source: str) -> None:
        self._rows = tuple(rows)
        self._source = source
        self._kept: dict[SensorRow, _Kept] = {}

    @property
    def rows(self) -> tuple[SensorRow, ...]:
        """The rows this book was made for."""
        return self._rows

    def max_age(self) -> dict[str, float]:
        """Seconds a field stays true: the shortest of its rows."""
        result: dict[str, float] = {}
        for row in self._rows:
            field = FIELD[row.role]
            result[field] = min(result.get(field, row.max_age), row.max_age)
        return result

    def take(self, row: SensorRow, value: Value, now: float) -> Readings:
        """Note a value and give the readings that change by it.

        Raises SourceError, naming the row, where it means nothing.
        """
        try:
            meaning = _meaning(row, value)
        except SourceError as error:
            raise SourceError(f"{row.origin} as {row.role}: {error}") from error
        self._kept[row] = _Kept(meaning, value.measured_at, value.quality)
        return self._readings(row.role, now)

    def _readings(self, role: Role, now: float) -> Readings:
        field = FIELD[role]
        made = _MAKERS[field](self, now)
        return Readings(**{field: made}, max_age={field: self.max_age()[field]})

    def grid(self, now: float) -> Reading[float] | None:
        """Measured at the grid's edge, or bought less sold."""
        if self._of(Role.GRID):
            return self.total([Role.GRID], now)
        return self.total([Role.IMPORT, Role.EXPORT], now)

    def total(self, roles: Sequence[Role], now: float) -> Reading[float] | None:
        """The sum over all rows of these roles; a row that is silent leaves it unknown.

        A row counts as long as its own `max_age`, so the sum is as young as its youngest part:
        while power is sold, "bought" stays at a 0 that nobody repeats.
        """
        rows = [row for wanted in roles for row in self._of(wanted)]
        parts = [(row, self._kept[row]) for row in rows if row in self._kept]
        silent = any(now - kept.measured_at > row.max_age for row, kept in parts)
        if not rows or len(parts) < len(rows) or (silent and len(rows) > 1):
            return None
        watts = sum(
            -float(kept.value) if row.role is Role.EXPORT else float(kept.value)
            for row, kept in parts
        )
        newest = max(kept.measured_at for _row, kept in parts)
        return Reading(watts, newest, self._source, _worst(k.quality for _row, k in parts))

    def newest(self, role: Role) -> Reading[_Meaning] | None:
        """The newest value of a role."""
        kept = [self._kept[row] for row in self._of(role) if row in self._kept]
        if not kept:
            return None
        best = max(kept, key=lambda k: k.measured_at)
        return Reading(best.value, best.measured_at, self._source, best.quality)

    def phases(self) -> Reading[PhaseAmps] | None:
        """Grid currents; a phase without a row, or silent, is None."""
        found = [self.newest(role) for role in _AMPS]
        known = [reading for reading in found if reading is not None]
        if not known:
            return None
        a, b, c = (None if r is None else float(r.value) for r in found)
        oldest = min(reading.measured_at for reading in known)
        quality = _worst(reading.quality for reading in known)
        return Reading((a, b, c), oldest, self._source, quality)

    def car(self) -> Reading[CarState] | None:
        """What entities tell of the car, as old as its newest part.

        Beside a part that counts one of no known age is left out: a SOC of yesterday would steer.
        """
        told = {field: self.newest(role) for role, field in _CAR_FIELDS.items()}
        parts = {field: part for field, part in told.items() if part is not None}
        if any(part.usable for part in parts.values()):
            parts = {field: part for field, part in parts.items() if part.usable}
        if not parts:
            return None
        values: dict[str, Any] = {field: part.value for field, part in parts.items()}
        newest = max(part.measured_at for part in parts.values())
        quality = _worst(part.quality for part in parts.values())
        return Reading(CarState(**values), newest, self._source, quality)

    def _of(self, role: Role) -> list[SensorRow]:
        return [row for row in self._rows if row.role is role]


_CAR_FIELDS = {
    Role.CAR_SOC: "battery_level",
    Role.CAR_STATE: "charging_state",
    Role.CAR_AMPS: "charger_actual_current",
    Role.CAR_LIMIT: "charge_limit_soc",
}

_MAKERS: dict[str, Callable[[RoleBook, float], Any]] = {
    "grid_w": RoleBook.grid,
    "production_w": lambda book, now: book.total([Role.PRODUCTION], now),
    "house_battery_w": lambda book, now: book.total([Role.BATTERY_POWER], now),
    "house_battery_soc": lambda book, _now: book.newest(Role.BATTERY_SOC),
    "grid_phase_a": lambda book, _now: book.phases(),
    "plug": lambda book, _now: book.newest(Role.PLUG),
    "home": lambda book, _now: book.newest(Role.HOME),
    "islanded": lambda book, _now: book.newest(Role.ISLANDED),
    "car": lambda book, _now: book.car(),
}


def _meaning(row: SensorRow, value: Value) -> _Meaning:
    if row.role in _FLAGS:
        return units.to_flag(value.raw) is not row.invert
    if row.role is Role.HOME:
        return units.to_home(value.raw) is not row.invert
    if row.role is Role.CAR_STATE:
        return units.to_charging_state(value.raw)
    factor = row.scale * (-1.0 if row.invert else 1.0)
    if row.role in _POWERS:
        watts = power(units.to_number(value.raw, value.unit, units.POWER) * factor)
        if watts is None:
            raise SourceError("impossible power")
        return watts
    if row.role in _AMPS or row.role is Role.CAR_AMPS:
        amps = units.to_number(value.raw, value.unit, units.CURRENT) * factor
        return _within(amps, -_MAX_AMPS, _MAX_AMPS)
    percent = _within(units.to_number(value.raw, value.unit, units.PERCENT) * factor, 0, 100)
    return percent if row.role is Role.BATTERY_SOC else int(percent)


def _within(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise SourceError(f"{value:g} is not between {low:g} and {high:g}")
    return value


def _worst(qualities: Iterable[Quality]) -> Quality:
    found = set(qualities)
    for quality in (Quality.RETAINED, Quality.IMPOSSIBLE, Quality.ESTIMATED):
        if quality in found:
            return quality
    return Quality.GOOD
