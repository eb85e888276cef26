"""How much of the house battery's power belongs to the car."""

from __future__ import annotations

from dataclasses import dataclass

from ..measurements import Snapshot
from ..settings import BatteryPolicy, Settings
from .staleness import Staleness, staleness
from .surplus import possible

BATTERY_MAX_AGE_S = 90.0
SOC_MAX_AGE_S = 600.0


def battery_soc(snapshot: Snapshot, now: float) -> float | None:
    """SOC of the house battery in %, or None where nobody says it (it changes slowly: 10 min)."""
    reading = snapshot.house_battery_soc
    if reading is None or not reading.fresh(
        now, max(600.0, snapshot.max_age.get("house_battery_soc", 0))
    ):
        return None
    return reading.value if 0.0 <= reading.value <= 100.0 else None


@dataclass(slots=True)
class BatteryWatch:
    """Since when a house battery that was told of is silent: its discharge could pass for sun."""

    seen_at: float
    """The last value that can be one, else our own start-up."""

    def update(self, snapshot: Snapshot, now: float) -> Staleness:
        """How far its silence has come; FRESH where there is none."""
        reading = snapshot.house_battery_w
        if reading is None:
            return Staleness.FRESH
        if reading.usable and possible(reading.value):
            self.seen_at = max(self.seen_at, reading.measured_at)
        limit = snapshot.max_age.get("house_battery_w", BATTERY_MAX_AGE_S)
        if not reading.fresh(now, limit) or not possible(reading.value):
            return max(Staleness.FROZEN, staleness(now - self.seen_at, limit))
        return Staleness.FRESH


def battery_share(settings: Settings, snapshot: Snapshot, now: float) -> float:
    """W to take off `own - grid`: discharge is never sun, charge counts as the policy says."""
    reading = snapshot.house_battery_w
    max_age = snapshot.max_age.get("house_battery_w", BATTERY_MAX_AGE_S)
    if reading is None or not reading.fresh(now, max_age) or not possible(reading.value):
        return 0.0
    power = reading.value
    soc = battery_soc(snapshot, now)
    if settings.battery_policy is BatteryPolicy.CAR_FIRST:
        return power
    if soc is None:
        return max(0.0, power)
    if settings.battery_policy is BatteryPolicy.BUFFER and soc > settings.buffer_soc:
        return min(0.0, power)
    return power if soc >= settings.priority_soc else max(0.0, power)


def feeds_car(settings: Settings, soc: float | None) -> bool:
    """True where the policy lets the battery carry a running charge through lack of sun."""
    buffered = settings.battery_policy is BatteryPolicy.BUFFER
    return buffered and soc is not None and soc > settings.buffer_soc


def starts_car(settings: Settings, soc: float | None) -> bool:
    """True where the battery is so full that a charge may begin without sun."""
    buffered = settings.battery_policy is BatteryPolicy.BUFFER
    return buffered and soc is not None and soc > settings.buffer_start_soc
