"""What a source hands over, and what it is told to hand it to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Protocol

from ..errors import SolarChargerError
from ..measurements import CarState, PriceSlot, Quality, Reading, Snapshot, WallConnector

MAX_POWER_W = 100_000.0
"""A house with more has a meter of another kind; a larger figure is a misread register."""

PhaseAmps = tuple[float | None, float | None, float | None]


class SourceError(SolarChargerError):
    """No reading this time; the text says what a person can do about it."""


class SourceRefusedError(SourceError):
    """The far side does not let us in, or lacks what we need: trying again does not help."""


@dataclass(frozen=True, slots=True)
class Readings:
    """New values of one source, named as in Snapshot; None is "nothing new"."""

    grid_w: Reading[float] | None = None
    grid_phase_a: Reading[PhaseAmps] | None = None
    production_w: Reading[float] | None = None
    load_w: Reading[float] | None = None
    house_battery_w: Reading[float] | None = None
    house_battery_soc: Reading[float] | None = None
    voltage_v: Reading[float] | None = None
    islanded: Reading[bool] | None = None
    twc: Reading[WallConnector] | None = None
    plug: Reading[bool] | None = None
    home: Reading[bool] | None = None
    car: Reading[CarState] | None = None
    prices: tuple[PriceSlot, ...] | None = None
    sun_elevation: float | None = None
    max_age: Mapping[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    """What was left out and why, for people; such a value simply grows old."""

    def into(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with these values in place of the older ones."""
        new = {
            each.name: value
            for each in fields(self)
            if each.name not in ("max_age", "problems")
            and (value := getattr(self, each.name)) is not None
        }
        return replace(snapshot, **new, max_age={**snapshot.max_age, **self.max_age})

    def named(self) -> dict[str, Reading[object]]:
        """The readings that are there, by field name."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in found.items() if isinstance(value, Reading)}


class Sink(Protocol):
    """Where a source puts what it learns; called in the event loop.

    `part` names an entity or topic of a source that has several: one that fails is not mended by
    another that works.
    """

    def deliver(self, source: str, readings: Readings, part: str = "") -> None:
        """Take new readings: the source, or this part of it, works."""

    def failed(self, source: str, error: str, part: str = "") -> None:
        """Take note that it gave nothing; its old values grow old."""


class Source(Protocol):
    """A reader that runs for ever."""

    @property
    def name(self) -> str:
        """The word people see."""

    async def run(self, sink: Sink) -> None:
        """Read and deliver until cancelled; a failing far side never ends it."""

    async def test(self) -> Readings:
        """Read once, for the page's test button.

        Raises SourceError.
        """


def power(value: float | None) -> float | None:
    """The value if it can be the power of a house, in W; None if it is impossible."""
    if value is None or not math.isfinite(value) or abs(value) > MAX_POWER_W:
        return None
    return value


@dataclass(slots=True)
class Stamps:
    """Remembers when each of the far side's own time stamps was first seen.

    A device that hangs repeats its last answer with the old stamp: age then counts from the
    arrival of the first answer that carried it. Its clock is never compared with ours.
    """

    _seen: dict[str, tuple[object, float]] = field(default_factory=dict)

    def measured_at(self, key: str, stamp: object, now: float) -> float:
        """The arrival of the first answer with this stamp; without a stamp (None) it is now."""
        if stamp is None:
            return now
        last = self._seen.get(key)
        if last is None or last[0] != stamp:
            self._seen[key] = (stamp, now)
            return now
        return last[1]


def reading(
    value: float | None,
    measured_at: float,
    source: str,
    quality: Quality = Quality.GOOD,
) -> Reading[float] | None:
    """A Reading where there is a value."""
    return None if value is None else Reading(value, measured_at, source, quality)
