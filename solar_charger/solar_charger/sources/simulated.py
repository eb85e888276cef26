"""The simulator's meter and wall connector as sources, by the caller's clocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..measurements import Reading
from .readings import Readings, SourceError, Stamps, power, reading

if TYPE_CHECKING:
    from ..simulator.meter import Connector, Meter


class SimulatedMeter:
    """A Pollable; `second` is the second of the simulated day, `clock` the app's monotonic one."""

    def __init__(self, meter: Meter, second: Callable[[], int], clock: Callable[[], float]) -> None:
        self._meter = meter
        self._second = second
        self._clock = clock
        self._stamps = Stamps()

    @property
    def name(self) -> str:
        """The word people see."""
        return "simulated"

    async def poll(self) -> Readings:
        """Read once.

        Raises SourceError during an outage and for an impossible value.
        """
        sample = self._meter.sample(self._second())
        if sample is None:
            raise SourceError("the simulated meter is out of order")
        grid = power(sample.grid_w)
        if grid is None:
            raise SourceError(f"grid_w {sample.grid_w:g} W is impossible")
        at = self._stamps.measured_at("sample", sample.at, self._clock())
        phase_a = sample.phase_a
        return Readings(
            grid_w=Reading(grid, at, self.name),
            grid_phase_a=None if phase_a is None else Reading(phase_a, at, self.name),
            production_w=reading(power(sample.pv_w), at, self.name),
        )


class SimulatedWallConnector:
    """A Pollable over the simulator's wall connector."""

    def __init__(
        self, connector: Connector, second: Callable[[], int], clock: Callable[[], float]
    ) -> None:
        self._connector = connector
        self._second = second
        self._clock = clock

    @property
    def name(self) -> str:
        """The word people see."""
        return "twc"

    async def poll(self) -> Readings:
        """Read once.

        Raises SourceError during an outage.
        """
        vitals = self._connector.vitals(self._second())
        if vitals is None:
            raise SourceError("the simulated wall connector is out of order")
        return Readings(twc=Reading(vitals, self._clock(), self.name))
