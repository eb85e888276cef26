"""Reads the gateway each few seconds: per-phase meters where it has them, else its summary."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from ...json_values import UnreadableAnswerError
from ...measurements import Quality, Reading
from ..readings import (
    Readings,
    SourceError,
    Stamps,
    power,
    reading,
)
from .answers import (
    Meter,
    parse_meters,
    parse_production,
    parse_readings,
    parse_v1_production,
)
from .figures import Figures, from_production, from_readings, has_grid, usable
from .gateway import Gateway, PathRefusedError

_LOOK_FOR_METERS_EVERY_S = 3600.0
_INVERTERS_EVERY_S = 60.0
NO_GRID = (
    "the gateway has no consumption meter: it tells production only, "
    "so the grid power must come from another source (option sensors, role grid)"
)


class EnvoySource:
    """A Pollable over one gateway."""

    def __init__(self, gateway: Gateway, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._gateway = gateway
        self._clock = clock
        self._lock = asyncio.Lock()
        self._stamps = Stamps()
        self._meters: tuple[Meter, ...] = ()
        self._meters_at: float | None = None
        self._inverters: tuple[float | None, float] | None = None

    @property
    def name(self) -> str:
        """The word people see."""
        return "envoy"

    async def poll(self) -> Readings:
        """Read once.

        Raises SourceError.
        """
        async with self._lock:
            return await asyncio.to_thread(self._poll)

    def _poll(self) -> Readings:
        try:
            figures = self._figures()
            if figures.production_w is None:
                figures = replace(figures, production_w=self._from_inverters())
        except UnreadableAnswerError as error:
            raise SourceError(f"gateway: {error}") from error
        return to_readings(figures, self._clock(), self.name, self._stamps)

    def _figures(self) -> Figures:
        meters = self._usable_meters()
        if has_grid(meters):
            rows = parse_readings(self._gateway.get("/ivp/meters/readings"))
            figures = from_readings(meters, rows)
            if figures.grid_w is not None:
                return figures
        try:
            answer = self._gateway.get("/production.json?details=1")
        except PathRefusedError:
            answer = self._gateway.get("/production")
        return from_production(parse_production(answer))

    def _usable_meters(self) -> tuple[Meter, ...]:
        now = self._clock()
        if self._meters_at is None or now - self._meters_at >= _LOOK_FOR_METERS_EVERY_S:
            try:
                self._meters = usable(parse_meters(self._gateway.get("/ivp/meters")))
            except (PathRefusedError, UnreadableAnswerError):
                # Old or unmetered firmware has no such path.
                self._meters = ()
            self._meters_at = now
        return self._meters

    def _from_inverters(self) -> float | None:
        """Without a production meter the inverters' sum, which moves each five minutes."""
        now = self._clock()
        if self._inverters is None or now - self._inverters[1] >= _INVERTERS_EVERY_S:
            try:
                watts = parse_v1_production(self._gateway.get("/api/v1/production"))
            except (PathRefusedError, UnreadableAnswerError):
                watts = None
            self._inverters = (watts, now)
        return self._inverters[0]


def to_readings(figures: Figures, now: float, source: str, stamps: Stamps) -> Readings:
    """Readings of one answer that arrived at `now`; impossible figures are left out."""
    measured_at = stamps.measured_at("grid", figures.stamp, now)
    problems = []
    values: dict[str, float | None] = {}
    for name in ("grid_w", "production_w", "load_w", "battery_w"):
        value = getattr(figures, name)
        values[name] = power(value)
        if value is not None and values[name] is None:
            problems.append(f"{name} {value:g} W is impossible")
    if figures.grid_w is None:
        problems.append(NO_GRID)
    quality = Quality.ESTIMATED if figures.grid_estimated else Quality.GOOD
    phase_a = figures.phase_amps
    return Readings(
        grid_w=reading(values["grid_w"], measured_at, source, quality),
        grid_phase_a=None if phase_a is None else Reading(phase_a, measured_at, source),
        production_w=reading(values["production_w"], measured_at, source),
        load_w=reading(values["load_w"], measured_at, source),
        house_battery_w=reading(values["battery_w"], measured_at, source),
        voltage_v=reading(figures.volts, measured_at, source),
        problems=tuple(problems),
    )
