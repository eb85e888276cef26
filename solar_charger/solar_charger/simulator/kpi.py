"""What a controller is measured by, and the score that sums it up in money."""

from __future__ import annotations

from dataclasses import dataclass, field

from .day import Day

START_COST, COMMAND_COST = 0.02, 0.001


@dataclass(slots=True)
class Tally:
    """Sums of a running day, in Ws and s."""

    car_ws: float = 0.0
    import_car_ws: float = 0.0
    solar_car_ws: float = 0.0
    violation_s: int = 0
    stale_control_s: int = 0
    fuse_excess_s: int = 0
    """Longest run of seconds above the main fuse."""
    amps_track: list[float] = field(default_factory=list)
    """Measured amps each minute, for the plot and the tests."""

    def second(self, base_w: float, own_w: float) -> None:
        """One second with the house at `base_w` (load minus sun) and the car at `own_w`."""
        self.car_ws += own_w
        total = base_w + own_w
        if base_w >= 0.0:
            self.import_car_ws += own_w
        elif total > 0.0:
            self.import_car_ws += total
            self.solar_car_ws -= base_w
        else:
            self.solar_car_ws += own_w


@dataclass(frozen=True, slots=True)
class Kpis:
    """A day's result; energies in kWh."""

    controller: str
    import_car_kwh: float
    solar_to_car_kwh: float
    car_kwh_charged: float
    captured_pct: float
    self_consumption_pct: float
    starts: int
    stops: int
    commands: int
    kinds: dict[str, int]
    violation_s: float
    stale_control_s: float
    soc_end: float
    cost: float
    score_j: float
    longest_fuse_excess_s: int = 0
    amps_track: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Prices:
    """Money per kWh."""

    grid: float = 0.30
    feed_in: float = 0.08


def score(
    import_car_kwh: float, solar_kwh: float, starts: int, commands: int, prices: Prices
) -> float:
    """J, lower is better: what the grid cost, less what the sun saved, plus wear and commands."""
    gain = (prices.grid - prices.feed_in) * solar_kwh
    return prices.grid * import_car_kwh - gain + START_COST * starts + COMMAND_COST * commands


def captured_pct(solar_kwh: float, day: Day) -> float:
    """Part of the surplus that went into the car, %."""
    return 100.0 * solar_kwh * 1000.0 / day.surplus_wh if day.surplus_wh > 0 else 0.0


def self_consumption_pct(solar_kwh: float, day: Day) -> float:
    """Part of the production that did not leave the house, %."""
    if day.pv_wh <= 0:
        return 0.0
    exported = day.surplus_wh - solar_kwh * 1000.0
    return 100.0 * (day.pv_wh - exported) / day.pv_wh
