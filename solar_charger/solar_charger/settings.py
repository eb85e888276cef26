"""The figures control, gate and executor work with, typed, with the defaults of the options."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from enum import StrEnum


class Mode(StrEnum):
    """What the owner chose."""

    OFF = "OFF"
    SOLAR = "SOLAR"
    MIN_SOLAR = "MIN_SOLAR"
    MANUAL = "MANUAL"


class Wiring(StrEnum):
    """How the wall connector is fed; SPLIT is the two-legged 240 V of North America."""

    AUTO = "auto"
    SINGLE = "single"
    SPLIT = "split"
    THREE = "three"


class BatteryPolicy(StrEnum):
    """Who gets the sun first, and whether the house battery may feed the car."""

    CAR_FIRST = "car_first"
    BATTERY_FIRST = "battery_first"
    BUFFER = "buffer"


class Takeover(StrEnum):
    """What to do with a charge somebody else began."""

    ASK = "ask"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class TariffRow:
    """A daily price: `start` and `end` as HH:MM local time, may pass midnight; price per kWh."""

    start: str
    end: str
    price: float


@dataclass(frozen=True, slots=True)
class Settings:
    """Options and stored settings as control needs them; None means "work it out"."""

    wiring: Wiring = Wiring.AUTO
    phases: int | None = None
    """1…3; None counts the phases that carry current."""
    phase_map: str = "abc"
    """Grid phases of the car's phases 1, 2, 3."""
    voltage: int | None = None
    """Phase to neutral, on a split phase line to line; None: 230, split 240, or measured."""
    max_amps: int = 48
    min_amps: int = 5
    circuit_amps: int = 0
    """0: 0.8 of the breaker; neither given: max_amps."""
    breaker_amps: int = 0
    main_fuse_amps: int = 0
    """Per phase; 0: no fuse protection."""
    fuse_safety: float = 0.9
    balanced: bool = False
    fallback_amps: int | None = None
    offgrid_amps: int = 0
    start_w: int | None = None
    seasonal_start_w: tuple[int, ...] = ()
    """Twelve months, January first, in place of start_w; empty: not used."""
    margin_w: int = 100
    fast_drop_w: int = 3000
    enable_delay: int = 60
    disable_delay: int = 0
    min_on: int = 300
    min_off: int = 300
    max_starts: int = 12
    import_budget_wh: int = 100
    night_w: int = 100
    night_s: int = 600
    min_solar_night: bool = False
    emergency_soc: int = 50
    """0: never."""
    target_soc: int = 80
    enforce_limit: bool = False
    deadline: str = ""
    """HH:MM local time; empty: none."""
    deadline_soc: int = 80
    capacity_kwh: float = 75.0
    deadline_days: str = "1111111"
    """Monday first."""
    tariff: tuple[TariffRow, ...] = ()
    tariff_price_max: float | None = None
    grid_price: float = 0.30
    feed_in_price: float = 0.08
    battery_policy: BatteryPolicy = BatteryPolicy.BATTERY_FIRST
    priority_soc: int = 100
    buffer_soc: int = 101
    buffer_start_soc: int = 101
    normalize_amps: int | None = None
    """0: never touch the current at unplug; None: the highest this circuit and car allow."""
    takeover: Takeover = Takeover.ASK
    respect_schedule: bool = True
    reassert: bool = True
    on_exit: str = "min"
    stale_s: int = 45
    poll_s: int = 5
    time_zone: tzinfo = UTC
    has_twc: bool = True
    """A wall connector is configured."""
    has_plug_sensor: bool = False
    link_proves_home: bool = True
    """The car is reached over our own radio or relay, so reaching it means it is at home."""

    @property
    def circuit_limit(self) -> int:
        """Highest current of the circuit, A: given, else 0.8 of the breaker, else max_amps."""
        if self.circuit_amps > 0:
            return min(self.circuit_amps, 80)
        if self.breaker_amps > 0:
            return min(int(self.breaker_amps * 0.8), 80)
        return self.max_amps

    @property
    def circuit_given(self) -> bool:
        """True where the owner named the circuit or its breaker."""
        return self.circuit_amps > 0 or self.breaker_amps > 0

    @property
    def amps_limit(self) -> int:
        """Highest current we ever ask for, before what the car itself takes."""
        return min(self.max_amps, self.circuit_limit)

    @property
    def fallback_limit(self) -> int:
        """Current to fall to when fuse protection has no data, A."""
        if self.fallback_amps is not None:
            return min(self.fallback_amps, self.circuit_limit)
        return min(self.circuit_limit, 16)
