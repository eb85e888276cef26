"""What the house and the car are known to do: values with their age, as the controller sees them.

Readers (sources/, car/) make these; control/ only reads them. Nothing here does I/O.
Signs: grid power and grid current are positive on import, house battery power is positive
while it discharges. Powers in W, currents in A, times in seconds of the monotonic clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Quality(StrEnum):
    """How far a reading can be trusted; only GOOD and ESTIMATED readings steer anything."""

    GOOD = "good"
    ESTIMATED = "estimated"
    """Derived from other values (house minus production), or a figure a source itself guesses."""
    IMPOSSIBLE = "impossible"
    """NaN, null, beyond ±100 kW, or a source that contradicts itself: counts as no reading."""
    RETAINED = "retained"
    """A stored MQTT message: it carries no age, so it only shows what was, never steers."""


@dataclass(frozen=True, slots=True)
class Reading(Generic[T_co]):
    """One value with the moment it was measured (arrival of the first answer that carried it)."""

    value: T_co
    measured_at: float
    source: str
    quality: Quality = Quality.GOOD

    def age(self, now: float) -> float:
        """Seconds since the measurement, never negative."""
        return max(0.0, now - self.measured_at)

    @property
    def usable(self) -> bool:
        """True where the value may steer a charge."""
        return self.quality in (Quality.GOOD, Quality.ESTIMATED)

    def fresh(self, now: float, max_age: float) -> bool:
        """Usable and at most `max_age` seconds old."""
        return self.usable and self.age(now) <= max_age


class PlugState(StrEnum):
    """Whether the car hangs on our wall connector; UNKNOWN is never taken for UNPLUGGED."""

    PLUGGED = "plugged"
    UNPLUGGED = "unplugged"
    UNKNOWN = "unknown"


class ChargingState(StrEnum):
    """`chargingState` of the car, the keys of the one-of in vehicle-command's `vehicle.proto`."""

    UNKNOWN = "Unknown"
    DISCONNECTED = "Disconnected"
    NO_POWER = "NoPower"
    STARTING = "Starting"
    CHARGING = "Charging"
    COMPLETE = "Complete"
    STOPPED = "Stopped"
    CALIBRATING = "Calibrating"


class SleepStatus(StrEnum):
    """`vehicleSleepStatus` of the body controller, which answers while the car sleeps."""

    UNKNOWN = "UNKNOWN"
    AWAKE = "AWAKE"
    ASLEEP = "ASLEEP"


class ScheduleMode(StrEnum):
    """`scheduledChargingMode` of the car."""

    OFF = "Off"
    START_AT = "StartAt"
    DEPART_BY = "DepartBy"


@dataclass(frozen=True, slots=True)
class CarState:
    """The charge state of the car; None is "not told", never zero.

    Field names follow `ChargeState` of teslamotors/vehicle-command's `vehicle.proto`.
    """

    charging_state: ChargingState = ChargingState.UNKNOWN
    battery_level: int | None = None
    """SOC in %, 0…100."""
    usable_battery_level: int | None = None
    charge_limit_soc: int | None = None
    charger_voltage: float | None = None
    charger_pilot_current: float | None = None
    charger_actual_current: float | None = None
    """Line current the car draws, A per phase."""
    charger_power: float | None = None
    """kW, whole numbers on most cars."""
    charger_phases: int | None = None
    """2 has been seen on cars charging on three phases (unverified)."""
    charge_current_request: float | None = None
    charge_current_request_max: float | None = None
    charging_amps: float | None = None
    minutes_to_full_charge: int | None = None
    minutes_to_charge_limit: int | None = None
    charge_energy_added: float | None = None
    """kWh of this session."""
    charge_port_door_open: bool | None = None
    scheduled_charging_pending: bool | None = None
    scheduled_charging_mode: ScheduleMode | None = None
    scheduled_charging_start_time: int | None = None
    """Epoch seconds."""
    user_charge_enable_request: bool | None = None
    charge_enable_request: bool | None = None
    managed_charging_active: bool | None = None
    charge_limit_reason: str | None = None
    """`None`, `Evse`, `BattTempLow`, `HighSoc`, `Cabin` … without the prefix."""
    preconditioning_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class BodyState:
    """The body controller's answer; it needs no key and does not wake the car."""

    sleep: SleepStatus = SleepStatus.UNKNOWN
    charge_port_open: bool | None = None
    user_present: bool | None = None


@dataclass(frozen=True, slots=True)
class WallConnector:
    """Vitals of a Tesla Wall Connector, as far as control uses them; None is "not told"."""

    vehicle_connected: bool | None = None
    contactor_closed: bool | None = None
    vehicle_current_a: float | None = None
    """Line current."""
    grid_v: float | None = None
    current_a: tuple[float | None, float | None, float | None] = (None, None, None)
    """Phases A, B, C."""
    voltage_v: tuple[float | None, float | None, float | None] = (None, None, None)
    session_energy_wh: float | None = None
    vitals: Mapping[str, Any] = field(default_factory=dict)
    """The whole answer, to be shown; control decides on the fields above alone."""


@dataclass(frozen=True, slots=True)
class PriceSlot:
    """A price per kWh that holds from `start` (included) to `end`; both aware."""

    start: datetime
    end: datetime
    price: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything measured, swapped as a whole; a reading that never came is None.

    A reading keeps its last value however old it grows: age decides what it is worth.
    """

    grid_w: Reading[float] | None = None
    """Power at the grid's edge, + import."""
    grid_phase_a: Reading[tuple[float | None, float | None, float | None]] | None = None
    """Current per grid phase, + import."""
    production_w: Reading[float] | None = None
    load_w: Reading[float] | None = None
    """Whole consumption of the house with the car, where a meter tells it."""
    house_battery_w: Reading[float] | None = None
    """+ discharging."""
    house_battery_soc: Reading[float] | None = None
    voltage_v: Reading[float] | None = None
    """Phase to neutral; on a split phase line to line."""
    islanded: Reading[bool] | None = None
    twc: Reading[WallConnector] | None = None
    plug: Reading[bool] | None = None
    """A plug sensor of the house."""
    home: Reading[bool] | None = None
    """A device tracker, asked for only where the link is no proof of home."""
    car: Reading[CarState] | None = None
    body: Reading[BodyState] | None = None
    prices: tuple[PriceSlot, ...] = ()
    sun_elevation: float | None = None
    """Degrees; used at night where nobody measures production."""
    max_age: Mapping[str, float] = field(default_factory=dict)
    """Seconds a reading stays true, by field name, where a sensor's row says other than ours."""
