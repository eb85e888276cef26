"""Watts and amps: how many phases carry the charge, at which voltage, and what the car draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

from ..measurements import CarState, WallConnector
from ..settings import Settings, Wiring

PHASE_CARRIES_A = 1.0  # evcc counts a phase as active above 1 A (core/loadpoint.go)
PHASE_LIVE_V = 80.0  # a connector shows about 2 V on its phases while the contactor is open
HIGHEST_V, HIGHEST_A = 500.0, 200.0  # beyond these it is no reading
SPLIT_TOLERANCE_V = 25.0  # evcc charger/twc3.go


def is_mains(volts: float | None) -> TypeGuard[float]:
    """True for a voltage a closed contactor shows."""
    return volts is not None and PHASE_LIVE_V < volts <= HIGHEST_V


def is_split(twc: WallConnector) -> bool:
    """True where phase C sits halfway between the legs, the sign of a North American feed."""
    third = twc.voltage_v[2]
    return bool(
        twc.grid_v and third is not None and abs(third - twc.grid_v / 2) < SPLIT_TOLERANCE_V
    )


def plausible(value: float | None, highest: float) -> float | None:
    """The value, or None where it is missing, NaN, negative or beyond `highest`."""
    return value if value is not None and 0.0 <= value <= highest else None


def measured_amps(twc: WallConnector) -> float | None:
    """Line current in A; an open contactor is 0, a missing field is None."""
    if twc.contactor_closed is False:
        return 0.0
    line = plausible(twc.vehicle_current_a, HIGHEST_A)
    if line is not None:
        return line
    known = [amps for amps in twc.current_a if plausible(amps, HIGHEST_A) is not None]
    highest = max((amps for amps in known if amps is not None), default=0.0)
    # A phase that is not told may be the one that carries the charge: then 0 is no answer.
    return highest if len(known) == 3 or highest > PHASE_CARRIES_A else None


def phase_power(twc: WallConnector) -> float | None:
    """Sum of V·I over live phases, W; None where a live phase does not tell its current."""
    total, live = 0.0, False
    for volts, amps in zip(twc.voltage_v, twc.current_a, strict=True):
        if volts is None or not PHASE_LIVE_V < volts <= HIGHEST_V:
            continue
        if plausible(amps, HIGHEST_A) is None:
            return None
        total, live = total + volts * (amps or 0.0), True
    return total if live else None


@dataclass(slots=True)
class Electric:
    """Phase count and voltage as learnt so far; `phases` is stored between runs."""

    phases: int = 1
    volts: float = 230.0
    split: bool = False
    certain: bool = False
    """The count was given or learnt; before, the car may carry on phases nobody thinks of."""

    @classmethod
    def begin(cls, settings: Settings, stored_phases: int | None) -> Electric:
        """The first assumption: the option, the stored count, else what the wiring says."""
        split = settings.wiring is Wiring.SPLIT
        guess = 3 if settings.wiring is Wiring.THREE else 1
        phases = settings.phases or stored_phases or guess
        volts = float(settings.voltage or (240 if split else 230))
        told = bool(settings.phases or stored_phases) or settings.wiring is not Wiring.AUTO
        return cls(phases=1 if split else phases, volts=volts, split=split, certain=told)

    def learn(
        self, settings: Settings, twc: WallConnector | None, car: CarState | None, meter_v: float
    ) -> None:
        """Correct count and voltage from a fresh connector, else from the car."""
        if twc is not None and settings.wiring is Wiring.AUTO and is_split(twc):
            self.split = self.certain = True
        if self.split or settings.wiring is Wiring.SINGLE:
            self.phases = 1
        elif settings.phases:
            self.phases = settings.phases
        else:
            self._count(twc, car)
        self.volts = self._voltage(settings, twc, car, meter_v)

    def _count(self, twc: WallConnector | None, car: CarState | None) -> None:
        if twc is not None and twc.contactor_closed is not False:
            carrying = sum(1 for a in twc.current_a if a is not None and 1.0 < a <= HIGHEST_A)
            if carrying:
                self.phases, self.certain = carrying, True
                return
        if car is not None and car.charger_phases and (car.charger_actual_current or 0) > 1:
            # Some cars say 2 on three phases (unverified); 3 errs towards less current.
            self.phases, self.certain = 1 if car.charger_phases == 1 else 3, True

    def _voltage(
        self, settings: Settings, twc: WallConnector | None, car: CarState | None, meter_v: float
    ) -> float:
        if settings.voltage:
            return float(settings.voltage)
        told: list[float | None] = []
        if twc is not None and not self.split:
            live = [v for v in twc.voltage_v if is_mains(v)]
            told.append(sum(live) / len(live) if live else None)
        if twc is not None:
            told.append(twc.grid_v)
        if car is not None:
            told.append(car.charger_voltage)
        told.append(meter_v)
        default = 240.0 if self.split else 230.0
        return next((volts for volts in told if is_mains(volts)), default)

    def own_power(self, twc: WallConnector) -> float | None:
        """W the car draws now as the connector measures it; None where it does not tell."""
        if twc.contactor_closed is False:
            return 0.0
        amps = measured_amps(twc)
        if self.split and amps is not None:
            return (twc.grid_v if is_mains(twc.grid_v) else self.volts) * amps
        power = phase_power(twc)
        if power is not None:
            return power
        return None if amps is None else amps * self.volts * self.phases
