"""The simulated meter and wall connector, with the faults such devices have."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from ..measurements import WallConnector
from .car import Car
from .day import Day
from .radio import within
from .scenario import Scenario

TWC_POLL_S, TWC_PHASE_S = 5, 2


@dataclass(frozen=True, slots=True)
class MeterSample:
    """An answer of the meter: `measured_at` stands still where the gateway's clock does."""

    at: int
    grid_w: float
    pv_w: float
    phase_a: tuple[float, float, float] | None = None


@dataclass(slots=True)
class Meter:
    """Samples the house each `meter_s` seconds and hands the answers over after the delay."""

    scenario: Scenario
    day: Day
    car: Car
    rng: Random
    frozen: MeterSample | None = None

    def due(self, now: int) -> bool:
        """True where an answer arrives."""
        return (now - self.scenario.meter_delay_s) % self.scenario.meter_s == 0

    def sample(self, now: int) -> MeterSample | None:
        """The answer that arrives now, or None."""
        scenario, taken = self.scenario, max(0, now - self.scenario.meter_delay_s)
        if within(scenario.meter_outages, now):
            return None
        if within(scenario.meter_frozen, now):
            return self.frozen
        pv = self.day.pv[taken]
        grid = self.day.load[taken] - pv + self.car.amps * self.car.watts_per_amp
        if scenario.meter_noise_w:
            grid += self.rng.gauss(0.0, scenario.meter_noise_w)
        if within(scenario.meter_flipped, now):
            grid = -grid
        if within(scenario.meter_nonsense, now):
            grid = math.nan
        phases = self._phases(taken) if scenario.phase_currents else None
        self.frozen = MeterSample(now, grid, pv, phases)
        return self.frozen

    def _phases(self, taken: int) -> tuple[float, float, float] | None:
        loads = self.day.phases
        if loads is None:
            return None
        volts = self.scenario.volts
        third = self.day.pv[taken] / 3.0
        own = [self.car.amps if phase < self.scenario.phases else 0.0 for phase in range(3)]
        a, b, c = ((loads[p][taken] - third) / volts + own[p] for p in range(3))
        return a, b, c


@dataclass(slots=True)
class Connector:
    """The wall connector's vitals, asked each 5 s."""

    scenario: Scenario
    car: Car
    last: WallConnector | None = None

    def due(self, now: int) -> bool:
        """True where the vitals arrive."""
        return now % TWC_POLL_S == TWC_PHASE_S and self.scenario.has_twc

    def vitals(self, now: int) -> WallConnector | None:
        """The answer, or None while it is down."""
        if within(self.scenario.twc_outages, now):
            return None
        car, volts, last = self.car, self.scenario.volts, self.last
        same = last is not None and last.vehicle_connected == car.plugged
        if last is not None and same and car.amps == last.vehicle_current_a == 0.0:
            return last
        closed = car.amps > 0.0
        live = [closed and phase < self.scenario.phases for phase in range(3)]
        a, b, c = (car.amps if on else 0.0 for on in live)
        va, vb, vc = (volts if on else 2.0 for on in live)
        self.last = WallConnector(
            vehicle_connected=car.plugged,
            contactor_closed=closed,
            vehicle_current_a=car.amps,
            grid_v=volts,
            current_a=(a, b, c),
            voltage_v=(va, vb, vc),
            session_energy_wh=car.added_wh,
        )
        return self.last
