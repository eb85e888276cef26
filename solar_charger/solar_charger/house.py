"""Gathers what all sources deliver into one snapshot; sensors named by the owner go first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from . import logs
from .clock import Clock
from .measurements import (
    BodyState,
    CarState,
    ChargingState,
    Reading,
    Snapshot,
    WallConnector,
)
from .sources.polling import Pollable
from .sources.readings import Readings, SourceError, SourceRefusedError
from .sources.roles import FIELD, SensorRow
from .view import SourceHealth

log = logs.get("sources")

_LONGEST_ERROR = 300
SUN_TRUE_FOR_S = 900.0
"""The sun sinks by four degrees meanwhile: an older height tells neither day nor night."""


def claims_of(rows: Iterable[SensorRow]) -> dict[str, frozenset[str]]:
    """Field of Snapshot → the sources that alone may fill it, by the rows of option `sensors`."""
    found: dict[str, set[str]] = {}
    for row in rows:
        source = "mqtt" if row.topic is not None else "home_assistant"
        found.setdefault(FIELD[row.role], set()).add(source)
    return {name: frozenset(sources) for name, sources in found.items()}


class House:
    """A Sink. `changed` is called after each delivery, in the event loop."""

    def __init__(
        self,
        clock: Clock,
        rows: Iterable[SensorRow] = (),
        *,
        car_by_entities: bool = False,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`car_by_entities`: the driver itself works through entities, so theirs are the car's."""
        self._clock = clock
        self._claims = claims_of(rows)
        self._car_by_entities = car_by_entities
        self.changed = changed
        self.snapshot = Snapshot()
        self.sensed_car: CarState | None = None
        self._health: dict[str, SourceHealth] = {}
        self._failing: dict[str, dict[str, str]] = {}
        """By source and part of it: what is wrong with it now."""
        self.refused: dict[str, str] = {}
        """Sources that do not let us in, with what to do about it."""

    def expect(self, name: str) -> None:
        """A source exists, though it has not said anything yet."""
        self._health.setdefault(name, SourceHealth(name))

    @property
    def sources(self) -> tuple[SourceHealth, ...]:
        """How they do, in the order they were set up."""
        return tuple(self._health.values())

    def deliver(self, source: str, readings: Readings, part: str = "") -> None:
        """Take new readings: the source, or this part of it, works."""
        kept = self._allowed(source, readings)
        self._note_health(source, readings, part)
        car = kept.car
        if car is not None:
            kept = replace(kept, car=self._sensed(car))
        self.snapshot = kept.into(self.snapshot)
        for problem in readings.problems:
            log.limited("warning", "reading", source, "%s: %s", source, problem)
        self.changed()

    def failed(self, source: str, error: str, part: str = "") -> None:
        """Its old values grow old."""
        health = self._health.get(source, SourceHealth(source))
        failing = self._failing.setdefault(source, {})
        level = "debug" if part in failing else "warning"
        log.limited(level, "source", f"{source} {part}", "%s: %s", source, error)
        failing[part] = error[:_LONGEST_ERROR] or "no answer"
        self._health[source] = replace(health, error=_first(failing))
        if source == "sun":
            self._forget_sun(health.answered_at)
        self.changed()

    def read_car(self, car: CarState) -> None:
        """The car itself was read."""
        self.snapshot = replace(self.snapshot, car=Reading(car, self._clock.now(), "car"))
        self.changed()

    def read_body(self, body: BodyState) -> None:
        """The body controller answered."""
        self.snapshot = replace(self.snapshot, body=Reading(body, self._clock.now(), "car"))
        self.changed()

    def _forget_sun(self, answered_at: float | None) -> None:
        if answered_at is None or self._clock.now() - answered_at > SUN_TRUE_FOR_S:
            self.snapshot = replace(self.snapshot, sun_elevation=None)

    def _allowed(self, source: str, readings: Readings) -> Readings:
        """Without the fields for which the owner named other sensors."""
        barred: dict[str, Any] = {
            name: None
            for name in readings.named()
            if name in self._claims and source not in self._claims[name]
        }
        return replace(readings, **barred) if barred else readings

    def _sensed(self, car: Reading[CarState]) -> Reading[CarState] | None:
        """Entities tell parts of the car; only where they are the way to it are they its state.

        Elsewhere an entity may come from a cloud: it proves neither plug nor home.
        """
        self.sensed_car = car.value
        last = self.snapshot.car
        if not self._car_by_entities or last is None:
            return None
        told = {
            name: value
            for name, value in asdict(car.value).items()
            if value is not None and value != ChargingState.UNKNOWN
        }
        return replace(car, value=replace(last.value, **told))

    def _note_health(self, source: str, readings: Readings, part: str) -> None:
        health = self._health.get(source, SourceHealth(source))
        failing = self._failing.setdefault(source, {})
        if failing.pop(part, ""):
            told = f"{source}: {part}" if part else source
            log.limited("notice", "again", f"{source} {part}", "%s: answers again", told)
        problem = readings.problems[0][:_LONGEST_ERROR] if readings.problems else ""
        named = readings.named()
        roles = dict.fromkeys((*health.roles, *named))
        self.refused.pop(source, None)
        self._health[source] = replace(
            health,
            roles=tuple(roles),
            answered_at=self._clock.now() if readings != Readings() else health.answered_at,
            error=_first(failing) or problem,
            measured_at={**health.measured_at, **{n: r.measured_at for n, r in named.items()}},
            values={**health.values, **{n: shown(r.value) for n, r in named.items()}},
        )


def _first(failing: Mapping[str, str]) -> str:
    """What is shown of several troubles: the one that began first."""
    return next(iter(failing.values()), "")


def shown(value: object) -> Any:
    """A reading's value as JSON."""
    if isinstance(value, WallConnector):
        return {
            "vehicle_connected": value.vehicle_connected,
            "contactor_closed": value.contactor_closed,
            "vehicle_current_a": value.vehicle_current_a,
        }
    if isinstance(value, CarState):
        given = asdict(value)
        return {f.name: given[f.name] for f in fields(value) if given[f.name] is not None}
    if isinstance(value, tuple):
        return list(value)
    return value


class Watched:
    """A Pollable that also tells the house when a device does not let us in."""

    def __init__(self, device: Pollable, refused: Callable[[str, str], None]) -> None:
        self._device = device
        self._refused = refused

    @property
    def name(self) -> str:
        """The device's word."""
        return self._device.name

    async def poll(self) -> Readings:
        """Ask once. Raises SourceError."""
        try:
            return await self._device.poll()
        except SourceRefusedError as error:
            self._refused(self.name, str(error))
            raise


def values_of(readings: Readings) -> Mapping[str, Any]:
    """What a test of a source shows; of prices their number, which is what a person can check."""
    values = {name: shown(reading.value) for name, reading in readings.named().items()}
    if readings.prices is not None:
        values["prices"] = len(readings.prices)
    if readings.sun_elevation is not None:
        values["sun_elevation"] = readings.sun_elevation
    return values


def oldest_age(readings: Readings, now: float) -> float:
    """Age of the oldest value, s; prices and the sun's height are of now.

    Raises SourceError where there is none.
    """
    named = readings.named()
    if not named and (readings.prices is not None or readings.sun_elevation is not None):
        return 0.0
    if not named:
        raise SourceError(readings.problems[0] if readings.problems else "it gave no value")
    return max(reading.age(now) for reading in named.values())
