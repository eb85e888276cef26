"""What happens on a simulated day besides sun and loads: house, faults, and people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .car import Car
from .radio import Spans

Happening = tuple[int, Callable[[Car, int], None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """The plant around the car. The defaults are the benchmark's day."""

    meter_s: int = 5
    meter_delay_s: int = 0
    meter_noise_w: float = 0.0
    meter_outages: Spans = ()
    meter_frozen: Spans = ()
    """The value stands still although answers come: measured time stands still too."""
    meter_flipped: Spans = ()
    """Sign errors."""
    meter_nonsense: Spans = ()
    """NaN in place of a value."""
    has_twc: bool = True
    twc_outages: Spans = ()
    volts: float = 240.0
    phases: int = 1
    phase_currents: bool = False
    """The meter tells the current of each phase."""
    capacity_kwh: float = 75.0
    soc: float = 45.0
    limit: int = 90
    car_max: float = 48.0
    plugged: bool = True
    latency_s: int | None = 6
    radio_failure: float = 0.0
    lost_answers: float = 0.0
    out_of_range: Spans = ()
    full_house: Spans = ()
    happenings: tuple[Happening, ...] = ()
    """(second, what happens to the car)."""
    amps_limit: float = 48.0
    """min(circuit, max, car): above it each second is a violation."""
    main_fuse_amps: int = 0
    """Per phase; counts how long it is exceeded in one go (needs a three-phase day)."""
    begin_s: int = 0
    end_s: int = 86_400

    def car(self) -> Car:
        """The car at the day's beginning."""
        return Car(
            capacity_kwh=self.capacity_kwh,
            soc=self.soc,
            limit=self.limit,
            volts=self.volts,
            phases=self.phases,
            max_amps=self.car_max,
            request=self.car_max,
            plugged=self.plugged,
            complete=self.soc >= self.limit,
        )


def benchmark(car_kwh: int, meter_s: int, volts: float = 240.0, phases: int = 1) -> Scenario:
    """The day of the comparison: 75 kWh go from 45 to 90 %, 150 kWh never fill."""
    small = car_kwh <= 75
    return Scenario(
        meter_s=meter_s,
        volts=volts,
        phases=phases,
        capacity_kwh=float(car_kwh),
        soc=45.0 if small else 10.0,
        limit=90 if small else 100,
    )


def fuse_house(begin_s: int = 0, end_s: int = 86_400) -> Scenario:
    """Three phases behind 25 A with ovens, kettles and a car of 32 A (needs a three-phase day)."""
    return Scenario(
        volts=230.0,
        phases=3,
        phase_currents=True,
        car_max=32.0,
        amps_limit=32.0,
        main_fuse_amps=25,
        capacity_kwh=150.0,
        soc=10.0,
        limit=100,
        begin_s=begin_s,
        end_s=end_s,
    )
