"""Is the car on our plug? Readings in order of trust, edges that two readings agree on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..measurements import ChargingState, PlugState, Snapshot
from ..settings import Settings
from . import connector_ages

SENSOR_MAX_AGE_S = 90.0
CAR_MAX_AGE_S = 600.0
HOME_MAX_AGE_S = 86_400.0
"""A tracker repeats nothing while the car stands still, so it may be old; one that has been silent
for a day is taken to have died, and says neither home nor away."""
AGREE_S = 5.0


class PlugEdge(StrEnum):
    """A confirmed change of the definite state."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class PlugSight:
    """The best reading of now: None where nobody knows."""

    plugged: bool | None
    at: float = 0.0
    source: str = ""


def look(snapshot: Snapshot, settings: Settings, now: float, last: bool | None) -> PlugSight:
    """Wall connector, then plug sensor, then the car itself (home proof, in this order)."""
    twc = snapshot.twc
    if (
        twc is not None
        and twc.fresh(now, connector_ages.PLUG_S)
        and twc.value.vehicle_connected is not None
    ):
        return PlugSight(twc.value.vehicle_connected, twc.measured_at, "twc")
    plug = snapshot.plug
    if plug is not None and plug.fresh(now, snapshot.max_age.get("plug", SENSOR_MAX_AGE_S)):
        return PlugSight(plug.value, plug.measured_at, "plug")
    return _ask_car(snapshot, settings, now, last)


def _ask_car(snapshot: Snapshot, settings: Settings, now: float, last: bool | None) -> PlugSight:
    car = snapshot.car
    if car is None or not car.fresh(now, CAR_MAX_AGE_S):
        return PlugSight(None)
    state = car.value.charging_state
    if state is ChargingState.UNKNOWN:
        return PlugSight(None)
    if state is ChargingState.DISCONNECTED:
        return PlugSight(False, car.measured_at, "car")
    if settings.has_twc or settings.has_plug_sensor:
        # The car may be plugged in elsewhere: it only bridges an outage of what said "here".
        return PlugSight(True, car.measured_at, "car") if last else PlugSight(None)
    if not settings.link_proves_home:
        tracker = snapshot.home
        longest = max(HOME_MAX_AGE_S, snapshot.max_age.get("home", 0.0))
        if tracker is not None and tracker.age(now) > longest:
            return PlugSight(None)
        at_home = tracker is not None and tracker.usable and tracker.value
        return PlugSight(bool(at_home), car.measured_at, "car")
    return PlugSight(True, car.measured_at, "car")


@dataclass(slots=True)
class PlugWatch:
    """Definite plug state; UNKNOWN in between never swallows an edge."""

    definite: bool | None = None
    edge_at: float | None = None
    """Moment of the reading that began the last edge we saw ourselves."""
    candidate: tuple[bool, float] | None = None
    sight: PlugSight = PlugSight(None)
    watched: bool = False
    """The definite state was seen by this run, not only taken from memory."""
    edge_seen: bool = False
    """The last edge happened under our eyes: its moment is known."""

    def update(self, sight: PlugSight) -> PlugEdge | None:
        """Take a reading; returns the edge it confirms."""
        self.sight = sight
        if sight.plugged is None:
            return None
        if self.definite is None:
            self.definite, self.watched = sight.plugged, True
            return None
        if sight.plugged == self.definite:
            self.candidate, self.watched = None, True
            return None
        if self.candidate is None or self.candidate[0] != sight.plugged:
            self.candidate = (sight.plugged, sight.at)
            return None
        if sight.at - self.candidate[1] < AGREE_S:
            return None
        self.definite = sight.plugged
        self.edge_seen, self.watched = self.watched, True
        self.edge_at = self.candidate[1]
        self.candidate = None
        return PlugEdge.CONNECTED if sight.plugged else PlugEdge.DISCONNECTED

    @property
    def state(self) -> PlugState:
        """State of now: the definite one, UNKNOWN while nobody says anything."""
        if self.sight.plugged is None or self.definite is None:
            return PlugState.UNKNOWN
        return PlugState.PLUGGED if self.definite else PlugState.UNPLUGGED

    @property
    def proven(self) -> bool:
        """Home proof: definitely plugged, and the newest reading does not doubt it."""
        return bool(self.definite) and self.sight.plugged is True
